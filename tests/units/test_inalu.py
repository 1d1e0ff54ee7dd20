"""The iNALU, the SNALU and the golden-ratio units: statements of their papers, and their limits."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import constant, normal
from numerate.ops import (
    GOLDEN_SLOPE,
    clamped_log_space_product,
    constant_gate,
    mixed_sign,
    saturation,
    sigmoid_gate,
    sign_product,
)
from numerate.units import GNAC, GNALU, NAC, NALU, SNALU, iNALU, iNALUShared
from tests.each import each, each_dtype
from tests.units.table import CLOSED, OPEN, SATURATED, UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")

INALUS = ("iNALU", "iNALUShared")
each_inalu = each("name", INALUS)


def with_weights(unit, weight, gate):
    """An iNALU of either kind with the weights of -1, 0 and 1 given, and one gate for all."""
    weight = jnp.broadcast_to(jnp.asarray(weight, float), unit.w_hat.shape)
    selected = jnp.where(weight == 0, -SATURATED, SATURATED)
    return eqx.tree_at(
        lambda u: (u.w_hat, u.m_hat, u.gate_weight),
        unit,
        (SATURATED * jnp.sign(weight), selected, jnp.full(unit.gate_weight.shape, gate)),
    )


SIGNS = list(itertools.product([-1.0, 1.0], repeat=3))
THREE_TO_TWO = [[1, -1, 0], [0, 0, 1]]  # a/b and c


@each_inalu
@each("signs", SIGNS)
def test_signs_are_right_for_three_inputs_and_two_outputs(name, signs, float64, key):
    unit = with_weights(UNITS[name].make(3, 2, key=key), THREE_TO_TWO, CLOSED)
    a, b, c = x = np.array(signs) * [2.0, 3.0, 5.0]
    np.testing.assert_allclose(unit(jnp.asarray(x)), [a / b, c], rtol=1e-12)


@each_dtype
def test_published_code_makes_signs_with_the_weights_of_other_pairs(dtype):
    """The authors read the flattened (in, out) weights as (out, in): a/b gets the sign of c."""
    weight, x = np.array(THREE_TO_TWO, dtype), np.array([2.0, 3.0, -5.0], dtype)
    theirs = np.abs(weight.T.reshape(2, 3))
    wrong = np.prod(theirs * np.sign(x) + 1 - theirs, axis=1)
    right = mixed_sign(jnp.asarray(weight), jnp.asarray(x))
    np.testing.assert_array_equal(right, [1.0, -1.0])
    np.testing.assert_array_equal(wrong, [-1.0, -1.0])


@each("sizes", [(3, 2), (7, 5), (0, 2), (2, 0)])
@each_dtype
def test_sign_is_the_product_of_one_factor_for_each_input(sizes, dtype, tolerance):
    rng = np.random.default_rng(0)
    weight = rng.uniform(-1, 1, sizes[::-1]).astype(dtype)
    x = rng.choice([-2.0, 0.0, 3.0], sizes[0], p=[0.4, 0.1, 0.5]).astype(dtype)
    wanted = np.ones(sizes[1])
    for o, i in np.ndindex(sizes[::-1]):
        wanted[o] *= abs(weight[o, i]) * np.sign(x[i]) + 1 - abs(weight[o, i])
    got = mixed_sign(jnp.asarray(weight), jnp.asarray(x))
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@each_dtype
def test_gradient_of_the_sign_at_saturated_weights(dtype):
    """The end of every published training: the gradient is not halved at the ends of the clip."""
    gradient = jax.grad(lambda w, x: mixed_sign(w, x)[0])
    weight = jnp.array([[1.0, -1.0]], dtype)
    # ∂s/∂W₁ is sign(W₁)(sign(x₁) - 1) times the factor of the other, and the reverse.
    np.testing.assert_array_equal(gradient(weight, jnp.array([-2.0, -3.0], dtype)), [[2.0, -2.0]])
    np.testing.assert_array_equal(gradient(weight, jnp.array([2.0, -3.0], dtype)), [[0.0, 2.0]])
    np.testing.assert_array_equal(gradient(weight, jnp.array([2.0, 3.0], dtype)), [[0.0, 0.0]])


def test_sign_is_clipped_for_weights_beyond_one():
    """1 - 2 · 3 is -5, for a weight that no unit here has."""
    np.testing.assert_array_equal(mixed_sign(jnp.array([[3.0]]), jnp.array([-2.0])), [-1.0])


@each_inalu
def test_product_with_zero_and_quotient_by_zero_are_zero(name, float64, key):
    for operation, x in [("*", [0.0, -5.0]), ("/", [0.0, 5.0]), ("/", [5.0, 0.0])]:
        unit = UNITS[name].made_exact(operation, float64, key)
        np.testing.assert_array_equal(unit(jnp.array(x)), [0.0])


@each_inalu
@each_dtype
def test_product_is_at_most_e_to_the_omega(name, dtype, tolerance, key):
    unit, x = UNITS[name].made_exact("*", dtype, key), jnp.array([1e6, -1e6], dtype)
    # The logarithm costs 20 roundings.
    np.testing.assert_allclose(unit(x), [-np.exp(20.0)], rtol=20 * tolerance)
    gradient = jax.grad(lambda x: unit(x)[0])
    np.testing.assert_array_equal(gradient(x), [0.0, 0.0])
    assert jnp.all(gradient(x / 1e5) != 0)


@each_inalu
def test_omega_and_eps_are_those_given(name, float64, key):
    unit = with_weights(UNITS[name].make(2, 1, omega=2.0, eps=1e-3, key=key), [[1, 1]], CLOSED)
    np.testing.assert_allclose(unit(jnp.array([3.0, 5.0])), [np.exp(2.0)], rtol=1e-12)
    np.testing.assert_allclose(unit(jnp.array([1e-6, 5.0])), [5e-3], rtol=1e-12)


@each_inalu
@each("argument", ["eps", "omega"])
@each("value", [0.0, -1.0, float("nan")])
def test_clamps_that_are_not_positive_are_refused(name, argument, value, key):
    with pytest.raises(ValueError, match=f"{argument} must be positive, got {value}"):
        UNITS[name].make(2, 1, **{argument: value}, key=key)


def test_clamped_product_is_the_power_itself_above_eps(float64):
    """Unlike |x| + ε, which is wrong by 1e-5 at x = 0.01 with ε = 1e-7."""
    y = clamped_log_space_product(jnp.array([[1.0]]), jnp.array([[0.01], [1e-7], [1e-9], [0.0]]))
    np.testing.assert_allclose(y[:, 0], [0.01, 1e-7, 1e-7, 1e-7], rtol=1e-12)


def test_clamped_product_of_nan_is_nan():
    assert jnp.isnan(clamped_log_space_product(jnp.ones((1, 1)), jnp.array([jnp.nan])))[0]


@each("name", [*INALUS, "SNALU"])
@each_dtype
def test_gate_does_not_depend_on_the_input(name, dtype, key):
    unit = UNITS[name].make(3, 4, key=key)
    xs = 100 * jax.random.normal(key, (5, 6, 3), dtype)
    gates = unit.gate(xs)
    assert gates.shape == (5, 6, 4)
    np.testing.assert_array_equal(gates, jnp.broadcast_to(gates[0, 0], gates.shape))
    np.testing.assert_array_equal(unit.gate(jnp.zeros(3, dtype)), gates[0, 0])
    slope = jax.grad(lambda x: unit.gate(x).sum())(xs)
    np.testing.assert_array_equal(slope, jnp.zeros_like(xs))


def test_one_gate_for_each_output_or_for_all(key):
    x = jnp.ones(3)
    assert len(np.unique(iNALU(3, 4, key=key).gate(x))) == 4
    assert len(np.unique(SNALU(3, 4, key=key).gate(x))) == 1
    np.testing.assert_array_equal(constant_gate(jnp.zeros(1), x, 2), [0.5, 0.5])


@each_inalu
def test_one_gate_adds_on_both_sides_of_zero(name, float64, key):
    """A NALU that adds 3 and 5 multiplies -3 and -5."""
    unit = UNITS[name].made_exact("+", float64, key)
    np.testing.assert_allclose(unit(jnp.array([3.0, 5.0])), [8.0], rtol=1e-12)
    np.testing.assert_allclose(unit(jnp.array([-3.0, -5.0])), [-8.0], rtol=1e-12)


@each_dtype
def test_saturation_agrees_with_its_definition(dtype, tolerance):
    v = np.array([[0.0, -0.5, 3.0], [-19.0, 20.0, -1e6]], dtype)
    for t in (20.0, 5.0):
        wanted = np.mean([max(min(-x, x) + t, 0.0) for x in v.astype(float).ravel()]) / t
        np.testing.assert_allclose(saturation(jnp.asarray(v), t), wanted, rtol=tolerance)


@each_dtype
def test_saturation_pushes_away_from_zero_and_stops_at_t(dtype, tolerance):
    v = jnp.array([-1e3, -20.0, -19.0, 0.0, 0.1, 19.0, 20.0, 1e3], dtype)
    wanted = np.array([0.0, 0.0, 1.0, 0.0, -1.0, -1.0, 0.0, 0.0]) / 20 / len(v)
    np.testing.assert_allclose(jax.grad(saturation)(v), wanted, rtol=tolerance)


@each_dtype
def test_saturation_of_nothing_is_zero(dtype):
    penalty = saturation(jnp.zeros((2, 0, 3), dtype))
    assert (penalty, penalty.dtype) == (0, dtype)


def test_penalty_adds_the_means_of_every_parameter(float64, key):
    """Of five for separate weights, as the authors count, and of three for shared ones."""

    def mean(v):
        return np.mean(np.maximum(20 - np.abs(v), 0)) / 20

    separate = iNALU(3, 2, key=key)
    five = [*separate.w_hat, *separate.m_hat, separate.gate_weight]
    np.testing.assert_allclose(separate.penalty(), sum(map(mean, five)), rtol=1e-12)
    shared = iNALUShared(3, 2, key=key)
    three = [shared.w_hat, shared.m_hat, shared.gate_weight]
    np.testing.assert_allclose(shared.penalty(), sum(map(mean, three)), rtol=1e-12)


@each_inalu
def test_penalty_starts_with_the_twelfth_of_a_hundred_epochs(name, key):
    unit = UNITS[name].make(2, 1, key=key)
    assert [unit.penalty_weight(p) for p in (0.0, 0.1099, 0.11, 1.0)] == [0.0, 0.0, 1.0, 1.0]
    steps = jnp.array([0, 10_999, 11_000, 99_999]) / 100_000
    np.testing.assert_array_equal(unit.penalty_weight(steps), [0.0, 0.0, 1.0, 1.0])


@each_inalu
def test_start_as_in_the_experiments(name, float64, key):
    unit = UNITS[name].make(100, 100, key=key)
    for parameter, mean in [(unit.w_hat, 1), (unit.m_hat, -1), (unit.gate_weight, 0)]:
        # 5 standard errors, of 100 gates and of at least 10,000 weights
        assert abs(parameter.mean() - mean) < 5 * 0.1 / parameter.size**0.5
        assert abs(parameter.std() - 0.1) < 5 * 0.1 / (2 * parameter.size) ** 0.5


def test_separate_halves_have_weights_of_their_own(float64, key):
    """Half open, a/2 + (1/b)/2, whose sign is that of b, which the sum leaves out."""
    halves = [[[1, 0]], [[0, -1]]]
    unit = with_weights(iNALU(2, 1, key=key), halves, 0.0)
    np.testing.assert_allclose(unit(jnp.array([-9.0, 5.0])), [-4.5 + 0.1], rtol=1e-12)


def test_snalu_has_the_wrong_sign_for_a_negative_input_that_is_left_out(float64, key):
    """x₁ alone, with x₂ of weight 0: right beside a positive x₂, but not beside a negative."""
    unit = SNALU(2, 1, gate_init=constant(CLOSED), key=key)
    names = ("w_hat", "m_hat")
    parameters = jnp.array([[SATURATED, 0.0]]), jnp.full((1, 2), SATURATED)
    unit = eqx.tree_at(lambda u: [getattr(u, n) for n in names], unit, parameters)
    np.testing.assert_allclose(unit(jnp.array([3.0, 5.0])), [3.0], rtol=1e-12)
    np.testing.assert_allclose(unit(jnp.array([3.0, -5.0])), [-3.0], rtol=1e-12)
    np.testing.assert_array_equal(unit(jnp.array([3.0, 0.0])), [0.0])
    right = with_weights(iNALU(2, 1, key=key), [[1, 0]], CLOSED)
    np.testing.assert_allclose(right(jnp.array([3.0, -5.0])), [3.0], rtol=1e-12)
    np.testing.assert_allclose(right(jnp.array([3.0, 0.0])), [3.0], rtol=1e-12)


def test_sign_of_all_inputs_of_a_batch():
    xs = jnp.array([[[2.0, 3.0], [-2.0, 3.0]], [[-2.0, -3.0], [0.0, -3.0]]])
    np.testing.assert_array_equal(sign_product(xs)[..., 0], [[1.0, -1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(sign_product(jnp.ones((2, 0))), [[1.0], [1.0]])


def test_gnac_is_a_nac_with_its_parameters_times_ln_phi(float64, key):
    golden, x = GNAC(3, 2, key=key), jnp.array([1.5, -2.0, 3.0])
    names = ("w_hat", "m_hat")
    scaled = [np.log((1 + 5**0.5) / 2) * getattr(golden, n) for n in names]
    nac = eqx.tree_at(lambda u: [getattr(u, n) for n in names], NAC(3, 2, key=key), scaled)
    np.testing.assert_allclose(golden(x), nac(x), rtol=1e-12)


def test_gnalu_is_a_nalu_of_magnitudes_with_scaled_parameters(float64, key):
    """Where all inputs are positive, and so are their magnitudes."""
    golden = GNALU(3, 2, gate_init="glorot_uniform", key=key)
    names = ("w_hat", "m_hat", "gate_weight")
    scaled = [GOLDEN_SLOPE * getattr(golden, n) for n in names]
    nalu = eqx.tree_at(lambda u: [getattr(u, n) for n in names], NALU(3, 2, key=key), scaled)
    x = jnp.array([1.5, 2.0, 3.0])
    np.testing.assert_allclose(golden(x), nalu(x), rtol=1e-12)
    np.testing.assert_array_equal(golden.gate(x), golden.gate(-x))
    assert jnp.all(nalu.gate(x) != nalu.gate(-x))


def test_the_gate_of_gnalu_may_see_the_inputs_themselves(float64, key):
    """As in the paper and the port; then it differs on both sides of zero, like that of NALU."""
    x, inits = jnp.array([1.5, -2.0, 3.0]), {"gate_init": "glorot_uniform", "key": key}
    magnitudes, inputs = (GNALU(3, 2, gate_input=i, **inits) for i in ("magnitudes", "inputs"))
    np.testing.assert_array_equal(magnitudes.gate(x), inputs.gate(jnp.abs(x)))
    np.testing.assert_allclose(inputs.gate(x) + inputs.gate(-x), [1.0, 1.0], rtol=1e-12)
    wanted = sigmoid_gate(inputs.gate_weight, x, GOLDEN_SLOPE)
    np.testing.assert_array_equal(inputs.gate(x), wanted)
    with pytest.raises(ValueError, match="gate_input must be one of 'magnitudes', 'inputs', got"):
        GNALU(3, 2, gate_input="all", key=key)


def test_gnalu_adds_on_both_sides_of_zero_but_not_at_zero(float64, key):
    unit = UNITS["GNALU"].made_exact("+", float64, key)
    np.testing.assert_allclose(unit(jnp.array([-3.0, -5.0])), [-8.0], rtol=1e-12)
    np.testing.assert_array_equal(unit.gate(jnp.zeros(2)), [0.5])


def test_gnalu_starts_as_a_sum(float64, key):
    """G = 10 opens the gate to σ_φ(100) at |x₁| + |x₂| = 10, which leaves the product 1e-21."""
    unit = GNALU(2, 1, key=key)
    np.testing.assert_array_equal(unit.gate_weight, [[10.0, 10.0]])
    np.testing.assert_array_equal(unit.gate(jnp.array([-4.0, 6.0])), [1.0])
    closed = sigmoid_gate(-unit.gate_weight, jnp.array([4.0, 6.0]), GOLDEN_SLOPE)
    np.testing.assert_allclose(closed, [1.26e-21], rtol=1e-2)


def test_module_defaults_of_the_authors_are_one_call_away(float64, key):
    inits = {"w_hat_init": normal(0.88, 0.2), "m_hat_init": normal(0.5, 0.2)}
    unit = iNALU(50, 50, **inits, gate_init=normal(0.0, 0.2), key=key)
    assert abs(unit.w_hat.mean() - 0.88) < 5 * 0.2 / unit.w_hat.size**0.5
    assert abs(unit.m_hat.mean() - 0.5) < 5 * 0.2 / unit.m_hat.size**0.5


def test_open_gate_shields_from_a_product_that_would_overflow(key):
    """Unlike that of a NALU: the product is bounded, and 0 · e^20 is 0."""
    unit = UNITS["iNALUShared"].made_exact("+", jnp.float32, key)
    np.testing.assert_array_equal(unit.gate_weight, [OPEN])
    np.testing.assert_allclose(unit(jnp.array([1e30, 1e30])), [2e30], rtol=1e-6)
