"""Number words to numbers: the NALU paper's §4.3, table 3, table 11 and figure 3."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from numerate.study import Experiment, Line, Row, Table, Tick, median, number
from numerate.train import run_parallel
from numerate.units import NAC, NALU, NAU, Linear

from ._models import LSTMTextModel, RecurrentTextModel, SumOrProductModel
from ._numerals import Numerals, read_number
from ._training import (
    NumeralsData,
    TextModelTraining,
    TrainedModels,
    everyone,
    learn,
    numerals_data,
    prepare,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHRASES = (
    "three hundred and thirty four",
    "seven hundred and two",
    "eighty eight",
    "twenty seven and eighty",
)
CONDITIONS = ("train", "validation", "test")
_WORDS = 30


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:**

    - `seeds`: how often the whole experiment is repeated, each time with another split of the
        numbers and other initialisations.
    - `initialisations`: how many of them each size and learning rate gets in one repetition; the
        model with the least validation error of all is that repetition's result.
    - `sizes`: of the LSTM's state, and of the embeddings.
    - `rates`: Adam's learning rates for models with an LSTM.
    - `steps`: of Adam, each on the whole training set, for models with an LSTM.
    - `word_rates`: learning rates for models without an LSTM; they fall to 0 by a cosine.
    - `word_steps`: steps for models without an LSTM.
    - `measure_every`: steps between two looks at the validation error.
    - `scale`: by which targets are divided where their row does not say otherwise.
    - `first`: the number of the first split. Splits below 100 are for trying settings out, so that
        no test number that is reported has had a part in them.
    - `zero`: 1 for the numbers 0 to 999, 0 for 1 to 1000.
    - `only`: the models that are run; all of them if empty.
    """

    seeds: int
    initialisations: int
    sizes: tuple[int, ...] = (16, 32)
    rates: tuple[float, ...] = (0.01, 0.001)
    steps: int = 300_000
    word_rates: tuple[float, ...] = (0.1, 0.03)
    word_steps: int = 60_000
    measure_every: int = 1000
    scale: float = 1000.0
    first: int = 100
    zero: int = 1
    only: tuple[str, ...] = ()


class Entry(NamedTuple):
    """A row of the tables: how its model is made, and what others report for it.

    `make(size)` gives a function of `key=`. Models without an LSTM have one size.
    """

    make: Callable[[int], Callable[..., Any]]
    lstm: bool
    scaled: bool
    paper: tuple[str, str, str] = ("", "", "")
    others: tuple[str, str, str] = ("", "", "")


def _lstm(unit: Any, pooling: str = "last") -> Callable[[int], Callable[..., Any]]:
    return lambda size: partial(LSTMTextModel, _WORDS, size, unit, pooling=pooling)


def _words(model: Any, *arguments: Any) -> Callable[[int], Callable[..., Any]]:
    return lambda size: partial(model, _WORDS, *arguments)


_LSTM_PAPER = ("0.003", "29.9", "29.4")
_NAC_PAPER = ("80.0", "114.1", "114.3")
_NALU_PAPER = ("0.12", "0.39", "0.41")
_NKARASOVD = ("0.69", "0.67", "0.72")

