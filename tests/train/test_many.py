"""`train_many`: independence of seeds, and the outcomes of a training."""

import functools
import signal
import subprocess
import sys
import time

import equinox as eqx
import jax
import numpy as np
import optax
import pytest

from numerate.tasks import Arithmetic
from numerate.train import Config, Outcome, train, train_many
from numerate.units import NAC, NALU
from tests.conftest import optimising
from tests.each import each

TASK = Arithmetic("sub", (1.0, 2.0), set_size=256)
# One object each, so that the tests share compiled programs.
MODELS = {
    "NALU": functools.partial(NALU, 2, 1),
    # More parameters than are compiled to one function, and more than one unit.
    "stack": lambda *, key: eqx.nn.Sequential([NAC(2, 6, key=key), NAC(6, 1, key=key)]),
    "MLP": lambda *, key: eqx.nn.MLP(2, 1, 8, 1, key=key),
}


def linear(*, key):
    return eqx.nn.Linear(2, 1, use_bias=False, key=key)


CONFIG = Config(steps=200, log_every=100, batch_size=32)
# For results to the last bit, which only an optimised program has.
to_the_last_bit = pytest.mark.usefixtures("optimised")
KEYS = jax.random.split(jax.random.key(0), 40)


def rows(run, index):
    """The arrays of some seeds of a run, in a list."""
    leaves = jax.tree.leaves(eqx.filter(eqx.tree_at(lambda r: r.steps, run, None), eqx.is_array))
    return [np.asarray(leaf)[index] for leaf in leaves]


def assert_identical(a, b):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y, strict=True)


@functools.cache
def forty(name):
    """A training that tests share."""
    with optimising():
        return train_many(KEYS, TASK, MODELS[name], CONFIG)


def check_independence(name):
    """Bit for bit: alone, with two others in another order, across chunks, permuted."""
    model, run = MODELS[name], forty(name)
    order = np.random.default_rng(0).permutation(len(KEYS))
    # The sizes of chunks do not depend on the model, so that one is tried with all.
    sets = ([0], [39], list(range(33))) if name == "NALU" else ()
    for seeds in (*sets, [7, 3, 20], order):
        some = train_many(KEYS[np.array(seeds)], TASK, model, CONFIG)
        assert_identical(rows(run, seeds), rows(some, ...))
    assert len(set(run.validation.tolist())) == len(KEYS)


@to_the_last_bit
def test_a_seed_does_not_depend_on_other_seeds_or_its_index():
    check_independence("NALU")


# The other way of compilation, with and without units, each of which takes seconds to compile.
@pytest.mark.slow
@to_the_last_bit
@each("name", ["stack", "MLP"])
def test_a_seed_of_larger_models_does_not_depend_on_other_seeds_or_its_index(name):
    check_independence(name)


