"""The parallel runner: ordered results, monotonic progress, errors of a call, and independent
seeds.

Independence is tested here for everything that runs in chunks of seeds, and in `test_many.py` for
`train_many`. Experiments run seeds in no other way, so they need no such tests."""

import subprocess
import sys
import threading

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from numerate.study import map_seeds, seed_keys
from numerate.train import compile_program, run_parallel, seed_chunks, static_part, update_step
from numerate.units import NAU
from tests.each import each


def test_results_are_in_order_and_progress_only_grows():
    seen = []

    def work(index, report):
        for step in range(4):
            report((step + 1) / 4)
        report(0.1)  # less than before: not passed on
        return index

    assert run_parallel(work, 5, seen.append) == [0, 1, 2, 3, 4]
    assert seen == sorted(seen) and len(seen) == 20 and seen[-1] == 1


def test_work_that_reports_nothing_is_done_when_it_returns():
    seen = []
    assert run_parallel(lambda index, report: index, 4, seen.append) == [0, 1, 2, 3]
    assert seen == [0.25, 0.5, 0.75, 1.0]
    assert run_parallel(lambda index, report: index, 0) == []


@each("error", [ValueError, KeyboardInterrupt])
def test_an_error_ends_the_others_at_their_next_report(monkeypatch, error):
    monkeypatch.setattr("numerate.train._parallel.available_cores", lambda: 2)
    begun, reported = threading.Event(), []

    def work(index, report):
        if index == 1:
            begun.wait()
            raise error("the second")
        while True:  # without an end of its own
            report(0.0)
            reported.append(index)
            begun.set()

    with pytest.raises(error, match="the second"):
        run_parallel(work, 9)
    assert set(reported) <= {0, 2}  # the second core may have begun another


# A signal does not end a wait without a limit once JAX is imported.
SCRIPT = """
import os, signal, threading, time
from numerate.train import run_parallel
threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
def work(index, report):
    while True:
        time.sleep(0.02)
        report(0.0)
try:
    run_parallel(work, 2)
except KeyboardInterrupt:
    print("ended")
"""


def test_ctrl_c_ends_work_that_has_no_end():
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout == "ended\n"


def test_chunks_are_full_and_cover_every_seed_once():
    chunks = seed_chunks(40, 16)
    assert [len(chunk) for chunk in chunks] == [16, 16, 16]
    assert np.concatenate(chunks)[:40].tolist() == list(range(40)) and set(chunks[2][8:]) == {39}
    assert seed_chunks(0, 16) == []
    with pytest.raises(ValueError, match="chunk_size must be a positive multiple of 16, got 20"):
        seed_chunks(40, 20)


def make(*, key):
    """Matrix products, elementwise steps and a constraint."""
    first, second = jax.random.split(key)
    return [jax.random.normal(first, (5, 3)), NAU(5, 1, key=second)]


def squared_error(model, x):
    layer, unit = model
    return jnp.mean((jax.vmap(unit)(jnp.tanh(x @ layer.T)) - x[:, :1]) ** 2)


OPTIMISER = optax.adam(0.01)
UPDATE = update_step(squared_error, OPTIMISER, static_part(make))


def trained(key):
    """The arrays after fifty steps on the seed's batches."""

    def step(carry, i):
        batch = jax.random.normal(jax.random.fold_in(key, i), (20, 3))
        arrays, opt_state, loss = UPDATE(*carry, batch, progress=i / 50)
        return (arrays, opt_state), loss

    arrays = eqx.filter(make(key=key), eqx.is_array)
    (arrays, _), losses = jax.lax.scan(step, (arrays, OPTIMISER.init(arrays)), jnp.arange(50))
    return arrays, losses


def assert_identical(a, b):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y, strict=True)


@pytest.fixture(scope="module")
def forty():
    return map_seeds(trained, range(40))


@each("seeds", [range(1), range(39, 40), range(7, 24), range(3, 36)])
def test_a_seed_does_not_depend_on_the_seeds_beside_it(forty, seeds):
    """Bit for bit: alone, at another index of its chunk, in another chunk."""
    some = map_seeds(trained, seeds)
    assert_identical(some, jax.tree.map(lambda leaf: leaf[seeds.start : seeds.stop], forty))
    assert len(np.unique(forty[1][:, -1])) == 40


def test_a_seed_does_not_depend_on_what_other_threads_run():
    program, keys = compile_program(trained, one_thread=True), seed_keys(range(8))
    alone = [program(key) for key in keys]
    assert_identical(run_parallel(lambda index, _: program(keys[index]), 8), alone)
