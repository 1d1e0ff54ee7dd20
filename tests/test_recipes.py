"""Every recipe makes its unit and can be trained, and agrees with the published scripts."""

import dataclasses
import functools
import inspect
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate import recipes
from numerate.initialisers import madsen_range
from numerate.models import Stack
from numerate.tasks import Arithmetic
from numerate.train import INALU_AUTHORS, INALU_BENCHMARK, total_penalty, train_many
from numerate.train._step import Descent, gradient_step, optimisers
from numerate.train._train import _penalty, _when
from numerate.units import MCFC, MulMCFC, RealNPU
from tests.each import each

RECIPES = {
    "madsen2020": ("NAC", "NACMul", "NALU", "NALUUntied", "Linear", "NAU", "NMU"),
    "mistry2022": (
        "NAC", "NACMul", "NALU", "GNALU", "iNALU", "NAU", "NMU", "NPU", "RealNPU", "MCFC",
        "MulMCFC", "MulMCFCSignINALU", "MulMCFCSignRealNPU",
    ),
    "mistry2023": ("RealNPU", "RealNPUModified", "NRU", "NMRU", "SignNMRU"),
    "heim2020": ("NPU", "RealNPU"),
    "schloer2020": ("iNALU", "iNALUShared"),
    "rana2019": ("GNAC", "GNALU"),
    "dujardin2025": ("HillSpaceSum", "HillSpaceProduct"),
    "hoedt2021": ("MCFC", "MulMCFC"),
    "faber2023": ("NSR",),
    "numerate2026": ("NASU",),
}  # fmt: skip
ALL = [(name, unit) for name, known in RECIPES.items() for unit in known]
TASK = Arithmetic("mul", (1.0, 2.0), set_size=64)


class Row(NamedTuple):
    """The settings of a script: the optimiser, and the factor of the unit's penalty at some steps,
    or two factors if it adds an L1 penalty to another one.
    """

    steps: int
    batch: int
    optimiser: tuple
    penalty: dict[int, Any]


def rows(steps, batch, optimiser, penalty=None, units=(None,)):
    return dict.fromkeys(units, Row(steps, batch, optimiser, penalty or {}))


