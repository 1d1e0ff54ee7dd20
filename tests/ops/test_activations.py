"""Every activation agrees with its formula on both backends and has a finite gradient."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from numerate.ops import ACTIVATIONS, prelu
from tests.each import each, each_dtype

pytestmark = pytest.mark.usefixtures("strict_promotion")

# One number at a time, from the definitions; the constants are those of the papers.
REFERENCES = {
    "none": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: (
        1.0507009873554804934193349852946
        * (x if x > 0 else 1.6732632423543772848170429916717 * math.expm1(x))
    ),
    "sigmoid": lambda x: 0.5 * (1 + math.tanh(x / 2)),
    "softsign": lambda x: x / (1 + abs(x)),
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "tanh": math.tanh,
    "hardtanh": lambda x: min(max(x, -1.0), 1.0),
    "leaky_relu": lambda x: x if x > 0 else x / 100,
    "prelu": lambda x: x if x > 0 else x / 4,
    "softshrink": lambda x: math.copysign(max(abs(x) - 0.5, 0.0), x),
    "hardshrink": lambda x: x if abs(x) > 0.5 else 0.0,
    "tanhshrink": lambda x: x - math.tanh(x),
    "threshold": lambda x: x if x > 0.5 else 0.0,
}
# The edges of the pieces among them.
POINTS = [-1e30, -100.0, -30.0, -2.0, -1.0, -0.5, -0.1, -1e-30, 0.0]
POINTS += [1e-30, 0.1, 0.5, 1.0, 2.0, 6.0, 25.0, 100.0, 1e30]
# Away from the edges, where a central difference is one.
SMOOTH = np.array([-3.0, -1.7, -0.75, -0.3, 0.2, 0.7, 1.3, 4.0, 9.0])

each_activation = each("name", REFERENCES)


def test_every_activation_has_a_reference():
    assert set(ACTIVATIONS) == {*REFERENCES, "crelu"}


@each_activation
@each_dtype
def test_value_is_the_definition(name, dtype, tolerance):
    x = np.array(POINTS, dtype)
    wanted = np.vectorize(REFERENCES[name], otypes=[float])(x.astype(float))
    for array in (jnp.asarray(x), torch.tensor(x)):
        y = ACTIVATIONS[name](array)
        assert y.dtype == array.dtype
        np.testing.assert_allclose(np.asarray(y), wanted, rtol=tolerance, atol=tolerance)


@each_activation
def test_gradient_is_that_of_the_definition(name, float64):
    step = 1e-5
    reference = np.vectorize(REFERENCES[name], otypes=[float])
    wanted = (reference(SMOOTH + step) - reference(SMOOTH - step)) / (2 * step)
    for gradient in gradients(name, SMOOTH):
        # Central differences are right to step² and to rounding / step, both about 1e-10.
        np.testing.assert_allclose(gradient, wanted, rtol=1e-8, atol=1e-8)


@each("name", ACTIVATIONS)
@each_dtype
def test_gradient_is_finite_and_the_same_on_both_backends(name, dtype, tolerance):
    ours, theirs = gradients(name, np.array(POINTS, dtype))
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


@each("name", ACTIVATIONS)
def test_not_a_number_stays_so(name):
    assert jnp.isnan(ACTIVATIONS[name](jnp.array([jnp.nan]))).all()


@each_dtype
def test_crelu_keeps_both_parts(dtype):
    x = np.array([[-2.0, 0.0, 3.0], [1.0, -1.0, 0.5]], dtype)
    wanted = [[0, 0, 3, 2, 0, 0], [1, 0, 0.5, 0, 1, 0]]
    for array in (jnp.asarray(x), torch.tensor(x)):
        np.testing.assert_array_equal(np.asarray(ACTIVATIONS["crelu"](array)), wanted)


def test_slope_of_prelu_is_learnt():
    x, slope = jnp.array([-3.0, 2.0]), jnp.array(0.5)
    np.testing.assert_array_equal(prelu(x, slope), [-1.5, 2.0])
    assert jax.grad(lambda a: prelu(x, a).sum())(slope) == -3.0


def gradients(name, x):
    ours = jax.grad(lambda x: ACTIVATIONS[name](x).sum())(jnp.asarray(x))
    theirs = torch.tensor(x, requires_grad=True)
    ACTIVATIONS[name](theirs).sum().backward()
    return np.asarray(ours), theirs.grad.numpy()