ENTRIES = {
    "LSTM": Entry(_lstm(Linear, "summed"), True, True, _LSTM_PAPER, ("111.6", "141.3", "140.5")),
    "LSTM, last state": Entry(_lstm(Linear), True, True, ("0.0085", "32.1", "32.2")),
    "LSTM + NAC": Entry(_lstm(NAC), True, True, _NAC_PAPER),
    "LSTM + NALU": Entry(_lstm(NALU), True, True, _NALU_PAPER),
    "LSTM + NAC, summed": Entry(_lstm(NAC, "summed"), True, True),
    "LSTM + NALU, summed": Entry(_lstm(NALU, "summed"), True, True),
    "LSTM + NALU, every state": Entry(_lstm(NALU, "every"), True, True),
    "LSTM + NAU, summed": Entry(_lstm(NAU, "summed"), True, True),
    "LSTM, unscaled": Entry(_lstm(Linear, "summed"), True, False, _LSTM_PAPER),
    "LSTM + NAC, unscaled": Entry(_lstm(NAC), True, False, _NAC_PAPER),
    "LSTM + NALU, unscaled": Entry(_lstm(NALU), True, False, _NALU_PAPER),
    "NAU over words": Entry(_words(RecurrentTextModel, 8, NAU), False, False),
    "NALU over words": Entry(_words(RecurrentTextModel, 8, NALU), False, False, others=_NKARASOVD),
    "sum or product": Entry(_words(SumOrProductModel), False, False),
}


class Job(NamedTuple):
    """A model with one size and learning rate, for some splits."""

    unit: str
    size: int
    rate: float
    first: int
    stop: int


# Splits in one job. A job is two programs, one to a core.
_SPLITS = 8


def jobs(settings: Settings, units: tuple[str, ...]) -> list[Job]:
    stop = settings.first + settings.seeds
    return [
        Job(unit, size, rate, first, min(first + _SPLITS, stop))
        for unit in units
        if unit in (settings.only or units)
        for size in (settings.sizes if ENTRIES[unit].lstm else (1,))
        for rate in (settings.rates if ENTRIES[unit].lstm else settings.word_rates)
        for first in range(settings.first, stop, _SPLITS)
    ]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    """All initialisations of the job's splits; half of a job's splits are one program."""
    half_of = _SPLITS // 2
    halves = [range(first, first + half_of) for first in range(job.first, job.stop, half_of)]
    prepare(_training(job.unit, job.size, settings))  # here, not once in every thread

    def half(index: int, report: Tick) -> list[Row]:
        return _run_splits(job, halves[index], settings, report)

    rows = [row for part in run_parallel(half, len(halves), tick) for row in part]
    return [row for row in rows if row["seed"] < job.stop]


# --- training -----------------------------------------------------------------------------------


def _run_splits(job: Job, splits: range, settings: Settings, tick: Tick) -> list[Row]:
    inits = settings.initialisations
    tasks = [Numerals(bool(settings.zero), split) for split in splits]
    data = numerals_data([task for task in tasks for _ in range(inits)])
    keys = jnp.stack([_key(job, split, i) for split in splits for i in range(inits)])
    trained = learn(_training(job.unit, job.size, settings), data, keys, job.rate, tick)
    return _rows(job, splits, settings, trained, data)


def _key(job: Job, split: int, initialisation: int) -> jax.Array:
    """Models of the same size start alike, whatever the learning rate and the split."""
    key = jax.random.fold_in(jax.random.key(0), split)
    return jax.random.fold_in(jax.random.fold_in(key, job.size), initialisation)


@lru_cache(maxsize=4)
def _training(unit: str, size: int, settings: Settings) -> TextModelTraining:
    entry = ENTRIES[unit]
    return TextModelTraining(
        make=entry.make(size),
        steps=settings.steps if entry.lstm else settings.word_steps,
        measure_every=settings.measure_every,
        scale=settings.scale if entry.scaled else 1.0,
        relative=not entry.lstm,
        falling=not entry.lstm,
        zero=bool(settings.zero),
        models=_SPLITS // 2 * settings.initialisations,
    )