ADAM, POWER = ("adam", 1e-3), ("adam", 5e-3)
SHORT, LONG = (50_000, 128, ADAM), (100_000, 128, ADAM)
NMU = {20_000: 0, 27_500: 5, 35_000: 10, 49_999: 10}
NAU = {step: factor / 1000 for step, factor in NMU.items()}
NMU10 = {50_000: 0, 62_500: 5, 75_000: 10, 99_999: 10}
NAU10 = {step: factor / 1000 for step, factor in NMU10.items()}
L1 = {0: 1e-7, 9_999: 1e-7, 10_000: 1e-6, 20_000: 1e-5, 49_999: 1e-5}
L1_DIV = {step: factor / 100 for step, factor in L1.items()}
BOTH = {0: (0, 1e-9), 9_999: (0, 1e-9), 10_000: (0, 1e-8), 20_000: (0, 1e-7), 40_000: (0, 1e-7)}
NORM = ("adam", 1e-2, 0.999, "norm", 1.0)
MASS = ("MCFC", "MulMCFC", "MulMCFCSignINALU", "MulMCFCSignRealNPU")
# The arguments of the published scripts that the docstrings name.
TABLE: dict[tuple, dict[str, Row]] = {
    ("madsen2020",): {
        **rows(5_000_000, 128, ADAM, units=("NAC", "NACMul", "NALU", "NALUUntied", "Linear")),
        **rows(5_000_000, 128, ADAM, {5_000: 0, 27_500: 0.005, 50_000: 0.01}, units=("NAU",)),
        **rows(5_000_000, 128, ADAM, {1_000_000: 0, 1_500_000: 5, 2_000_000: 10}, units=("NMU",)),
    },
    ("mistry2022",): {
        **rows(*SHORT, units=("NAC", "NACMul", "NALU", "GNALU")),
        **rows(*SHORT, NAU, units=("NAU",)),
        **rows(*SHORT, NMU, units=("NMU", *MASS)),
        **rows(50_000, 128, POWER, L1, units=("NPU", "RealNPU")),
        **rows(
            50_000, 128, ("adam", 1e-3, 0.999, "value", 0.1), {10_000: 0, 10_001: 1, 49_999: 1},
            units=("iNALU",),
        ),
    },
    ("mistry2022", "div"): rows(50_000, 128, POWER, L1_DIV, units=("NPU", "RealNPU")),
    ("mistry2022", ("inputs", 10)): {
        **rows(*LONG, units=("NAC", "NACMul", "NALU", "GNALU")),
        **rows(*LONG, NAU10, units=("NAU",)),
        **rows(*LONG, NMU10, units=("NMU", *MASS)),
        **rows(100_000, 128, POWER, L1 | {99_999: 1e-5}, units=("NPU", "RealNPU")),
        **rows(50_000, 128, ("adam", 1e-3, 0.999, "value", 0.1), {10_000: 0}, units=("iNALU",)),
    },
    ("mistry2022", "div", ("inputs", 10)): rows(
        100_000, 128, POWER, L1_DIV | {99_999: 1e-7}, units=("NPU", "RealNPU")
    ),
    ("mistry2022snmu",): rows(*SHORT, NMU, units=("sNMU",)),
    ("mistry2023",): {
        **rows(50_000, 128, POWER, L1_DIV, units=("RealNPU",)),
        **rows(
            50_000, 128, POWER, BOTH | {45_000: (0.5, 1e-7), 49_999: (0.9999, 1e-7)},
            units=("RealNPUModified",),
        ),
        **rows(50_000, 128, ("adam", 1.0), NMU, units=("NRU",)),
        **rows(50_000, 128, NORM, NMU, units=("NMRU", "SignNMRU")),
    },
    ("mistry2023", ("inputs", 10)): {
        **rows(100_000, 128, POWER, L1_DIV | {99_999: 1e-7}, units=("RealNPU",)),
        **rows(
            100_000, 128, POWER,
            BOTH | {50_000: (0, 1e-7), 62_500: (0.5, 1e-7), 75_000: (1, 1e-7), 99_999: (1, 1e-7)},
            units=("RealNPUModified",),
        ),
        **rows(*LONG, NMU10, units=("NRU",)),
        **rows(100_000, 128, NORM, NMU10, units=("NMRU", "SignNMRU")),
    },
    ("heim2020",): rows(20_000, 100, POWER, {0: 0, 19_999: 0}, units=("NPU", "RealNPU")),
    **{
        ("heim2020", "large", operation): rows(
            100_000, 128, ("flux", rate), {s: last * f for s, f in steps.items()},
            units=("NPU", "RealNPU"),
        )
        for operation, rate, last, steps in (
            ("add", 1e-2, 1e-4, {0: 0.1, 9_999: 0.1, 10_000: 1, 99_999: 1}),
            ("mul", 5e-3, 1e-4, {0: 0.1, 9_999: 0.1, 10_000: 1, 99_999: 1}),
            ("sqrt", 5e-3, 1e-4, {0: 0.1, 9_999: 0.1, 10_000: 1, 99_999: 1}),
            ("div", 5e-3, 1e-7, {0: 0.01, 9_999: 0.01, 10_000: 0.1, 20_000: 1, 99_999: 1}),
        )
    },
    ("schloer2020",): rows(
        100_000, 64, ("turns",), {10_999: 0, 11_000: 1, 99_999: 1}, units=("iNALU", "iNALUShared")
    ),
    ("rana2019",): rows(19_200, 1024, ("nadam", 1e-2), units=("GNAC", "GNALU")),
    ("dujardin2025",): rows(
        50_000, 64, ("adam", 0.1, 0.96), units=("HillSpaceSum", "HillSpaceProduct")
    ),
    ("hoedt2021",): {
        **rows(500_000, 128, ("adam", 1e-4), {0: 0, 499_999: 0}, units=("MCFC",)),
        **rows(3_000_000, 128, ("adam", 1e-2), {0: 0, 2_999_999: 0}, units=("MulMCFC",)),
    },
    ("faber2023",): rows(50_000, 81, ADAM, units=("NSR",)),
    ("numerate2026",): rows(
        20_000, 128, NORM, {8_000: 0, 11_000: 5, 14_000: 10, 19_999: 10}, units=("NASU",)
    ),
}  # fmt: skip


