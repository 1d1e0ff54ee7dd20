"""Where does a unit help inside a network? Four networks, six last layers, three operations."""

from dataclasses import dataclass

import numpy as np

from numerate.study import Experiment, Job, Row, Tick, map_seeds, seed_jobs

from ._networks import TRUNKS
from ._report import SOLVED, UNITS, draw, sentences, tables
from ._tasks import OPERATIONS
from ._training import CONDITIONS, program


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:**

    - `seeds`: networks of each kind, last layer and operation.
    - `units`: last layers to run; all of them if empty.
    - `steps`: optimiser steps.
    - `batch`: examples of a step.
    - `rate`: of Adam at the start; it falls to 0 with a cosine.
    - `tests`: examples of each test.
    - `source`: of the digits: `mnist`, `small`, or `any`, MNIST where it is there.
    """

    seeds: int = 16
    units: tuple[str, ...] = ()
    steps: int = 3000
    batch: int = 32
    rate: float = 0.01
    tests: int = 256
    source: str = "any"


def jobs(unit: str, settings: Settings) -> list[Job]:
    return [
        job
        for network in TRUNKS
        for job in seed_jobs(unit, range(settings.seeds), variant={"network": network})
    ]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    network = job.variant["network"]
    found = map_seeds(program(job.unit, network, settings), job.seeds, tick=tick)
    return [
        {
            "unit": job.unit,
            "network": network,
            "operation": operation,
            "condition": condition,
            "seed": seed,
            "error": float(found[index, o, c]),
            "solved": bool(np.isfinite(found[index, o, c]) and found[index, o, c] < SOLVED),
        }
        for index, seed in enumerate(job.seeds)
        for o, operation in enumerate(OPERATIONS)
        for c, condition in enumerate(CONDITIONS)
    ]


EXPERIMENT = Experiment(
    name="inside-network",
    title="units as the last layer of an MLP, a CNN, an LSTM and a transformer",
    claim="units are described as modules of larger networks, but mostly measured alone.",
    units=UNITS,
    scales={
        "smoke": Settings(seeds=2, units=("NMU",), steps=20, tests=32, source="small"),
        "quick": Settings(),
        "paper": Settings(seeds=64, steps=20_000, tests=1024),
    },
    cost={"smoke": 20, "quick": 600},
    run=run,
    tables=tables,
    jobs=jobs,
    draw=draw,
    sentences=sentences,
)
