"""Reaching a square at a given time: figure 5 of Trask et al. (2018).

An agent observes a 5×5 grid world as a picture and receives a number T at the first step. It has to
reach the red square exactly at time T. It is trained with T from 5 to 12 and tested up to 25, with
an LSTM alone and with a unit beside the LSTM that can count.

Choices that the paper leaves open:

- The reward is 1 - 0.145 |T - t| for reaching the square at time t, read from the curve of the
  agent without a NAC in figure 5, and 0 after 30 steps.
- T is an input at the first step only, unscaled. The inputs of the NAC are T_t and a 1, because it
  has no bias. "summed" adds its outputs over time; "cell" also has its last output as an input.
- Synchronous advantage actor-critic (A2C) instead of the asynchronous A3C.
- A3C's convolutions with half as many channels, and an LSTM of 48 features.
- The test runs all 600 initial states for each T, with the most probable action.

The two ways to connect the unit were chosen after seeing results for T above 12, up to 25 in the
first trials. The table therefore has both, with new seeds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import polars as pl

from numerate import NAC, NAU
from numerate.study import (
    Experiment,
    Job,
    Line,
    Row,
    Table,
    Tick,
    by_seed,
    markdown_table,
    median,
    median_interval,
    seed_jobs,
    seed_keys,
    units_run,
)
from numerate.train import compile_program, run_parallel

from ._actor_critic import ActorCriticConfig, actor_critic, rewards
from ._agents import PictureEncoder, PositionEncoder, RecurrentAgent
from ._world import GridWorld

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GOALS, TESTS = (5, 12), range(5, 26)
BEYOND = range(GOALS[1] + 1, TESTS.stop)
# Settings were chosen with seeds below this one.
_FIRST_SEED = 100
# Figure 5: the average reward for T from 12 to 25.
FIGURE_5 = {
    "LSTM": (1, 0.97, 0.71, 0.61, 0.47, 0.33, 0.22, 0.08, -0.08, -0.24, -0.41, -0.56, -0.73, -0.88),
    "NAC": (1, 0.99, 0.95, 0.92, 0.89, 0.85, 0.83, 0.73, 0.31, 0.05, 0.01, 0, 0, 0),
}
# The agents of these curves.
_PAPER_AGENTS = {"LSTM": "A3C", "NAC": "A3C + NAC"}


class Entry(NamedTuple):
    """The unit beside the LSTM, whether its outputs are summed, and the paper's curve of such an
    agent."""

    unit: Callable[..., Any] | None
    accumulate: bool = True
    paper: str = ""


AGENTS = {
    "LSTM": Entry(None, paper="LSTM"),
    "LSTM + NAC, summed": Entry(NAC, paper="NAC"),
    "LSTM + NAC, cell": Entry(NAC, False, "NAC"),
    "LSTM + NAU, summed": Entry(NAU),
}
NAC_PATH, BEST = "LSTM + NAC, summed", "LSTM + NAU, summed"


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    **Fields:**

    - `seeds`: agents of each kind.
    - `units`: the kinds to run; all of them if empty.
    - `updates`: optimiser steps.
    - `num_envs`: parallel environments.
    - `horizon`: steps of each environment in an update.
    - `rate`: Adam's initial learning rate, with a cosine schedule to 0.
    - `entropy`: initial weight of the policy's entropy, which falls to 0.
    - `pixels`: whether agents observe pictures of 56×56 pixels, or otherwise two positions.
    - `channels`: of the two convolutions.
    - `features`: of the encoded observation.
    - `hidden`: features of the LSTM.
    - `counts`: outputs of the unit beside it.
    """

    seeds: int = 6
    units: tuple[str, ...] = ()
    updates: int = 5_000
    num_envs: int = 64
    horizon: int = 20
    rate: float = 3e-3
    entropy: float = 0.03
    pixels: bool = True
    channels: tuple[int, ...] = (8, 16)
    features: int = 32
    hidden: int = 48
    counts: int = 4


# Runs.

_TOGETHER = 2  # seeds in a job, one on each core


def jobs(unit: str, settings: Settings) -> list[Job]:
    return seed_jobs(unit, range(_FIRST_SEED, _FIRST_SEED + settings.seeds), _TOGETHER)


class _Program(NamedTuple):
    init: Callable[..., Any]
    advance: Callable[..., Any]
    tested: Callable[..., Any]


