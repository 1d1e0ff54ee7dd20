"""NRU, NMRU and SignNMRU: zeros, signs, and the training equation of the NRU."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.units import NMRU, NRU, SignNMRU
from tests.each import each, each_dtype
from tests.units.table import UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")

NMRUS = ("NMRU", "SignNMRU")
RECIPROCALS = ("NRU", *NMRUS)


def with_weight(unit, weight):
    return eqx.tree_at(lambda u: u.w_hat, unit, jnp.asarray(weight))


@each("name", RECIPROCALS)
@each_dtype
def test_zero_as_a_factor_and_as_a_divisor(name, dtype, key):
    """0 · 5 and 0 / 5 are 0; 5 / 0 is 0, too, by the linear piece of the reciprocal."""
    for operation, x in [("*", [0.0, 5.0]), ("/", [0.0, 5.0]), ("/", [5.0, 0.0]), ("/", [0.0] * 2)]:
        unit = UNITS[name].made_exact(operation, dtype, key)
        np.testing.assert_array_equal(unit(jnp.array(x, dtype)), [0.0])


@each("name", RECIPROCALS)
@each("unselected", [0.0, -7.0, 1e30])
@each_dtype
def test_an_input_that_is_not_selected_does_not_matter(name, unselected, dtype, key):
    unit = UNITS[name].made_exact("*", dtype, key)
    unit = with_weight(unit, unit.weight.at[..., 1].set(0.0))
    np.testing.assert_array_equal(unit(jnp.array([-3.0, unselected], dtype)), [-3.0])


@each("name", RECIPROCALS)
@each("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@each_dtype
def test_quotients_of_every_sign(name, signs, dtype, tolerance, key):
    a, b = 6.0 * signs[0], 1.5 * signs[1]
    unit = UNITS[name].made_exact("/", dtype, key)
    for mode in (None, jax.random.key(1)):
        y = unit(jnp.array([a, b], dtype), key=mode)
        np.testing.assert_allclose(y, [a / b], rtol=tolerance)


@each("name", RECIPROCALS)
@each("tiny", [2.0**-23, 1e-7, 1e-12, 1e-18])
def test_divisors_far_below_epsilon_are_exact(name, tiny, key):
    """The authors' 1/(x + ε) is half of 1/x at x = ε = 2⁻²³, and infinite at -ε."""
    unit = UNITS[name].made_exact("/", jnp.float32, key)
    for sign in (1, -1):
        y = unit(jnp.array([3.0, sign * tiny], jnp.float32))
        np.testing.assert_allclose(y, [3.0 / (sign * tiny)], rtol=1e-5)  # the log of 1e-18: 41 ulp


@each("name", NMRUS)
@each_dtype
def test_a_factor_that_is_a_divisor_cancels(name, dtype, tolerance, key):
    """x · 1/x = 1: weights are not unique."""
    unit = with_weight(UNITS[name].make(1, 1, key=key), jnp.ones((2, 1, 1), dtype))
    np.testing.assert_allclose(unit(jnp.array([-7.0], dtype)), [1.0], rtol=tolerance)


@each("name", NMRUS)
def test_factors_and_divisors_are_the_two_branches(name, key):
    unit = UNITS[name].make(2, 3, key=key)
    assert unit.weight.shape == (2, 3, 2)
    weight = jnp.zeros((2, 3, 2)).at[0, 1, 0].set(1.0).at[1, 2, 0].set(1.0)
    np.testing.assert_array_equal(with_weight(unit, weight)(jnp.array([-4.0, 9.0])), [1, -4, -0.25])


def test_barrier_of_the_nmru_that_the_sign_removes():
    """For x = -2 the NMRU is zero at W = 1/3, on the way from 1 to -2; the magnitude is not."""
    weights = jnp.linspace(0.0, 1.0, 101)

    def along(unit):
        made = unit(1, 1, key=jax.random.key(0))
        run = lambda w: with_weight(made, jnp.stack([w, 0 * w]).reshape(2, 1, 1))  # noqa: E731
        return jax.vmap(lambda w: run(w)(jnp.array([-2.0]))[0])(weights)

    assert jnp.min(jnp.abs(along(NMRU))) < 0.02
    magnitudes = along(SignNMRU) / jnp.cos(jnp.pi * weights)
    np.testing.assert_allclose(magnitudes, 1 + weights, rtol=1e-5)  # close to cos = 0: 1/0.03 ulp


@each("weight", [0.5, -0.3, 0.0008, -0.0004, 0.0])
@each("x", [2.5, -2.5, 0.0, 1e-6])
def test_nru_trains_with_the_steep_magnitude(weight, x, float64, tolerance=1e-12):
    """Written independently from the paper; the linear piece near 0 is far below these x."""
    unit = with_weight(NRU(1, 1, key=jax.random.key(0)), jnp.array([[weight]]))
    power = np.sign(x) * (abs(x) ** weight if x else 0.0)
    steep = np.tanh(1000 * weight) ** 2
    for key, size in ((None, abs(weight)), (jax.random.key(3), steep)):
        y = unit(jnp.array([x]), key=key)
        np.testing.assert_allclose(y, [power * size + 1 - size], rtol=tolerance, atol=tolerance)


def test_nru_jumps_on_negative_inputs_in_training(float64, key):
    """From 1 to about -1 within a weight of 0.003, where the evaluated unit stays near 1."""
    unit, x = NRU(1, 1, key=key), jnp.array([-2.0])
    almost = with_weight(unit, jnp.array([[0.003]]))
    np.testing.assert_allclose(almost(x, key=key), [-1.0], atol=0.02)
    np.testing.assert_allclose(almost(x), [1.0], atol=0.01)


@each("name", RECIPROCALS)
@each("training", [False, True])
@each_dtype
def test_slopes_at_zero_are_finite_and_known(name, training, dtype, key):
    """As a divisor, 1/f² with f = 2√t, the slope of the linear piece; SignNMRU has |x|: 0."""
    unit = UNITS[name].made_exact("/", dtype, key)
    mode = key if training else None
    slope = jax.jit(jax.grad(lambda x: unit(x, key=mode)[0]))(jnp.array([3.0, 0.0], dtype))
    steep = 3.0 / (4.0 * float(jnp.finfo(dtype).tiny))
    np.testing.assert_allclose(slope, [0.0, 0.0 if name == "SignNMRU" else steep], rtol=1e-5)


@each("name", NMRUS)
def test_steps_stay_within_the_bounds(name, key):
    unit = UNITS[name].make(2, 2, key=key)
    outside = jnp.arange(-2.0, 6.0).reshape(2, 2, 2) / 2
    wanted = [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0]
    np.testing.assert_allclose(with_weight(unit, outside).constrained().weight.ravel(), wanted)


def test_nru_is_bounded_on_both_sides(key):
    unit = with_weight(NRU(2, 1, key=key), jnp.array([[-3.0, 3.0]]))
    np.testing.assert_array_equal(unit.constrained().weight, [[-1.0, 1.0]])


@each("name", RECIPROCALS)
def test_penalty_is_ten_times_the_distance_from_whole_weights_in_the_end(name, key):
    unit = UNITS[name].make(3, 2, key=key)
    quarter = with_weight(unit, jnp.full(unit.weight.shape, 0.25))
    np.testing.assert_allclose(quarter.penalty(), 0.25)
    assert [unit.penalty_weight(p) for p in (0.0, 0.4, 0.7, 1.0)] == [0.0, 0.0, 10.0, 10.0]
