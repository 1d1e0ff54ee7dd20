"""The baseline layers against those of Equinox with the same weights, and every activation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.ops import ACTIVATIONS
from numerate.serialise import load, save
from numerate.units import MLP, Linear
from tests.each import each, each_dtype

pytestmark = pytest.mark.usefixtures("strict_promotion")

each_activation = each("activation", ACTIVATIONS)
some_activations = each("activation", ["relu", "tanh", "prelu", "crelu"])


@each("use_bias", [True, False])
@each_dtype
def test_linear_is_that_of_equinox(use_bias, dtype, tolerance, key):
    theirs = eqx.nn.Linear(3, 2, use_bias=use_bias, dtype=dtype, key=key)
    ours = Linear(3, 2, use_bias=use_bias, dtype=dtype, key=key)
    ours = eqx.tree_at(lambda u: u.w_hat, ours, theirs.weight)
    if use_bias:
        ours = eqx.tree_at(lambda u: u.bias, ours, theirs.bias)
    x = jax.random.normal(key, (3,), dtype)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=tolerance, atol=tolerance)


def test_linear_without_a_constant_has_none(tmp_path, key):
    unit = Linear(3, 2, use_bias=False, key=key)
    assert len(jax.tree.leaves(unit)) == 1
    np.testing.assert_array_equal(unit(jnp.zeros(3)), [0.0, 0.0])
    save(unit, tmp_path / "unit")
    assert eqx.tree_equal(load(tmp_path / "unit"), unit)


@each("depth", [1, 3])
@each_dtype
def test_mlp_is_that_of_equinox(depth, dtype, tolerance, key):
    theirs = eqx.nn.MLP(4, 2, width_size=5, depth=depth, dtype=dtype, key=key)
    ours = MLP(4, 2, hidden_size=5, depth=depth, dtype=dtype, key=key)
    new = [tuple(getattr(layer, n) for layer in theirs.layers) for n in ("weight", "bias")]
    ours = eqx.tree_at(lambda u: [u.weights, u.biases], ours, new)
    x = jax.random.normal(key, (4,), dtype)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=tolerance, atol=tolerance)


@pytest.mark.slow
@each_activation
def test_mlp_is_its_layers(activation, float64, key):
    unit = MLP(3, 2, hidden_size=4, depth=2, activation=activation, key=key)
    x = jax.random.normal(key, (3,))
    h = np.asarray(x)
    for weight, bias in zip(unit.weights[:-1], unit.biases[:-1], strict=True):
        h = np.asarray(ACTIVATIONS[activation](jnp.asarray(np.asarray(weight) @ h + bias)))
    wanted = np.asarray(unit.weights[-1]) @ h + unit.biases[-1]
    np.testing.assert_allclose(unit(x), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.slow
@some_activations  # their gradients are finite in `tests/ops/test_activations.py`
def test_mlp_has_finite_gradients_trains_and_can_be_saved(activation, tmp_path, key):
    unit = MLP(2, 1, depth=2, activation=activation, key=key)
    xs = jnp.array([[0.0, 0.0], [1e30, -0.5], [-1e30, 0.5], [1.0, -1.0], [1e-30, 2.0]])

    def losses(unit):
        return jnp.abs(jax.vmap(unit)(xs)[:, 0] - 3.0)

    @eqx.filter_jit
    def before_and_after(unit):
        """The gradient for each input, and a step on those of moderate size."""
        gradients = eqx.filter_vmap(
            lambda weights: eqx.filter_grad(lambda unit: losses(unit) @ weights)(unit)
        )(jnp.eye(len(xs)))
        step = jax.tree.map(lambda g: -0.01 * g[3:].mean(axis=0), gradients)
        stepped = eqx.apply_updates(unit, step)
        return gradients, stepped, losses(unit)[3:].mean(), losses(stepped)[3:].mean()

    gradients, stepped, before, after = before_and_after(unit)
    assert all(jnp.isfinite(g).all() for g in jax.tree.leaves(gradients))
    assert after < before
    save(stepped, tmp_path / "unit")
    assert eqx.tree_equal(load(tmp_path / "unit"), stepped)


def test_only_prelu_learns_slopes_and_only_crelu_doubles(key):
    for activation in ACTIVATIONS:
        unit = MLP(2, 1, hidden_size=3, depth=2, activation=activation, key=key)
        assert len(unit.slopes) == (2 if activation == "prelu" else 0)
        seen = 6 if activation == "crelu" else 3
        assert [w.shape for w in unit.weights] == [(3, 2), (3, seen), (1, seen)]
    unit = MLP(2, 1, activation="prelu", key=key)
    slope = eqx.filter_grad(lambda u: u(jnp.array([1.0, -2.0]))[0])(unit).slopes
    assert slope[0] != 0


@pytest.mark.slow
@each_activation
def test_mlp_extrapolates_linearly_or_not_at_all(activation, float64, key):
    """It cannot represent products: far outside, doubling the input at most doubles the output."""
    unit = MLP(2, 1, activation=activation, key=key)
    direction = jnp.array([0.6, 0.8])
    near, far = (unit(r * direction) for r in (1e9, 2e9))
    bounded = activation in ("relu6", "sigmoid", "softsign", "tanh", "hardtanh")
    np.testing.assert_allclose(far, near if bounded else 2 * near, rtol=1e-6)


@each(
    "arguments, rule",
    [
        ({"depth": 0}, "depth must be at least 1, got 0"),
        ({"hidden_size": -1}, "hidden_size must be at least 0, got -1"),
        ({"activation": "ReLU"}, "activation must be one of 'none', 'relu'.*got 'ReLU'"),
    ],
)
def test_layers_that_cannot_be_are_refused(arguments, rule, key):
    with pytest.raises(ValueError, match=rule):
        MLP(2, 1, **arguments, key=key)
