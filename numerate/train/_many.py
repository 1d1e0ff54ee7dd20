"""Many seeds at once: one compiled program for a chunk of seeds, chunks on all cores.

A chunk has a fixed size and is padded, so that one program serves every number of seeds and a
seed's result does not depend, to the last bit, on how many others it is trained with, nor on
its place among them. Chunks of a few dozen seeds stay in a core's cache; XLA runs a program in
the thread that calls it, so a pool of threads keeps all cores busy.
"""

import dataclasses
import functools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from numerate.tasks import Task
from numerate.train._compile import compile_chunk
from numerate.train._run import Run
from numerate.train._train import Config, Log, MakeModel, State, training_loop

# Lanes of the widest SIMD registers (AVX-512, float32). Only in whole registers is every seed
# computed by the same instructions; compilers round the leftover lanes differently.
_LANES = 16
# Measured in `docs/engine.md`: larger chunks are faster while they fit the cache, smaller ones
# waste less on padding and spread over more cores. Accelerators want all seeds at once.
_CHUNK_SIZE_ON_CPU, _CHUNK_SIZE_ELSEWHERE = 32, 1024
# Up to this many parameters, one machine function for the whole loop is faster than XLA's
# run-time: 6 times for 4 parameters, 3 times for 6, and slower for 36.
_SMALL_MODEL = 16


def train_many(
    keys: Key[Array, "seeds"],
    task: Task,
    model: MakeModel,
    config: Config | None = None,
    *,
    chunk_size: int | None = None,
    progress: bool | None = None,
) -> Run:
    """Train one model for every key, as `train` does, many at a time.

    Seeds that stop early or diverge are frozen; a chunk ends when all its seeds have. Ctrl-C
    ends the training at the next measurement and returns what is done, with the outcome
    `interrupted` for unfinished seeds. The program is compiled once for the same task, model,
    configuration and chunk size, so keep those objects to train again without compiling.

    **Arguments:**

    - `keys`: `(seeds,)`, such as `jax.random.split(jax.random.key(0), 25)`.
    - `task`, `model`, `config`: as for `train`. A family of tasks, such as a `Sweep`, shares
        the keys out among its tasks, and `threshold` of the run is then `(seeds,)`.
    - `chunk_size`: seeds in one program, a multiple of 16; by default 32, and 1024 on
        accelerators. The last bits of a result may depend on it, and on nothing else here.
    - `progress`: whether to draw a progress bar with the time left on standard error; by
        default where that is a terminal.

    **Returns:** a `Run` with a leading axis of seeds: NumPy arrays, and a stacked model.

    **Raises:** `ValueError` for keys or a chunk size of another shape.

    !!! example
        >>> import functools, jax
        >>> from numerate.tasks import Arithmetic
        >>> from numerate.units import NAC
        >>> keys = jax.random.split(jax.random.key(0), 3)
        >>> config = Config(steps=200, log_every=100)
        >>> run = train_many(keys, Arithmetic("add"), functools.partial(NAC, 2, 1), config)
        >>> print(run)
        3 seeds: 3 not solved
    """
    config = config or Config()
    chunk_size = _checked_size(keys, chunk_size)
    logs = config.steps // config.log_every
    # The program is the same for any number of steps.
    one_log = dataclasses.replace(config, steps=config.log_every)
    program = _program(task, model, one_log, chunk_size, jnp.result_type(float))
    places = task.instances(len(keys))
    chunks = [
        _Chunk(program, keys, places, range(start, start + chunk_size), config.steps)
        for start in range(0, len(keys), chunk_size)
    ]
    with _progress_bar(progress, len(keys) * logs) as tick:
        _train_chunks(chunks, tick)
    return _joined([chunk.conclude() for chunk in chunks])


class _Program(NamedTuple):
    """The compiled functions of one chunk. `sets` are those of a chunk's places: the same
    object for every chunk, where all seeds share them."""

    init: Callable[[Key[Array, "seeds"], int, Any], State]
    advance: Callable[[State, Any], tuple[State, Log]]
    conclude: Callable[[State, Log], Run]
    sets: Callable[[Any], Any]
    log_every: int


@functools.lru_cache(maxsize=64)
def _program(task: Task, model: MakeModel, config: Config, chunk_size: int, dtype: Any) -> _Program:
    """`dtype` is JAX's default float: programs differ by it, so it is part of the cache's key."""
    del dtype
    keys = jax.random.split(jax.random.key(0), chunk_size)
    loop = training_loop(keys[0], task, model, config)
    init = jax.jit(jax.vmap(loop.init, in_axes=(0, None, 0)))
    first = np.zeros(chunk_size, int)
    places = jax.tree.map(lambda leaf: leaf[first], task.instances(task.family))
    shared = places is None
    sets = jax.jit(loop.sets if shared else jax.vmap(loop.sets))
    shapes = jax.eval_shape(init, keys, config.steps, places)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(shapes.arrays)) // chunk_size
    advance = jax.vmap(loop.advance, in_axes=(0, None if shared else 0))
    small = parameters <= _SMALL_MODEL
    advance = compile_chunk(advance, shapes, jax.eval_shape(sets, places), small=small)
    conclude = eqx.filter_jit(eqx.filter_vmap(loop.conclude))
    sets = functools.cache(sets) if shared else sets
    return _Program(init, advance, conclude, sets, config.log_every)