def _rows(
    job: Job, splits: range, settings: Settings, trained: TrainedModels, data: NumeralsData
) -> list[Row]:
    """A row for every split, initialisation and set of numbers."""
    task = Numerals(bool(settings.zero))
    words, numbers = task.phrases(PHRASES), everyone(task).values
    read, snapped, running = trained.judge(words.tokens)
    steps, rows, bare = trained.best_step, [], np.isin(numbers, np.arange(100, 1000, 100))
    for index in range(len(steps)):
        split, initialisation = divmod(index, settings.initialisations)
        for condition, member in zip(CONDITIONS, data.members[index], strict=True):
            off = np.abs(read[index] - numbers)[member].astype(float)
            whole = np.abs(snapped[index] - numbers)[member].astype(float)
            rows.append(
                {
                    "unit": job.unit,
                    "seed": splits[split],
                    "condition": condition,
                    "size": job.size,
                    "rate": job.rate,
                    "initialisation": initialisation,
                    "error": float(off.mean()),
                    "right": float((off < 0.5).mean()),
                    "hundreds": int(bare[member].sum()),
                    "hundreds' sum of errors": float(off[bare[member]].sum()),
                    "snapped error": float(whole.mean()),
                    "best step": int(steps[index]),
                    "running": [float(x) for x in running[index][words.mask]],
                }
            )
    return rows


# --- what it shows ------------------------------------------------------------------------------


def selected(rows: pl.DataFrame) -> pl.DataFrame:
    """Of each repetition the model with the least validation error, with all its conditions.

    An error that is not a number counts as the largest.
    """
    model = ["unit", "seed", "size", "rate", "initialisation"]
    by_validation = rows.filter(pl.col("condition") == "validation").sort(
        pl.col("error").fill_nan(float("inf")), *model
    )
    best = by_validation.unique(["unit", "seed"], keep="first", maintain_order=True)
    return rows.join(best.select(model), on=model, how="semi").sort("unit", "seed", "condition")


def tables(rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
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
            entry.paper[index],
            entry.others[index],
        )
        for unit, entry in ENTRIES.items()
        if (values := _values(best, unit, condition, "error"))
    ]
    return Table(("model",), "mean absolute error", tuple(lines))


def _values(best: pl.DataFrame, unit: str, condition: str, column: str) -> tuple[float, ...]:
    chosen = (pl.col("unit") == unit) & (pl.col("condition") == condition)
    return tuple(best.filter(chosen).sort("seed")[column].to_list())


def hundreds_learned(seed: int, settings: Settings) -> int:
    """How many of "one hundred" to "nine hundred", with nothing after, a training set has."""
    values = Numerals(bool(settings.zero), seed).train.values
    return int(np.isin(values, np.arange(100, 1000, 100)).sum())


