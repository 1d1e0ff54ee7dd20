"""The neural logic rule layer on truth values, and on other numbers."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.models import Stack
from numerate.units import NLRL
from tests.each import each, each_dtype

pytestmark = pytest.mark.usefixtures("strict_promotion")

ON, OFF = 100.0, -100.0
AND, OR = OFF, ON
CORNERS = list(itertools.product([0, 1], repeat=2))


def rule(operation, literals, key):
    """A layer of one output for each list of literals: 1 as it is, -1 negated, 0 not there."""
    counts = jnp.asarray(literals)
    w_hat, n_hat = jnp.where(counts != 0, ON, OFF), jnp.where(counts < 0, ON, OFF)
    return NLRL(
        counts.shape[1],
        counts.shape[0],
        w_hat_init=lambda k, s, d: w_hat.astype(d),
        n_hat_init=lambda k, s, d: n_hat.astype(d),
        gate_init=lambda k, s, d: jnp.full(s, operation, d),
        key=key,
    )


@eqx.filter_jit
def truths(model, dtype):
    return jax.vmap(model)(jnp.array(CORNERS, dtype))[:, 0]


@each(
    "operation, literals, wanted",
    [
        (AND, [1, 1], [0, 0, 0, 1]),
        (OR, [1, 1], [0, 1, 1, 1]),
        (AND, [-1, 0], [1, 1, 0, 0]),
        (OR, [-1, 0], [1, 1, 0, 0]),
        (AND, [1, -1], [0, 0, 1, 0]),
        (OR, [-1, 1], [1, 1, 0, 1]),  # an implication
        (AND, [-1, -1], [1, 0, 0, 0]),  # NOR
        (OR, [-1, -1], [1, 1, 1, 0]),  # NAND
        (AND, [0, 0], [1, 1, 1, 1]),
        (OR, [0, 0], [0, 0, 0, 0]),
    ],
)
@each_dtype
def test_one_layer(operation, literals, wanted, dtype, tolerance, key):
    unit = rule(operation, [literals], key)
    np.testing.assert_allclose(truths(unit, dtype), wanted, atol=tolerance)


@each("first", [AND, OR])
@each_dtype
def test_two_layers_are_xor_in_either_normal_form(first, dtype, tolerance, key):
    """(a and not b) or (not a and b); (a or b) and (not a or not b)."""
    literals = [[1, -1], [-1, 1]] if first == AND else [[1, 1], [-1, -1]]
    layers = [rule(first, literals, key), rule(-first, [[1, 1]], key)]
    xor = Stack([lambda key, layer=layer: layer for layer in layers], key=key)
    np.testing.assert_allclose(truths(xor, dtype), [0, 1, 1, 0], atol=tolerance)


def test_one_layer_is_never_xor(key):
    """None of a thousand layers with parameters of the whole range is close."""

    def draw(key, shape, dtype):
        return jax.random.uniform(key, shape, dtype, -10.0, 10.0)

    def make(key):
        return NLRL(2, 1, w_hat_init=draw, n_hat_init=draw, gate_init=draw, key=key)

    p = jax.vmap(lambda k: truths(make(k), jnp.float32))(jax.random.split(key, 1000))
    assert jnp.min(jnp.max(jnp.abs(p - jnp.array([0.0, 1.0, 1.0, 0.0])), axis=1)) > 0.3


def test_between_truth_and_falsehood_it_is_probability(float64, key):
    a, b = 0.3, 0.8
    x = jnp.array([a, b])
    np.testing.assert_allclose(rule(AND, [[1, 1]], key)(x), [a * b], rtol=1e-12)
    np.testing.assert_allclose(rule(OR, [[1, 1]], key)(x), [a + b - a * b], rtol=1e-12)


def test_beyond_truth_and_falsehood_it_is_clipped(float64, key):
    unit = NLRL(2, 1, key=key)
    np.testing.assert_array_equal(unit(jnp.array([7.0, -3.0])), unit(jnp.array([1.0, 0.0])))


def test_eps_is_what_a_false_conjunction_is(float64, key):
    unit = rule(AND, [[1, 1]], key)
    np.testing.assert_allclose(unit(jnp.array([0.0, 1.0])), [2.0**-52], rtol=1e-12)
    with pytest.raises(ValueError, match="eps must be at least 0"):
        NLRL(2, 1, eps=-1.0, key=key)


def test_learns_every_operation_of_two_inputs_but_two(float64, key):
    """Each of the 16 truth tables, but XOR and its negation, by descent from ten starts."""
    corners = jnp.array(CORNERS, float)
    tables = [t for t in itertools.product([0.0, 1.0], repeat=4) if t not in XORS]

    def error(unit, table):
        return jnp.mean((jax.vmap(unit)(corners)[:, 0] - table) ** 2)

    def learnt(table, key):
        def step(_, unit):
            gradient = jax.grad(error)(unit, table)
            return jax.tree.map(lambda p, g: p - 10.0 * g, unit, gradient)

        return error(jax.lax.fori_loop(0, 3000, step, NLRL(2, 1, key=key)), table)

    each_start = jax.vmap(learnt, in_axes=(None, 0))
    errors = jax.jit(jax.vmap(each_start, in_axes=(0, None)))(
        jnp.array(tables), jax.random.split(key, 10)
    )
    np.testing.assert_array_less(errors.min(axis=1), 1e-3)


XORS = [(0.0, 1.0, 1.0, 0.0), (1.0, 0.0, 0.0, 1.0)]
