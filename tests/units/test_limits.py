"""Units cannot represent what their docstrings exclude."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import constant
from numerate.units import NAC, NALU, NACMul, NALUScalarGate
from tests.each import each, each_dtype
from tests.units.table import UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")

NALUS = ("NALU", "NALUScalarGate", "NALUUntied")


def many(unit, *sizes, spread=10.0):
    """A thousand units 2→1 with parameters of the whole range, including saturated ones."""

    def draw(key, shape, dtype):
        return jax.random.uniform(key, shape, dtype, -spread, spread)

    keys = jax.random.split(jax.random.key(0), 1000)
    return jax.vmap(lambda k: unit(*sizes, w_hat_init=draw, m_hat_init=draw, key=k))(keys)


def outputs(units, x):
    return jax.vmap(lambda unit: unit(jnp.asarray(x)))(units)


def test_sum_has_no_coefficient_beyond_one():
    y = outputs(many(NAC, 2, 1), [3.0, 5.0])
    assert jnp.max(jnp.abs(y)) <= 8.0 and jnp.max(y) > 7.9


def test_product_is_never_negative():
    """-3 times 5 is -15, which no weights give; the exact weights of the product give 15."""
    assert jnp.all(outputs(many(NACMul, 2, 1), [-3.0, 5.0]) > 0)
    unit = UNITS["NACMul"].made_exact("*", jnp.float32, jax.random.key(0))
    np.testing.assert_allclose(unit(jnp.array([-3.0, 5.0])), [15.0], rtol=1e-6)


def test_product_is_never_zero():
    assert jnp.all(outputs(many(NACMul, 2, 1), [0.0, 5.0]) > 0)


def test_product_and_quotient_at_zero_are_those_of_eps():
    for operation, wanted in {"*": 2.0**-23 * 5.0, "/": 2.0**-23 / 5.0}.items():
        unit = UNITS["NACMul"].made_exact(operation, jnp.float32, jax.random.key(0))
        np.testing.assert_allclose(unit(jnp.array([0.0, 5.0])), [wanted], rtol=1e-5)
    # Not infinity: 5 / 0 is 5 / ε.  The logarithm of 4e7 costs 17 roundings.
    np.testing.assert_allclose(unit(jnp.array([5.0, 0.0])), [5.0 * 2.0**23], rtol=1e-5)


def test_product_is_not_the_square_of_its_only_input():
    """3² is 9, but an exponent of at most 1 reaches 3."""
    y = outputs(many(NACMul, 1, 1), [3.0])
    # exp(log 3) is 3 only to the rounding of both.
    assert jnp.max(y) <= 3.0 * (1 + 1e-6) and jnp.max(y) > 2.99


@each("name", NALUS)
@each_dtype
def test_gate_of_the_opposite_input_is_the_opposite(name, dtype, tolerance, key):
    unit = UNITS[name].make(3, 4, key=key)
    x = jax.random.normal(key, (3,), dtype)
    np.testing.assert_allclose(unit.gate(x) + unit.gate(-x), 1.0, rtol=tolerance)
    np.testing.assert_array_equal(unit.gate(jnp.zeros(3, dtype)), 0.5)


@each("name", ["NALU", "NALUScalarGate"])
def test_a_unit_that_adds_multiplies_the_opposite_input(name, float64, key):
    unit = UNITS[name].made_exact("+", float64, key)
    np.testing.assert_allclose(unit(jnp.array([3.0, 5.0])), [8.0], rtol=1e-12)
    np.testing.assert_allclose(unit(jnp.array([-3.0, -5.0])), [15.0], rtol=1e-12)


@each("name", NALUS)
def test_product_of_gated_unit_loses_the_sign(name, float64, key):
    """The gate stays closed, because -3 + 5 is positive."""
    unit = UNITS[name].made_exact("*", float64, key)
    np.testing.assert_allclose(unit(jnp.array([-3.0, 5.0])), [15.0], rtol=1e-12)


def test_scalar_gate_is_the_same_for_all_outputs(key):
    unit = NALUScalarGate(3, 4, key=key)
    assert unit.gate(jnp.ones(3)).shape == (1,)
    assert NALU(3, 4, key=key).gate(jnp.ones(3)).shape == (4,)


def test_untied_halves_have_weights_of_their_own(float64, key):
    """Half open, one unit gives (a + b)/2 + √a/2; tied weights would add or root both."""
    unit = UNITS["NALUUntied"].made_exact("+", float64, key)
    unit = eqx.tree_at(lambda u: u.gate_weight, unit, jnp.zeros((1, 2)))
    np.testing.assert_allclose(unit(jnp.array([9.0, 5.0])), [7.0 + 1.5], rtol=1e-12)


@each("name", NALUS)
def test_closed_gate_does_not_shield_from_overflow(name, key):
    """1e30 + 1e30 fits float32, but the product the gate excludes does not: 0 ∞ is NaN."""
    unit = UNITS[name].made_exact("+", jnp.float32, key)
    if name != "NALUUntied":  # whose other half is a square root, and does not overflow
        assert jnp.isnan(unit(jnp.array([1e30, 1e30]))[0])
    else:
        np.testing.assert_allclose(unit(jnp.array([1e30, 1e30])), [2e30], rtol=1e-6)


@each("name", ["NACMul", *NALUS])
@each("eps", [-1e-7, float("nan")])
def test_eps_that_makes_logarithms_nan_is_refused(name, eps, key):
    with pytest.raises(ValueError, match="eps must be at least 0"):
        UNITS[name].unit(2, 1, eps=eps, key=key)


def test_eps_is_the_one_given(key):
    """(0 + ε)^1 with ε = 1e-3."""
    saturated = {"w_hat_init": constant(50.0), "m_hat_init": constant(50.0)}
    unit = NACMul(1, 1, eps=1e-3, **saturated, key=key)
    np.testing.assert_allclose(unit(jnp.zeros(1)), [1e-3], rtol=1e-5)
