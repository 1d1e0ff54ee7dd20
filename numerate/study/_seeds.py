"""Many seeds at once, each with the same result as if alone."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Key

from numerate.train import Outcome, Run, run_parallel, seed_chunks

from ._experiment import Tick


def seed_keys(seeds: range, root: int = 0) -> Key[Array, "seeds"]:
    """The key of every seed, independent of the other seeds.

    **Arguments:** `seeds`, such as `range(100)`; `root`, for experiments that need several
    streams.

    !!! example
        >>> bool(seed_keys(range(4))[2] == seed_keys(range(2, 3))[0])
        True
    """
    key = jax.random.key(root)
    return jax.vmap(lambda seed: jax.random.fold_in(key, seed))(np.asarray(seeds, np.uint32))


def map_seeds(
    function: Callable[..., Any],
    seeds: range,
    *,
    chunk_size: int = 16,
    tick: Tick | None = None,
    root: int = 0,
) -> Any:
    """A pure function of a key for many seeds: one program for a chunk of them, on all cores.

    A seed's result is the same, bit for bit, whichever other seeds run. Use it for training that
    `train_many` cannot express.

    **Arguments:**

    - `function`: `key -> arrays` that JAX can compile and map. Pass the same object again to
        compile once.
    - `seeds`: such as `range(100)`.
    - `chunk_size`: seeds in one program, a multiple of 16 (the lanes of the widest registers).
    - `tick`: called with the completed fraction.
    - `root`: as for `seed_keys`.

    **Returns:** the results of `function`, as NumPy arrays with a leading axis of seeds.

    !!! example
        >>> map_seeds(lambda key: jax.random.normal(key, (3,)), range(20)).shape
        (20, 3)
    """
    program, keys = _program(function), seed_keys(seeds, root)
    chunks = seed_chunks(len(seeds), chunk_size)

    def run(index: int, _: Tick) -> Any:
        return jax.tree.map(np.asarray, program(keys[chunks[index]]))

    found = run_parallel(run, len(chunks), tick)
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: len(seeds)], *found)


@cache
def _program(function: Callable[..., Any]) -> Any:
    return jax.jit(jax.vmap(function))


def finished(run: Run) -> Run:
    """The run, or `KeyboardInterrupt` if Ctrl-C ended it early.

    After Ctrl-C `train_many` returns a partial run, which must not be stored as a result.

    **Raises:** `KeyboardInterrupt`.
    """
    if Outcome.INTERRUPTED in run.outcomes:
        raise KeyboardInterrupt
    return run
