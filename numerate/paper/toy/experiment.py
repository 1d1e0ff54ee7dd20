"""Two weights, and what one unit reaches on a tutorial's three functions.

A two-weight NAC learns x₀ - x₁ by a million steps of plain gradient descent, with its weights
printed on the way. Then the three demonstrations of a much copied NumPy and TensorFlow tutorial
on the NALU, on the numbers that it trained and tested on: x₁ + x₂ with a NAC, x₁·x₂ with a NAC in
log space, and x₁/4 + x₂/2 + x₃² with a NALU.

All rows that the tutorial trains on lie on one line, on which many functions agree, so a test off
the line cannot tell who has learnt the operation. Each unit also learns from independent inputs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
from jaxtyping import Array

import numerate
from numerate import Config, Stack, recipes, train_many, units
from numerate.study import Experiment, Line, Row, Table, Tick, finished, seed_keys
from numerate.tasks import step_key, uniform

from ._task import TUTORIAL, TutorialRows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Job(NamedTuple):
    """One unit on one function and one kind of data, with all its seeds."""

    function: str
    unit: str
    data: str
    first: int
    stop: int


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:**

    - `seeds`: how often every unit is trained from other starting weights.
    - `trace_steps`: steps of gradient descent on two weights.
    - `add_steps`, `mul_steps`, `mixed_steps`: optimiser steps on the three functions.
    - `batch`: rows drawn at each step. Only the tutorial's own units are trained on its own rows
        as it did, on all of them at every step.
    - `budget`: seconds that `numerate fit` may search.
    - `functions`: which of the three are learnt.
    - `data`: from which rows: the `published` ones, or with `independent` inputs.
    """

    seeds: int
    trace_steps: int = 1_000_000
    add_steps: int = 22_000
    mul_steps: int = 36_000
    mixed_steps: int = 160_000
    batch: int = 128
    budget: float = 60.0
    functions: tuple[str, ...] = ("add", "mul", "mixed")
    data: tuple[str, ...] = ("published", "independent")


# The units, each as its paper or the tutorial trains it.

_TUTORIAL = {"w_hat_init": "uniform", "m_hat_init": "uniform"}


@cache
def _power_sum() -> Callable[..., Stack]:
    """Three power products and their weighted sum, which the third function needs."""
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


UNITS = (
    "NAC", "NACMul", "NALU", "NALUUntied",
    "NAU", "NMU", "RealNPU", "NASU", "RealNPU → Linear", "numerate fit",
)  # fmt: skip
OF_THE_TUTORIAL = ("NAC", "NACMul", "NALU", "NALUUntied")
DATA = ("published", "independent")
RUN = {
    "add": ("NAC", "NALU", "NAU", "NASU", "numerate fit"),
    "mul": ("NACMul", "NALU", "NMU", "RealNPU", "NASU", "numerate fit"),
    "mixed": ("NALUUntied", "NALU", "RealNPU → Linear", "numerate fit"),
}


def jobs(settings: Settings, chosen: tuple[str, ...]) -> list[Job]:
    trace = [Job("trace", "NAC", "uniform", 0, 1)] if "NAC" in chosen else []
    return trace + [
        Job(function, unit, data, 0, settings.seeds)
        for function, names in RUN.items()
        for unit in names
        for data in settings.data
        if unit in chosen and function in settings.functions
    ]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    if job.function == "trace":
        return _traced(settings.trace_steps)
    if job.unit == "numerate fit":
        return _fitted(job, settings, tick)
    return _trained(job, settings)


def _trained(job: Job, settings: Settings) -> list[Row]:
    steps = getattr(settings, f"{job.function}_steps")
    model, config = _recipe(job.function, job.unit, steps)
    task = TutorialRows(job.function, job.data)
    keys = seed_keys(range(job.first, job.stop))
    rows = len(TUTORIAL[job.function].rows())
    whole = job.data == "published" and job.unit in OF_THE_TUTORIAL
    config = replace(config, batch_size=rows if whole else settings.batch)
    # Seeds come in sixteens, the least that `train_many` can have in a program.
    run = finished(train_many(keys, task, model, config, chunk_size=16, progress=False))
    errors = np.sqrt(np.asarray(run.extrapolation, float) / task.mean_square)
    inside = np.asarray(run.validation, float)
    inside = np.sqrt(inside / float(np.mean(np.asarray(task.validation()[1], float) ** 2)))
    return [
        _row(job, seed, float(error), float(fitted), error < 1e-5, None)
        for seed, error, fitted in zip(range(job.first, job.stop), errors, inside, strict=True)
    ]


