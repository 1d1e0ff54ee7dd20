"""The tables, sentences and figures of `language`, beside tables 3 and 11 and figure 3."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from numerate.study import Line, Table, by_seed, median, number, units_run

from ._numerals import Numerals, read_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHRASES = (
    "three hundred and thirty four",
    "seven hundred and two",
    "eighty eight",
    "twenty seven and eighty",
)
CONDITIONS = ("train", "validation", "test")

_NONE = ("", "", "")
_LSTM = ("0.003", "29.9", "29.4")
_NAC = ("80.0", "114.1", "114.3")
_NALU = ("0.12", "0.39", "0.41")
# Errors of each model on the three sets of numbers: the paper's, and those of others.
REPORTED = {
    "LSTM": (_LSTM, ("111.6", "141.3", "140.5")),
    "LSTM, last state": (("0.0085", "32.1", "32.2"), _NONE),
    "LSTM + NAC": (_NAC, _NONE),
    "LSTM + NALU": (_NALU, _NONE),
    "LSTM + NAC, summed": (_NONE, _NONE),
    "LSTM + NALU, summed": (_NONE, _NONE),
    "LSTM + NALU, every state": (_NONE, _NONE),
    "LSTM + NAU, summed": (_NONE, _NONE),
    "LSTM, unscaled": (_LSTM, _NONE),
    "LSTM + NAC, unscaled": (_NAC, _NONE),
    "LSTM + NALU, unscaled": (_NALU, _NONE),
    "NAU over words": (_NONE, _NONE),
    # By the repository of nkarasovd.
    "NALU over words": (_NONE, ("0.69", "0.67", "0.72")),
    "sum or product": (_NONE, _NONE),
}


def selected(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of the model with the lowest validation error of each repetition.

    NaN counts as the largest error.
    """
    model = ["unit", "seed", "size", "rate", "initialisation"]
    by_validation = rows.filter(pl.col("condition") == "validation").sort(
        pl.col("error").fill_nan(float("inf")), *model
    )
    best = by_validation.unique(["unit", "seed"], keep="first", maintain_order=True)
    return rows.join(best.select(model), on=model, how="semi").sort("unit", "seed", "condition")


def tables(rows: pl.DataFrame, settings: Any) -> dict[str, Table]:
    best = selected(rows)
    found = {
        f"Error on the {condition} numbers": _errors(best, condition) for condition in CONDITIONS
    }
    whole = _values(best, "sum or product", "test", "snapped error")
    if whole:
        line = Line(("sum or product",), whole, tuple(error == 0 for error in whole))
        found["Error with whole numbers"] = Table(("model",), "mean absolute error", (line,))
    return found


def _errors(best: pl.DataFrame, condition: str) -> Table:
    index = CONDITIONS.index(condition)
    lines = [
        Line(
            (unit,),
            values,
            tuple(right == 1 for right in _values(best, unit, condition, "right")),
            paper[index],
            others[index],
        )
        for unit, (paper, others) in REPORTED.items()
        if (values := _values(best, unit, condition, "error"))
    ]
    return Table(("model",), "mean absolute error", tuple(lines))


def _values(best: pl.DataFrame, unit: str, condition: str, column: str) -> tuple[float, ...]:
    return by_seed(best, column, unit=unit, condition=condition)


def hundreds_learned(seed: int, settings: Any) -> int:
    """The number of the numbers 100, 200, … 900 in a training set."""
    values = Numerals(bool(settings.zero), seed).train.values
    return int(np.isin(values, np.arange(100, 1000, 100)).sum())


def summarise(rows: pl.DataFrame, settings: Any) -> dict[str, Any]:
    best = selected(rows)
    seeds = sorted(set(best["seed"]))
    return {
        "hundreds in the training set": {str(s): hundreds_learned(s, settings) for s in seeds},
        "selected": [
            {name: row[name] for name in ("unit", "seed", "size", "rate", "initialisation")}
            | {"test error": row["error"] if np.isfinite(row["error"]) else None}
            for row in best.filter(pl.col("condition") == "test").iter_rows(named=True)
        ],
    }


