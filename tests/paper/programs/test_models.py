"""A configured unit is its unit with the LSTM's parameters, and branches only on its inputs."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import constant
from numerate.paper.programs import DNC, UGRNN, CellProgramModel, ConfiguredUnit, Programs
from numerate.paper.programs._models import _sign
from numerate.units import NAC, NALU, NAU, iNALU
from tests.each import each

KINDS, REGISTERS, HIDDEN = 9, 2, 5
UNITS = each("unit", [NAC, NALU, NAU, iNALU])


def programs(kind="branch", digits=2):
    return Programs(kind, set_size=6).fixed(digits)[0]


def without_controller(model: ConfiguredUnit) -> ConfiguredUnit:
    weight = jnp.zeros_like(model.produce.weight)
    return eqx.tree_at(lambda m: m.produce.weight, model, weight)


@pytest.mark.slow
@UNITS
@each("gain", [1.0, 4.0])
def test_an_lstm_without_effect_leaves_the_unit_as_it_starts(unit, gain, key):
    made = ConfiguredUnit(unit, KINDS, REGISTERS, HIDDEN, gain=gain, key=key)
    model = without_controller(made)
    one = model.configured(jnp.ones(HIDDEN))
    fresh = unit(1 + REGISTERS, REGISTERS, key=jax.random.split(key, 4)[1])
    x = jnp.array([3.0, -2.0, 0.5])
    np.testing.assert_allclose(one(x), fresh(x), rtol=1e-6)


def test_a_sharpened_unit_has_what_a_larger_gain_makes(key):
    made = ConfiguredUnit(NAC, KINDS, REGISTERS, HIDDEN, gain=2.0, key=key)
    larger = ConfiguredUnit(NAC, KINDS, REGISTERS, HIDDEN, gain=6.0, key=key)
    larger = eqx.tree_at(lambda m: m.produce, larger, made.produce)
    h = jnp.linspace(-1, 1, HIDDEN)
    sharp = made.sharpened(3.0)
    made_by, wanted = sharp.configured(h), larger.configured(h)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), made_by, wanted)
    assert sharp.gain == made.gain
    x = programs()[0]
    np.testing.assert_allclose(sharp(x), larger(x), rtol=1e-5)


@UNITS
def test_every_parameter_depends_on_the_lstm(unit, key):
    model = ConfiguredUnit(unit, KINDS, REGISTERS, HIDDEN, key=key)
    two = [model.configured(v * jnp.ones(HIDDEN)) for v in (-0.5, 0.5)]
    for a, b in zip(*(jax.tree.leaves(eqx.filter(u, eqx.is_array)) for u in two), strict=True):
        assert jnp.all(a != b)


def test_registers_are_the_units_outputs_one_after_the_other(key):
    model = ConfiguredUnit(NALU, KINDS, REGISTERS, HIDDEN, sees="registers", key=key)
    tokens = programs()[0, :4]
    registers, _ = model.run(tokens)
    h = c = jnp.zeros(HIDDEN)
    r = jnp.zeros(REGISTERS)
    for token, found in zip(tokens, registers, strict=True):
        seen = jnp.concatenate([token[1:], jnp.tanh(r), jnp.tanh(r / 10), jnp.tanh(r / 100)])
        h, c = model.controller(seen, (h, c))
        r = model.configured(h)(jnp.concatenate([token[:1], r]))
        np.testing.assert_allclose(found, r, rtol=1e-5)
    np.testing.assert_array_equal(model(tokens), registers[-1, :1])


@each("sees", ["kinds", "signs", "registers", "numbers"])
def test_what_the_lstm_sees_decides_what_it_can_depend_on(sees, key):
    """A NAU is linear: with kinds and signs alone, ten times the numbers give tenfold answers."""
    model = ConfiguredUnit(NAU, KINDS, REGISTERS, HIDDEN, sees=sees, key=key)
    tokens = programs("add")[0].at[:, 0].set(jnp.array([300.0, 0.0, 400.0]))
    read = eqx.filter_jit(model)
    answer, tenfold = read(tokens), read(tokens.at[:, 0].multiply(10.0))
    alike = bool(jnp.allclose(tenfold, 10 * answer, rtol=1e-5))
    assert alike == (sees in ("kinds", "signs"))


def test_signs_are_of_whole_numbers_and_have_a_gradient():
    r = jnp.array([-3.0, -0.6, -0.4, 0.0, 0.4, 0.6, 200.0])
    np.testing.assert_array_equal(_sign(r), [-1, -1, 0, 0, 0, 1, 1])
    gradient = jax.vmap(jax.grad(_sign))(r)
    np.testing.assert_allclose(gradient, 0.1 / (1 + np.abs(r) / 10) ** 2, rtol=1e-5)


def make_cell(cell, key):
    return CellProgramModel(cell, KINDS, HIDDEN, key=key)


@pytest.mark.slow
@each(
    "make",
    [
        lambda key: ConfiguredUnit(NAU, KINDS, REGISTERS, HIDDEN, sees="registers", key=key),
        partial(make_cell, eqx.nn.LSTMCell),
        partial(make_cell, UGRNN),
        partial(make_cell, DNC),
    ],
)
def test_rows_without_a_kind_change_nothing(make, key):
    model, tokens = make(key=key), programs()[0]
    padded = jnp.concatenate([tokens, jnp.zeros((3, 1 + KINDS))])
    read = eqx.filter_jit(model)
    np.testing.assert_array_equal(read(padded), read(tokens))
    assert read(tokens.at[0, 0].add(1.0)) != read(tokens)


def test_a_nau_with_weights_of_one_sums(key):
    """With weights 1 for the number and the first register, the answer is the sum, exactly."""
    sums = partial(NAU, w_hat_init=constant(1.0))
    model = without_controller(ConfiguredUnit(sums, KINDS, 1, HIDDEN, key=key))
    tokens, wanted = Programs("add", set_size=20).fixed(4)
    np.testing.assert_array_equal(jax.vmap(model)(tokens), wanted)
    assert model.run(tokens[0])[1] == 0


@pytest.mark.slow
def test_a_clipped_weight_comes_back_and_goes_no_further(key):
    far = partial(NAU, w_hat_init=constant(3.0))
    model = without_controller(ConfiguredUnit(far, KINDS, 1, HIDDEN, key=key))
    assert jnp.all(model.configured(jnp.ones(HIDDEN)).weight == 1)
    tokens = programs("add")[0]

    def gradient(sign):
        return eqx.filter_grad(lambda m: sign * m(tokens)[0])(model).produce.bias

    # The answer grows with both weights. A step against the gradient makes them smaller, or larger.
    assert jnp.all(gradient(1.0) > 0)
    assert jnp.all(gradient(-1.0) == 0)


def test_the_penalty_is_the_mean_over_tokens(key):
    half = partial(NAU, w_hat_init=constant(0.5))
    model = without_controller(ConfiguredUnit(half, KINDS, 1, HIDDEN, key=key))
    assert model.run(programs()[0])[1] == pytest.approx(0.5)
    assert model.penalty_weight(1.0) == pytest.approx(0.01)


def test_the_ugrnn_is_its_equation(key):
    cell = UGRNN(3, 4, key=key)
    x, h = jnp.array([1.0, -2.0, 0.5]), jnp.array([0.1, -0.2, 0.3, 0.4])
    z = np.asarray(cell.weight, float) @ np.concatenate([x, h]) + np.asarray(cell.bias, float)
    gate = 1 / (1 + np.exp(-z[:4]))
    np.testing.assert_allclose(cell(x, h), gate * h + (1 - gate) * np.tanh(z[4:]), rtol=1e-5)
    assert jnp.all(cell.bias == jnp.array([1.0] * 4 + [0.0] * 4))


@each(
    "given, told",
    [
        ({"sees": "all"}, "sees must be one of kinds, signs, registers, numbers; got 'all'"),
        ({"registers": 0}, "registers must be at least 1, got 0"),
        ({"gain": 0.0}, "gain must be above 0, got 0.0"),
        ({"hidden_size": -1}, "hidden_size must be at least 0, got -1"),
    ],
)
def test_bad_arguments(given, told, key):
    sizes = {"kinds": 2, "registers": 1, "hidden_size": 3}
    with pytest.raises(ValueError, match=told):
        ConfiguredUnit(NAU, **(sizes | given), key=key)
