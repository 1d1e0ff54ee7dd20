"""Two weights by gradient descent, and the three functions of a tutorial with one unit each.

A NAC with two weights learns x₀ - x₁ by a million steps of plain gradient descent; its weights are
recorded during training. The other parts are the three examples of a popular NumPy and TensorFlow
tutorial on the NALU, with its training and test data: x₁ + x₂ with a NAC, x₁·x₂ with a NAC in
log space, and x₁/4 + x₂/2 + x₃² with a NALU.

All training rows of the tutorial lie on one line, on which many functions agree, so they do not
determine the function off that line. Each unit is also trained on independent inputs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
from jaxtyping import Array

import numerate
from numerate import Config, Stack, recipes, train_many, units
from numerate.study import Experiment, Job, Row, Tick, finished, seed_keys
from numerate.tasks import step_key, uniform

from . import _report
from ._report import RUN, UNITS
from ._task import TUTORIAL, TutorialRows


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    **Fields:**

    - `seeds`: models of each unit, with different initial weights.
    - `units`: those to run; all of them if empty.
    - `trace_steps`: steps of gradient descent on two weights.
    - `add_steps`, `mul_steps`, `mixed_steps`: optimiser steps on the three functions.
    - `batch`: rows in a step; the tutorial's units use all rows at every step, as in the tutorial.
    - `budget`: search time of `numerate fit` in seconds.
    - `functions`: which of the three are run.
    - `data`: the `published` rows, or rows with `independent` inputs.
    """

    seeds: int
    units: tuple[str, ...] = ()
    trace_steps: int = 1_000_000
    add_steps: int = 22_000
    mul_steps: int = 36_000
    mixed_steps: int = 160_000
    batch: int = 128
    budget: float = 60.0
    functions: tuple[Literal["add", "mul", "mixed"], ...] = ("add", "mul", "mixed")
    data: tuple[Literal["published", "independent"], ...] = ("published", "independent")


# The units, each as its paper or the tutorial trains it.

_TUTORIAL = {"w_hat_init": "uniform", "m_hat_init": "uniform"}


@cache
def _power_sum() -> Callable[..., Stack]:
    """A weighted sum of three products of powers, as the third function needs."""
    return partial(Stack, (partial(units.RealNPU, 3, 3), partial(units.Linear, 3, 1)))


@cache
def _adam(rate: float) -> optax.GradientTransformation:
    return optax.adam(rate)


@cache
def _falling(rate: float, steps: int) -> optax.GradientTransformation:
    return optax.adam(optax.cosine_decay_schedule(rate, steps))


_ADADELTA = optax.adadelta(0.005, rho=0.95, eps=1e-8)