def sentences(rows: pl.DataFrame, settings: Any) -> dict[str, str]:
    """The sentences of the page; "not run" where a model is missing."""
    best = selected(rows)
    return {
        "verdict": _verdict(best),
        "exactness": _exactness(best, settings),
        "literal": _literal(best, settings),
    }


def _verdict(best: pl.DataFrame) -> str:
    right = _values(best, "sum or product", "test", "right")
    return (
        f"The recommended model, `sum or product`, has all 631 test numbers correct on "
        f"{sum(share == 1 for share in right)} of {len(right)} splits, with a median error of "
        f"{_median(best, 'sum or product')}. The error of the paper's LSTM + NALU is 0.41. With "
        f"targets divided by 1000, the error of our LSTM with a linear layer is "
        f"{_median(best, 'LSTM, last state')} on the last state and "
        f"{_median(best, 'LSTM')} on the sum of the states. With a NAC it is "
        f"{_median(best, 'LSTM + NAC')} and {_median(best, 'LSTM + NAC, summed')}. With a NALU it "
        f"is {_median(best, 'LSTM + NALU')} and {_median(best, 'LSTM + NALU, summed')}, and "
        f"{_median(best, 'LSTM + NALU, every state')} if the NALU is applied to every state and "
        f"its outputs are summed."
    )


def _literal(best: pl.DataFrame, settings: Any) -> str:
    errors = {unit: _median(best, f"{unit}, unscaled") for unit in ("LSTM + NAC", "LSTM + NALU")}
    return (
        f"With unscaled targets, the median test error with a linear layer on summed states is "
        f"{_median(best, 'LSTM, unscaled')}. On the last state it is {errors['LSTM + NAC']} with a "
        f"NAC and {errors['LSTM + NALU']} with a NALU. The output of a NAC on "
        f"{max(settings.sizes)} states is at most {max(settings.sizes)}, so its error on the "
        f"training numbers is at least {_least_error(max(settings.sizes), settings)}."
    )


def _least_error(bound: float, settings: Any) -> str:
    """The lowest error on training numbers of outputs up to a bound: the median over splits."""
    seeds = range(settings.first, settings.first + settings.seeds)
    tasks = [Numerals(bool(settings.zero), seed) for seed in seeds]
    return number(median([np.maximum(t.train.values - bound, 0).mean() for t in tasks]))


def _median(best: pl.DataFrame, unit: str) -> str:
    values = _values(best, unit, "test", "error")
    return number(median(values)) if values else "(not run)"


def _exactness(best: pl.DataFrame, settings: Any) -> str:
    test = best.filter((pl.col("unit") == "sum or product") & (pl.col("condition") == "test"))
    learned = [hundreds_learned(seed, settings) > 0 for seed in test["seed"]]
    some, without = test.filter(learned), test.filter([not one for one in learned])
    exact = int((some["snapped error"] == 0).sum())
    text = f"{len(some)} of {len(test)} splits have such a number in the training set."
    if len(some):
        text += (
            f" In {exact} of these {len(some)} the model with rounded parameters is exact on all "
            f"631 test numbers. Before rounding its mean error is at most "
            f"{number(max(some['error']))}."
        )
    if len(without):
        rest = without.select(pl.col("error") - pl.col("hundreds' sum of errors") / 631)
        text += (
            f" In the {len(without)} without one its error is "
            f"{number(median(without['error'].to_list()))}. All but "
            f"{number(median(rest.to_series().to_list()))} of it comes from numbers that end in "
            f'"hundred".'
        )
        lstm = best.filter((pl.col("unit") == "LSTM") & (pl.col("condition") == "test"))
        same = lstm.filter(pl.col("seed").is_in(without["seed"].to_list()))
        if len(same):
            text += (
                f" On these splits the error of the LSTM with summed states is "
                f"{number(median(same['error'].to_list()))}."
            )
    return text


