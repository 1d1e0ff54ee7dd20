"""Training many seeds: one compiled program for a chunk of seeds, and chunks on all cores.

Chunks of a few dozen seeds fit into a core's cache.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from numerate.tasks import Task
from numerate.train._compile import compile_program
from numerate.train._parallel import Report, on_cpu, run_parallel, seed_chunks
from numerate.train._run import Run
from numerate.train._step import check_model
from numerate.train._train import Config, Log, MakeModel, State, training_loop

# Measured in `docs/engine.md`: larger chunks are faster while they fit the cache, smaller ones
# need less padding and use more cores. Accelerators are fastest with all seeds at once.
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

    Seeds that stop early or diverge are frozen; a chunk ends when all its seeds have stopped.
    Ctrl-C ends the training at the next measurement and returns what is done, with the outcome
    `interrupted` for unfinished seeds. The program is compiled once for the same task, model,
    configuration and chunk size, so keep those objects to train again without compiling.

    **Arguments:**

    - `keys`: `(seeds,)`, such as `jax.random.split(jax.random.key(0), 25)`.
    - `task`, `model`, `config`: as for `train`. A family of tasks, such as a `Sweep`, divides
        the keys among its tasks, and `threshold` of the run is then `(seeds,)`.
    - `chunk_size`: seeds in one program, a multiple of 16; by default 32, and 1024 on
        accelerators. The last bits of a result may depend on it, but not on the other seeds.
    - `progress`: whether to show a progress bar with the time left on standard error; by
        default only if that is a terminal.

    **Returns:** a `Run` with a leading axis of seeds: NumPy arrays, and a stacked model.

    **Raises:** `ValueError` for keys or a chunk size of another shape, and for a model that takes
    or gives another number of features than the task; `TypeError` for a model that is already an
    instance.

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
    check_model(model)
    chunks = seed_chunks(*_sizes(keys, chunk_size))
    # The program is the same for any number of steps.
    one_log = dataclasses.replace(config, steps=config.log_every)
    program = _program(task, model, one_log, len(chunks[0]), jnp.result_type(float))
    instances = task.instances(len(keys))
    trainings = [_Chunk(program, keys, instances, chunk, config.steps) for chunk in chunks]
    with _progress_bar(progress) as show:
        try:
            run_parallel(lambda i, report: trainings[i].train(report), len(trainings), show)
        except KeyboardInterrupt:
            pass
    return _joined([training.conclude() for training in trainings], len(keys))


class _Program(NamedTuple):
    """The compiled functions of one chunk. Where all seeds share the sets, `sets` returns the same
    object for every chunk."""

    init: Callable[[Key[Array, "seeds"], int, Any], State]
    advance: Callable[[State, Any], tuple[State, Log]]
    conclude: Callable[[State, Log], Run]
    sets: Callable[[Any], Any]
    log_every: int


@functools.lru_cache(maxsize=64)
def _program(task: Task, model: MakeModel, config: Config, chunk_size: int, dtype: Any) -> _Program:
    """`dtype` is JAX's default float, a part of the cache's key: programs differ by it."""
    del dtype
    keys = jax.random.split(jax.random.key(0), chunk_size)
    loop = training_loop(keys[0], task, model, config)
    init = jax.jit(jax.vmap(loop.init, in_axes=(0, None, 0)))
    first = np.zeros(chunk_size, int)
    instances = jax.tree.map(lambda leaf: leaf[first], task.instances(task.family))
    shared = instances is None
    sets = jax.jit(loop.sets if shared else jax.vmap(loop.sets))
    shapes = jax.eval_shape(init, keys, config.steps, instances)
    parameters = sum(leaf.size for leaf in jax.tree.leaves(shapes.arrays)) // chunk_size
    advance = jax.vmap(loop.advance, in_axes=(0, None if shared else 0))
    advance = compile_program(
        advance,
        shapes,
        jax.eval_shape(sets, instances),
        small=parameters <= _SMALL_MODEL,
        donate_argnums=0,
    )
    conclude = eqx.filter_jit(eqx.filter_vmap(loop.conclude))
    sets = functools.cache(sets) if shared else sets
    return _Program(init, advance, conclude, sets, config.log_every)


class _Chunk:
    """The seeds of one chunk in training."""

    def __init__(
        self,
        program: _Program,
        keys: Key[Array, "seeds"],
        instances: Any,
        chunk: np.ndarray,
        steps: int,
    ):
        self.program = program
        self.logs = steps // program.log_every
        instances = jax.tree.map(lambda leaf: leaf[chunk], instances)
        self.state = program.init(keys[chunk], steps, instances)
        # Here and not in `train`, because JAX's 64-bit mode is local to a thread.
        self.sets = program.sets(instances)
        self.log: list[Log] = []

    def train(self, report: Report) -> None:
        """Advance until every seed has stopped or all steps are done."""
        while len(self.log) < self.logs and not np.asarray(self.state.stopped).all():
            self.state, log = self.program.advance(self.state, self.sets)
            self.log.append(jax.device_get(log))
            report(len(self.log) / self.logs)

    def conclude(self) -> Run:
        """The run of all seeds of the chunk, including the padding."""
        made = np.array(self.log).reshape(-1, len(Log._fields), len(self.state.step))
        log = np.full((self.logs, *made.shape[1:]), np.nan, self.state.best_validation.dtype)
        log[: len(made)] = made
        return self.program.conclude(self.state, Log(*jnp.asarray(log.transpose(1, 2, 0))))


def _joined(runs: list[Run], seeds: int) -> Run:
    """The runs of the chunks as one run. The logged steps are the same for all seeds."""
    arrays, rest = zip(*(eqx.partition(run, eqx.is_array) for run in runs), strict=True)
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:seeds], *arrays)
    run = eqx.combine(joined, rest[0])
    model = jax.tree.map(lambda leaf: jnp.asarray(leaf) if eqx.is_array(leaf) else leaf, run.model)
    return dataclasses.replace(run, model=model, steps=run.steps[0])


@contextmanager
def _progress_bar(wanted: bool | None) -> Iterator[Report]:
    """A bar with the time left on standard error, as a function of the fraction done."""
    shown = sys.stderr is not None and sys.stderr.isatty() if wanted is None else wanted
    if not shown:
        yield lambda fraction: None
        return
    # Here, because Rich takes a number of Python's global random state when it is imported.
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("training"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("training", total=1.0)
        yield lambda fraction: progress.update(task, completed=fraction)


def _sizes(keys: Key[Array, "seeds"], chunk_size: int | None) -> tuple[int, int]:
    """The number of seeds, and the number in a chunk."""
    if keys.ndim != 1 or len(keys) == 0:
        raise ValueError(
            f"keys must be one axis of at least one key, got shape {keys.shape}; "
            "jax.random.split(jax.random.key(0), 25) makes 25"
        )
    if chunk_size is None:
        chunk_size = _CHUNK_SIZE_ON_CPU if on_cpu() else _CHUNK_SIZE_ELSEWHERE
    return len(keys), chunk_size
