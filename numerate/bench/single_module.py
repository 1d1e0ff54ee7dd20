"""Which unit learns which operation: the single-module benchmark of Mistry et al. (2022).

One unit with two inputs learns one of + − × ÷ from each of nine ranges of numbers, for the
operations that it can represent, trained by its paper's recipe. A seed solves a task if, at its
measurement of lowest validation error, its extrapolation error is below that of a model whose
operands are off by a factor of 1e-5. Extrapolation data selects nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from numerate import recipes, units
from numerate.recipes import Recipe
from numerate.study import (
    Experiment,
    Job,
    Line,
    Row,
    Table,
    Tick,
    finished,
    heat,
    percent,
    seed_keys,
    units_run,
)
from numerate.tasks import PRIMER_RANGES, Arithmetic, Sweep
from numerate.train import Config, train_many

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OPERATIONS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}
SUMS, PRODUCTS = ("add", "sub"), ("mul", "div")


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    **Fields:**

    - `seeds`: models of each unit, operation and range.
    - `units`: those to run; all if empty.
    - `steps`: optimiser steps instead of those of the unit's recipe, whose schedules are scaled; 0
      for the recipe's.
    """

    seeds: int = 25
    units: tuple[str, ...] = ()
    steps: int = 0


# The operations that each unit can represent, and its recipe.


def _defaults(unit: str) -> Callable[[str], Recipe]:
    """For units whose papers give few details: our initial weights, and Adam as for the others."""
    recipe = Recipe(getattr(units, unit), Config())
    return lambda operation: recipe


def _paper(recipe: Callable[..., Recipe], *unit: str) -> Callable[[str], Recipe]:
    made = recipe(*unit)
    return lambda operation: made


ENTRIES: dict[str, tuple[tuple[str, ...], Callable[[str], Recipe]]] = {
    "Linear": (SUMS, _defaults("Linear")),
    "NAC": (SUMS, _defaults("NAC")),
    "NACMul": (PRODUCTS, _defaults("NACMul")),
    "NALU": (tuple(OPERATIONS), _defaults("NALU")),
    "GNALU": (tuple(OPERATIONS), _paper(recipes.mistry2022, "GNALU")),
    "SNALU": (tuple(OPERATIONS), _defaults("SNALU")),
    "iNALU": (tuple(OPERATIONS), _paper(recipes.mistry2022, "iNALU")),
    "NAU": (SUMS, _paper(recipes.mistry2022, "NAU")),
    "NMU": (("mul",), _paper(recipes.mistry2022, "NMU")),
    "sNMU": (("mul",), _paper(recipes.mistry2022snmu)),
    "NPU": (PRODUCTS, partial(recipes.mistry2022, "NPU")),
    "RealNPU": (PRODUCTS, partial(recipes.mistry2022, "RealNPU")),
    "RealNPUModified": (PRODUCTS, _paper(recipes.mistry2023, "RealNPUModified")),
    "NRU": (PRODUCTS, _paper(recipes.mistry2023, "NRU")),
    "NMRU": (PRODUCTS, _paper(recipes.mistry2023, "NMRU")),
    "SignNMRU": (PRODUCTS, _paper(recipes.mistry2023, "SignNMRU")),
    "MCFC": (("add",), _paper(recipes.mistry2022, "MCFC")),
    "MulMCFC": (("mul",), _paper(recipes.mistry2022, "MulMCFC")),
    "MulMCFCSignINALU": (("mul",), _paper(recipes.mistry2022, "MulMCFCSignINALU")),
    "MulMCFCSignRealNPU": (("mul",), _paper(recipes.mistry2022, "MulMCFCSignRealNPU")),
    "HillSpaceSum": (SUMS, _paper(recipes.dujardin2025, "HillSpaceSum")),
    "HillSpaceProduct": (PRODUCTS, _paper(recipes.dujardin2025, "HillSpaceProduct")),
    "NASU": (tuple(OPERATIONS), _paper(recipes.numerate2026, "NASU")),
}


def range_text(bounds: Any) -> str:
    """A range as text for tables.

    !!! example
        >>> range_text((-1.2, -1.0))
        '[−1.2, −1]'
    """
    return f"[{', '.join(f'{end:g}' for end in bounds)}]".replace("-", "−")


RANGES: dict[str, Any] = {range_text(bounds): bounds for bounds in PRIMER_RANGES}


# Runs.


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    """All operations of a unit; those with the same recipe are one program."""
    operations, recipe_of = ENTRIES[job.unit]
    groups: dict[Recipe, list[str]] = {}
    for operation in operations:
        groups.setdefault(recipe_of(operation), []).append(operation)
    rows: list[Row] = []
    for recipe, group in groups.items():
        chosen = recipe.shortened(settings.steps) if settings.steps else recipe
        rows += _trained(job, group, chosen)
        tick(len(rows) / (len(operations) * len(RANGES) * len(job.seeds)))
    return rows


