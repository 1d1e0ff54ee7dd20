"""Simple function learning over sequences: tables 1, 8 and 9 of Trask et al. (2018).

At every step of a sequence a network sees ten numbers. Two runs of neighbours among them add up,
over the whole sequence, to a and b; at the end it answers with a, a + b, a - b, a·b, a/b, a² or
√a. It is trained on ten steps and tested on a thousand.

Decided here, because the paper does not say, each a setting or a part of
`SimpleFunctionRecurrent`:

- The target is read in two ways. By the text it is f of both sums. But in table 8 the error of an
  untrained network is the same for all f, and ten thousand times larger at a hundred times the
  length, which fits only a target that grows in proportion to the length: the sum over time of
  f(a_t, b_t). For a, a + b and a - b both are the same.
- Inputs are 0.02 + 0.58 u² with u uniform, in short and in long sequences; runs have 2 to 5 inputs.
- States have two features, as the hidden layers of the static task. A linear layer reads them in
  the usual networks, a second unit of the same kind in those of units, which take input and
  state side by side and start from zeros.
- Adam with a rate that falls to 0 by a cosine, on a new batch at every step, without clipping.
- The network at the measurement of lowest error on short sequences counts.
- Errors are divided by that of an untrained LSTM, as in table 9.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
from jaxtyping import Array

from numerate import Config, Recurrent, Stack, train_many, units
from numerate.paper.networks import RNN, SumOverTime
from numerate.study import (
    Experiment,
    Row,
    Table,
    Tick,
    errors_in_float64,
    finished,
    median,
    number,
    seed_keys,
)

from ._scores import CONDITIONS, INSIDE, OUTSIDE, Scores
from ._task import SimpleFunctionRecurrent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIGNS = {
    "first": "a", "add": "a + b", "sub": "a − b", "mul": "a × b", "div": "a / b", "square": "a²",
    "sqrt": "√a",
}  # fmt: skip
SUMS = ("first", "add", "sub")
AS_WRITTEN, LINEAR = READINGS = ("as written", "linear in time")

# Table 8: mean squared errors of SIGNS in their order, as printed; what is below 1e-5 is 0.
_TABLE_8 = {
    ("Random", INSIDE): "38.03 30.86 30.17 30.69 29.12 30.92 28.84",
    ("Random", OUTSIDE): "330341 336847 336769 336829 336451 336876 336452",
    ("LSTM", INSIDE): ".000544 .037351 .015579 .004282 .014142 .016741 .002258",
    ("LSTM", OUTSIDE): "330097 323877 326746 330618 321622 330264 322305",
    ("GRU", INSIDE): ".000584 .006819 .026034 .005473 .059921 .029642 .002185",
    ("GRU", OUTSIDE): "330309 324036 321989 333336 318537 334332 321107",
    ("RNN-tanh", INSIDE): ".041697 .020395 .040893 .169256 .115955 .340204 .068180",
    ("RNN-tanh", OUTSIDE): "332760 324180 324000 330137 323908 329339 320840",
    ("RNN-ReLU", INSIDE): ".005471 .010728 .019738 .091305 .073977 .017803 .007818",
    ("RNN-ReLU", OUTSIDE): "325690 287928 238771 329636 2902047 330305 114725",
    ("NAC", INSIDE): ".00020 0 .000001 .46862 .350227 .70909 .617613",
    ("NAC", OUTSIDE): "1.8946 .00004 .01537 297800 3083319119 416701 2152274742",
    ("NALU", INSIDE): "0 0 .000001 .000003 .000431 .000001 .003492",
    ("NALU", OUTSIDE): "0 .013131 .013843 47.0244 inf 2804.85 1671.81",
}
_ERRORS = {
    (unit, function, condition): float(error)
    for (unit, condition), errors in _TABLE_8.items()
    for function, error in zip(SIGNS, errors.split(), strict=True)
}
RANDOM = {(f, c): _ERRORS["Random", f, c] for f in SIGNS for c in CONDITIONS}
# Table 9, from table 8. Of NALU on a/b that says only that the error is above 999,999.
PAPER = {
    (u, f, c): 100 * min(e, 1e12) / RANDOM[f, c]
    for (u, f, c), e in _ERRORS.items()
    if u != "Random"
}

# Networks.


def _usual(kind: str) -> Callable[..., Any]:
    return partial(Stack, (partial(RNN, kind, 10, 2), partial(units.Linear, 2, 1)))


def _units(first: Any, second: Any) -> Callable[..., Any]:
    return partial(Stack, (partial(Recurrent, first, 10, 2), partial(second, 2, 1)))


def _steps(first: Any, second: Any) -> Callable[..., Any]:
    return partial(SumOverTime, partial(Stack, (partial(first, 10, 2), partial(second, 2, 1))))


USUAL = {
    "LSTM": _usual("lstm"),
    "GRU": _usual("gru"),
    "RNN-tanh": _usual("tanh"),
    "RNN-ReLU": _usual("relu"),
}
UNITS = {
    "NAC": _units(units.NAC, units.NAC),
    "NALU": _units(units.NALU, units.NALU),
    "NAU-NMU": _units(units.NAU, units.NMU),
    "NAU-sNMU": _units(units.NAU, units.sNMU),
    "NAU-RealNPU": _units(units.NAU, units.RealNPU),
    "sum of NALU": _steps(units.NALU, units.NALU),
    "sum of NAU-NMU": _steps(units.NAU, units.NMU),
    "sum of NAU-sNMU": _steps(units.NAU, units.sNMU),
    "sum of NAU-RealNPU": _steps(units.NAU, units.RealNPU),
}
MODELS = USUAL | UNITS
ALL = tuple(MODELS)


class Job(NamedTuple):
    """One model by one reading of the target, with all its seeds."""

    unit: str
    reading: str
    first: int
    stop: int


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:**

    - `seeds`: networks for each function.
    - `steps`, `rate`: of Adam for networks of units.
    - `usual_steps`, `usual_rate`: of Adam for the usual recurrent networks.
    - `batch_size`: sequences in a step.
    - `length`, `long`: of the sequences in training, and in extrapolation.
    - `rows`, `long_rows`: sequences of both lengths on which errors are measured at the end, in
        float64.
    - `models`: the ones among which `--units` chooses.
    - `readings`: of the target.
    """

    seeds: int = 16
    steps: int = 16_000
    rate: float = 0.05
    usual_steps: int = 8_000
    usual_rate: float = 0.03
    batch_size: int = 16
    length: int = 10
    long: int = 1000
    rows: int = 1000
    long_rows: int = 100
    models: tuple[str, ...] = ALL
    readings: tuple[str, ...] = READINGS


