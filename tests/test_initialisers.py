import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import INITIALISERS, constant, initialiser, madsen_range

pytestmark = pytest.mark.usefixtures("strict_promotion")

# Half the width of the distribution for a weight of shape (out, in).
RANGES = {
    "uniform": lambda i, o: 2.0,
    "glorot_uniform": lambda i, o: (6 / (i + o)) ** 0.5,
    "kaiming_uniform": lambda i, o: (6 / i) ** 0.5,
    "madsen": madsen_range,
    "constant": lambda i, o: 0.0,
}


@pytest.mark.parametrize("name", INITIALISERS)
@pytest.mark.parametrize("sizes", [(100, 50), (50, 100)], ids=str)
def test_fills_its_range_around_zero(name, sizes, dtype, key):
    weight = initialiser(name)(key, sizes[::-1], dtype)
    reach = RANGES[name](*sizes)
    assert (weight.shape, weight.dtype) == (sizes[::-1], dtype)
    assert jnp.max(jnp.abs(weight)) <= reach
    assert jnp.max(jnp.abs(weight)) >= 0.99 * reach
    # 5 standard errors of the mean of 5000 uniform numbers
    assert abs(jnp.mean(weight)) <= 5 * reach / (3 * weight.size) ** 0.5


@pytest.mark.parametrize("name", INITIALISERS)
@pytest.mark.parametrize("shape", [(0, 1), (1, 0), (0, 0)], ids=str)
def test_weights_without_elements(name, shape, key):
    assert initialiser(name)(key, shape, jnp.float32).shape == shape


@pytest.mark.parametrize(
    ("sizes", "r"),
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
    ids=str,
)
def test_madsen_solves_what_their_code_solves(sizes, r):
    """Values computed from the authors' published code, which takes in + out to be at least 5."""
    assert round(madsen_range(*sizes), 3) == r


@pytest.mark.parametrize("sizes", [(100, 2), (10, 2), (2, 1)], ids=str)
def test_madsen_gives_the_weights_glorots_variance(sizes):
    r = madsen_range(*sizes)
    w_hat, m_hat = np.random.default_rng(0).uniform(-r, r, (2, 1_000_000))
    weight = np.tanh(w_hat) / (1 + np.exp(-m_hat))
    # A million weights give the variance to about 0.2 %.
    np.testing.assert_allclose(np.var(weight), 2 / max(sum(sizes), 5), rtol=0.01)


def test_constant_is_zero_by_name_and_any_number_as_a_function(key):
    np.testing.assert_array_equal(initialiser("constant")(key, (1, 2), jnp.float32), [[0.0, 0.0]])
    np.testing.assert_array_equal(constant(10.0)(key, (1, 2), jnp.float32), [[10.0, 10.0]])


def test_a_function_is_its_own_initialiser():
    orthogonal = jax.nn.initializers.orthogonal()
    assert initialiser(orthogonal) is orthogonal


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match="'glorot_uniform'.*'madsen'.*got 'xavier'"):
        initialiser("xavier")
