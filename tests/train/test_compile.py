"""Small models are compiled to one function, with the same results as usual compilation."""

import functools

import jax
import numpy as np
import pytest

from numerate.tasks import Arithmetic
from numerate.train import Config, compile_program
from numerate.train._train import training_loop
from numerate.units import NALU

CONFIG = Config(steps=100, log_every=100, batch_size=32)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="only CPUs have the two ways")
def test_one_machine_function_computes_what_the_usual_program_does():
    keys = jax.random.split(jax.random.key(0), 16)
    task = Arithmetic("mul", set_size=64)
    loop = training_loop(keys[0], task, functools.partial(NALU, 2, 1), CONFIG)
    init, sets = jax.jit(jax.vmap(lambda key: loop.init(key, CONFIG.steps, None))), loop.sets(None)
    advance = jax.vmap(loop.advance, in_axes=(0, None))
    shapes = jax.eval_shape(init, keys)
    ways = [
        compile_program(advance, shapes, sets, small=small, donate_argnums=0)
        for small in (True, False)
    ]
    assert ["xla_cpu_small_call" in way.as_text() for way in ways] == [True, False]
    (fast, _), (usual, _) = (way(init(keys), sets) for way in ways)
    np.testing.assert_allclose(fast.best_validation, usual.best_validation, rtol=1e-5)
