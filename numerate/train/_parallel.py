"""Many seeds on all cores: chunks of seeds, and a thread pool.

XLA runs a program in the thread that calls it, so a pool with a thread for every core keeps all
cores busy.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from threading import Lock
from typing import TypeVar

import jax
import numpy as np

from numerate._process import available_cores

Report = Callable[[float], None]
T = TypeVar("T")

# Lanes of the widest SIMD registers (AVX-512, float32). Only in full registers are all seeds
# computed by the same instructions; compilers round the remaining lanes differently.
LANES = 16


def seed_chunks(seeds: int, chunk_size: int) -> list[np.ndarray]:
    """The indices of the seeds in every chunk, `(chunk_size,)` each.

    The last chunk is padded with its last seed. One program then serves any number of seeds, and a
    seed's result does not depend, bit for bit, on the other seeds.

    **Raises:** `ValueError` unless `chunk_size` is a positive multiple of 16.

    !!! example
        >>> [chunk.tolist()[:3] for chunk in seed_chunks(18, 16)]
        [[0, 1, 2], [16, 17, 17]]
    """
    if chunk_size < 1 or chunk_size % LANES:
        raise ValueError(f"chunk_size must be a positive multiple of {LANES}, got {chunk_size}")
    starts = range(0, seeds, chunk_size)
    return [np.minimum(np.arange(start, start + chunk_size), seeds - 1) for start in starts]


def run_parallel(
    function: Callable[[int, Report], T], count: int, on_progress: Report | None = None
) -> list[T]:
    """The results of a function for 0, 1, …, `count` - 1, computed with one thread per core.

    For compiled programs, such as those of `compile_program`. An accelerator gets one at a time.

    **Arguments:**

    - `function`: a function of the index and of a function `report`, which it calls with the
      completed fraction of its own work.
    - `count`: the number of calls.
    - `on_progress`: called with the completed fraction of all work, which never decreases.

    **Raises:** the first error of `function`, or `KeyboardInterrupt` after Ctrl-C. Running calls
    end at their next `report`, and waiting calls do not start.

    !!! example
        >>> run_parallel(lambda index, report: 10 * index, 3)
        [0, 10, 20]
    """
    done, lock, stopped = [0.0] * count, Lock(), False

    def one(index: int) -> T:
        def report(fraction: float) -> None:
            with lock:
                if stopped:
                    raise CancelledError
                if fraction > done[index]:
                    done[index] = fraction
                    if on_progress is not None:
                        on_progress(sum(done) / count)

        result = function(index, report)
        report(1.0)
        return result

    # An accelerator runs one program at a time.
    with ThreadPoolExecutor(available_cores() if on_cpu() else 1) as pool:
        futures = [pool.submit(one, index) for index in range(count)]
        try:
            left = set(futures)
            while left:  # with a timeout, because Ctrl-C does not end every wait without one
                ended, left = wait(left, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in ended:
                    future.result()
        except BaseException:
            stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def on_cpu() -> bool:
    return jax.default_backend() == "cpu"