@lru_cache(maxsize=1)
def _program(unit: str, settings: Settings) -> _Program:
    world, entry = GridWorld(pixels=settings.pixels), AGENTS[unit]
    side, positions = 11 * world.side + 1, 2 * world.side**2
    encoder = (
        partial(PictureEncoder, side, settings.features, settings.channels)
        if settings.pixels
        else partial(PositionEncoder, positions, settings.features)
    )
    make = partial(RecurrentAgent, encoder, world.actions, settings.hidden, entry.unit)
    make = partial(make, counts=settings.counts, accumulate=entry.accumulate)
    config = ActorCriticConfig(
        settings.updates,
        settings.num_envs,
        settings.horizon,
        rate=settings.rate,
        entropy=settings.entropy,
    )
    training = actor_critic(world, GOALS, make, config)

    def tested(learner: Any, goal: Any) -> Any:
        earned, ends = rewards(world, training.agent(learner), world.starts(goal))
        return earned.mean(), (ends == goal).mean(), ends.mean()

    return _Program(
        compile_program(training.init, one_thread=True),
        compile_program(training.advance, one_thread=True, static_argnums=1),
        compile_program(tested, one_thread=True),
    )


_PIECES = 10  # between two reports of progress


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    """Trains the seeds in parallel, one on each core."""
    program = _program(job.unit, settings)
    seeds, keys = job.seeds, seed_keys(job.seeds)
    pieces = np.diff(np.linspace(0, settings.updates, _PIECES + 1).astype(int))

    def one(index: int, report: Tick) -> list[Row]:
        learner, curve = program.init(keys[index]), []
        for updates in pieces:
            learner, earned = program.advance(learner, int(updates))
            curve.append(float(jnp.nanmean(earned)))
            report(len(curve) / _PIECES)
        return [
            {"unit": job.unit, "seed": seeds[index], "condition": f"T = {goal}", "T": goal}
            | _row(program.tested(learner, goal))
            | {"curve": curve}
            for goal in TESTS
        ]

    return [row for rows in run_parallel(one, len(seeds), tick) for row in rows]


def _row(tested: Any) -> Row:
    reward, exact, ends = map(float, tested)
    return {"reward": reward, "in time": exact, "ends": ends}


# Report.


def _values(rows: pl.DataFrame, unit: str, goal: int, measure: str = "reward") -> tuple[float, ...]:
    return by_seed(rows, measure, unit=unit, T=goal)


_SHOWN = (12, 16, 20, 25)
_MASTERED = 0.9  # the mean reward that counts as solved