class _Chunk:
    """Up to `chunk_size` seeds in training; the rest of the program's places repeat the last."""

    def __init__(
        self, program: _Program, keys: Key[Array, "seeds"], places: Any, chunk: range, steps: int
    ):
        self.program = program
        self.seeds = min(chunk.stop, len(keys)) - chunk.start
        self.logs = steps // program.log_every
        seeds = np.minimum(chunk, len(keys) - 1)
        places = jax.tree.map(lambda leaf: leaf[seeds], places)
        self.state = program.init(keys[seeds], steps, places)
        # Here and not in `train`: JAX's 64-bit mode belongs to the thread that asked for it.
        self.sets = program.sets(places)
        self.log: list[Log] = []

    def train(self, stop: threading.Event, tick: Callable[[int], None]) -> None:
        """Advance until every seed has stopped, every step is made, or `stop` is set."""
        while len(self.log) < self.logs and not stop.is_set():
            self.state, log = self.program.advance(self.state, self.sets)
            self.log.append(jax.device_get(log))
            tick(self.seeds)
            if np.asarray(self.state.stopped).all():
                tick(self.seeds * (self.logs - len(self.log)))
                return

    def conclude(self) -> Run:
        """The run of the chunk's own seeds, without the padding."""
        made = np.array(self.log).reshape(-1, len(Log._fields), len(self.state.step))
        log = np.full((self.logs, *made.shape[1:]), np.nan, self.state.best_validation.dtype)
        log[: len(made)] = made
        log = Log(*jnp.asarray(log.transpose(1, 2, 0)))
        run = self.program.conclude(self.state, log)
        return jax.tree.map(lambda leaf: leaf[: self.seeds] if eqx.is_array(leaf) else leaf, run)


def _train_chunks(chunks: list[_Chunk], tick: Callable[[int], None]) -> None:
    """Train all chunks, one thread to a core. After Ctrl-C each returns at its next
    measurement, and those that were waiting for a core return at once."""
    stop = threading.Event()
    with ThreadPoolExecutor(_cores()) as pool:
        futures = [pool.submit(chunk.train, stop, tick) for chunk in chunks]
        try:
            _wait(futures)
        except KeyboardInterrupt:
            pass
        finally:
            stop.set()
    for future in futures:
        future.result()


def _wait(futures: list[Future]) -> None:
    """Until all are done or one has failed; in short naps, which Ctrl-C can end everywhere."""
    while wait(futures, timeout=0.2, return_when=FIRST_EXCEPTION).not_done:
        if any(future.done() and future.exception() for future in futures):
            return


def _joined(runs: list[Run]) -> Run:
    """One run from those of the chunks. The logged steps are the same for all seeds."""
    arrays, rest = zip(*(eqx.partition(run, eqx.is_array) for run in runs), strict=True)
    run = eqx.combine(jax.tree.map(lambda *leaves: np.concatenate(leaves), *arrays), rest[0])
    model = jax.tree.map(lambda leaf: jnp.asarray(leaf) if eqx.is_array(leaf) else leaf, run.model)
    return dataclasses.replace(run, model=model, steps=run.steps[0])


@contextmanager
def _progress_bar(wanted: bool | None, total: int) -> Iterator[Callable[[int], None]]:
    """A bar with the time left on standard error, as a function that moves it on."""
    console = Console(stderr=True)
    columns = (
        TextColumn("training"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    )  # fmt: skip
    shown = console.is_terminal if wanted is None else wanted
    with Progress(*columns, console=console, disable=not shown) as progress:
        task = progress.add_task("training", total=total)
        yield lambda amount: progress.advance(task, amount)


def _checked_size(keys: Key[Array, "seeds"], chunk_size: int | None) -> int:
    if keys.ndim != 1 or len(keys) == 0:
        raise ValueError(
            f"keys must be one axis of at least one key, got shape {keys.shape}; "
            "jax.random.split(jax.random.key(0), 25) makes 25"
        )
    if chunk_size is None:
        return _CHUNK_SIZE_ON_CPU if _on_cpu() else _CHUNK_SIZE_ELSEWHERE
    if chunk_size < 1 or chunk_size % _LANES:
        raise ValueError(f"chunk_size must be a positive multiple of {_LANES}, got {chunk_size}")
    return chunk_size


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def _cores() -> int:
    """Threads worth running: an accelerator works on one chunk at a time."""
    if not _on_cpu():
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
