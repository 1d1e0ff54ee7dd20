"""The tables, sentences and figure of `mnist-count` and `mnist-add`, beside table 2."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from numerate.study import Line, Table, by_seed, markdown_table, median, number, units_run

from ._sequences import DigitSequences
from ._training import CONSTANT, ENTRIES, LENGTHS, TRAINED, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONG = LENGTHS[1:]


class Study(NamedTuple):
    """One of the two experiments: its task, its units, and the published results.

    **Fields:** `task`; `paper`, by unit: the accuracy on one digit in per cent, and the mean
    absolute errors at lengths 10, 100 and 1000 (table 2); `units`, in order; `others`, other
    reproductions at those lengths, by unit.
    """

    task: DigitSequences
    paper: dict[str, tuple[float, float, float, float]]
    units: tuple[str, ...]
    others: dict[str, tuple[str, str, str]] = {}

    def published(self, unit: str, length: int) -> float | None:
        """The paper's error, or accuracy, as printed."""
        found = self.paper.get(unit)
        return None if found is None else found[LENGTHS.index(length)]

    def best(self, length: int) -> float:
        """The paper's best result of all units, as printed."""
        found = [row[LENGTHS.index(length)] for row in self.paper.values()]
        return max(found) if length == 1 else min(found)


def _values(
    rows: pl.DataFrame, unit: str, condition: Any, measure: str = "mae"
) -> tuple[float, ...]:
    return by_seed(rows, measure, unit=unit, condition=str(condition))


def _data(rows: pl.DataFrame) -> str:
    return " and ".join(sorted(set(rows["data"])))


# Tables.


