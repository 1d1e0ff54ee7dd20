"""The single-module benchmark: its training, counts and sentences."""

import jax
import numpy as np
import polars as pl
import pytest

from numerate.bench import experiments
from numerate.bench.single_module import (
    ENTRIES,
    OPERATIONS,
    RANGES,
    Settings,
    counts,
    solved_by_range,
)
from numerate.recipes import Recipe
from numerate.study import Job
from numerate.tasks import PRIMER_RANGES, Arithmetic
from numerate.train import train_many
from tests.paper.committed import check_columns

BENCHMARK = experiments()["single-module"]


def rows(**solved: list[int]) -> pl.DataFrame:
    """Rows of seeds that add at one range, from whether they solve it."""
    return pl.DataFrame(
        [
            {"unit": unit, "operation": "add", "condition": "[1, 2]", "seed": seed, "error": 0.0}
            | {"models": 1, "solved": won, "solved at": 1000.0 * seed if won else None}
            for unit, found in solved.items()
            for seed, won in enumerate(found)
        ]
    )


def test_every_unit_has_a_recipe_for_each_of_its_operations():
    for unit, (operations, recipe_of) in ENTRIES.items():
        assert operations and set(operations) <= set(OPERATIONS)
        for operation in operations:
            recipe = recipe_of(operation)
            assert isinstance(recipe, Recipe)
            assert type(recipe.model(2, 1)(key=jax.random.key(0))).__name__ == unit


def test_ranges_are_the_nine_of_the_benchmark():
    assert tuple(RANGES.values()) == tuple(PRIMER_RANGES) and len(RANGES) == 9
    assert list(RANGES)[2] == "[−1.2, −1.1]"


@pytest.mark.slow
def test_a_cell_is_what_training_it_alone_gives():
    """The rows of a unit, against a training of one operation, range and seed alone."""
    settings = Settings(seeds=2, steps=1000)
    found = pl.DataFrame(BENCHMARK.run(Job("NMU", range(2)), settings, lambda fraction: None))
    check_columns("single-module", found.to_dicts())
    assert len(found) == 9 * 2 and set(found["operation"]) == {"mul"}
    recipe = ENTRIES["NMU"][1]("mul").shortened(1000)
    key = jax.random.split(jax.random.key(0), 25)[1:2]
    run = train_many(key, Arithmetic("mul", (1.0, 2.0)), recipe.model(2, 1), recipe.config)
    (row,) = found.filter(condition="[1, 2]", seed=1).to_dicts()
    np.testing.assert_allclose(row["error"], run.extrapolation[0], rtol=1e-3)
    assert row["solved"] == int(run.extrapolation[0] < run.threshold)
    assert row["steps"] == 1000 and row["models"] == 1


def test_counts_add_up_seeds_whether_or_not_each_has_a_row():
    single = rows(NAU=[1, 1, 0])
    together = pl.DataFrame(
        {"unit": ["NAC"], "operation": ["add"], "condition": ["[1, 2]"], "seed": [None]}
        | {"error": [None], "models": [25], "solved": [7], "solved at": [4000.0]},
        schema=single.schema,
    )
    found = counts(pl.concat([single, together]))
    assert found.select("unit", "models", "solved", "solved at").rows() == [
        ("NAU", 3, 2, 500.0),
        ("NAC", 25, 7, 4000.0),
    ]
    recorded = BENCHMARK.sentences(pl.concat([single, together]), Settings())["recorded"]
    assert recorded.endswith("Such rows are those of NAU, run again since.")


def test_units_are_ordered_by_successes_and_then_by_name():
    found = counts(rows(NAU=[1, 1], Linear=[0, 1], MCFC=[1, 1]))
    by_unit = solved_by_range(found, "add")
    assert list(by_unit) == ["MCFC", "NAU", "Linear"]
    assert by_unit["Linear"][list(RANGES).index("[1, 2]")] == 1 and sum(by_unit["Linear"]) == 1


def test_the_verdict_names_the_units_that_never_fail_or_the_best():
    always = BENCHMARK.sentences(rows(NAU=[1, 1], Linear=[0, 1]), Settings())
    assert "+: NAU." in always["verdict"] and "one row per seed" in always["recorded"]
    never = BENCHMARK.sentences(rows(NAU=[1, 1, 0], Linear=[0, 1, 0]), Settings())
    assert "+: none (best is NAU with 67 % of seeds)." in never["verdict"]
