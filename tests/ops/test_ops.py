"""Value and gradient of the equations at special points, as documented."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.ops import linear, log_space_product, magnitude, mix, nac_weight, sigmoid_gate
from numerate.ops._jax import UNROLLED_PRODUCTS
from tests.each import each, each_dtype

pytestmark = pytest.mark.usefixtures("strict_promotion")


@each("shape", [(1, 0), (0, 3), (1, 1), (2, 3), (3, 2), (1, 7), (40, 30)])
@each_dtype
def test_linear_is_the_matrix_product(shape, dtype, tolerance):
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=shape).astype(dtype), rng.normal(size=shape[1]).astype(dtype)
    y = linear(jnp.asarray(weight), jnp.asarray(x))
    assert (y.shape, y.dtype) == (shape[:1], dtype)
    np.testing.assert_allclose(y, weight @ x, rtol=tolerance, atol=10 * tolerance)


@each("in_features", [UNROLLED_PRODUCTS, UNROLLED_PRODUCTS + 1])
def test_small_sums_stay_elementwise_under_vmap_and_grad(in_features):
    """A batched matmul of tiny matrices makes the training of thousands of seeds slow."""

    def loss(weight, xs):
        return jax.vmap(linear, (None, 0))(weight, xs).sum()

    shapes = (4, 1, in_features), (4, 5, in_features)
    program = jax.make_jaxpr(jax.vmap(jax.value_and_grad(loss)))(*map(jnp.ones, shapes))
    assert ("dot_general" in str(program)) == (in_features > UNROLLED_PRODUCTS)


def test_large_sums_ask_for_full_precision():
    """By default, accelerators round the factors of a float32 matmul."""
    program = jax.make_jaxpr(linear)(jnp.ones((20, 30)), jnp.ones(30))
    assert "HIGHEST" in str(program)


@each_dtype
def test_nac_weight_saturates_at_the_arithmetic_values(dtype):
    w_hat = jnp.array([40.0, -40.0, 40.0, 0.0], dtype)
    m_hat = jnp.array([40.0, 40.0, -1000.0, 3.0], dtype)
    np.testing.assert_array_equal(nac_weight(w_hat, m_hat), [1.0, -1.0, 0.0, 0.0])


def test_nac_weight_gets_no_gradient_where_saturated():
    gradient = jax.grad(nac_weight, (0, 1))
    assert gradient(50.0, 50.0) == (0.0, 0.0)
    assert gradient(0.0, 0.0) == (0.5, 0.0)  # from zero only Ŵ moves, at first
    assert all(jnp.isfinite(g) for g in gradient(1e30, -1e30))


@each_dtype
def test_log_space_product_at_zero(dtype):
    eps = float(jnp.finfo(dtype).eps)
    for exponent in (1.0, 0.5, -1.0):
        weight, zero = jnp.array([[exponent]], dtype), jnp.zeros(1, dtype)
        # The logarithm of ε is about -36 in float64: 36 roundings.
        np.testing.assert_allclose(log_space_product(weight, zero), eps**exponent, rtol=30 * eps)
        slope = jax.grad(lambda w, x: log_space_product(w, x)[0], (0, 1))(weight, zero)
        np.testing.assert_allclose(slope[0][0], eps**exponent * np.log(eps), rtol=30 * eps)
        assert slope[1] == 0.0


@each_dtype
def test_magnitude_has_no_slope_at_zero(dtype):
    x = jnp.array([-2.0, -0.0, 0.0, 3.0, -jnp.inf], dtype)
    np.testing.assert_array_equal(magnitude(x), jnp.abs(x))
    slopes = jax.grad(lambda x: magnitude(x).sum())(x)
    np.testing.assert_array_equal(slopes[:4], [-1.0, 0.0, 0.0, 1.0])


def test_log_space_product_without_eps():
    weight, zero = jnp.array([[1.0], [-1.0]]), jnp.zeros(1)
    np.testing.assert_array_equal(log_space_product(weight, zero, eps=0.0), [0.0, jnp.inf])
    assert jnp.isnan(jax.grad(lambda x: log_space_product(weight, x, eps=0.0)[0])(zero)[0])


def test_log_space_product_overflows_to_infinity():
    product = log_space_product(jnp.array([[1.0, 1.0]]), jnp.array([1e30, 1e30]))
    np.testing.assert_array_equal(product, [jnp.inf])


@each_dtype
def test_log_space_product_ignores_signs(dtype):
    weight = jnp.array([[0.3, -0.7]], dtype)
    products = [log_space_product(weight, jnp.array(x, dtype)) for x in ([2.0, 3.0], [-2.0, 3.0])]
    np.testing.assert_array_equal(*products)


def test_product_of_nothing_is_one_and_sum_is_zero():
    weight, nothing = jnp.ones((2, 0)), jnp.ones(0)
    np.testing.assert_array_equal(log_space_product(weight, nothing), [1.0, 1.0])
    np.testing.assert_array_equal(linear(weight, nothing), [0.0, 0.0])


@each_dtype
def test_gate_is_half_at_zero_and_saturates_without_nan(dtype):
    gate_weight = jnp.array([[1e6], [-1e6]], dtype)
    np.testing.assert_array_equal(sigmoid_gate(gate_weight, jnp.zeros(1, dtype)), [0.5, 0.5])
    np.testing.assert_array_equal(sigmoid_gate(gate_weight, jnp.ones(1, dtype)), [1.0, 0.0])
    slope = jax.grad(lambda g: sigmoid_gate(g, jnp.ones(1, dtype)).sum())(gate_weight)
    np.testing.assert_array_equal(slope, [[0.0], [0.0]])


def test_mix_chooses_and_does_not_shield_from_infinity():
    one, zero = jnp.ones(1), jnp.zeros(1)
    a, m = jnp.array([2.0]), jnp.array([3.0])
    assert (mix(one, a, m), mix(zero, a, m)) == (2.0, 3.0)
    assert jnp.isnan(mix(one, a, jnp.array([jnp.inf])))


def test_one_gate_for_all_outputs():
    np.testing.assert_array_equal(
        mix(jnp.array([0.5]), jnp.array([2.0, 4.0]), jnp.array([4.0, 8.0])), [3.0, 6.0]
    )