def _trained(job: Job, operations: list[str], recipe: Recipe) -> list[Row]:
    cells = [(operation, text) for operation in operations for text in RANGES]
    sweep = Sweep(tuple(Arithmetic(operation, RANGES[text]) for operation, text in cells))
    keys = jnp.concatenate([seed_keys(job.seeds)] * len(cells))
    run = finished(train_many(keys, sweep, recipe.model(2, 1), recipe.config, progress=False))
    error, solved_at = np.asarray(run.extrapolation, float), np.asarray(run.solved_at)
    solved = np.asarray(run.extrapolation < run.threshold)
    return [
        {
            "unit": job.unit,
            "operation": operation,
            "condition": text,
            "seed": seed,
            "error": float(error[index]),
            "models": 1,
            "solved": int(solved[index]),
            "solved at": float(solved_at[index]) if solved_at[index] > 0 else None,
            "steps": recipe.config.steps,
        }
        for index, (operation, text, seed) in enumerate(
            (operation, text, seed) for operation, text in cells for seed in job.seeds
        )
    ]


# Tables and figures.


def counts(rows: pl.DataFrame) -> pl.DataFrame:
    """The models of each unit, operation and range, and how many of them solve it.

    A row of the results is a seed, or all seeds of a cell if only their number was recorded.
    """
    cell = ["unit", "operation", "condition"]
    return rows.group_by(cell, maintain_order=True).agg(
        pl.col("models", "solved").sum(), pl.col("solved at").median()
    )


def solved_by_range(found: pl.DataFrame, operation: str) -> dict[str, list[int]]:
    """The number of models of each unit that solve an operation in every range, the best unit
    first.

    **Arguments:** `found`, as `counts` returns it; `operation`.
    """
    rows = found.filter(operation=operation)
    by_unit = {
        unit: [int(rows.filter(unit=unit, condition=text)["solved"].sum()) for text in RANGES]
        for unit in rows["unit"].unique().to_list()
    }
    order = sorted(by_unit, key=lambda unit: (-sum(by_unit[unit]), unit.lower()))
    return {unit: by_unit[unit] for unit in order}


def tables(rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
    found = counts(rows)
    order = {unit: index for index, unit in enumerate(ENTRIES)}
    return {
        OPERATIONS[operation]: Table(
            ("unit", "range"),
            "",
            tuple(
                Line((unit, text), (), (True,) * solved + (False,) * (models - solved))
                for unit, _, text, models, solved, _ in sorted(
                    found.filter(operation=operation).iter_rows(), key=lambda row: order[row[0]]
                )
            ),
        )
        for operation in OPERATIONS
        if operation in set(found["operation"])
    }


def sentences(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    return {"verdict": _verdict(counts(rows)), "recorded": _recorded(rows)}


def _verdict(found: pl.DataFrame) -> str:
    said = []
    for operation, sign in OPERATIONS.items():
        cells = found.filter(operation=operation)
        if len(cells):
            failed = set(cells.filter(pl.col("solved") < pl.col("models"))["unit"])
            always = [unit for unit in units_run(cells, ENTRIES) if unit not in failed]
            said.append(f"{sign}: {', '.join(always) if always else _best(cells)}")
    return f"Units that solve an operation on all ranges with every seed: {'; '.join(said)}."


def _best(cells: pl.DataFrame) -> str:
    solved = pl.col("solved").sum() / pl.col("models").sum()
    shares = cells.group_by("unit", maintain_order=True).agg(solved).sort("solved", "unit")
    best, share = shares.row(-1)
    return f"none (best is {best} with {percent(share)} % of seeds)"


def _recorded(rows: pl.DataFrame) -> str:
    if not rows["seed"].null_count():
        return "The file of results has one row per seed."
    said = (
        "This run was made before results were stored per seed. Its file has one row per unit, "
        "operation and range, with the number of seeds that solve the operation and the median "
        "step at which they do, and without errors. A new run has one row per seed."
    )
    again = units_run(rows.filter(pl.col("seed").is_not_null()), ENTRIES)
    return f"{said} Such rows are those of {', '.join(again)}, run again since." if again else said


def draw(rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    return {"solved": _figure(counts(rows))}


def _figure(found: pl.DataFrame) -> "Figure":
    """Heat maps of the share of seeds that solve each operation, by unit and range."""
    from matplotlib.figure import Figure

    by_operation = {name: solved_by_range(found, name) for name in OPERATIONS}
    shown = {name: by_unit for name, by_unit in by_operation.items() if by_unit}
    heights = [len(by_unit) + 1 for by_unit in shown.values()]
    figure = Figure(figsize=(8, 0.27 * sum(heights) + 1.5), layout="constrained")
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axes, (operation, by_unit) in zip(panels[:, 0], shown.items(), strict=True):
        models = found.filter(operation=operation)["models"].max()
        shares = 100 * np.array(list(by_unit.values()), float) / float(models)  # pyright: ignore[reportArgumentType]
        heat(
            axes, shares, lambda share: percent(share / 100), list(RANGES), list(by_unit),
            colours="Greens", limits=(0.0, 100.0), log=False,
        )  # fmt: skip
        axes.set_title(f"{OPERATIONS[operation]}: seeds that extrapolate, in %", fontsize=10)
    return figure


EXPERIMENT = Experiment(
    name="single-module",
    title="which unit learns which operation from which range (benchmark of Mistry et al. 2022)",
    claim="units can only be compared on one task with the same ranges, seeds and criterion of "
    "success, which this benchmark sets.",
    units=tuple(ENTRIES),
    scales={
        "smoke": Settings(seeds=2, units=("NAU", "NMU"), steps=1000),
        "quick": Settings(seeds=5, steps=10_000),
        "paper": Settings(),
    },
    # For smoke and quick, the processor time on a busy machine.
    cost={"smoke": 12, "quick": 246, "paper": 3700},
    run=run,
    tables=tables,
    draw=draw,
    sentences=sentences,
)
