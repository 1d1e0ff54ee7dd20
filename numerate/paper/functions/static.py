"""Simple function learning, static: tables 1, 6 and 7 of Trask et al. (2018).

Of 100 inputs, two runs of neighbours add up to a and b. A network of two layers, two wide, learns
a + b, a - b, a·b, a/b, a² or √a, and is then shown inputs all larger than those it was trained on.

Decided here, because the paper does not say, each a setting or a part of `SimpleFunction`:

- Inputs are low + (high - low) u² with u uniform, from 0.1 to 3 in training and from 3 to 6
  outside; runs have 2 to 5 inputs, lie anywhere, and differ between seeds. `SimpleFunction` says
  how that follows from the sizes of the errors in the paper.
- Adam with a rate that falls to 0 by a cosine, on a new batch at every step.
- The network at the measurement of lowest error inside the training range counts.
- Errors are divided by that of an untrained network with ReLU6 on the same runs, in per cent: 100
  is no better than that, 0 is perfect.
- A stack of units is two of them; MLPs have biases.

The last row is no network of units: it has the weights of both sums free, the function given, and
is fitted by second-order steps. It tells whether selecting is hard, or finding the function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
from jaxtyping import Array, Float, Int
from threadpoolctl import threadpool_limits

from numerate import Config, Stack, train_many, units
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
from numerate.tasks import FUNCTIONS, PAPER_FUNCTIONS, SimpleFunction, step_key
from numerate.train import levenberg_marquardt

from ._scores import CONDITIONS, INSIDE, OUTSIDE, Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Table 6: mean squared errors, inside and outside of the training range, as printed.
_COLUMNS = (
    "Random", "Tanh", "Sigmoid", "ReLU6", "Softsign", "SELU", "ELU", "ReLU", "CReLU", "None",
    "NAC", "NALU",
)  # fmt: skip
_TABLE_6 = {
    ("add", "interpolation"): "8.659 .0213 .0086 .0144 .0229 .0031 .0191 .0040 .0020 .0017 0 0",
    ("add", "extrapolation"): "120.9 52.37 51.14 51.56 47.78 .0126 .1064 .0225 .0127 .0013 0 .0012",
    ("sub", "interpolation"): "6.478 .0344 .0183 .0010 .0616 .0046 .0510 .0133 .0035 .0007 0 .0001",
    ("sub", "extrapolation"): "42.14 11.54 9.627 12.22 9.734 5.60 3.458 6.108 .0090 .0007 0 0",
    ("mul", "interpolation"): "233.9 21.82 12.06 7.579 20.07 11.99 5.928 6.084 36.28 48.91 50.02 0",
    ("mul", "extrapolation"): "3647 971.3 608.9 366.6 998.6 380.7 187.8 183.0 197.9 1076 1215 0",
    ("div", "interpolation"): "1.175 .0514 .0421 .0499 .0558 .1218 .1233 .1233 .1011 .4113 .4363 "
    ".0625",
    ("div", "extrapolation"): "41.56 14.65 13.34 15.46 13.55 7.219 7.286 7.291 6.746 21.75 25.48 "
    ".2920",
    ("square", "interpolation"): "151.7 .3327 .0672 1.027 1.479 6.462 .1744 .7829 .1593 6.495 "
    "34.09 0",
    ("square", "extrapolation"): "4674 2168 2142 2195 1938 1237 406.6 569.4 408.4 1172 2490 0",
    ("sqrt", "interpolation"): "1.476 .0124 .0026 .0080 .0101 .0046 .0055 .0265 .0027 .0329 .0538 "
    "0",
    ("sqrt", "extrapolation"): "4.180 .4702 .3571 .4294 .3237 .0739 .1006 .5066 .0622 .8356 .6876 "
    "0",
}
_ERRORS = {
    (unit, *cell): float(error)
    for cell, errors in _TABLE_6.items()
    for unit, error in zip(_COLUMNS, errors.split(), strict=True)
}
RANDOM = {cell: _ERRORS["Random", *cell] for cell in _TABLE_6}
# Table 7, from table 6: two of its cells are divided by another function's random error.
PAPER = {(u, f, c): 100 * e / RANDOM[f, c] for (u, f, c), e in _ERRORS.items() if u != "Random"}
# Madsen & Johansen (2020), the seeds of 100 that succeed on their data: 100 uniform inputs,
# runs of 25, and 5,000,000 steps.
OTHERS = {
    (unit, function): f"{solved} of 100 solved"
    for unit, function, solved in (
        ("NALU", "add", 14), ("NALU", "sub", 14), ("NALU", "mul", 0), ("NALU", "div", 0),
        ("NAC", "add", 100), ("NAC", "sub", 100), ("None", "add", 100), ("None", "sub", 7),
    )
}  # fmt: skip
SIGNS = {
    "add": "a + b", "sub": "a − b", "mul": "a × b", "div": "a / b", "square": "a²", "sqrt": "√a"
}  # fmt: skip

# Networks.


def _mlp(activation: str) -> Callable[..., Any]:
    return partial(units.MLP, 100, 1, hidden_size=2, activation=activation)


def _stack(first: Any, second: Any) -> Callable[..., Any]:
    return partial(Stack, (partial(first, 100, 2), partial(second, 2, 1)))


BASELINES = {name: _mlp(name.lower()) for name in _COLUMNS[1:10]}
STACKS = {
    "NAC": _stack(units.NAC, units.NAC),
    "NALU": _stack(units.NALU, units.NALU),
    "iNALU": _stack(units.iNALU, units.iNALU),
    "NAU-NAU": _stack(units.NAU, units.NAU),
    "NAU-NMU": _stack(units.NAU, units.NMU),
    "NAU-sNMU": _stack(units.NAU, units.sNMU),
    "NAU-RealNPU": _stack(units.NAU, units.RealNPU),
    "NAU-NASU": _stack(units.NAU, units.NASU),
}
GIVEN = "function given"
ALL = (*BASELINES, *STACKS, GIVEN)


class Job(NamedTuple):
    """One model on all six functions, with all its seeds."""

    unit: str
    first: int
    stop: int


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:**

    - `seeds`: networks for each function.
    - `steps`, `rate`: of Adam for stacks of units.
    - `mlp_steps`, `mlp_rate`: of Adam for MLPs.
    - `batch_size`: examples in a step.
    - `rows`: examples on which errors are measured at the end, in float64.
    - `given_rows`, `given_starts`: examples and starting points where the function is given; of
        the starting points the one with the lowest training error counts.
    - `models`: the ones among which `--units` chooses.
    """

    seeds: int = 100
    steps: int = 20_000
    rate: float = 0.02
    mlp_steps: int = 10_000
    mlp_rate: float = 0.003
    batch_size: int = 16
    rows: int = 10_000
    given_rows: int = 1000
    given_starts: int = 4
    models: tuple[str, ...] = ALL


