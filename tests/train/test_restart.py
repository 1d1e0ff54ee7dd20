"""Restarts: the two published rules, against lists of losses as in their code."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from numerate.tasks import Arithmetic
from numerate.train import INALU_AUTHORS, INALU_BENCHMARK, Config, Restart, train_many
from numerate.train._restart import _CAPACITY, appended, empty_history, is_due, redrawn
from numerate.units import NAC, NAU
from tests.each import each

KEYS = jax.random.split(jax.random.key(0), 3)
MAKE = functools.partial(NAC, 2, 1)


def history_of(losses, per_measurement):
    history = empty_history("float32")
    for block in np.reshape(losses, (-1, per_measurement)):
        history = appended(history, jnp.float32(block.mean()), jnp.float32((block**2).mean()))
    return history


def rule_of_the_paper(losses, least, above=1.0):
    """On the plain list: enough losses, and the later half no better than the earlier one."""
    earlier, later = losses[: len(losses) // 2], losses[len(losses) // 2 :]
    enough = len(losses) >= least
    return enough and earlier.mean() <= later.mean() + later.std() and later.mean() > above


@each(
    "start, end, noise",
    [(5.0, 5.0, 0.5), (50.0, 5.0, 0.1), (5.0, 50.0, 0.1), (0.5, 0.5, 0.01), (6.0, 5.0, 3.0)],
)
@each("measurements", [6, 10, 20])
def test_is_due_as_on_the_list_of_losses(start, end, noise, measurements):
    rng = np.random.default_rng(0)
    losses = np.linspace(start, end, 100 * measurements) + noise * rng.random(100 * measurements)
    wanted = rule_of_the_paper(losses, least=1000)
    # At a measurement that is a multiple of ten, as every tenth epoch.
    assert bool(is_due(INALU_AUTHORS, history_of(losses, 100), jnp.int32(20))) == wanted
    assert not is_due(INALU_AUTHORS, history_of(losses, 100), jnp.int32(21))


def test_a_full_history_loses_its_oldest():
    history = history_of(np.arange(_CAPACITY + 3.0), 1)
    assert history[1] == _CAPACITY
    np.testing.assert_array_equal(history[0][:, 0], np.arange(3.0, _CAPACITY + 3.0))


def test_redraws_of_the_two_codes():
    initial = functools.partial(NAU, 40, 25)
    of_authors = redrawn(INALU_AUTHORS, lambda key: initial(key=key), jax.random.key(1)).w_hat
    of_port = redrawn(INALU_BENCHMARK, lambda key: initial(key=key), jax.random.key(1)).w_hat
    assert 1.95 < jnp.abs(of_authors).max() <= 2.0  # U(-2, 2), whatever the unit
    np.testing.assert_array_equal(of_port, initial(key=jax.random.key(1)).w_hat)


@pytest.mark.slow
@each(
    "operation, range_, starts_again",
    [("mul", (10.0, 20.0), True), ("add", (0.1, 0.2), False)],
)
def test_a_seed_that_stands_still_starts_again_where_its_loss_is_large(
    operation, range_, starts_again
):
    """At a learning rate of 0 nothing is learnt, so weights are redrawn after two measurements, if
    at all."""
    task = Arithmetic(operation, range_, set_size=64)
    rule = Restart(signal="validation", least=2, every=1)
    config = Config(steps=400, log_every=100, optimiser=optax.sgd(0.0), restart=rule)
    log = train_many(KEYS, task, MAKE, config).validation_log
    np.testing.assert_array_equal(log[:, 1], log[:, 0])
    assert np.all(log[:, 2] != log[:, 1]) == starts_again


@each(
    "arguments, complaint",
    [
        ({"signal": "test"}, "signal must be one of"),
        ({"redraw": "zero"}, "redraw must be one of"),
        ({"least": 0}, "least must be at least 1"),
        ({"every": 0}, "every must be at least 1"),
    ],
)
def test_rules_that_there_are_not(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        Restart(**arguments)