@pytest.mark.slow
def test_train_agrees_with_train_many():
    """Another program, so the last bits may differ, and 200 steps let that grow a little."""
    one = eqx.filter_jit(train)(KEYS[5], TASK, MODELS["MLP"], CONFIG)
    some = train_many(KEYS[3:6], TASK, MODELS["MLP"], CONFIG)
    for single, many in zip(rows(one, ...), rows(some, 2), strict=True):
        np.testing.assert_allclose(single, many, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_train_vmaps():
    several = eqx.filter_vmap(lambda key: train(key, TASK, MODELS["NALU"], CONFIG))
    some = eqx.filter_jit(several)(KEYS[:3])
    np.testing.assert_allclose(some.validation, forty("NALU").validation[:3], rtol=1e-4)


@to_the_last_bit
def test_a_different_number_of_steps_continues_the_same_training():
    config = Config(steps=400, log_every=100, batch_size=32)
    long = train_many(KEYS[:3], TASK, MODELS["NALU"], config)
    np.testing.assert_array_equal(forty("NALU").validation_log[:3], long.validation_log[:, :2])
    assert long.steps.tolist() == [100, 200, 300, 400]


def test_diverged_seeds_say_when():
    """With a huge rate and unbounded weights, plain gradient descent overflows."""
    config = Config(steps=300, log_every=100, optimiser=optax.sgd(10.0))
    run = train_many(KEYS[:5], TASK, linear, config)
    assert run.outcomes == (Outcome.DIVERGED,) * 5
    assert (run.stopped_at == 100).all() and (run.best_step == 0).all()
    assert np.isnan(run.validation_log[:, 1:]).all()
    assert str(run) == "5 seeds: 5 diverged"


def test_solved_at_the_step_of_least_validation_error():
    """A linear model learns x0 - x1 exactly within float32's reach of a loose threshold."""
    task = Arithmetic("sub", (1.0, 2.0), eps=1e-3, set_size=256)
    config = Config(steps=3000, log_every=500, optimiser=optax.adam(1e-2))
    run = train_many(KEYS[:5], task, linear, config)
    assert run.outcomes == (Outcome.SOLVED,) * 5 and run.success_rate == 1.0
    best = run.validation_log.argmin(axis=1)
    np.testing.assert_array_equal(run.best_step, run.steps[best])
    np.testing.assert_array_equal(run.extrapolation, run.extrapolation_log[range(5), best])
    assert (run.extrapolation < task.threshold).all()
    first = (run.extrapolation_log < task.threshold).argmax(axis=1)
    np.testing.assert_array_equal(run.solved_at, run.steps[first])
    np.testing.assert_allclose(run.model.weight[:, 0], [[1, -1]] * 5, atol=2e-3)


@pytest.mark.slow
@to_the_last_bit
def test_early_stop_freezes_a_seed_and_no_other():
    """The error to stop at lies between those of the seeds, so some stop at the first log."""
    through = forty("NALU")
    bound = float(np.median(through.validation_log[:, 0]))
    config = Config(steps=200, log_every=100, batch_size=32, stop_below=bound)
    run = train_many(KEYS, TASK, MODELS["NALU"], config)
    early = through.validation_log[:, 0] < bound
    assert 0 < early.sum() < len(KEYS)
    assert (run.stopped_at[early] == 100).all() and (run.stopped_at[~early] == 200).all()
    assert np.isnan(run.validation_log[early, 1]).all()
    np.testing.assert_array_equal(run.validation_log[~early], through.validation_log[~early])


@pytest.mark.slow
@to_the_last_bit
def test_extrapolation_neither_stops_nor_selects():
    """Another extrapolation range changes the reported error only."""
    other = Arithmetic("sub", (1.0, 2.0), extrapolation_range=(50.0, 90.0), set_size=256)
    a, b = forty("NALU"), train_many(KEYS, other, MODELS["NALU"], CONFIG)
    np.testing.assert_array_equal(a.validation_log, b.validation_log)
    np.testing.assert_array_equal(a.model.w_hat, b.model.w_hat)
    assert (a.extrapolation_log != b.extrapolation_log).all()


@pytest.mark.slow
def test_float64():
    """One after the other: a program of the other precision is not taken for this one."""
    for bits in (32, 64):
        with jax.enable_x64(bits == 64):
            run = train_many(KEYS[:2], TASK, linear, CONFIG)
        assert run.model.weight.dtype == run.validation.dtype == f"float{bits}"


INTERRUPTED = """
import functools, jax
from numerate.tasks import Arithmetic
from numerate.train import Config, train_many
from numerate.units import NAC
model, task = functools.partial(NAC, 2, 1), Arithmetic("sub")
keys = jax.random.split(jax.random.key(0), 40)
train_many(keys, task, model, Config(steps=1000))
print("started", flush=True)
run = train_many(keys, task, model, Config(steps=100_000_000), progress=True)
print(run)
print(run.stopped_at.max() > 0, run.model.w_hat.shape)  # one core begins one chunk
"""


@pytest.mark.slow
def test_ctrl_c_returns_what_is_done():
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "started\n"
        time.sleep(1)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=60)
    assert child.returncode == 0, errors
    assert output == "40 seeds: 40 interrupted\nTrue (40, 1, 2)\n"
    assert "training" in errors and "%" in errors


@each(
    "keys, chunk_size, message",
    [
        (KEYS[:0], None, "keys must be one axis of at least one key"),
        (KEYS, 20, "chunk_size must be a positive multiple of 16, got 20"),
        (KEYS, 0, "chunk_size must be a positive multiple of 16, got 0"),
    ],
)
def test_bad_arguments(keys, chunk_size, message):
    with pytest.raises(ValueError, match=message):
        train_many(keys, TASK, MODELS["NALU"], CONFIG, chunk_size=chunk_size)


@each(
    "arguments, message",
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"steps": 1500}, "steps must be a multiple of log_every, got 1500 and 1000"),
    ],
)
def test_bad_configuration(arguments, message):
    with pytest.raises(ValueError, match=message):
        Config(**arguments)
