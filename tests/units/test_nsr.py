"""The neural status register compares numbers at any distance."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.units import NSR
from tests.each import each

pytestmark = pytest.mark.usefixtures("strict_promotion")

# S and Z of a register for which the sum is large and positive, or large and negative.
COMPARISONS = {
    ">": (100.0, -50.0, np.greater),
    "<": (-100.0, -50.0, np.less),
    "=": (0.0, 100.0, np.equal),
    ">=": (100.0, 50.0, np.greater_equal),
    "<=": (-100.0, 50.0, np.less_equal),
    "!=": (0.0, -100.0, np.not_equal),
}
# Beside numbers of these sizes, the smallest differences of float64 that are multiples of 1.
SIZES = {9.0: 20.0, 1e6: 20.0, 1e12: 20.0, 1e18: 128.0}


def comparing(comparison, key, **kwargs):
    """An NSR 2→1 that compares a with b."""
    unit = NSR(2, 1, key=key, **kwargs)
    sign, zero, _ = COMPARISONS[comparison]
    a, b = [100.0, -100.0], [-100.0, 100.0]
    new = [jnp.array([[[a]], [[b]]]), jnp.array([[sign]]), jnp.array([[zero]])]
    return eqx.tree_at(lambda u: [u.w_hat, u.sign_weight, u.zero_weight], unit, new)


def pairs(size, step):
    return np.array([[size, size], [size + step, size], [size, size + step]])


@each("comparison", COMPARISONS)
@each("size", SIZES)
@each("side", [1, -1])
def test_compares_neighbours_however_large(comparison, size, side, float64, key):
    xs = side * pairs(size, SIZES[size])
    assert len(np.unique(xs[1])) == 2, "the neighbours are one number"
    truth = COMPARISONS[comparison][2](xs[:, 0], xs[:, 1])
    p = jax.vmap(comparing(comparison, key))(jnp.asarray(xs))[:, 0]
    np.testing.assert_allclose(p, truth, atol=1e-12)


@each("comparison", COMPARISONS)
def test_compares_numbers_of_very_different_size(comparison, float64, key):
    xs = np.array([[1e18, 1e6], [-1e18, 1e18], [0.0, 1e18], [1e18, 0.0], [-1e6, -1e18]])
    truth = COMPARISONS[comparison][2](xs[:, 0], xs[:, 1])
    p = jax.vmap(comparing(comparison, key))(jnp.asarray(xs))[:, 0]
    np.testing.assert_allclose(p, truth, atol=1e-12)


@each("scale", [1e-6, 1.0, 1e9])
def test_scale_is_the_unit_of_the_inputs(scale, float64, key):
    """In another unit of length nothing changes."""
    xs = np.array([[3.0, 2.5], [1.0, 1.0], [-2.0, 0.1]])
    plain, scaled = comparing(">", key), comparing(">", key, scale=scale)
    wanted = jax.vmap(plain)(jnp.asarray(xs))
    np.testing.assert_allclose(jax.vmap(scaled)(jnp.asarray(xs * scale)), wanted, rtol=1e-9)


def test_bits_are_blunt_below_the_scale_and_sharp_with_zeta(float64, key):
    near = jnp.array([1.01, 1.0])
    assert comparing(">", key)(near)[0] < 1e-6  # counts as equal
    np.testing.assert_allclose(comparing(">", key, zeta=1000.0)(near), [1.0], atol=1e-12)


def test_registers_add_up_to_a_conjunction(float64, key):
    """lower < x < upper needs two: of the inputs (lower, x, upper)."""
    unit = NSR(3, 1, redundancy=2, key=key)
    pick = 200.0 * np.eye(3) - 100.0
    operands = np.stack([pick[[1, 2]], pick[[0, 1]]])[:, :, None, :]
    new = [jnp.asarray(operands), jnp.full((1, 2), 100.0), jnp.full((1, 2), -50.0)]
    unit = eqx.tree_at(lambda u: [u.w_hat, u.sign_weight, u.zero_weight], unit, new)
    unit = eqx.tree_at(lambda u: u.bias, unit, jnp.array([-200.0]))
    xs = jnp.array([[0, 50, 100], [0, -50, 100], [0, 150, 100], [0, 0, 100]], float)
    np.testing.assert_allclose(jax.vmap(unit)(xs)[:, 0], [1, 0, 0, 0], atol=1e-12)


@each("redundancy", [1, 5])
def test_every_register_learns(redundancy, key):
    """The authors' code accepts the number but uses one register."""
    unit = NSR(4, 3, redundancy=redundancy, key=key)
    assert unit.weight.shape == (2, redundancy, 3, 4)
    assert unit.sign_weight.shape == unit.zero_weight.shape == (3, redundancy)
    x = jnp.array([0.3, -0.2, 0.9, 0.1])
    gradient = eqx.filter_jit(eqx.filter_grad(lambda u: jnp.sum(u(x))))(unit)
    for field in (gradient.w_hat, gradient.sign_weight, gradient.zero_weight):
        assert jnp.all(field != 0)


def test_learns_to_compare_digits_and_extrapolates(float64, key):
    """Trained on digits from 1 to 9, right up to 1e15; plain descent on few examples."""
    digits = jnp.arange(1.0, 10.0)
    xs = jnp.stack(jnp.meshgrid(digits, digits), -1).reshape(-1, 2)
    truth = (xs[:, 0] > xs[:, 1]).astype(xs.dtype)

    def loss(unit):
        return jnp.mean((jax.vmap(unit)(xs)[:, 0] - truth) ** 2)

    def step(_, unit):
        gradient = eqx.filter_grad(loss)(unit)
        return eqx.apply_updates(unit, jax.tree.map(lambda g: -1.0 * g, gradient))

    unit = jax.lax.fori_loop(0, 3000, step, NSR(2, 1, redundancy=10, key=key))
    assert jnp.all((jax.vmap(unit)(xs)[:, 0] > 0.5) == (truth > 0.5))
    far = jax.random.uniform(key, (1000, 2), minval=0.0, maxval=1e15)
    right = (jax.vmap(unit)(far)[:, 0] > 0.5) == (far[:, 0] > far[:, 1])
    assert right.mean() > 0.99


@each(
    "argument, value, rule",
    [
        ("redundancy", 0, "redundancy must be at least 1, got 0"),
        ("zeta", 0.0, "zeta must be positive, got 0.0"),
        ("scale", -1.0, "scale must be positive, got -1.0"),
        ("scale", float("nan"), "scale must be positive, got nan"),
    ],
)
def test_settings_that_make_no_register_are_refused(argument, value, rule, key):
    with pytest.raises(ValueError, match=rule):
        NSR(2, 1, **{argument: value}, key=key)