def _row(
    job: Job, seed: int, error: float, fitted: float, solved: bool, formula: str | None
) -> Row:
    return {
        "function": job.function,
        "unit": job.unit,
        "condition": job.data,
        "seed": seed,
        "error": error,
        "training error": fitted,
        "solved": bool(solved),
        "formula": formula,
        "step": None,
        "weights": None,
    }


def _fitted(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    """`numerate fit` on a table of the rows; its seeds are those of its search."""
    task = TutorialRows(job.function, job.data)
    x = np.asarray(task.validation()[0], float)
    test = TUTORIAL[job.function].test().astype(float)
    of = TUTORIAL[job.function].of
    names = [f"x{i + 1}" for i in range(x.shape[1])]
    found_rows = []
    for seed in range(job.first, job.stop):
        table = pl.DataFrame(np.column_stack([x, of(x)]), schema=[*names, "y"])
        found = numerate.fit(table, target="y", seed=seed, budget=settings.budget)
        outside, inside = (
            _relative(found.predict(pl.DataFrame(rows, schema=names)), of(rows))
            for rows in (test, x)
        )
        formula = str(found.formula_)
        found_rows.append(_row(job, seed, outside, inside, outside < 1e-5, formula))
        tick((seed + 1 - job.first) / (job.stop - job.first))
    return found_rows


def _relative(predicted: Any, true: np.ndarray) -> float:
    return float(np.sqrt(np.mean((np.asarray(predicted) - true) ** 2) / np.mean(true**2)))


# The two weights, as in examples/two_weights.py.

PRINTS = 20


def _loss(unit: units.NAC, x: Array) -> Array:
    return (unit(x)[0] - (x[0] - x[1])) ** 2 / 2


def _step(i: Array, unit: units.NAC) -> units.NAC:
    x = uniform(step_key(jax.random.key(0), i), (2,))
    return jax.tree.map(lambda p, slope: p - slope, unit, jax.grad(_loss)(unit, x))


def trace(steps: int) -> np.ndarray:
    """The two effective weights at twenty times, `(20, 2)`."""
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
    job = Job("trace", "NAC", "uniform", 0, 1)
    return [
        _row(job, 0, float(np.abs(weights - [1.0, -1.0]).max()), float("nan"), False, None)
        | {
            "condition": f"step {(i + 1) * (steps // PRINTS)}",
            "step": (i + 1) * (steps // PRINTS),
            "weights": weights.tolist(),
        }
        for i, weights in enumerate(trace(steps).astype(float))
    ]


# What they show.


def tables(rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
    return {
        "functions": Table(
            ("function", "rows trained on", "unit"),
            "relative error",
            tuple(
                Line((TUTORIAL[f].text, data, unit), tuple(found["error"]), tuple(found["solved"]))
                for f, data, unit, found in _groups(rows)
            ),
        )
    }


def _groups(rows: pl.DataFrame) -> list[tuple[str, str, str, pl.DataFrame]]:
    """The rows of each function, data and unit that was run, in the order of `RUN`."""
    wanted = [(f, d, u) for f in RUN for d in DATA for u in RUN[f]]
    found = [
        (*place, rows.filter(function=place[0], condition=place[1], unit=place[2]))
        for place in wanted
    ]
    return [group for group in found if len(group[3])]


def summarise(rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    fits = rows.filter(unit="numerate fit")
    return {
        "formulas": [
            {
                "function": TUTORIAL[function].text,
                "rows": data,
                "formulas": sorted(set(found["formula"])),
            }
            for (function, data), found in fits.group_by(
                "function", "condition", maintain_order=True
            )
        ],
        "trace": _trace(rows).select("step", "weights").to_dicts(),
    }


def _trace(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(function="trace")


def sentences(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    said = {"verdict": _verdict(rows), "formulas": _formulas(rows, settings)}
    if len(_trace(rows)):
        said["trace"] = _trace_table(rows)
    if len(rows.filter(function="mixed")):
        said["mixed"] = _mixed(rows)
    return said


def _verdict(rows: pl.DataFrame) -> str:
    """What a NALU and `numerate fit` reach where the rows determine the function."""
    said = []
    for function in RUN:
        found = rows.filter(function=function, condition="independent")
        counts = [
            f"`{unit}` {int(one['solved'].sum())} of {len(one)}"
            for unit in ("NALU", "NALUUntied", "numerate fit")
            if len(one := found.filter(unit=unit))
        ]
        if counts:
            said.append(f"{TUTORIAL[function].text}: {', '.join(counts)}")
    return (
        "Seeds with a relative error below 1e-5 on the test rows, trained on independent rows: "
        f"{'; '.join(said)}. The tutorial's own rows lie on a line and do not determine the "
        "functions."
    )


def _formulas(rows: pl.DataFrame, settings: Settings) -> str:
    lines = ["| function | rows | `numerate fit` finds |", "| --- | --- | --- |"]
    for entry in summarise(rows, settings)["formulas"]:
        found = ", ".join(f"`y = {formula}`" for formula in entry["formulas"])
        lines.append(f"| {entry['function']} | {entry['rows']} | {found} |")
    return "\n".join(lines)


def _trace_table(rows: pl.DataFrame) -> str:
    found = _trace(rows).sort("step")
    lines = ["| steps | w₀ | w₁ | error |", "| ---: | ---: | ---: | ---: |"]
    for place in sorted({0, len(found) // 10 - 1, len(found) // 2 - 1, len(found) - 1} - {-1}):
        step, (first, second), error = found.select("step", "weights", "error").row(place)
        line = f"| {step:,} | {first:.6f} | {second:.6f} | {error:.6f} |"
        lines.append(line.replace("-", "−"))
    return "\n".join(lines)


def _mixed(rows: pl.DataFrame) -> str:
    """What a NALU reaches on the function that it cannot be."""
    said = []
    for unit in ("NALUUntied", "NALU"):
        for data in DATA:
            found = rows.filter(function="mixed", unit=unit, condition=data)
            if len(found):
                inside, outside = found["training error"].min(), found["error"].min()
                said.append(
                    f"`{unit}` on {data} rows: {inside:.2g} on the training rows, "
                    f"{outside:.2g} on the test rows"
                )
    return "Relative errors of the best seed: " + "; ".join(said) + "."


def draw(rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    from matplotlib.figure import Figure

    shown = [f for f in RUN if len(rows.filter(function=f))]
    figure = Figure(figsize=(9.5, 2.6 + 1.5 * len(shown)), layout="constrained")
    heights = [1.4, *(len(RUN[f]) * 0.35 for f in shown)]
    panels = figure.subplots(len(shown) + 1, 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_trace(panels[0], _trace(rows))
    for axes, function in zip(panels[1:], shown, strict=True):
        _draw_errors(axes, rows, function)
    return {"toy": figure}


def _draw_trace(axes: Any, found: pl.DataFrame) -> None:
    axes.set(title="Two weights learn x₀ − x₁: distance from ±1", xlabel="steps of descent")
    if not len(found):
        return
    steps = found["step"].to_numpy()
    axes.loglog(steps, found["error"].to_numpy(), "o-", markersize=4, label="NAC")
    ideal = found["error"][-1] * np.sqrt(steps[-1] / steps)
    axes.loglog(steps, ideal, ":", color="0.6", label="∝ 1/√steps")
    axes.legend()


def _draw_errors(axes: Any, rows: pl.DataFrame, function: str) -> None:
    """One dot for a seed: below for independent rows, above for the published ones."""
    names = [unit for unit in RUN[function] if len(rows.filter(function=function, unit=unit))]
    for place, unit in enumerate(names):
        for data, colour, shift in (
            ("published", "#d9480f", -0.17),
            ("independent", "#1f6fb2", 0.17),
        ):
            found = rows.filter(function=function, unit=unit, condition=data)["error"].to_numpy()
            # Below rounding of float32 there is nothing to see; not finite is at the far end.
            seen = np.clip(np.where(np.isfinite(found), found, 1e6), 1e-9, 1e6)
            axes.plot(
                seen, np.full(len(seen), place + shift), "o", color=colour, alpha=0.5,
                markersize=4, label=f"{data} rows" if place == 0 else None,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(1e-5, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(title=TUTORIAL[function].text, xlim=(3e-10, 3e6), xlabel="relative error on the test")
    if function == "add":
        axes.legend(loc="upper right")


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
    tables=tables,
    draw=draw,
    summarise=summarise,
    sentences=sentences,
)
