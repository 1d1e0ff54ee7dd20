"""Number words to numbers: the NALU paper's §4.3, table 3, table 11 and figure 3."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from numerate.study import Experiment, Job, Row, Tick, seed_jobs
from numerate.train import run_parallel
from numerate.units import NAC, NALU, NAU, Linear

from . import _report
from ._models import LSTMTextModel, RecurrentTextModel, SumOrProductModel
from ._numerals import Numerals
from ._report import CONDITIONS, PHRASES
from ._training import (
    NumeralsData,
    TextModelTraining,
    TrainedModels,
    everyone,
    learn,
    numerals_data,
    prepare,
)

_WORDS = 30


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    **Fields:**

    - `seeds`: repetitions of the whole experiment, each with another split of the numbers and
        other initialisations.
    - `units`: the models to run; all of them if empty.
    - `initialisations`: models of each size and learning rate in one repetition; its result is the
        one with the lowest validation error of all.
    - `sizes`: of the LSTM's state, and of the embeddings.
    - `rates`: Adam's learning rates for models with an LSTM.
    - `steps`: of Adam, each on the whole training set, for models with an LSTM.
    - `word_rates`: learning rates for models without an LSTM, with a cosine schedule to 0.
    - `word_steps`: steps for models without an LSTM.
    - `measure_every`: steps between two measurements of the validation error.
    - `scale`: divisor of the targets, except in rows with "unscaled".
    - `first`: the number of the first split. Settings were chosen on splits below 100, so that the
        reported test numbers have not influenced them.
    - `zero`: 1 for the numbers 0 to 999, 0 for 1 to 1000.
    """

    seeds: int
    initialisations: int
    units: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (16, 32)
    rates: tuple[float, ...] = (0.01, 0.001)
    steps: int = 300_000
    word_rates: tuple[float, ...] = (0.1, 0.03)
    word_steps: int = 60_000
    measure_every: int = 1000
    scale: float = 1000.0
    first: int = 100
    zero: int = 1


class Entry(NamedTuple):
    """How a model is made and trained: `make(size)` gives a function of `key=`. Models without an
    LSTM have one size; `scaled` are those whose targets are divided by `scale`."""

    make: Callable[[int], Callable[..., Any]]
    lstm: bool
    scaled: bool


def _lstm(unit: Any, pooling: str = "last") -> Callable[[int], Callable[..., Any]]:
    return lambda size: partial(LSTMTextModel, _WORDS, size, unit, pooling=pooling)


def _words(model: Any, *arguments: Any) -> Callable[[int], Callable[..., Any]]:
    return lambda size: partial(model, _WORDS, *arguments)


ENTRIES = {
    "LSTM": Entry(_lstm(Linear, "summed"), True, True),
    "LSTM, last state": Entry(_lstm(Linear), True, True),
    "LSTM + NAC": Entry(_lstm(NAC), True, True),
    "LSTM + NALU": Entry(_lstm(NALU), True, True),
    "LSTM + NAC, summed": Entry(_lstm(NAC, "summed"), True, True),
    "LSTM + NALU, summed": Entry(_lstm(NALU, "summed"), True, True),
    "LSTM + NALU, every state": Entry(_lstm(NALU, "every"), True, True),
    "LSTM + NAU, summed": Entry(_lstm(NAU, "summed"), True, True),
    "LSTM, unscaled": Entry(_lstm(Linear, "summed"), True, False),
    "LSTM + NAC, unscaled": Entry(_lstm(NAC), True, False),
    "LSTM + NALU, unscaled": Entry(_lstm(NALU), True, False),
    "NAU over words": Entry(_words(RecurrentTextModel, 8, NAU), False, False),
    "NALU over words": Entry(_words(RecurrentTextModel, 8, NALU), False, False),
    "sum or product": Entry(_words(SumOrProductModel), False, False),
}


# Splits in one job, which runs as two programs, one on each core.
_SPLITS = 8


def jobs(unit: str, settings: Settings) -> list[Job]:
    splits = range(settings.first, settings.first + settings.seeds)
    lstm = ENTRIES[unit].lstm
    return [
        job
        for size in (settings.sizes if lstm else (1,))
        for rate in (settings.rates if lstm else settings.word_rates)
        for job in seed_jobs(unit, splits, _SPLITS, {"size": size, "rate": rate})
    ]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    """Trains all initialisations of the job's splits; half of the splits are one program."""
    half_of, start, stop = _SPLITS // 2, job.seeds.start, job.seeds.stop
    halves = [range(first, first + half_of) for first in range(start, stop, half_of)]
    size, rate = job.variant["size"], job.variant["rate"]
    training = _training(job.unit, size, settings)
    prepare(training)  # here, instead of once in every thread

    def half(index: int, report: Tick) -> list[Row]:
        splits = halves[index]
        inits = range(settings.initialisations)
        tasks = [Numerals(bool(settings.zero), split) for split in splits]
        data = numerals_data([task for task in tasks for _ in inits])
        keys = jnp.stack([_key(size, split, i) for split in splits for i in inits])
        trained = learn(training, data, keys, rate, report)
        cell = {"unit": job.unit, "size": size, "rate": rate}
        return [cell | row for row in _rows(splits, settings, trained, data)]

    rows = [row for part in run_parallel(half, len(halves), tick) for row in part]
    return [row for row in rows if row["seed"] < stop]


def _key(size: int, split: int, initialisation: int) -> jax.Array:
    """Models of the same size and split have the same initial weights for all learning rates."""
    key = jax.random.fold_in(jax.random.key(0), split)
    return jax.random.fold_in(jax.random.fold_in(key, size), initialisation)


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
    splits: range, settings: Settings, trained: TrainedModels, data: NumeralsData
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
                    "seed": splits[split],
                    "condition": condition,
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
            units=("LSTM + NALU", "sum or product"),
        ),
        "quick": Settings(seeds=8, initialisations=2, steps=10_000, measure_every=250),
        "paper": Settings(seeds=8, initialisations=10),
    },
    cost={"smoke": 34.0, "quick": 829.0},
    jobs=jobs,
    run=run,
    tables=_report.tables,
    draw=_report.draw,
    summarise=_report.summarise,
    sentences=_report.sentences,
)  # fmt: skip
