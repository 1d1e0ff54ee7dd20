"""Many seeds at once, each with the result that it has alone."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from threading import Lock
from typing import Any, TypeVar

import jax
import numpy as np
from jaxtyping import Array, Key

from numerate.train import Outcome, Run
from numerate.train._many import _cores

from ._experiment import Tick

T = TypeVar("T")


def seed_keys(seeds: range, root: int = 0) -> Key[Array, "seeds"]:
    """The key of every seed, which does not depend on the others.

    **Arguments:** `seeds`, such as `range(100)`; `root`, for experiments that need several
    streams.

    !!! example
        >>> bool(seed_keys(range(4))[2] == seed_keys(range(2, 3))[0])
        True
    """
    key = jax.random.key(root)
    return jax.vmap(lambda seed: jax.random.fold_in(key, seed))(np.asarray(seeds, np.uint32))


def map_seeds(
    function: Callable[..., Any], seeds: range, *, size: int = 16, tick: Any = None, root: int = 0
) -> Any:
    """A pure function of a key for many seeds: one program for `size` of them, on all cores.

    The last seeds are filled up to `size`, so that the same program computes a seed to the last
    bit alike, whatever others run with it. For what `train_many` cannot express.

    **Arguments:**

    - `function`: `key -> arrays` that JAX can compile and map. Pass the same object again to
        compile once.
    - `seeds`: such as `range(100)`.
    - `size`: seeds in one program, a multiple of 16 (the lanes of the widest registers).
    - `tick`: called with the fraction done.
    - `root`: as for `seed_keys`.

    **Returns:** what `function` returns, as NumPy arrays with a leading axis of seeds.

    !!! example
        >>> map_seeds(lambda key: jax.random.normal(key, (3,)), range(20)).shape
        (20, 3)
    """
    if size < 1 or size % 16:
        raise ValueError(f"size must be a positive multiple of 16, got {size}")
    program = _program(function)
    chunks = [range(start, start + size) for start in range(0, len(seeds), size)]

    def run(chunk: range) -> Any:
        padded = np.minimum(chunk, len(seeds) - 1)
        keys = seed_keys(seeds, root)[padded]
        kept = len(seeds) - chunk.start
        return jax.tree.map(lambda leaf: np.asarray(leaf)[:kept], program(keys))

    with ThreadPoolExecutor(_cores()) as pool:
        done = []
        for result in pool.map(run, chunks):
            done.append(result)
            if tick is not None:
                tick(len(done) / len(chunks))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *done)


def on_all_cores(function: Callable[[int, Tick], T], count: int, tick: Tick) -> list[T]:
    """What a function returns for 0, 1, …, `count` - 1, a thread to a core.

    For programs that are compiled for one core, by `jit_on_one_core`.

    **Arguments:** `function`, of a place and of a function, which it calls with the share of its
    own work that is done; `count`; `tick`, which is told the share of all work, ever more of it.

    **Raises:** what one of the places raised, or `KeyboardInterrupt`, as soon as the other places
    have told of their next share: they end there.

    !!! example
        >>> on_all_cores(lambda place, tell: 10 * place, 3, print)
        [0, 10, 20]
    """
    shares, lock, stopped = [0.0] * count, Lock(), False

    def one(place: int) -> T:
        def tell(share: float) -> None:
            with lock:
                if stopped:
                    raise CancelledError
                shares[place] = share
                tick(sum(shares) / count)

        return function(place, tell)

    with ThreadPoolExecutor(_cores()) as pool:
        futures = [pool.submit(one, place) for place in range(count)]
        try:
            left = set(futures)
            while left:  # in short naps, which Ctrl-C can end everywhere
                done, left = wait(left, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        except BaseException:
            stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


_ONE_CORE = {"xla_cpu_multi_thread_eigen": False, "xla_cpu_prefer_vector_width": 512}


def jit_on_one_core(function: Callable[..., Any], **options: Any) -> Any:
    """The compiled function, which runs in the thread that calls it: where every core has a seed
    of its own, programs that share themselves out are only in each other's way. On accelerators
    as `jax.jit`, whose options it takes.

    !!! example
        >>> float(jit_on_one_core(lambda x: 2 * x)(3.0))
        6.0
    """
    here = _ONE_CORE if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=here, **options)


_PROGRAMS: dict[Any, Any] = {}


def _program(function: Callable[..., Any]) -> Any:
    """The compiled program, one for each function object."""
    if function not in _PROGRAMS:
        _PROGRAMS[function] = jax.jit(jax.vmap(function))
    return _PROGRAMS[function]


def finished(run: Run) -> Run:
    """The run, unless Ctrl-C ended it before its time: then that is raised again.

    `train_many` returns what it has after Ctrl-C, which must not be kept as a result.

    **Raises:** `KeyboardInterrupt`.
    """
    if Outcome.INTERRUPTED in run.outcomes:
        raise KeyboardInterrupt
    return run
