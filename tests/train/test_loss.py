"""The loss, its layout for many seeds, penalties and constraints."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from numerate.tasks import Arithmetic
from numerate.train import Config, apply_constraints, total_penalty, train_many
from numerate.train._loss import loss_gradient, mean_squared_error
from numerate.units import NALU, Unit


class Bounded(Unit):
    """A sum with weights in [0, ½] and a penalty that drives them to 0.3."""

    free: Float[Array, "1 2"]
    in_features: ClassVar[int] = 2
    out_features: ClassVar[int] = 1

    def __init__(self, *, key):
        self.free = jax.random.uniform(key, (1, 2))

    def equation(self, x, draw=None):
        return x @ self.weight.T

    @property
    def weight(self):
        return self.free

    def penalty(self):
        return jnp.sum((self.free - 0.3) ** 2)

    def constrained(self):
        return eqx.tree_at(lambda unit: unit.free, self, jnp.clip(self.free, 0.0, 0.5))


TASK = Arithmetic("add", (1.0, 2.0), set_size=64)
KEYS = jax.random.split(jax.random.key(0), 4)


def test_penalties_of_all_units_are_summed():
    units = eqx.nn.Sequential([eqx.nn.Linear(2, 2, key=KEYS[0]), Bounded(key=KEYS[1])])
    assert total_penalty([units, Bounded(key=KEYS[2])]) == sum(
        Bounded(key=key).penalty() for key in KEYS[1:3]
    )


def test_constraints_reach_every_unit_and_nothing_else():
    unit = eqx.tree_at(lambda u: u.free, Bounded(key=KEYS[0]), jnp.array([[-1.0, 2.0]]))
    linear = eqx.nn.Linear(2, 1, key=KEYS[0])
    first, second = apply_constraints((unit, linear))
    assert first.weight.tolist() == [[0.0, 0.5]] and (second.weight == linear.weight).all()


def test_training_keeps_the_constraint():
    """x0 + x1 needs weights of 1; the projection stops them at ½."""
    run = train_many(
        KEYS, TASK, Bounded, Config(steps=400, log_every=100, optimiser=optax.sgd(0.05))
    )
    np.testing.assert_array_equal(run.model.free, np.full((4, 1, 2), 0.5))


def test_a_heavy_penalty_decides():
    config = Config(steps=400, log_every=400, optimiser=optax.sgd(1e-5), penalty_scale=4e4)
    run = train_many(KEYS, TASK, Bounded, config)
    np.testing.assert_allclose(run.model.free, np.full((4, 1, 2), 0.3), atol=1e-3)


def test_a_penalty_may_follow_a_schedule():
    """Off for the whole training: the same as no penalty."""
    off = optax.piecewise_constant_schedule(0.0, {10**6: 1.0})
    a, b = (
        train_many(KEYS, TASK, Bounded, Config(steps=100, log_every=100, penalty_scale=scale))
        for scale in (off, 0.0)
    )
    np.testing.assert_array_equal(a.model.free, b.model.free)


def test_gradient_of_many_seeds_is_that_of_each():
    """Against plain JAX, one seed at a time, with the batch first and no rule for `vmap`."""
    x, y = TASK.sample(KEYS[0], 32)
    units = jax.vmap(lambda key: NALU(2, 1, key=key))(KEYS)
    static = eqx.filter(NALU(2, 1, key=KEYS[0]), eqx.is_array, inverse=True)
    nothing = jax.tree.map(lambda _: None, units)
    gradient = loss_gradient(static, lambda model, when, error: 0.0)
    error = mean_squared_error(static)
    one = lambda u, key: gradient(u, nothing, x, y, key, jnp.float32(1.0))  # noqa: E731
    _, gradients = jax.jit(jax.vmap(one))(units, KEYS)
    errors = jax.jit(jax.vmap(lambda u: error(u, x, y)))(units)

    def plain(unit):
        return jnp.mean((jax.vmap(unit)(x) - y) ** 2)

    of_one = jax.jit(jax.value_and_grad(plain))
    for i, key in enumerate(KEYS):
        value, expected = of_one(NALU(2, 1, key=key))
        np.testing.assert_allclose(errors[i], value, rtol=1e-5)
        for a, b in zip(jax.tree.leaves(gradients), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-4, atol=1e-5)


def test_error_of_many_rows_is_their_mean():
    """Rows beyond 256 are summed in blocks of 128, with a rest."""
    x, y = TASK.sample(KEYS[0], 300)
    units = jax.vmap(lambda key: NALU(2, 1, key=key))(KEYS)
    error = mean_squared_error(eqx.filter(units, eqx.is_array, inverse=True))
    errors = jax.vmap(lambda unit: error(unit, x, y))(eqx.filter(units, eqx.is_array))
    for got, key in zip(errors, KEYS, strict=True):
        unit = NALU(2, 1, key=key)
        np.testing.assert_allclose(got, jnp.mean((jax.vmap(unit)(x) - y) ** 2), rtol=1e-5)
