"""Logic of truth values 0 and 1, and the penalty and shares of mass-conserving layers."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from numerate.ops import (
    conjunction,
    disjunction,
    mass_shares,
    selection,
    squared_saturation,
)
from tests.each import each_dtype

pytestmark = pytest.mark.usefixtures("strict_promotion")

CORNERS = list(itertools.product([0.0, 1.0], repeat=3))


@each_dtype
def test_truth_tables(dtype, tolerance):
    """With an irrelevant input, which is true in half of the rows."""
    weight, truth = jnp.array([[1.0, 1.0, 0.0]], dtype), jnp.array(CORNERS, dtype)
    gate = jnp.zeros_like(weight)
    every, some = (f(weight, gate, truth)[:, 0] for f in (conjunction, disjunction))
    np.testing.assert_allclose(every, [a and b for a, b, _ in CORNERS], atol=tolerance)
    np.testing.assert_allclose(some, [a or b for a, b, _ in CORNERS], atol=tolerance)


@each_dtype
def test_of_nothing(dtype):
    nothing = jnp.zeros((2, 0), dtype)
    np.testing.assert_array_equal(conjunction(nothing, nothing, nothing[0]), [1.0, 1.0])
    np.testing.assert_array_equal(disjunction(nothing, nothing, nothing[0]), [0.0, 0.0])


@each_dtype
def test_negation_is_of_each_input_for_each_output(dtype):
    gate, x = jnp.array([[0.0, 1.0], [1.0, 0.5]], dtype), jnp.array([0.25, 1.0], dtype)
    for i, literals in enumerate([[0.25, 0.75], [0.0, 0.5]]):
        weight = jnp.zeros((2, 2), dtype).at[:, i].set(1.0)
        np.testing.assert_allclose(conjunction(weight, gate, x, eps=0.0), literals)
        np.testing.assert_allclose(disjunction(weight, gate, x, eps=0.0), literals)


@each_dtype
def test_a_false_input_still_has_a_gradient(dtype):
    """With max(n, ε) instead of n + ε it would have none."""
    weight, gate = jnp.ones((1, 2), dtype), jnp.zeros((1, 2), dtype)
    slope = jax.grad(lambda x: conjunction(weight, gate, x)[0])(jnp.zeros(2, dtype))
    assert jnp.isfinite(slope).all() and (slope > 0).all()


def test_logic_is_the_same_in_pytorch(float64):
    rng = np.random.default_rng(0)
    weight, gate, x = rng.uniform(size=(2, 3)), rng.uniform(size=(2, 3)), rng.uniform(size=(5, 3))
    for function in (conjunction, disjunction):
        ours, theirs = (function(*map(of, (weight, gate, x))) for of in (jnp.asarray, torch.tensor))
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@each_dtype
def test_shares_of_an_input_sum_to_at_most_one(dtype, tolerance, key):
    logits = jax.random.normal(key, (4, 5), dtype)
    shares = mass_shares(logits)
    trash = jax.nn.softmax(logits, axis=0)[-1]
    np.testing.assert_allclose(shares.sum(0) + trash, np.ones(5), rtol=tolerance)
    np.testing.assert_allclose(shares, mass_shares(torch.tensor(np.asarray(logits))), rtol=1e-5)


@each_dtype
def test_selection_is_of_one_input_and_of_none(dtype, tolerance, key):
    logits = jax.random.normal(key, (2, 3, 4), dtype)
    np.testing.assert_allclose(selection(logits).sum(-1), np.ones((2, 3)), rtol=tolerance)
    assert selection(jnp.zeros((2, 0), dtype)).shape == (2, 0)


@each_dtype
def test_saturated_parameters_have_no_penalty(dtype):
    bound = -np.log(float(jnp.finfo(dtype).eps))
    parameters = jnp.array([0.0, 2.0, -3.0, 1.01 * bound, -1e3], dtype)
    wanted = np.array([bound**2, bound**2 - 4, bound**2 - 9, 0, 0]).mean()
    np.testing.assert_allclose(squared_saturation(parameters), wanted, rtol=1e-5)
    slope = jax.grad(squared_saturation)(parameters)
    np.testing.assert_allclose(slope, [0, -0.8, 1.2, 0, 0], rtol=1e-6)
    assert squared_saturation(jnp.zeros((0, 3), dtype)) == 0


def test_descent_on_the_penalty_ends():
    """On the published one, -mean v², the same descent overflows."""

    def after(penalty):
        v = jnp.array([0.5, -0.1])
        return jax.lax.fori_loop(0, 10_000, lambda _, v: v - 0.1 * jax.grad(penalty)(v), v)

    assert not jnp.isfinite(after(lambda v: -jnp.mean(v**2))).any()
    ends = after(squared_saturation)
    np.testing.assert_array_less(15.9, jnp.abs(ends))
    np.testing.assert_array_less(jnp.abs(ends), 20.0)
