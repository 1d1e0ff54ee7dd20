from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.models import Stack
from numerate.paper.digits import DigitNet, convolved
from numerate.units import NAC, NALU, NACMul
from tests.each import each, each_dtype
from tests.units.table import FAMILIES, UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")


# A gate and a network: a stack calls them all alike.
@pytest.mark.slow
@each("name", ["NALU", "MLP"])
@each_dtype
def test_layers_run_one_after_another(name, dtype, key):
    unit = UNITS[name].unit
    model = Stack([partial(unit, 4, 2), partial(NAC, 2, 1)], key=key)
    x = jax.random.uniform(key, (4,), dtype, 1.0, 2.0)
    np.testing.assert_array_equal(model(x), model[1](model[0](x)))
    assert model(x).dtype == dtype


@each("name", FAMILIES)
@each_dtype
def test_keeps_the_dtype_of_every_unit(name, dtype, key):
    """Only traced, because compiling takes longer than the rest."""

    def run(key, x):
        return Stack([partial(UNITS[name].unit, 4, 2), partial(NAC, 2, 1)], key=key)(x)

    y = eqx.filter_eval_shape(run, key, jax.ShapeDtypeStruct((4,), dtype))
    assert (y.shape, y.dtype) == ((1,), dtype)


def test_adds_then_multiplies_exactly(key):
    """(a + b)(c + d), the two layers of the paper's static tasks, with saturated weights."""
    saturated = UNITS["NAC"].made_exact("+", jnp.float32, key)
    sums = eqx.tree_at(
        lambda u: (u.w_hat, u.m_hat),
        NAC(4, 2, key=key),
        (jnp.array([[50.0, 50.0, 0, 0], [0, 0, 50.0, 50.0]]), jnp.full((2, 4), 50.0)),
    )
    product = UNITS["NACMul"].made_exact("*", jnp.float32, key)
    x = jnp.array([1.0, 2.0, 30.0, 40.0])
    np.testing.assert_allclose(Stack([sums, product])(x), [210.0], rtol=1e-6)
    np.testing.assert_allclose(Stack([sums, saturated])(x), [73.0], rtol=1e-6)


def test_seeds_have_layers_of_their_own(key):
    make = partial(Stack, [partial(NALU, 3, 2), partial(NALU, 2, 1)])
    keys = jax.random.split(key, 4)
    models = jax.vmap(lambda key: make(key=key))(keys)
    assert len(np.unique(models[0].w_hat[:, 0, 0])) == 4
    np.testing.assert_array_equal(models[1].w_hat[2], make(key=keys[2])[1].w_hat)
    assert not jnp.array_equal(models[0].w_hat[0, :1, :2], models[1].w_hat[0])


def test_holds_layers_of_equinox(key):
    layers = [partial(eqx.nn.Linear, 4, 3), eqx.nn.Lambda(jnp.abs), partial(NACMul, 3, 1)]
    model = Stack(layers, key=key)
    assert model(jnp.ones(4)).shape == (1,)
    assert len(model) == 3


def test_hands_a_key_to_each_layer(key):
    """Two dropouts with the same key would drop the same features."""
    model = Stack([eqx.nn.Dropout(), eqx.nn.Dropout()])
    assert jnp.sum(model(jnp.ones(1000), key=key) == 0) > 650  # 1/2 twice over, not once


def test_made_layers_need_no_key(key):
    assert Stack([NAC(2, 1, key=key)])(jnp.ones(2)).shape == (1,)
    with pytest.raises(ValueError, match=r"key is needed to make layers\[1\]"):
        Stack([NAC(2, 1, key=key), partial(NAC, 1, 1)])


def test_no_layers_is_the_identity():
    np.testing.assert_array_equal(Stack([])(jnp.arange(3.0)), [0.0, 1.0, 2.0])


def test_layers_that_do_not_fit_are_refused(key):
    with pytest.raises(ValueError, match=r"layers\[1\] must take .* 2 features; it takes 3"):
        Stack([partial(NAC, 4, 2), partial(NALU, 3, 1)], key=key)


@pytest.mark.slow
def test_digit_net_is_two_convolutions_and_two_layers(key):
    net = DigitNet(key=key)
    image = jax.random.normal(key, (28, 28))
    x = image[None, :, :, None]
    for kernel, bias in zip(net.kernels, net.kernel_biases, strict=True):
        x = jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        pooled = x.reshape(1, x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max((2, 4))
        x = jax.nn.relu(pooled + bias)
    hidden = jax.nn.relu(net.weights[0] @ x.ravel() + net.biases[0])
    expected = net.weights[1] @ hidden + net.biases[1]
    np.testing.assert_allclose(net(image), expected, atol=1e-6)


@pytest.mark.slow
@each("strips", [2, 3, 5])
def test_a_convolution_in_strips_is_the_convolution(strips, key):
    for_image, for_kernel = jax.random.split(key)
    image = jax.random.normal(for_image, (24, 24 * 3))
    kernel = jax.random.normal(for_kernel, (5, 5, 3, 2))
    whole, cut = convolved(image, kernel), convolved(image, kernel, strips)
    np.testing.assert_allclose(cut, whole, rtol=1e-5, atol=1e-5)


def test_digit_net_starts_as_in_pytorch(key):
    net = DigitNet(7, key=key)
    for weight, inputs in zip((*net.kernels, *net.weights), (25, 250, 320, 50), strict=True):
        assert 0.9 / np.sqrt(inputs) < jnp.abs(weight).max() <= 1 / np.sqrt(inputs)
    assert net(jnp.zeros((28, 28))).shape == (7,)
