import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import (
    INITIALISERS,
    constant,
    initialiser,
    madsen_range,
    symmetric,
)
from tests.each import each, each_dtype

pytestmark = pytest.mark.usefixtures("strict_promotion")

# Half the width of the distribution for a weight of shape (out, in).
RANGES = {
    "uniform": lambda i, o: 2.0,
    "glorot_uniform": lambda i, o: (6 / (i + o)) ** 0.5,
    "kaiming_uniform": lambda i, o: (6 / i) ** 0.5,
    "madsen": madsen_range,
    "nau": lambda i, o: min(0.5, (6 / (i + o)) ** 0.5),
    "constant": lambda i, o: 0.0,
}


OTHERS = {"nmu", "glorot_normal", "orthogonal"}


def test_every_initialiser_is_tested():
    assert {*RANGES, *OTHERS} == set(INITIALISERS)


@each("name", RANGES)
@each("sizes", [(100, 50), (50, 100)])
@each_dtype
def test_fills_its_range_around_zero(name, sizes, dtype, key):
    weight = initialiser(name)(key, sizes[::-1], dtype)
    reach = RANGES[name](*sizes)
    assert (weight.shape, weight.dtype) == (sizes[::-1], dtype)
    assert jnp.max(jnp.abs(weight)) <= reach
    assert jnp.max(jnp.abs(weight)) >= 0.99 * reach
    # 5 standard errors of the mean of 5000 uniform numbers
    assert abs(jnp.mean(weight)) <= 5 * reach / (3 * weight.size) ** 0.5


@each_dtype
def test_nmu_fills_the_middle_of_its_range(dtype, key):
    weight = initialiser("nmu")(key, (50, 100), dtype)
    assert (weight.shape, weight.dtype) == ((50, 100), dtype)
    assert 0.25 <= jnp.min(weight) < 0.26 and 0.74 < jnp.max(weight) <= 0.75


@each_dtype
def test_glorot_normal_has_glorots_variance(dtype, key):
    weight = initialiser("glorot_normal")(key, (50, 100), dtype)
    assert (weight.shape, weight.dtype) == ((50, 100), dtype)
    # 5000 numbers give mean and deviation to about 1 % of the deviation; 5 of those errors
    deviation = (2 / 150) ** 0.5
    assert abs(jnp.mean(weight)) < 5 * deviation / 5000**0.5
    assert abs(jnp.std(weight) - deviation) < 5 * deviation / 10000**0.5


@each("shape", [(5, 3), (3, 5), (4, 4), (3, 1), (1, 1)])
@each_dtype
def test_orthogonal_has_orthonormal_columns_or_rows(shape, dtype, tolerance, key):
    weight = initialiser("orthogonal")(key, shape, dtype)
    assert (weight.shape, weight.dtype) == (shape, dtype)
    small = weight.T @ weight if shape[0] >= shape[1] else weight @ weight.T
    np.testing.assert_allclose(small, np.eye(min(shape)), atol=tolerance)


def test_orthogonal_is_on_either_side_of_zero(key):
    """The decomposition alone would have a convention for signs."""
    draw = jax.vmap(lambda key: initialiser("orthogonal")(key, (2, 2), jnp.float32))
    weights = draw(jax.random.split(key, 1000))
    # The mean of 1000 numbers of variance 1/2, to 5 standard errors.
    assert jnp.max(jnp.abs(weights.mean(0))) < 5 * (0.5 / 1000) ** 0.5


@each("name", ["orthogonal", "glorot_normal", "uniform"])
@each("dtype", ["float16", "bfloat16"])
def test_half_precision(name, dtype, key):
    assert initialiser(name)(key, (3, 2), jnp.dtype(dtype)).dtype == dtype


@each_dtype
def test_symmetric_is_its_range(dtype, key):
    weight = symmetric(0.5)(key, (50, 100), dtype)
    assert 0.49 < jnp.max(weight) <= 0.5 and -0.5 <= jnp.min(weight) < -0.49


@each("name", INITIALISERS)
@each("shape", [(0, 1), (1, 0), (0, 0)])
def test_weights_without_elements(name, shape, key):
    assert initialiser(name)(key, shape, jnp.float32).shape == shape


@each(
    "sizes, r",
    [
        ((100, 2), 0.504),
        ((100, 1), 0.507),
        ((25, 2), 1.099),
        ((10, 1), 2.260),
        ((10, 2), 2.074),
        ((4, 2), 5.426),
        ((2, 1), 9.471),
        ((2, 2), 9.471),
    ],
)
def test_madsen_solves_what_their_code_solves(sizes, r):
    """Values computed from the authors' published code, which takes in + out to be at least 5."""
    assert round(madsen_range(*sizes), 3) == r


@each("sizes", [(100, 2), (10, 2), (2, 1)])
def test_madsen_gives_the_weights_glorots_variance(sizes):
    r = madsen_range(*sizes)
    w_hat, m_hat = np.random.default_rng(0).uniform(-r, r, (2, 1_000_000))
    weight = np.tanh(w_hat) / (1 + np.exp(-m_hat))
    # A million weights give the variance to about 0.2 %.
    np.testing.assert_allclose(np.var(weight), 2 / max(sum(sizes), 5), rtol=0.01)


def test_constant_is_zero_by_name_and_any_number_as_a_function(key):
    np.testing.assert_array_equal(initialiser("constant")(key, (1, 2), jnp.float32), [[0.0, 0.0]])
    np.testing.assert_array_equal(constant(10.0)(key, (1, 2), jnp.float32), [[10.0, 10.0]])


def test_a_function_draws_what_it_draws(key):
    orthogonal = jax.nn.initializers.orthogonal()
    drawn = initialiser(orthogonal)(key, (2, 3), jnp.float32)
    np.testing.assert_array_equal(drawn, orthogonal(key, (2, 3), jnp.float32))


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'glorot_uniform'.*'madsen'.*got 'xavier'"):
        initialiser("xavier")