def made(call: tuple, unit: str) -> recipes.Recipe:
    name, *arguments = call
    keywords = dict(argument for argument in arguments if isinstance(argument, tuple))
    words = [argument for argument in arguments if isinstance(argument, str)]
    units = [] if name == "mistry2022snmu" else [unit]
    return getattr(recipes, name)(*units, *words, **keywords)


def applied(optimiser: Any, gradients: np.ndarray) -> np.ndarray:
    """The updates for gradients `(steps, size)`, one after another."""
    _, updates = jax.lax.scan(
        lambda state, gradient: optimiser.update(gradient, state, gradient)[::-1],
        optimiser.init(jnp.zeros_like(gradients[0])),
        jnp.asarray(gradients),
    )
    return np.asarray(updates)


def adam(gradients, rate, b2=0.999, clip=None, largest=0.0):
    m = v = np.zeros_like(gradients[0])
    for t, g in enumerate(gradients, 1):
        if clip == "value":
            g = np.clip(g, -largest, largest)
        elif clip == "norm":
            g = g * min(1.0, largest / np.linalg.norm(g))
        m, v = 0.9 * m + 0.1 * g, b2 * v + (1 - b2) * g**2
        yield -rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - b2**t)) + 1e-8)


def flux(gradients, rate):
    """RMSProp of Flux 0.10: no bias correction, ε outside the root."""
    square = np.zeros_like(gradients[0])
    for g in gradients:
        square = 0.9 * square + 0.1 * g**2
        yield -rate * g / (np.sqrt(square) + 1e-8)


def nadam(gradients, rate):
    """`keras.optimizers.Nadam` of Keras 2, with its names."""
    m_schedule, m, v = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        momentum_cache_t = 0.9 * (1 - 0.5 * 0.96 ** (t * 0.004))
        momentum_cache_t_1 = 0.9 * (1 - 0.5 * 0.96 ** ((t + 1) * 0.004))
        m_schedule *= momentum_cache_t
        g_prime = g / (1 - m_schedule)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_t_prime = m / (1 - m_schedule * momentum_cache_t_1)
        m_t_bar = (1 - momentum_cache_t) * g_prime + momentum_cache_t_1 * m_t_prime
        yield -rate * m_t_bar / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)


REFERENCES = {"adam": adam, "flux": flux, "nadam": nadam}


def penalties(recipe: recipes.Recipe, model: Any, steps: Any) -> np.ndarray:
    """The penalty that the engine adds to a small loss at each of the steps."""
    config = recipe.config

    def at(step):
        when = jnp.asarray(_when(config, step, jnp.asarray(config.steps)))
        return _penalty(config)(model, when, jnp.zeros(()))

    # Always as many, so that operations are compiled once.
    padded = np.pad(np.asarray(steps), (0, 100 - len(steps)))
    return np.asarray(jax.jit(jax.vmap(at))(padded.astype(np.int32)))[: len(steps)]


def model_of(recipe, key):
    """A unit with parameters at which no penalty is 0."""
    model = recipe.model(2, 1)(key=key)
    return jax.tree.map(lambda leaf: np.asarray(leaf) + np.float32(0.3), model)