# Values in figure 3 of the paper.
_FIGURE = (
    (3.05, 299.9, 301.3, 330.1, 334.0),
    (6.98, 699.9, 701.3, 702.2),
    (79.6, 88.0),
    (18.2, 27.0, 29.1, 106.1),
)
_SHOWN = ("LSTM", "LSTM + NALU", "sum or product")


def draw(rows: pl.DataFrame, settings: Any) -> "dict[str, Figure]":
    best = selected(rows)
    return {"words": _draw_words(best, settings), "errors": _draw_errors(best)}


def _draw_words(best: pl.DataFrame, settings: Any) -> "Figure":
    """Figure 3: the outputs of models after each word, coloured by their error."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), layout="constrained")
    shapes = {"width_ratios": (5, 4), "hspace": 0.12}
    panels = figure.subplots(2, 2, gridspec_kw=shapes).flat
    chosen = {unit: row for unit in _SHOWN if (row := _least(best, unit))}
    stops = np.cumsum([len(phrase.split()) for phrase in PHRASES])
    for axes, phrase, paper, stop in zip(panels, PHRASES, _FIGURE, stops, strict=True):
        read = {unit: row["running"][stop - len(paper) : stop] for unit, row in chosen.items()}
        _draw_phrase(axes, phrase, {"NALU, paper": paper} | read)
    return figure


def _draw_phrase(axes: Any, phrase: str, read: Mapping[str, Sequence[float]]) -> None:
    words = phrase.split()
    truth = [read_number(words[: i + 1]) for i in range(len(words))]
    values = np.array([truth, *read.values()])
    # White for errors below ½, which rounding removes; the darkest colour for errors above 30.
    off = np.abs(values - truth)
    shade = np.where(off < 0.5, np.nan, np.log10(off + 1) / 2)
    axes.imshow(shade, cmap="Oranges", vmin=0, vmax=1.5, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = str(int(value)) if row == 0 else f"{value:.4g}"
        axes.text(column, row, text, ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(words)), words)
    axes.set_yticks(range(len(values)), ["meaning", *read])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def _least(best: pl.DataFrame, unit: str) -> dict[str, Any] | None:
    """The repetition of a unit with the lowest validation error, as the paper selects."""
    chosen = best.filter(
        (pl.col("unit") == unit)
        & (pl.col("condition") == "validation")
        & pl.col("error").is_finite()
    )
    return chosen.sort("error", "seed").row(0, named=True) if len(chosen) else None


def _draw_errors(best: pl.DataFrame) -> "Figure":
    """The test error of every repetition beside the paper's."""
    from matplotlib.figure import Figure

    units = units_run(best, REPORTED)
    figure = Figure(figsize=(8, 0.9 + 0.34 * len(units)), layout="constrained")
    axes = figure.subplots()
    for row, unit in enumerate(reversed(units)):
        values = np.maximum(_values(best, unit, "test", "error"), 1e-5)
        axes.plot(values, np.full(len(values), row), "o", ms=5, alpha=0.6, color="#1f6fb2")
        paper, _ = REPORTED[unit]
        if paper[2]:
            axes.plot(float(paper[2]), row, "x", ms=7, mew=1.6, color="#d9480f")
    axes.plot([], [], "o", color="#1f6fb2", alpha=0.6, label="ours, one for each split")
    axes.plot([], [], "x", ms=7, mew=1.6, color="#d9480f", label="paper")
    axes.set_xscale("log")
    axes.set_yticks(range(len(units)), list(reversed(units)))
    axes.set_ylim(-0.6, len(units) - 0.4)
    axes.set_xlabel("mean absolute error on the test numbers")
    axes.grid(axis="x", lw=0.5, color="#eef1f4")
    axes.legend(fontsize=9, loc="upper left")
    return figure
