"""Where does a unit help inside a network? Four networks, six last layers, three operations."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from numerate.study import Experiment, Job, Row, Tick, seed_jobs, seed_keys

from ._networks import TRUNKS
from ._report import SOLVED, draw, sentences, tables
from ._tasks import OPERATIONS
from ._training import CONDITIONS, SUPERVISION, UNITS, program

TOGETHER = "all last layers"


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:**

    - `seeds`: networks of each kind, last layer and operation.
    - `units`: none can be chosen: all last layers are trained together.
    - `steps`: optimiser steps.
    - `batch`: examples of a step.
    - `rate`: of Adam at the start; it falls to 0 with a cosine.
    - `tests`: examples of each test.
    - `source`: of the digits: `mnist`, `small`, or `any`, MNIST where it is there.
    """

    seeds: int = 5
    units: tuple[str, ...] = ()
    steps: int = 1500
    batch: int = 32
    rate: float = 0.01
    tests: int = 256
    source: Literal["mnist", "small", "any"] = "small"


def jobs(unit: str, settings: Settings) -> list[Job]:
    """One for each network and seed, the same for all units: a program trains them together."""
    return [
        job
        for network in TRUNKS
        for job in seed_jobs(TOGETHER, range(settings.seeds), 1, {"network": network})
    ]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    network = job.variant["network"]
    train = program(network, replace(settings, seeds=0, units=()))
    rows: list[Row] = []
    for seed, key in zip(job.seeds, seed_keys(job.seeds), strict=True):
        found = np.asarray(train(key))
        rows += [
            {
                "unit": unit,
                "network": network,
                "supervision": supervision,
                "operation": operation,
                "condition": condition,
                "seed": seed,
                "error": float(error),
                "solved": bool(np.isfinite(error) and error < SOLVED),
            }
            for supervision, by_target in zip(SUPERVISION, found, strict=True)
            for operation, by_unit in zip(OPERATIONS, by_target, strict=True)
            for unit, errors in zip(UNITS, by_unit, strict=True)
            for condition, error in zip(CONDITIONS, errors, strict=True)
        ]
    return rows


EXPERIMENT = Experiment(
    name="inside-network",
    title="units as the last layer of an MLP, a CNN, an LSTM and a transformer",
    claim="units are described as modules of larger networks, but mostly measured alone.",
    units=UNITS,
    scales={
        "smoke": Settings(seeds=2, steps=20, tests=32),
        "quick": Settings(),
        "paper": Settings(seeds=25, steps=20_000, tests=1024, source="any"),
    },
    cost={"smoke": 50, "quick": 600},
    run=run,
    tables=tables,
    jobs=jobs,
    draw=draw,
    sentences=sentences,
    inseparable=True,
)
