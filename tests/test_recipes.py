"""Every recipe makes its unit and can be trained; what the papers say about each holds."""

import dataclasses
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from numerate import recipes
from numerate.recipes import Recipe
from numerate.tasks import Arithmetic
from numerate.train import INALU_AUTHORS, INALU_BENCHMARK, train_many

RECIPES = {
    "madsen2020": ("NAC", "NACMul", "NALU", "NALUUntied", "Linear", "NAU", "NMU"),
    "mistry2022": (
        "NAC", "NACMul", "NALU", "GNALU", "iNALU", "NAU", "NMU", "NPU", "RealNPU", "MCFC",
        "MulMCFC", "MulMCFCSignINALU", "MulMCFCSignRealNPU",
    ),
    "mistry2023": ("RealNPUModified", "NRU", "NMRU", "SignNMRU"),
    "heim2020": ("NPU", "RealNPU"),
    "schloer2020": ("iNALU", "iNALUShared"),
    "rana2019": ("GNAC", "GNALU"),
    "dujardin2025": ("HillSpaceSum", "HillSpaceProduct"),
    "numerate2026": ("NASU",),
}  # fmt: skip
ALL = [(name, unit) for name, known in RECIPES.items() for unit in known]
TASK = Arithmetic("mul", (1.0, 2.0), set_size=64)


def test_the_table_has_every_recipe():
    functions = {
        name
        for name, function in inspect.getmembers(recipes, inspect.isfunction)
        if function.__module__ == "numerate.recipes" and not name.startswith("_")
    }
    assert functions == {*RECIPES, "mistry2022snmu"}


@pytest.mark.parametrize(("name", "unit"), ALL)
def test_makes_its_unit(name, unit, key):
    recipe = getattr(recipes, name)(unit)
    assert type(recipe.model(2, 1)(key=key)).__name__ == unit
    assert recipe.model(2, 1) is recipe.model(2, 1)
    # Equal objects share a compiled program.
    assert getattr(recipes, name)(unit).config == recipe.config


@pytest.mark.parametrize("name", RECIPES)
def test_unknown_units_are_named(name):
    with pytest.raises(ValueError, match=f"unit must be one of {RECIPES[name][0]}.*, got 'ABC'"):
        getattr(recipes, name)("ABC")


@pytest.mark.parametrize(
    ("name", "unit"), [("schloer2020", "iNALU"), ("mistry2022", "iNALU"), ("heim2020", "NPU")]
)
def test_the_involved_ones_train(name, unit):
    recipe = getattr(recipes, name)(unit)
    config = dataclasses.replace(recipe.config, steps=200, log_every=100)
    run = train_many(jax.random.split(jax.random.key(0), 2), TASK, recipe.model(2, 1), config)
    assert np.isfinite(run.validation_log).all()
    assert np.all(run.validation_log[:, 1] != run.validation_log[:, 0])


def test_schedules_of_the_papers():
    nau, nmu = (recipes.madsen2020(unit).config.penalty_scale for unit in ("NAU", "NMU"))
    np.testing.assert_allclose([nau(s) for s in (0, 5_000, 27_500, 50_000)], [0, 0, 0.005, 0.01])
    np.testing.assert_allclose([nmu(s) for s in (1e6, 1.5e6, 2e6, 5e6)], [0, 5, 10, 10])
    product, quotient = (
        recipes.mistry2022("RealNPU", o).config.penalty_scale for o in ("mul", "div")
    )
    assert product is None  # the unit's own: 1e-7, tenfold every 10,000 of 50,000, up to 1e-5
    steps = np.array([0, 9_999, 10_000, 20_000, 49_999])
    np.testing.assert_allclose(
        [quotient(s) for s in steps], [1e-9, 1e-9, 1e-8, 1e-7, 1e-7], rtol=1e-5
    )
    unit = recipes.mistry2022("RealNPU").unit(2, 1, key=jax.random.key(0))
    np.testing.assert_allclose(
        [unit.penalty_weight(s / 50_000) for s in steps], [1e-7, 1e-7, 1e-6, 1e-5, 1e-5], rtol=1e-5
    )


def test_weights_and_gates_of_the_inalu_take_turns(key):
    """Eight steps move Ŵ and M̂, two the gate; no gradient counts for more than ±0.1."""
    recipe = recipes.schloer2020("iNALU")
    unit = recipe.unit(2, 1, key=key)
    optimiser = recipe.config.optimiser
    state = optimiser.init(unit)
    gradient = jax.tree.map(lambda leaf: jnp.full_like(leaf, 1e6), unit)
    moved = []
    for _ in range(20):
        updates, state = optimiser.update(gradient, state, unit)
        moved.append((bool(jnp.any(updates.w_hat != 0)), bool(jnp.any(updates.gate_weight != 0))))
        assert all(jnp.all(jnp.abs(u) <= 0.02) for u in jax.tree.leaves(updates))
    assert moved == [(i % 10 < 8, i % 10 >= 8) for i in range(20)]


def test_restarts_of_authors_and_port_are_told_apart():
    assert recipes.schloer2020("iNALU").config.restart is INALU_AUTHORS
    assert recipes.mistry2022("iNALU").config.restart is INALU_BENCHMARK


def test_shortened_recipes_keep_the_rest():
    recipe = recipes.mistry2022("NAU").shortened(1000)
    assert isinstance(recipe, Recipe) and recipe.config.steps == 1000
    assert recipe.config.optimiser is recipes.mistry2022("NAU").config.optimiser
    assert isinstance(recipe.config.optimiser, optax.GradientTransformation)