def test_the_tables_have_every_recipe():
    functions = {
        name
        for name, function in inspect.getmembers(recipes, inspect.isfunction)
        if function.__module__ == "numerate.recipes" and not name.startswith("_")
    }
    assert functions == {*RECIPES, "mistry2022snmu"}
    assert {call[0] for call in TABLE} == functions
    for name, known in RECIPES.items():
        assert set(TABLE[(name,)]) == set(known)


@each("call", TABLE)
def test_steps_optimisers_and_penalties_are_those_of_the_scripts(call, key):
    gradients, known = np.random.default_rng(0).normal(size=(6, 3)).astype("float32"), []
    penalised = []  # rows, which are one for the units of the same settings
    for unit, row in TABLE[call].items():
        recipe = made(call, unit)
        assert (recipe.config.steps, recipe.config.batch_size) == (row.steps, row.batch), unit
        kind, *settings = row.optimiser
        if kind in REFERENCES and recipe.config.optimiser not in known:
            known.append(recipe.config.optimiser)
            wanted = np.stack(list(REFERENCES[kind](gradients, *settings)))
            found = applied(recipe.config.optimiser, gradients)
            np.testing.assert_allclose(found, wanted, rtol=2e-4, err_msg=unit)
        model = model_of(recipe, key)
        own, l1 = total_penalty(model), sum(abs(leaf).sum() for leaf in jax.tree.leaves(model))
        assert bool(own > 0) == bool(row.penalty), unit
        if row.penalty and row not in penalised:
            penalised.append(row)
            found = penalties(recipe, model, list(row.penalty))
            factors = np.array([np.pad(np.atleast_1d(f), (0, 1))[:2] for f in row.penalty.values()])
            wanted = factors @ np.array([own, l1])
            np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-12, err_msg=unit)


# Of each script its first table: the others have other numbers in the same schedules.
@pytest.mark.slow
@each("call", [call for call in TABLE if len(call) == 1 or call[1:] == ("large", "div")])
def test_schedules_of_shortened_recipes_shrink(call, key):
    """At every step of a hundred as at that part of all steps, the last one too."""
    for unit in TABLE[call]:
        recipe, few = made(call, unit), 100
        short, factor = recipe.shortened(few), recipe.config.steps // few
        assert isinstance(short, recipes.Recipe) and short.config.steps == few
        assert short.config.log_every == math.gcd(few, recipe.config.log_every)
        assert short.config.batch_size == recipe.config.batch_size
        assert recipe.shortened(recipe.config.steps) is recipe
        assert recipe.shortened(few) == short  # so that programs are compiled once
        model, steps = model_of(recipe, key), jnp.arange(few)
        found, wanted = penalties(short, model, steps), penalties(recipe, model, factor * steps)
        np.testing.assert_allclose(found, wanted, rtol=2e-4, atol=1e-12, err_msg=unit)
        off = call[:2] == ("heim2020",) or call[0] == "hoedt2021"
        assert bool(found[-1] > 0) == (bool(total_penalty(model) > 0) and not off), unit
        if recipe.optimiser is None:
            assert short.config.optimiser is recipe.config.optimiser
        else:
            # Under a constant gradient both optimisers move by their learning rate.
            rates = applied(short.config.optimiser, np.ones((few, 1), "float32"))[:, 0]
            late = applied(recipe.config.optimiser, np.ones((recipe.config.steps, 1), "float32"))
            at = np.array([30, 60, 99])
            np.testing.assert_allclose(rates[at], late[factor * at, 0], rtol=0.05, err_msg=unit)


@each("name, unit", ALL)
def test_makes_its_unit(name, unit, key):
    recipe = getattr(recipes, name)(unit)
    model = recipe.model(2, 1)(key=key)
    layers = list(model.layers) if isinstance(model, Stack) else [model]
    assert {type(layer).__name__ for layer in layers} == {unit}
    assert recipe.model(2, 1) is recipe.model(2, 1)
    # Equal objects share a compiled program.
    assert getattr(recipes, name)(unit).config == recipe.config


