"""`update_step` against an explicit step, for all its arguments."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from numerate.train import apply_constraints, static_part, total_penalty, update_step
from numerate.units import NAU
from tests.each import each

MAKE = partial(NAU, 3, 2)
STATIC = static_part(MAKE)
X, Y = jnp.arange(12.0).reshape(4, 3) / 5, jnp.linspace(-2.0, 2.0, 8).reshape(4, 2)


def error(model, x, y):
    return jnp.mean((jax.vmap(model)(x) - y) ** 2)


def arrays_of(key):
    return eqx.filter(MAKE(key=key), eqx.is_array)


@each("progress", [None, 0.0, 1.0])
def test_a_step_is_the_written_out_one(progress, key):
    optimiser, arrays = optax.adam(0.05), arrays_of(key)

    def loss(arrays):
        model = eqx.combine(arrays, STATIC)
        penalty = 0.0 if progress is None else total_penalty(model, progress)
        return error(model, X, Y) + penalty

    value, gradients = jax.value_and_grad(loss)(arrays)
    updates, opt_state = optimiser.update(gradients, optimiser.init(arrays), arrays)
    wanted = apply_constraints(eqx.combine(optax.apply_updates(arrays, updates), STATIC))

    step = update_step(error, optimiser, STATIC)
    found = step(arrays, optimiser.init(arrays), X, Y, progress=progress)
    assert eqx.tree_equal(eqx.combine(found[0], STATIC), wanted)
    assert eqx.tree_equal(found[1], opt_state) and found[2] == value


def test_weights_stay_within_their_constraints(key):
    step = update_step(error, optax.sgd(100.0), STATIC)
    arrays, _, _ = step(arrays_of(key), optax.sgd(100.0).init(arrays_of(key)), X, 100 * Y)
    assert jnp.abs(arrays.w_hat).max() == 1


def test_clipping_bounds_the_step(key):
    optimiser, arrays = optax.chain(optax.clip_by_global_norm(0.01), optax.sgd(1.0)), arrays_of(key)
    moved, _, _ = update_step(error, optimiser, STATIC)(arrays, optimiser.init(arrays), X, 100 * Y)
    np.testing.assert_allclose(jnp.linalg.norm(moved.w_hat - arrays.w_hat), 0.01, rtol=1e-3)


def test_a_gradient_that_is_not_finite_can_be_skipped(key):
    optimiser, arrays = optax.apply_if_finite(optax.adam(0.1), 5), arrays_of(key)
    step = update_step(error, optimiser, STATIC)
    same, opt_state, loss = step(arrays, optimiser.init(arrays), X, Y * jnp.inf)
    assert eqx.tree_equal(same, arrays) and not jnp.isfinite(loss)
    moved, _, _ = step(same, opt_state, X, Y)
    assert not eqx.tree_equal(moved, arrays)


def test_what_the_loss_returns_beside_it_and_arguments_of_the_optimiser(key):
    def scaled(updates, state, params=None, *, rate):
        return jax.tree.map(lambda update: -rate * update, updates), state

    optimiser = optax.GradientTransformationExtraArgs(lambda params: (), scaled)
    arrays = arrays_of(key)
    step = update_step(lambda model, x: (jnp.sum(model.w_hat * x), "seen"), optimiser, STATIC,
                       has_aux=True)  # fmt: skip
    moved, _, aux = step(arrays, (), jnp.ones((2, 3)), rate=0.125)
    assert aux == "seen"
    np.testing.assert_allclose(moved.w_hat, arrays.w_hat - 0.125, rtol=1e-6)


def test_whole_numbers_are_not_trained(key):
    model = [NAU(3, 2, key=key), jnp.arange(2)]
    arrays, static = eqx.partition(model, eqx.is_array)
    optimiser = optax.sgd(0.1)
    step = update_step(lambda model, x, y: error(model[0], x, y), optimiser, static)
    (unit, numbers), _, _ = step(
        arrays, optimiser.init(eqx.filter(arrays, eqx.is_inexact_array)), X, Y
    )
    assert numbers.tolist() == [0, 1] and not eqx.tree_equal(unit, arrays[0])