def tables(study: Study, rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
    data = _data(rows)
    accuracy = {f"One digit, {data}": _accuracy(study, rows)}
    return accuracy | {f"{n} digits, {data}": _errors(study, rows, n) for n in LONG}


def _accuracy(study: Study, rows: pl.DataFrame) -> Table:
    lines = [
        Line(
            (unit,),
            tuple(100 * share for share in _values(rows, unit, 1, "accuracy")),
            tuple(100 * share >= study.best(1) for share in _values(rows, unit, 1, "accuracy")),
            "" if (theirs := study.published(unit, 1)) is None else f"{theirs:g} %",
        )
        for unit in units_run(rows, study.units)
    ]
    return Table(("unit",), "right, %", tuple(lines))


def _errors(study: Study, rows: pl.DataFrame, length: int) -> Table:
    lines = [
        Line(
            (unit,),
            _values(rows, unit, length),
            tuple(error <= study.best(length) / 2 for error in _values(rows, unit, length)),
            _printed(study.published(unit, length)),
            study.others.get(unit, ("", "", ""))[LONG.index(length)],
        )
        for unit in units_run(rows, study.units)
    ]
    return Table(("unit",), "mean absolute error", tuple(lines))


def _printed(error: float | None) -> str:
    """The paper's error, and half of it, which is probably the actual error."""
    return "" if error is None else f"{_plain(error)} (half: {_plain(error / 2)})"


def _plain(value: float) -> str:
    if not np.isfinite(value):
        return number(value)
    return f"{value:.1e}" if value >= 1e5 else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


# Sentences of the page.


def sentences(study: Study, rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    return {
        "verdict": _verdict(study, rows),
        "overview": _overview(study, rows),
        "factor two": _factor_two(study, rows),
        "bias": _bias(study, rows),
        "validation": _validation(study, rows),
    }


def best_unit(rows: pl.DataFrame, study: Study) -> str:
    """The unit with the lowest median error at the greatest length."""
    return min(units_run(rows, study.units), key=lambda unit: median(_values(rows, unit, LONG[-1])))


def _verdict(study: Study, rows: pl.DataFrame) -> str:
    length, shown = LONG[-1], [unit for unit in units_run(rows, study.units) if unit != CONSTANT]
    theirs, guess = study.best(length), median(_values(rows, CONSTANT, length))
    summed, cells, usual = (
        _medians(rows, _kind(shown, kind)) for kind in ("summed", "cell", "baseline")
    )
    return (
        f"Median of the mean absolute error over {length} digits. With summed outputs of a unit: "
        f"{summed}. The paper's best is {theirs:g}, or {theirs / 2:.3g} if its errors are twice "
        f"too large. Cells that multiply their state by weights: {cells}. Standard recurrent "
        f"networks: {usual}. Constant prediction {_constant(study)}: {_plain(guess)}."
    )


def _kind(units: Sequence[str], kind: str) -> list[str]:
    return [unit for unit in units if ENTRIES[unit].kind == kind]


def _medians(rows: pl.DataFrame, units: Sequence[str]) -> str:
    found = [f"{unit} {_plain(median(_values(rows, unit, LONG[-1])))}" for unit in units]
    return "; ".join(found) if any("," in unit for unit in units) else ", ".join(found)


def _constant(study: Study) -> str:
    values = set(np.asarray(study.task.guess(TRAINED)).tolist())
    return " or ".join(f"{value:g}" for value in values)


def _overview(study: Study, rows: pl.DataFrame) -> str:
    """Medians in the layout of the paper, whose errors are halved."""
    ours = ["1 digit", *(f"{n} digits" for n in LONG)]
    head = ["unit", *ours, f"paper: {ours[0]}", *ours[1:]]
    rest = units_run(rows, study.units)
    return markdown_table(head, [_overview_line(study, rows, unit) for unit in rest])


def _overview_line(study: Study, rows: pl.DataFrame, unit: str) -> list[str]:
    ours = [f"{100 * median(_values(rows, unit, 1, 'accuracy')):.2f} %"]
    ours += [_plain(median(_values(rows, unit, n))) for n in LONG]
    theirs = [study.published(unit, n) for n in LENGTHS]
    paper = [
        "" if value is None else f"{value:g} %" if n == 1 else _plain(value / 2)
        for n, value in zip(LENGTHS, theirs, strict=True)
    ]
    return [unit, *ours, *paper]


def _factor_two(study: Study, rows: pl.DataFrame) -> str:
    """Twice the error of the constant prediction, beside the paper's LSTM."""
    lines = []
    for n in LONG:
        error, theirs = median(_values(rows, CONSTANT, n)), study.published("LSTM", n)
        lines.append([str(n), f"{error:.4g}", f"{2 * error:.4g}", f"{theirs:g}"])
    head = ["digits", "constant prediction, our error", "doubled", "the paper's LSTM"]
    return markdown_table(head, lines, left=0)


def _bias(study: Study, rows: pl.DataFrame) -> str:
    """The systematic part of the error, which is the same in every sequence."""
    best, lines = best_unit(rows, study), []
    for n in LONG:
        error, bias = (number(median(_values(rows, best, n, name))) for name in ("mae", "bias"))
        lines.append([f"{n} digits", error, bias])
    return markdown_table([best, "error", "systematic part"], lines, left=0)


def _validation(study: Study, rows: pl.DataFrame) -> str:
    """Validation errors, by which settings were chosen, beside test errors."""
    lines = [
        [unit, *(number(median(_values(rows, unit, name))) for name in ("validation", TRAINED))]
        for unit in units_run(rows, study.units)
        if unit != CONSTANT
    ]
    return markdown_table(["unit", "validation, 10 digits", "test, 10 digits"], lines)


def summarise(study: Study, rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    return {
        "data": _data(rows),
        "best unit": best_unit(rows, study),
        "median error": {
            unit: {str(n): median(_values(rows, unit, n)) for n in LONG}
            for unit in units_run(rows, study.units)
        },
    }


# Figure.


def draw(study: Study, rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    """The error of every network at each length, with half of the paper's error."""
    from matplotlib.figure import Figure

    shown = units_run(rows, study.units)
    figure = Figure(figsize=(10.5, 0.3 * len(shown) + 1.3), layout="constrained")
    panels = figure.subplots(1, len(LONG), sharey=True)
    for axes, length in zip(panels, LONG, strict=True):
        guess = median(_values(rows, CONSTANT, length))
        limits = (study.best(length) / 10, 30 * study.task.standard_deviation(1) * length)
        for row, unit in enumerate(shown):
            _dots(axes, row, _values(rows, unit, length), study.published(unit, length), limits)
        axes.axvline(guess, color="0.6", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlim=limits, title=f"{length} digits, {_data(rows)}")
        axes.set_xlabel("mean absolute error")
    panels[0].set_yticks(range(len(shown)), shown)
    panels[0].invert_yaxis()
    handles = {h.get_label(): h for p in panels for h in p.get_lines() if h.get_label()[0] != "_"}
    panels[-1].legend(handles.values(), handles, loc="lower right", fontsize=8)
    return {"errors": figure}


def _dots(axes: Any, row: int, values: Sequence[float], paper: float | None, limits: Any) -> None:
    """The dots of one unit; values beyond the limits are drawn at the limits."""
    seen = np.clip(np.nan_to_num(values, nan=limits[1], posinf=limits[1]), *limits)
    axes.plot(seen, np.full(len(seen), row), ".", color="#1f6fb2", alpha=0.5, label="network")
    axes.plot(np.clip(median(values), *limits), row, "|", color="#1f2933", ms=12, label="median")
    if paper is not None:
        axes.plot(np.clip(paper / 2, *limits), row, "x", color="#d9480f", label="half of paper's")