@each("name", RECIPES)
def test_unknown_units_and_settings_are_named(name):
    with pytest.raises(ValueError, match=f"unit must be one of {RECIPES[name][0]}.*, got 'ABC'"):
        getattr(recipes, name)("ABC")
    if name == "heim2020":
        with pytest.raises(ValueError, match="setting must be one of simple, large, got 'huge'"):
            recipes.heim2020("NPU", "huge")
    if name.startswith("mistry"):
        with pytest.raises(ValueError, match="inputs must be at least 2, got 1"):
            getattr(recipes, name)("RealNPU", inputs=1)


@pytest.mark.slow
@each("name, unit", [("schloer2020", "iNALU"), ("mistry2022", "iNALU"), ("rana2019", "GNALU")])
def test_the_involved_ones_train(name, unit):
    recipe = getattr(recipes, name)(unit)
    config = dataclasses.replace(recipe.config, steps=200, log_every=100, batch_size=32)
    run = train_many(jax.random.split(jax.random.key(0), 2), TASK, recipe.model(2, 1), config)
    assert np.isfinite(run.validation_log).all()
    assert np.all(run.validation_log[:, 1] != run.validation_log[:, 0])


def test_starts_of_the_scripts(key):
    """Initial values that are not the unit's defaults."""
    keys = jax.random.split(key, 2000)

    def largest(recipe, field):
        drawn = jax.vmap(lambda k: getattr(recipe.unit(2, 1, key=k), field))(keys)
        return float(drawn.min()), float(drawn.max())

    r = madsen_range(2, 1)
    golden = recipes.mistry2022("GNALU")
    for field, bound in {"w_hat": r, "m_hat": r, "gate_weight": 2**0.5}.items():
        np.testing.assert_allclose(largest(golden, field), [-bound, bound], rtol=2e-3)
    unit = golden.unit(2, 1, key=key)
    assert (unit.gate_input, unit.eps) == ("inputs", 1e-7)
    first, second = recipes.rana2019("GNALU").model(2, 1)(key=key).layers
    assert first.weight.shape == (3, 2) and second.weight.shape == (1, 3)
    assert (first.gate_input, first.eps) == ("magnitudes", 1e-7)
    assert jnp.all(second.gate_weight == 10)
    for name, field in {"NPU": "w_real", "RealNPU": "w_hat"}.items():
        large = largest(recipes.heim2020(name, "large"), field)
        np.testing.assert_allclose(large, [0, 0.1], atol=2e-4)
        assert recipes.heim2020(name).unit(2, 1, key=key).gate_gradient == "clipped"
        assert recipes.mistry2022(name).unit(2, 1, key=key).gate_gradient == "clipped"
    # A single output's gate is -1 or 1 without the trash, and a part of a unit vector with it.
    weights = [
        np.abs([recipe.unit(2, 1, key=k).gate_weight[0] for k in keys[:50]])
        for recipe in (recipes.mistry2022("MulMCFC"), recipes.hoedt2021("MulMCFC"))
    ]
    np.testing.assert_allclose(weights[0], 1, rtol=1e-6)
    assert weights[1].max() <= 1 and weights[1].min() < 0.5
    assert type(recipes.hoedt2021("MCFC").unit(2, 1, key=key)) is MCFC
    assert type(recipes.hoedt2021("MulMCFC").unit(2, 1, key=key)) is MulMCFC