def tables(rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
    lines = [
        Line(
            (unit, str(goal)),
            _values(rows, unit, goal),
            tuple(reward >= _MASTERED for reward in _values(rows, unit, goal)),
            _paper(AGENTS[unit].paper, goal),
        )
        for unit in units_run(rows, AGENTS)
        for goal in _SHOWN
    ]
    return {"rewards": Table(("agent", "T"), "reward", tuple(lines))}


def _paper(curve: str, goal: int) -> str:
    return f"{FIGURE_5[curve][goal - GOALS[1]]:.2f}".replace("-", "−") if curve else ""


def sentences(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    seen = "images of 56×56 pixels" if settings.pixels else "two positions instead of pixels"
    return {
        "verdict": _verdict(rows),
        "by T": _by_goal(rows),
        "seen": f"In this run the agents observe {seen}.",
        "arrivals": _arrivals(rows),
        "gap": _gap(rows),
    }


def _verdict(rows: pl.DataFrame) -> str:
    ours = []
    for unit in (NAC_PATH, BEST, "LSTM"):
        if unit in units_run(rows, AGENTS):
            means = [np.mean(_values(rows, unit, goal)) for goal in BEYOND]
            lowest = int(np.argmin(means))
            ours.append(
                f"{unit}: {np.mean(means):.2f}, and {means[lowest]:.2f} at its lowest "
                f"(T = {BEYOND[lowest]})"
            )
    return (
        f"{_claim(rows)} Mean rewards over all T from {BEYOND[0]} to {BEYOND[-1]} and over "
        f"{rows['seed'].n_unique()} seeds: {'; '.join(ours)}. In the paper an agent with a NAC has "
        f"{np.mean(FIGURE_5['NAC'][1:]):.2f} and one without {np.mean(FIGURE_5['LSTM'][1:]):.2f}; "
        "at T = 25 both are at their lowest, with 0.00 and −0.88."
    ).replace("-", "−")


def _claim(rows: pl.DataFrame) -> str:
    if not {NAC_PATH, "LSTM"} <= set(units_run(rows, AGENTS)):
        return "Not run with both an LSTM alone and a NAC beside it."
    below = [
        str(goal)
        for goal in BEYOND
        if np.mean(_values(rows, NAC_PATH, goal)) < FIGURE_5["NAC"][goal - GOALS[1]]
    ]
    last = [np.mean(_values(rows, unit, BEYOND[-1])) for unit in (NAC_PATH, "LSTM")]
    if last[0] <= last[1]:
        return "The claim does not hold: beyond training a NAC beside the LSTM is no better."
    reached = (
        f"below the paper's at T = {', '.join(below)}" if below else "above the paper's at every T"
    )
    return f"The claim holds. With a NAC whose outputs are summed the mean reward is {reached}."


def _gap(rows: pl.DataFrame) -> str:
    """The difference between agents with and without a NAC, for every seed."""
    if not {NAC_PATH, "LSTM"} <= set(units_run(rows, AGENTS)):
        return "Not run with both an LSTM alone and a NAC beside it."
    with_, without = (
        [np.mean(seed) for seed in zip(*(_values(rows, u, g) for g in BEYOND), strict=True)]
        for u in (NAC_PATH, "LSTM")
    )
    gaps = tuple(float(a - b) for a, b in zip(with_, without, strict=True))
    inside = median_interval(gaps)
    span = "" if inside is None else f" (95 % interval {inside[0]:.2f} to {inside[1]:.2f})"
    return (
        f"With the same seed, the mean reward beyond T = {GOALS[1]} is higher by "
        f"{median(gaps):.2f} with a NAC{span}. It is higher in {sum(g > 0 for g in gaps)} of "
        f"{len(gaps)} seeds."
    ).replace("-", "−")


def _by_goal(rows: pl.DataFrame) -> str:
    """The mean over all seeds for every T, beside the paper's."""
    goals = range(GOALS[1], TESTS.stop)
    found = {
        unit: [float(np.mean(_values(rows, unit, goal))) for goal in goals]
        for unit in units_run(rows, AGENTS)
    }
    found |= {f"paper: {_PAPER_AGENTS[curve]}": list(FIGURE_5[curve]) for curve in FIGURE_5}
    lines = [
        [name, *(f"{reward:.2f}".replace("-", "−") for reward in rewards)]
        for name, rewards in found.items()
    ]
    return markdown_table(["agent", *map(str, goals)], lines)


def _arrivals(rows: pl.DataFrame) -> str:
    goal = TESTS[-1]
    arrivals = (
        f"{unit} after {np.mean(_values(rows, unit, goal, 'ends')):.1f} steps, and on time in "
        f"{100 * np.mean(_values(rows, unit, goal, 'in time')):.0f} %"
        for unit in units_run(rows, AGENTS)
    )
    return f"When T is {goal}, episodes end on average: {'; '.join(arrivals)}."


_COLOURS = ("#d9480f", "#1f6fb2", "#74b9e6", "#2b8a3e")


def draw(rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    for unit in units_run(rows, AGENTS):
        colour = _COLOURS[list(AGENTS).index(unit)]
        every = np.array([_values(rows, unit, goal) for goal in TESTS])
        axes.plot(TESTS, every.mean(1), "-", color=colour, lw=1.8, label=unit)
        axes.fill_between(TESTS, every.min(1), every.max(1), color=colour, alpha=0.15, lw=0)
    for curve, colour in (("LSTM", _COLOURS[0]), ("NAC", _COLOURS[1])):
        axes.plot(
            range(GOALS[1], TESTS.stop),
            FIGURE_5[curve],
            "o:",
            color=colour,
            ms=3.5,
            lw=1.1,
            label=f"paper: {_PAPER_AGENTS[curve]}",
        )
    axes.axvspan(GOALS[0], GOALS[1], color="0.5", alpha=0.1, lw=0)
    axes.text(sum(GOALS) / 2, -0.95, "training", ha="center", fontsize=9)
    axes.set(xlabel="T, when the square is to be reached", ylabel="average reward", ylim=(-1, 1.05))
    axes.set_xticks(range(TESTS[0], TESTS.stop, 2))
    axes.legend(loc="lower left", bbox_to_anchor=(0.02, 0.1), fontsize=8)
    return {"figure5": figure}


EXPERIMENT = Experiment(
    name="gridworld",
    title="reaching a square at a given time (figure 5)",
    claim="an agent with a NAC beside its LSTM still arrives on time at given times of up to 19, "
    "where training had at most 12; an agent with an LSTM alone arrives too early.",
    units=tuple(AGENTS),
    scales={
        "smoke": Settings(
            seeds=1,
            updates=20,
            num_envs=8,
            horizon=10,
            channels=(2, 2),
            features=8,
            hidden=8,
            units=("LSTM", NAC_PATH),
        ),
        "quick": Settings(),
        "paper": Settings(seeds=10, updates=50_000, channels=(16, 32), features=256, hidden=256),
    },
    cost={"smoke": 15.0, "quick": 1114.0},
    jobs=jobs,
    run=run,
    tables=tables,
    draw=draw,
    sentences=sentences,
)