# Settings were tried on the runs of the first seeds; the results are those of others.
_FIRST_RUNS = 1000


def _task(job: Job, rows: int) -> SimpleFunction:
    return SimpleFunction(set_size=rows, first_seed=_FIRST_RUNS + job.first)


@cache
def _config(steps: int, rate: float, batch_size: int) -> Config:
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))
    log_every = max(steps // 20, 1)
    return Config(steps=steps, log_every=log_every, batch_size=batch_size, optimiser=optimiser)


# Runs.


def jobs(settings: Settings, chosen: tuple[str, ...]) -> list[Job]:
    return [Job(unit, 0, settings.seeds) for unit in settings.models if unit in chosen]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    seeds = range(job.first, job.stop)
    models = _given(job, settings, tick) if job.unit == GIVEN else _trained(job, settings)
    task = _task(job, settings.rows)
    instances = task.instances(len(seeds) * len(PAPER_FUNCTIONS))
    errors = errors_in_float64(models, task, instances)
    random = _random_errors(job._replace(unit="ReLU6"), settings.rows)
    return [
        {
            "unit": job.unit,
            "function": function,
            "seed": seed,
            "condition": condition,
            "error": float(errors[index, side]),
            "random": float(random[index, side]),
            "threshold": float(instances.threshold[index]) if condition == OUTSIDE else None,
        }
        for index, (function, seed) in enumerate((f, s) for f in PAPER_FUNCTIONS for s in seeds)
        for side, condition in enumerate(CONDITIONS)
    ]


def _keys(job: Job) -> Array:
    """Models of one seed start alike, whatever the function."""
    return jnp.concatenate([seed_keys(range(job.first, job.stop))] * len(PAPER_FUNCTIONS))


def _trained(job: Job, settings: Settings) -> Any:
    if job.unit in BASELINES:
        model, steps, rate = BASELINES[job.unit], settings.mlp_steps, settings.mlp_rate
    else:
        model, steps, rate = STACKS[job.unit], settings.steps, settings.rate
    config = _config(steps, rate, settings.batch_size)
    run = finished(train_many(_keys(job), _task(job, 1000), model, config, progress=False))
    failed = jnp.asarray(~np.isfinite(np.asarray(run.validation)))
    return jax.tree.map(partial(_not_a_number, failed), run.model)


def _not_a_number(where: Array, leaf: Any) -> Any:
    """A seed without any finite error keeps its start; it must not count as a network."""
    if not eqx.is_inexact_array(leaf):
        return leaf
    return jnp.where(where.reshape(-1, *[1] * (leaf.ndim - 1)), jnp.nan, leaf)


@lru_cache(maxsize=4)
def _random_errors(job: Job, rows: int) -> np.ndarray:
    """The errors of untrained networks, one for each seed."""
    task, keys = _task(job, rows), _keys(job)
    models = eqx.filter_vmap(lambda key: BASELINES[job.unit](key=key))(keys)
    return errors_in_float64(models, task, task.instances(len(keys)))


# The function given.


class Given(eqx.Module):
    """f(a, b) of two sums with free weights, where f is known by its index in `FUNCTIONS`."""

    weight: Float[Array, "2 in"]
    function: Int[Array, ""]

    def __call__(self, x: Float[Array, "in"]) -> Float[Array, "1"]:
        a, b = self.weight @ x
        values = [function.value(a, b) for function in FUNCTIONS.values()]
        return jax.lax.select_n(self.function, *values)[None]


def _residual(weights: Array, x: Array, y: Array, function: Array) -> Array:
    return (jax.vmap(Given(weights.reshape(2, -1), function))(x) - y)[:, 0]


def _given(job: Job, settings: Settings, tick: Tick) -> Given:
    """The best of some starts for every function and seed."""
    task, keys = _task(job, 1), _keys(job)
    instances = task.instances(len(keys))
    found = []
    # The matrices are so small that a second thread only waits.
    with jax.enable_x64(True), threadpool_limits(1):
        for i, key in enumerate(keys):
            instance = jax.tree.map(lambda leaf, i=i: leaf[i], instances)
            x, y = task.at(instance).sample(step_key(key, 0), settings.given_rows)
            found.append(_fitted(key, x, y, instance.function, settings.given_starts))
            tick((i + 1) / len(keys))
    return Given(jnp.asarray(np.stack(found)), jnp.asarray(instances.function))


def _fitted(key: Array, x: Array, y: Array, function: Any, starts: int) -> np.ndarray:
    # All weights start a little above 0: no root has a negative number, no quotient a zero.
    shape = (starts, 2 * x.shape[1])
    start = jax.random.uniform(key, shape, minval=0.0, maxval=0.1)
    tolerance = 1e-24 * float(jnp.var(y))
    fitted = levenberg_marquardt(
        _residual, np.asarray(start),
        shared=(x, y), each=(np.full(starts, function),), steps=100, tolerance=tolerance, enough=1,
    )  # fmt: skip
    return fitted.parameters[np.argmin(fitted.loss)].reshape(2, -1)


# What they show.


def scores(rows: pl.DataFrame) -> Scores:
    return Scores(rows, ALL, SIGNS, PAPER, OTHERS)


def tables(rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
    found = scores(rows)
    return {condition: found.table(condition) for condition in CONDITIONS}


def summarise(rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    found = scores(rows)
    return {"solved": {u: {f: found.share(u, f) for f in SIGNS} for u in found.units}}


def sentences(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    found = scores(rows)
    return {"verdict": _verdict(found), "random": _random(rows), **found.grids()}


def _random(rows: pl.DataFrame) -> str:
    """The errors of untrained networks beside the paper's: whether numbers are as large."""
    lines = ["| function | inside, ours | paper | outside, ours | paper |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    for function, sign in SIGNS.items():
        cells = [sign]
        for condition in CONDITIONS:
            errors = rows.filter(function=function, condition=condition)["random"]
            cells += [number(median(tuple(errors))), number(RANDOM[function, condition])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _verdict(found: Scores) -> str:
    said = []
    if "NALU" in found.units:
        # As the paper prints it: 0.0 % of random.
        zero = [sign for f, sign in SIGNS.items() if found.best("NALU", f, OUTSIDE) < 0.05]
        if zero:
            said.append(f"The best stacked NALU reaches the paper's 0.0 on {_listed(zero)}.")
        said.append(f"Shares of NALUs that pass the criterion: {found.shares('NALU')}.")
    always = {
        sign: [unit for unit in found.units if unit != GIVEN and found.share(unit, f) == 1]
        for f, sign in SIGNS.items()
    }
    reached = [f"{sign} by {_listed(names)}" for sign, names in always.items() if names]
    if reached:
        said.append(f"Solved with every seed: {'; '.join(reached)}.")
    never = [sign for sign, names in always.items() if not names]
    if never:
        said.append(f"No network trained by gradients solves {_listed(never)} with every seed.")
    if GIVEN in found.units:
        said.append(f"With the function given, second-order steps solve {found.shares(GIVEN)}.")
    return " ".join(said)


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + names[-1:])


def draw(rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    found = scores(rows)
    return {"table1": _figure_scores(found), "solved": _figure_solved(found)}


def _figure_scores(found: Scores) -> "Figure":
    """Tables 1 and 7 as colours: the median and the best of our seeds, and the paper."""
    from matplotlib.figure import Figure

    shown = [unit for unit in found.units if (unit, "add", INSIDE) in PAPER]
    panels = {
        f"median of {found.rows['seed'].n_unique()} seeds": found.median,
        "best seed by interpolation": found.best,
        "paper": lambda *cell: PAPER[cell],
    }
    figure = Figure(figsize=(13, 6.2), layout="constrained")
    axes = figure.subplots(2, 3, sharex=True, sharey=True, squeeze=False)
    for row, condition in zip(axes, CONDITIONS, strict=True):
        for one, (title, score) in zip(row, panels.items(), strict=True):
            found.draw_score(one, score, condition, shown)
            one.set_title(f"{condition}: {title}", fontsize=10)
    return figure


def _figure_solved(found: Scores) -> "Figure":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.5 * len(found.units) + 2, 3.6), layout="constrained")
    found.draw_solved(axes := figure.subplots())
    axes.set_title("seeds that extrapolate, in %", fontsize=10)
    return figure


EXPERIMENT = Experiment(
    name="simple-static",
    title="six functions of two sums hidden among 100 inputs (tables 1, 6 and 7)",
    claim="stacked NALUs learn all six functions and extrapolate; networks with standard "
    "nonlinearities do not.",
    units=ALL,
    scales={
        "smoke": Settings(
            seeds=1, steps=100, rows=500, given_rows=300, given_starts=1, models=("NALU", GIVEN)
        ),
        "quick": Settings(),
        "paper": Settings(steps=200_000, mlp_steps=200_000, batch_size=128),
    },
    cost={"smoke": 16, "quick": 1024},
    jobs=jobs,
    run=run,
    tables=tables,
    draw=draw,
    summarise=summarise,
    sentences=sentences,
)