def authors(gradients, reg_gradients, counts):
    """The parameters of nalu_syn_simple_arith.py: one optimiser of TensorFlow 1 for all steps."""
    parameters, rms = np.zeros(2), np.ones(2)  # a weight and a gate

    def apply(gradient, which):
        g = np.clip(gradient, -0.1, 0.1)
        rms[which] = 0.9 * rms[which] + 0.1 * g[which] ** 2
        parameters[which] -= 0.01 * g[which] / np.sqrt(rms[which] + 1e-10)

    for step, (gradient, reg, count) in enumerate(
        zip(gradients, reg_gradients, counts, strict=True)
    ):
        apply(gradient, [0] if step % 10 < 8 else [1])
        if count:
            apply(reg, [0])
            apply(reg, [1])
    return parameters


def test_steps_of_the_inalu_are_those_of_one_optimiser():
    """Loss and penalty share accumulators, and only the loss takes turns."""
    rng = np.random.default_rng(0)
    gradients, reg = 0.1 * rng.normal(size=(2, 40, 2))
    counts = rng.random(40) < 0.5
    config = recipes.schloer2020("iNALU").config
    assert config.penalty_optimiser is config.optimiser

    def of_loss(trained, frozen, batch, value):
        return value, {"weight": batch[0][0], "gate": batch[0][1]}

    def of_penalty(trained, frozen, batch, value):
        return value, {"weight": batch[1][0] * batch[2], "gate": batch[1][1] * batch[2]}

    def ended(penalty_optimiser):
        descents = [
            Descent(of_loss, config.optimiser),
            Descent(of_penalty, penalty_optimiser, penalty=True),
        ]
        step = jax.jit(gradient_step(descents, {"weight": None, "gate": None}))
        arrays = {"weight": jnp.zeros(()), "gate": jnp.zeros(())}
        states = tuple(optimiser.init(arrays) for optimiser in optimisers(descents))
        for batch in zip(jnp.array(gradients), jnp.array(reg), jnp.array(counts), strict=True):
            arrays, states, _ = step(arrays, states, *batch)
        return np.array([arrays["weight"], arrays["gate"]])

    wanted = authors(gradients, reg, counts)
    np.testing.assert_allclose(ended(config.optimiser), wanted, rtol=1e-4)
    separate = ended(recipes._clipped_rmsprop(1e-2, 0.1))
    assert np.all(np.abs(separate / wanted - 1) > 0.02)


def test_weights_and_gates_of_the_inalu_take_turns(key):
    """Eight steps move Ŵ and M̂, two the gate, and a step of the penalty all of them."""
    recipe = recipes.schloer2020("iNALU")
    unit, optimiser = recipe.unit(2, 1, key=key), recipe.config.optimiser
    state, gradient = optimiser.init(unit), jax.tree.map(jnp.ones_like, unit)
    moved = []
    for _ in range(10):
        updates, state = optimiser.update(gradient, state, unit)
        moved.append((bool(jnp.any(updates.w_hat != 0)), bool(jnp.any(updates.gate_weight != 0))))
        updates, state = optimiser.update(gradient, state, unit, penalty=True)
        assert all(jnp.all(leaf < 0) for leaf in jax.tree.leaves(updates))
    assert moved == [(i < 8, i >= 8) for i in range(10)]


def test_restarts_of_authors_and_port_differ():
    assert recipes.schloer2020("iNALU").config.restart is INALU_AUTHORS
    assert recipes.mistry2022("iNALU").config.restart is INALU_BENCHMARK


@pytest.mark.slow
def test_the_real_npu_divides_with_the_gate_of_its_authors_but_not_straight_through():
    recipe, keys = recipes.mistry2022("RealNPU", "div"), jax.random.split(jax.random.key(0), 8)

    def solved(gate_gradient):
        model = functools.partial(RealNPU, 2, 1, gate_gradient=gate_gradient)
        run = train_many(keys, Arithmetic("div", (1.0, 2.0)), model, recipe.config)
        return run.success_rate, float(jnp.min(run.model.gate_hat))

    rate, least = solved("clipped")
    assert rate == 1 and least > -1
    rate, least = solved("straight-through")
    assert rate < 0.7 and least < -50