# Settings were tried on the runs of the first seeds; the results are those of others.
_FIRST_RUNS = 1000


def _task(job: Job, settings: Settings, rows: int, long_rows: int) -> SimpleFunctionRecurrent:
    return SimpleFunctionRecurrent(
        _functions(job),
        "total" if job.reading == AS_WRITTEN else "running",
        length=settings.length,
        extrapolation_length=settings.long,
        set_size=rows,
        extrapolation_size=long_rows,
        first_seed=_FIRST_RUNS + job.first,
    )


def _functions(job: Job) -> tuple[str, ...]:
    """What is run of a reading: sums are the same by both."""
    return tuple(f for f in SIGNS if job.reading == AS_WRITTEN or f not in SUMS)


@cache
def _config(steps: int, rate: float, batch_size: int) -> Config:
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))
    log_every = max(steps // 20, 1)
    return Config(steps=steps, log_every=log_every, batch_size=batch_size, optimiser=optimiser)


# Runs.


def jobs(settings: Settings, chosen: tuple[str, ...]) -> list[Job]:
    wanted = [unit for unit in settings.models if unit in chosen]
    return [
        Job(unit, reading, 0, settings.seeds) for unit in wanted for reading in settings.readings
    ]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    seeds, functions = range(job.first, job.stop), _functions(job)
    usual = job.unit in USUAL
    config = _config(
        settings.usual_steps if usual else settings.steps,
        settings.usual_rate if usual else settings.rate,
        settings.batch_size,
    )
    # Long sequences are looked at only afterwards; the engine wants a few.
    task = _task(job, settings, 200, 1)
    model = MODELS[job.unit]
    run = finished(train_many(_keys(job), task, model, config, progress=False))
    tick(0.9)
    judge = _task(job, settings, settings.rows, settings.long_rows)
    instances = judge.instances(len(seeds) * len(functions))
    errors = errors_in_float64(run.model, judge, instances)
    errors[~np.isfinite(np.asarray(run.validation))] = np.nan
    random = _random_errors(job._replace(unit="LSTM"), settings)
    return [
        {
            "unit": job.unit,
            "reading": job.reading,
            "function": function,
            "seed": seed,
            "condition": condition,
            "error": float(errors[index, side]),
            "random": float(random[index, side]),
            "threshold": float(instances.threshold[index]) if condition == OUTSIDE else None,
        }
        for index, (function, seed) in enumerate((f, s) for f in functions for s in seeds)
        for side, condition in enumerate(CONDITIONS)
    ]


def _keys(job: Job) -> Array:
    """Models of one seed start alike, whatever the function."""
    return jnp.concatenate([seed_keys(range(job.first, job.stop))] * len(_functions(job)))


@lru_cache(maxsize=4)
def _random_errors(job: Job, settings: Settings) -> np.ndarray:
    """The errors of untrained networks, one for each seed."""
    keys, task = _keys(job), _task(job, settings, settings.rows, settings.long_rows)
    models = eqx.filter_vmap(lambda key: MODELS[job.unit](key=key))(keys)
    return errors_in_float64(models, task, task.instances(len(keys)))


# What they show.


def scores(rows: pl.DataFrame, reading: str) -> Scores:
    """By one reading; what was run of sums belongs to both."""
    shared = (pl.col("reading") == reading) | pl.col("function").is_in(SUMS)
    return Scores(rows.filter(shared), ALL, SIGNS, PAPER)


def tables(rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
    return {
        f"{condition}, {reading}": scores(rows, reading).table(condition)
        for reading in READINGS
        for condition in CONDITIONS
    }


def summarise(rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    found = {reading: scores(rows, reading) for reading in READINGS}
    return {
        f"solved, {reading}": {u: {f: s.share(u, f) for f in SIGNS} for u in s.units}
        for reading, s in found.items()
    }


def sentences(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    found = {reading: scores(rows, reading) for reading in READINGS}
    grids = {f"{n}, {r}": grid for r, s in found.items() for n, grid in s.grids().items()}
    return {"verdict": _verdict(found), "random": _random(found), **grids}


def _random(found: dict[str, Scores]) -> str:
    """How many times larger the errors of untrained networks are on long sequences."""
    lines = ["| function | " + " | ".join(READINGS) + " | paper |", "| --- | ---: | ---: | ---: |"]
    for function, sign in SIGNS.items():
        ratios = [_growth(s.rows.filter(function=function)) for s in found.values()]
        ratios.append(RANDOM[function, OUTSIDE] / RANDOM[function, INSIDE])
        lines.append(f"| {sign} | {' | '.join(map(number, ratios))} |")
    return "\n".join(lines)


def _growth(rows: pl.DataFrame) -> float:
    inside, outside = (tuple(rows.filter(condition=c)["random"]) for c in CONDITIONS)
    return median(outside) / median(inside)


def _verdict(found: dict[str, Scores]) -> str:
    said = [f"An untrained LSTM's error grows, at a hundred times the length, {_span(found)}."]
    for reading, s in found.items():
        if "NALU" in s.units:
            any_solved = any(s.share("NALU", f) > 0 for f in SIGNS)
            shares = s.shares("NALU") if any_solved else "none, on any function"
            said.append(f"Target {reading}: NALUs that extrapolate: {shares}.")
        always = {
            sign: [unit for unit in s.units if s.share(unit, f) == 1] for f, sign in SIGNS.items()
        }
        reached = [f"{sign} ({', '.join(names)})" for sign, names in always.items() if names]
        if reached:
            said.append(f"Solved with every seed: {'; '.join(reached)}.")
    return " ".join(said)


def _span(found: dict[str, Scores]) -> str:
    """By how much it does, over all functions."""
    parts = []
    for reading, s in found.items():
        ratios = [_growth(s.rows.filter(function=f)) for f in SIGNS if f not in SUMS]
        ends = [number(end) for end in (min(ratios), max(ratios))]
        parts.append(f"by a factor of {ends[0]} to {ends[1]} with the target {reading}")
    paper = [RANDOM[f, OUTSIDE] / RANDOM[f, INSIDE] for f in SIGNS if f not in SUMS]
    return f"{' and '.join(parts)} (paper: {number(min(paper))} to {number(max(paper))})"


def draw(rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    return {
        f"table9-{reading.replace(' ', '-')}": _figure(scores(rows, reading))
        for reading in READINGS
    }


def _figure(found: Scores) -> "Figure":
    """Tables 1 and 9 as colours: the median and the best of our seeds, and the paper."""
    from matplotlib.figure import Figure

    papers = [unit for unit in found.units if (unit, "first", INSIDE) in PAPER]
    panels = {
        f"median of {found.rows['seed'].n_unique()} seeds": (found.median, found.units),
        "best seed by interpolation": (found.best, found.units),
        "paper": (lambda *cell: PAPER[cell], papers),
    }
    widths = [len(shown) + 2 for _, shown in panels.values()]
    figure = Figure(figsize=(14, 7), layout="constrained")
    axes = figure.subplots(2, 3, sharey=True, squeeze=False, width_ratios=widths)
    for row, condition in zip(axes, CONDITIONS, strict=True):
        for one, (title, (score, shown)) in zip(row, panels.items(), strict=True):
            found.draw_score(one, score, condition, shown)
            one.set_title(f"{condition}: {title}", fontsize=10)
    return figure


EXPERIMENT = Experiment(
    name="simple-recurrent",
    title="seven functions of two sums over a sequence, from 10 steps to 1000 (tables 1, 8 and 9)",
    claim="recurrent NALUs learn all functions except a/b and extrapolate to sequences a hundred "
    "times as long; LSTM, GRU and RNNs do not.",
    units=ALL,
    scales={
        "smoke": Settings(
            seeds=1, steps=40, usual_steps=40, long=50, rows=100, long_rows=10,
            models=("LSTM", "NALU"), readings=(AS_WRITTEN,),
        ),
        "quick": Settings(),
        "paper": Settings(seeds=100, steps=100_000, usual_steps=100_000, batch_size=128),
    },
    cost={"smoke": 17, "quick": 678},
    jobs=jobs,
    run=run,
    tables=tables,
    draw=draw,
    summarise=summarise,
    sentences=sentences,
)  # fmt: skip