@cache
def _recipe(function: str, unit: str, steps: int) -> tuple[Callable[..., Any], Config]:
    """The model, as a function of `key=`, and how it is trained."""
    width = TUTORIAL[function].rows().shape[1]
    config = Config(steps=steps, log_every=max(steps // 40, 1))
    if unit == "RealNPU → Linear":
        return _power_sum(), replace(config, optimiser=_falling(0.05, steps), penalty_scale=0.0)
    if unit in ("NAU", "NMU"):
        recipe = recipes.mistry2022(unit)
    elif unit == "RealNPU":
        recipe = recipes.mistry2022(unit, "mul")
    elif unit == "NASU":
        recipe = recipes.numerate2026()
    else:
        rate = {"add": 0.05, "mul": 0.5}.get(function)
        config = replace(config, optimiser=_ADADELTA if rate is None else _adam(rate))
        return partial(getattr(units, unit), width, 1, **_TUTORIAL), config
    return recipe.model(width, 1), replace(
        recipe.config, steps=config.steps, log_every=config.log_every
    )


# The units of the tutorial, which are trained on all of its rows at every step.
OF_THE_TUTORIAL = ("NAC", "NACMul", "NALU", "NALUUntied")
TRACE = Job("NAC", range(1), {"function": "trace", "data": "uniform"})


def jobs(unit: str, settings: Settings) -> list[Job]:
    functions = [f for f, names in RUN.items() if unit in names and f in settings.functions]
    seeds = range(settings.seeds)
    return [TRACE] * (unit == "NAC") + [
        Job(unit, seeds, {"function": function, "data": data})
        for function in functions
        for data in settings.data
    ]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    if job == TRACE:
        return _traced(settings.trace_steps)
    if job.unit == "numerate fit":
        return _fitted(job, settings, tick)
    return _trained(job, settings)


def _trained(job: Job, settings: Settings) -> list[Row]:
    function, data = job.variant["function"], job.variant["data"]
    steps = getattr(settings, f"{function}_steps")
    model, config = _recipe(function, job.unit, steps)
    task = TutorialRows(function, data)
    rows = len(TUTORIAL[function].rows())
    whole = data == "published" and job.unit in OF_THE_TUTORIAL
    config = replace(config, batch_size=rows if whole else settings.batch)
    # `train_many` needs at least sixteen seeds in a program.
    keys = seed_keys(job.seeds)
    run = finished(train_many(keys, task, model, config, chunk_size=16, progress=False))
    errors = np.sqrt(np.asarray(run.extrapolation, float) / task.mean_square)
    inside = np.asarray(run.validation, float)
    inside = np.sqrt(inside / float(np.mean(np.asarray(task.validation()[1], float) ** 2)))
    return [
        _row(job, seed, float(error), float(fitted), bool(error < 1e-5), None)
        for seed, error, fitted in zip(job.seeds, errors, inside, strict=True)
    ]


def _row(
    job: Job, seed: int, error: float, fitted: float, solved: bool, formula: str | None
) -> Row:
    return {
        "function": job.variant["function"],
        "unit": job.unit,
        "condition": job.variant["data"],
        "seed": seed,
        "error": error,
        "training error": fitted,
        "solved": bool(solved),
        "formula": formula,
        "step": None,
        "weights": None,
    }


def _fitted(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    """`numerate fit` on a table of the rows; a seed is the seed of its search."""
    task = TutorialRows(job.variant["function"], job.variant["data"])
    x = np.asarray(task.validation()[0], float)
    test = TUTORIAL[task.function].test().astype(float)
    of = TUTORIAL[task.function].of
    names = [f"x{i + 1}" for i in range(x.shape[1])]
    found_rows = []
    for index, seed in enumerate(job.seeds):
        table = pl.DataFrame(np.column_stack([x, of(x)]), schema=[*names, "y"])
        found = numerate.fit(table, target="y", seed=seed, budget=settings.budget)
        outside, inside = (
            _relative(found.predict(pl.DataFrame(rows, schema=names)), of(rows))
            for rows in (test, x)
        )
        formula = str(found.formula_)
        found_rows.append(_row(job, seed, outside, inside, outside < 1e-5, formula))
        tick((index + 1) / len(job.seeds))
    return found_rows


def _relative(predicted: Any, true: np.ndarray) -> float:
    return float(np.sqrt(np.mean((np.asarray(predicted) - true) ** 2) / np.mean(true**2)))


# The two weights, as in examples/two_weights.py.

PRINTS = 20


def _loss(unit: units.NAC, x: Array) -> Array:
    return (unit(x)[0] - (x[0] - x[1])) ** 2 / 2


def _step(i: Array, unit: units.NAC) -> units.NAC:
    x = uniform(step_key(jax.random.key(0), i), (2,))
    return jax.tree.map(lambda p, gradient: p - gradient, unit, jax.grad(_loss)(unit, x))


def trace(steps: int) -> np.ndarray:
    """The two effective weights at twenty steps, `(20, 2)`."""
    every = steps // PRINTS

    @jax.jit
    def run(unit: units.NAC) -> Array:
        def until_print(unit: units.NAC, start: Array) -> tuple[units.NAC, Array]:
            unit = jax.lax.fori_loop(start, start + every, _step, unit)
            return unit, unit.weight[0]

        return jax.lax.scan(until_print, unit, jnp.arange(PRINTS) * every)[1]

    zero = units.NAC(2, 1, w_hat_init="constant", m_hat_init="constant", key=jax.random.key(0))
    return np.asarray(run(zero))


def _traced(steps: int) -> list[Row]:
    return [
        _row(TRACE, 0, float(np.abs(weights - [1.0, -1.0]).max()), float("nan"), False, None)
        | {
            "condition": f"step {(i + 1) * (steps // PRINTS)}",
            "step": (i + 1) * (steps // PRINTS),
            "weights": weights.tolist(),
        }
        for i, weights in enumerate(trace(steps).astype(float))
    ]


EXPERIMENT = Experiment(
    name="toy",
    title="two weights by gradient descent, and a tutorial's three functions with one unit each",
    claim="a NALU learns sums, differences, products, quotients and powers, and extrapolates "
    "beyond its training range.",
    units=UNITS,
    scales={
        "smoke": Settings(
            seeds=2,
            trace_steps=20_000,
            mixed_steps=400,
            budget=5.0,
            functions=("mixed",),
            data=("independent",),
        ),
        "quick": Settings(seeds=16),
        "paper": Settings(seeds=100),
    },
    cost={"smoke": 20.0, "quick": 430.0},
    jobs=jobs,
    run=run,
    tables=_report.tables,
    draw=_report.draw,
    summarise=_report.summarise,
    sentences=_report.sentences,
)
