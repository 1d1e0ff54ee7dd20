"""A sweep trains the same models as its tasks alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.tasks import PRIMER_RANGES, Arithmetic, Sweep
from numerate.train import Config, train_many
from numerate.units import NAC
from tests.each import each

CELLS = tuple(
    Arithmetic(operation, range_, set_size=500)
    for operation, range_ in zip(
        ("add", "sub", "mul", "div"), list(PRIMER_RANGES)[3:7], strict=True
    )
)
SWEEP = Sweep(CELLS)


def cell(index):
    instance = jax.tree.map(lambda leaf: leaf[index], SWEEP.instances(len(CELLS)))
    return SWEEP.at(instance)


@pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)], indirect=True
)
@each("index", range(len(CELLS)))
def test_each_cell_is_its_task(index, dtype):
    task, own = CELLS[index], cell(index)
    for x, y in (own.sample(jax.random.key(1), 400), own.validation()):
        inside = [(low <= x) & (x <= high) for low, high in _parts(task.train_range)]
        assert jnp.all(functools.reduce(jnp.logical_or, inside))
        a, b = x.T
        wanted = {"add": a + b, "sub": a - b, "mul": a * b, "div": a / b}[task.operation]
        np.testing.assert_array_equal(y[:, 0], wanted)
        assert x.dtype == y.dtype == dtype
    x, _ = own.extrapolation()
    inside = [(low <= x) & (x <= high) for low, high in task.outside]
    assert jnp.all(functools.reduce(jnp.logical_or, inside))
    np.testing.assert_allclose(own.threshold, task.threshold, rtol=1e-6)


def test_two_intervals_are_equally_likely_and_uniform():
    x, _ = cell(1).extrapolation()  # of U[-2, 2]: [-6, -2] and [2, 6]
    assert CELLS[1].outside == ((-6.0, -2.0), (2.0, 6.0))
    # 1000 throws of a coin leave [400, 600] with probability 2e-10.
    assert 400 <= int((x > 0).sum()) <= 600
    assert 3.8 < float(jnp.abs(x).mean()) < 4.2


@pytest.mark.slow
def test_training_gives_each_task_its_share_of_the_keys():
    keys = jax.random.split(jax.random.key(0), 3)
    config = Config(steps=200, log_every=100)
    make = functools.partial(NAC, 2, 1)
    run = train_many(jnp.concatenate([keys] * len(CELLS)), SWEEP, make, config)
    assert run.threshold.shape == run.validation.shape == (12,)
    for i, task in enumerate(CELLS):
        part = slice(3 * i, 3 * i + 3)
        np.testing.assert_array_equal(run.threshold[part], np.float32(task.threshold))
        if i % 2 == 0:  # Each is compiled, so that two must do: a sum and a product.
            continue
        alone = train_many(keys, task, make, config)
        # Intervals are halved, so the numbers are others of the same distribution.
        np.testing.assert_allclose(
            np.log10(run.validation[part]), np.log10(alone.validation), atol=0.5
        )


def test_keys_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="keys must be shared equally by 4 tasks, got 3"):
        SWEEP.instances(3)


@each(
    "cells, complaint",
    [
        ((), "at least one task"),
        ((Arithmetic("sqrt"),), "two inputs, got 'sqrt'"),
        ((CELLS[0], Arithmetic("add")), "the same set_size"),
        ((Arithmetic("add", ((1.0, 2.0),) * 3, (2.0, 6.0)),), "one or two intervals"),
    ],
)
def test_tasks_that_a_sweep_does_not_take(cells, complaint):
    with pytest.raises(ValueError, match=complaint):
        Sweep(cells)


def test_a_sweep_is_not_one_task():
    with pytest.raises(ValueError, match="many tasks"):
        SWEEP.sample(jax.random.key(0), 3)


def _parts(range_):
    return range_ if isinstance(range_[0], tuple) else (range_,)
