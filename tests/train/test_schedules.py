"""Features of units in the engine: noise, scheduled penalties and separate steps."""

import dataclasses
import functools
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array, Float

from numerate.initialisers import constant
from numerate.tasks import Arithmetic
from numerate.train import Config, train, train_many
from numerate.units import NAU, Unit, sNMU
from tests.each import each

TASK = Arithmetic("add", (1.0, 2.0), set_size=64)
KEYS = jax.random.split(jax.random.key(0), 4)
SGD = optax.sgd(1.0)


class Pushed(Unit):
    """An output of 0 whatever the input: only its penalty, the weight itself, moves it.

    One step of gradient descent with rate 1 lowers the weight by the penalty's factor.
    """

    free: Float[Array, "1 2"]
    in_features: ClassVar[int] = 2
    out_features: ClassVar[int] = 1

    def __init__(self, *, key):
        self.free = jnp.zeros((1, 2))

    def equation(self, x, draw=None):
        return 0.0 * (x @ self.free.T)

    @property
    def weight(self):
        return self.free

    def penalty(self):
        return self.free[0, 0]

    def penalty_weight(self, progress: Any) -> Any:
        return jnp.where(progress < 0.5, 0.0, 1.0)


def final(config):
    return float(train_many(KEYS[:1], TASK, Pushed, config).model.free[0, 0, 0])


def last(**settings):
    """The weight after 200 steps, measured once."""
    return final(Config(steps=200, log_every=200, optimiser=SGD, **settings))


def test_a_units_own_schedule_follows_the_progress_of_training():
    assert last() == -100.0  # 0 for the first half, 1 for the second


def test_the_schedule_knows_all_steps_and_not_only_those_to_the_next_measurement():
    run = train_many(KEYS[:1], TASK, Pushed, Config(steps=200, log_every=50, optimiser=SGD))
    # The error is the same throughout, so the first measurement counts as best: no penalty yet.
    assert run.model.free[0, 0, 0] == 0.0
    one = train(KEYS[0], TASK, Pushed, Config(steps=200, log_every=200, optimiser=SGD))
    assert one.model.free[0, 0] == -100.0


def test_a_scale_replaces_the_schedule():
    assert last(penalty_scale=0.5) == -100.0
    assert last(penalty_scale=lambda step: step < 3) == -3.0


@each("below, weight", [(1.0, 0.0), (100.0, -100.0)])
def test_penalties_may_wait_for_a_small_error(below, weight):
    """(a + b)² of U[1, 2] is about 9 in the mean."""
    assert last(penalty_below=below) == weight


def test_penalties_may_have_a_step_of_their_own():
    assert last(penalty_optimiser=optax.sgd(0.25)) == -25.0


def test_own_steps_leave_the_optimiser_of_the_error_alone():
    """Adam of the error alone moves nothing, as the error has no gradient."""
    config = Config(
        steps=200, log_every=200, optimiser=optax.adam(1.0), penalty_optimiser=optax.sgd(0.0)
    )
    assert final(config) == 0.0


def counting():
    """Gradient descent whose rate is the index of the update."""
    return optax.sgd(lambda count: jnp.asarray(count, float))


def test_both_steps_share_the_state_of_one_optimiser():
    """200 steps of the error are updates 0, 2, … and those of the penalty 1, 3, …"""
    one, other = counting(), counting()

    def end(penalty_optimiser):
        config = Config(200, log_every=200, optimiser=one, penalty_scale=1.0)
        return final(dataclasses.replace(config, penalty_optimiser=penalty_optimiser))

    assert end(one) == -sum(range(1, 400, 2))
    assert end(other) == -sum(range(200))


def test_there_is_no_step_of_a_penalty_that_does_not_count():
    """The second half of 200 steps has the updates 0 to 99 of an optimiser that starts with it."""
    for scale in (None, lambda step: step >= 100):
        assert last(penalty_optimiser=counting(), penalty_scale=scale) == -sum(range(100))


def test_the_progress_of_schedules_may_be_moved():
    """The unit's schedule, from half of the progress on, then begins after three quarters."""
    assert last(penalty_progress=lambda progress: progress - 0.25) == -50.0
    with pytest.raises(ValueError, match="penalty_scale replaces the schedules"):
        Config(penalty_scale=1.0, penalty_progress=lambda progress: progress)


def test_noise_is_drawn_anew_for_every_example_and_step():
    x = jnp.array([1.5, 2.0])
    unit = sNMU(2, 1, key=KEYS[0])
    ys = jax.vmap(lambda key: unit(x, key=key)[0])(jax.random.split(KEYS[1], 100))
    assert len(np.unique(ys)) == 100


@pytest.mark.slow
def test_noise_changes_training_and_nothing_else():
    """The sNMU has the initial values and evaluation of an NMU with the same key, but trains
    differently."""
    quiet = functools.partial(sNMU, 2, 1, noise=(1.0, 1.0))
    loud = functools.partial(sNMU, 2, 1)
    task = Arithmetic("mul", (1.0, 2.0), set_size=64)
    config = Config(steps=200, log_every=100)
    a, b = (train_many(KEYS, task, make, config) for make in (quiet, loud))
    assert np.all(a.validation_log != b.validation_log)
    again = train_many(KEYS[2:3], task, loud, config)
    np.testing.assert_array_equal(again.validation_log[0], b.validation_log[2])


def test_penalty_weights_of_units_are_pure_functions_of_progress():
    unit = NAU(2, 1, key=KEYS[0])
    traced = jax.jit(lambda progress: unit.penalty_weight(progress))(jnp.float32(0.55))
    np.testing.assert_allclose(traced, unit.penalty_weight(0.55), rtol=1e-6)
    assert eqx.tree_equal(unit.constrained(), unit)


def test_noise_of_snmu_follows_the_deviation_of_the_inputs():
    unit = sNMU(2, 1, noise=None, deviation=0.5, w_hat_init=constant(0.5), key=KEYS[0])
    x = jnp.array([3.0, 5.0])
    # The noise is drawn from U[1, 1 + 1/deviation], here its upper end.
    noisy = unit.equation(x, draw=lambda count: jnp.ones(count))
    np.testing.assert_allclose(noisy, [(0.5 * 9 + 0.5) * (0.5 * 15 + 0.5) / (0.5 * 3 + 0.5) ** 2])


@each("deviation", [None, 0.0, -1.0])
def test_snmu_without_noise_needs_a_positive_deviation(deviation):
    with pytest.raises(ValueError, match="deviation must be positive"):
        sNMU(2, 1, noise=None, deviation=deviation, key=KEYS[0])