def summarise(rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
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


def sentences(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    """What the page says about the numbers; "not run" where a model is missing."""
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


def _literal(best: pl.DataFrame, settings: Settings) -> str:
    errors = {unit: _median(best, f"{unit}, unscaled") for unit in ("LSTM + NAC", "LSTM + NALU")}
    return (
        f"With unscaled targets, the median test error with a linear layer on summed states is "
        f"{_median(best, 'LSTM, unscaled')}. On the last state it is {errors['LSTM + NAC']} with a "
        f"NAC and {errors['LSTM + NALU']} with a NALU. The output of a NAC on "
        f"{max(settings.sizes)} states is at most {max(settings.sizes)}, so its error on the "
        f"training numbers is at least {_least_error(max(settings.sizes), settings)}."
    )


def _least_error(bound: float, settings: Settings) -> str:
    """Of answers that cannot exceed a bound, on training numbers: the median over splits."""
    seeds = range(settings.first, settings.first + settings.seeds)
    tasks = [Numerals(bool(settings.zero), seed) for seed in seeds]
    return number(median([np.maximum(t.train.values - bound, 0).mean() for t in tasks]))


def _median(best: pl.DataFrame, unit: str) -> str:
    values = _values(best, unit, "test", "error")
    return number(median(values)) if values else "(not run)"


def _exactness(best: pl.DataFrame, settings: Settings) -> str:
    test = best.filter((pl.col("unit") == "sum or product") & (pl.col("condition") == "test"))
    learned = [hundreds_learned(seed, settings) > 0 for seed in test["seed"]]
    told, untold = test.filter(learned), test.filter([not one for one in learned])
    exact = int((told["snapped error"] == 0).sum())
    text = f"{len(told)} of {len(test)} splits have such a number in the training set."
    if len(told):
        text += (
            f" In {exact} of these {len(told)} the model with rounded parameters is exact on all "
            f"631 test numbers. Before rounding its mean error is at most "
            f"{number(max(told['error']))}."
        )
    if len(untold):
        rest = untold.select(pl.col("error") - pl.col("hundreds' sum of errors") / 631)
        text += (
            f" In the {len(untold)} without one its error is "
            f"{number(median(untold['error'].to_list()))}. All but "
            f"{number(median(rest.to_series().to_list()))} of it comes from numbers that end in "
            f'"hundred".'
        )
        lstm = best.filter((pl.col("unit") == "LSTM") & (pl.col("condition") == "test"))
        same = lstm.filter(pl.col("seed").is_in(untold["seed"].to_list()))
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


def draw(rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    best = selected(rows)
    return {"words": _draw_words(best, settings), "errors": _draw_errors(best)}


def _draw_words(best: pl.DataFrame, settings: Settings) -> "Figure":
    """Figure 3: the numbers that models have in mind after each word, redder the further off."""
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
    # White up to half a unit, where rounding still helps; the reddest from a hundred on.
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
    """Of a unit's repetitions the one with the least validation error, as the paper selects."""
    chosen = best.filter(
        (pl.col("unit") == unit)
        & (pl.col("condition") == "validation")
        & pl.col("error").is_finite()
    )
    return chosen.sort("error", "seed").row(0, named=True) if len(chosen) else None


def _draw_errors(best: pl.DataFrame) -> "Figure":
    """Every repetition's test error beside the paper's."""
    from matplotlib.figure import Figure

    units = [unit for unit in ENTRIES if unit in set(best["unit"])]
    figure = Figure(figsize=(8, 0.9 + 0.34 * len(units)), layout="constrained")
    axes = figure.subplots()
    for index, unit in enumerate(reversed(units)):
        values = np.maximum(_values(best, unit, "test", "error"), 1e-5)
        axes.plot(values, np.full(len(values), index), "o", ms=5, alpha=0.6, color="#1f6fb2")
        if ENTRIES[unit].paper[2]:
            axes.plot(float(ENTRIES[unit].paper[2]), index, "x", ms=7, mew=1.6, color="#d9480f")
    axes.plot([], [], "o", color="#1f6fb2", alpha=0.6, label="ours, one for each split")
    axes.plot([], [], "x", ms=7, mew=1.6, color="#d9480f", label="paper")
    axes.set_xscale("log")
    axes.set_yticks(range(len(units)), list(reversed(units)))
    axes.set_ylim(-0.6, len(units) - 0.4)
    axes.set_xlabel("mean absolute error on the test numbers")
    axes.grid(axis="x", lw=0.5, color="#eef1f4")
    axes.legend(fontsize=9, loc="upper left")
    return figure


EXPERIMENT = Experiment(
    name="language",
    title="number words to numbers",
    claim=(
        "An LSTM with a NALU as its output layer translates held-out number words with a mean "
        "absolute error of 0.41, and one with a linear layer with an error of 29.4."
    ),
    units=tuple(ENTRIES),
    scales={
        "smoke": Settings(
            seeds=1, initialisations=1, sizes=(8,), rates=(0.01,), steps=40, word_rates=(0.1,),
            word_steps=400, measure_every=20,
            only=("LSTM + NALU", "sum or product"),
        ),
        "quick": Settings(seeds=8, initialisations=2, steps=10_000, measure_every=250),
        "paper": Settings(seeds=8, initialisations=10),
    },
    cost={"smoke": 34.0, "quick": 829.0},
    jobs=jobs,
    run=run,
    tables=tables,
    draw=draw,
    summarise=summarise,
    sentences=sentences,
)  # fmt: skip
