"""The tables, sentences and figure of `inside-network`."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from numerate.study import Line, Table, by_seed, markdown_table, median, number

from ._networks import TRUNKS
from ._tasks import OPERATIONS
from ._training import CONDITIONS, SUPERVISION, UNITS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of the standard deviation of the targets: 1 % of their variance is left.
SOLVED = 0.1

Cell = tuple[str, str, str]


def _cells(rows: pl.DataFrame, condition: str, supervision: str) -> dict[Cell, pl.DataFrame]:
    """The rows of each network, operation and unit that was run."""
    found = {
        (network, operation, unit): rows.filter(
            network=network,
            operation=operation,
            unit=unit,
            condition=condition,
            supervision=supervision,
        )
        for network in TRUNKS
        for operation in OPERATIONS
        for unit in UNITS
    }
    return {cell: part for cell, part in found.items() if len(part)}


def tables(rows: pl.DataFrame, settings: Any) -> dict[str, Table]:
    return {
        f"{network}, loss on the {supervision}, {condition}": Table(
            ("target", "last layer"),
            "error",
            tuple(
                Line(
                    (OPERATIONS[operation], unit),
                    by_seed(part, "error"),
                    tuple(map(bool, by_seed(part, "solved"))),
                )
                for (one, operation, unit), part in _cells(rows, condition, supervision).items()
                if one == network
            ),
        )
        for network in TRUNKS
        for supervision in SUPERVISION
        for condition in CONDITIONS
        if len(rows.filter(network=network, condition=condition, supervision=supervision))
    }


def sentences(rows: pl.DataFrame, settings: Any) -> dict[str, str]:
    parts = {"overview": _overview, "works": _works, "helps": _helps}
    return {"verdict": _verdict(rows)} | {
        f"{name}, {supervision}": part(rows, supervision)
        for name, part in parts.items()
        for supervision in SUPERVISION
    }


def _solved(rows: pl.DataFrame, condition: str, supervision: str) -> list[Cell]:
    """What every seed solves."""
    found = _cells(rows, condition, supervision)
    return [cell for cell, part in found.items() if all(part["solved"])]


def _verdict(rows: pl.DataFrame) -> str:
    count = len(_cells(rows, "beyond", "target"))
    inside, beyond, supervised = (
        _solved(rows, *where)
        for where in (("inside", "target"), ("beyond", "target"), ("beyond", "quantities"))
    )
    return (
        f"Of {count} combinations of network, target and last layer, every seed solves "
        f"{len(inside)} inside the training range and {len(beyond)} beyond it, and "
        f"{len(supervised)} where the loss has the hidden quantities as well. A unit has less than "
        f"half of the error of a linear layer, on every seed, in "
        f"{len(_better(rows, SUPERVISION[0]))} and "
        f"{len(_better(rows, SUPERVISION[1]))} combinations."
    )


def _better(rows: pl.DataFrame, supervision: str) -> dict[Cell, str]:
    """The units whose error beyond the range is below half of the linear layer's, on every seed."""
    cells = _cells(rows, "beyond", supervision)
    found = {}
    for (network, operation, unit), part in cells.items():
        plain = cells[network, operation, UNITS[0]]
        pairs = list(zip(by_seed(part, "error"), by_seed(plain, "error"), strict=True))
        if all(error < linear / 2 for error, linear in pairs):
            error, linear = map(median, zip(*pairs, strict=True))
            found[network, operation, unit] = f" ({number(error)}, linear {number(linear)})"
    return found


def _helps(rows: pl.DataFrame, supervision: str) -> str:
    return f"{_listed(_better(rows, supervision))}."


def _works(rows: pl.DataFrame, supervision: str) -> str:
    """A list of what every seed solves beyond the range, and of what only some do."""
    every = _solved(rows, "beyond", supervision)
    found = _cells(rows, "beyond", supervision)
    some = {
        cell: f" ({sum(part['solved'])} of {len(part)})"
        for cell, part in found.items()
        if any(part["solved"]) and cell not in every
    }
    if not every and not some:
        return "No seed solves any combination."
    return (
        f"- on every seed: {_listed(dict.fromkeys(every, ''))}\n- on some: {_listed(some)}\n"
        "- on none: all others"
    )


def _listed(cells: dict[Cell, str]) -> str:
    """The units, by network and target."""
    groups: dict[str, list[str]] = {}
    for (network, operation, unit), count in cells.items():
        groups.setdefault(f"{OPERATIONS[operation]} in the {network}", []).append(unit + count)
    return "; ".join(f"{group} by {', '.join(names)}" for group, names in groups.items()) or "none"


def _overview(rows: pl.DataFrame, supervision: str) -> str:
    """Median error beyond the range, and how many seeds solve it, if any does."""
    beyond = _cells(rows, "beyond", supervision)
    lines = []
    for network in TRUNKS:
        for operation, text in OPERATIONS.items():
            parts = [beyond.get((network, operation, unit)) for unit in UNITS]
            if any(part is not None for part in parts):
                lines.append([network, text, *map(_cell, parts)])
    return markdown_table(["network", "target", *UNITS], lines, left=2)


def _cell(part: pl.DataFrame | None) -> str:
    if part is None:
        return ""
    solved = f" ({sum(part['solved'])}/{len(part)})" if any(part["solved"]) else ""
    return f"{number(median(by_seed(part, 'error')))}{solved}"


def draw(rows: pl.DataFrame, settings: Any) -> "dict[str, Figure]":
    """A dot for each seed beyond the range; in blue, with the quantities in the loss as well."""
    from matplotlib.figure import Figure

    cells = {supervision: _cells(rows, "beyond", supervision) for supervision in SUPERVISION}
    figure = Figure(figsize=(9.5, 8), layout="constrained")
    panels = figure.subplots(len(TRUNKS), len(OPERATIONS), sharex=True, sharey=True)
    for line, network in enumerate(TRUNKS):
        for column, (operation, text) in enumerate(OPERATIONS.items()):
            axes = panels[line, column]
            for row, unit in enumerate(UNITS):
                for supervision, color, shift in zip(
                    SUPERVISION, ("#d9480f", "#1971c2"), (-0.15, 0.15), strict=True
                ):
                    part = cells[supervision].get((network, operation, unit))
                    if part is None:
                        continue
                    found = np.asarray(by_seed(part, "error"))
                    shown = np.clip(np.where(np.isfinite(found), found, 1e3), 1e-4, 1e3)
                    heights = np.full(len(shown), row + shift)
                    axes.plot(shown, heights, "o", color=color, alpha=0.5, ms=4)
            axes.axvline(SOLVED, color="0.6", linewidth=0.8, linestyle=":")
            axes.set_title(f"{network}: {text}", fontsize=10)
    panels[0, 0].set_xscale("log")
    panels[0, 0].set_yticks(range(len(UNITS)), UNITS)
    panels[0, 0].invert_yaxis()
    for axes in panels[-1]:
        axes.set_xlabel("error beyond the range")
    return {"beyond": figure}
