"""Many arithmetic tasks in one program: compiled once, trained in parallel."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from numerate.ops import step_key, uniform
from numerate.tasks._arithmetic import EXTRAPOLATION_SEED, VALIDATION_SEED, Arithmetic, intervals
from numerate.tasks._base import Batch, Task

_BINARY = ("add", "sub", "mul", "div")


class _Instance(NamedTuple):
    """The data of one cell: arrays, so that one compiled program serves all cells."""

    operation: Any  # index in _BINARY
    train: Any  # (2 intervals, low and high)
    outside: Any
    threshold: Any


@dataclass(frozen=True)
class Sweep(Task):
    """Several `Arithmetic` tasks of two inputs, each trained with the same number of seeds.

    `train_many` divides its keys equally among the tasks, in order. Operation and ranges are data
    of one program, which is compiled once instead of once per task; with small models, compilation
    takes most of the time. The examples equal those of the single tasks, to rounding.

    **Arguments:** `cells`: the tasks, with operations `"add"`, `"sub"`, `"mul"` and `"div"`, and
    ranges of one or two intervals; all with the same `set_size`.

    **Raises:** `ValueError` for other tasks, or from `train_many` if the keys cannot be divided
    equally.

    !!! example
        >>> import functools, jax
        >>> from numerate.train import Config, train_many
        >>> from numerate.units import NAC
        >>> sweep = Sweep((Arithmetic("add"), Arithmetic("sub")))
        >>> keys = jax.random.split(jax.random.key(0), 6)
        >>> config = Config(steps=200, log_every=100)
        >>> run = train_many(keys, sweep, functools.partial(NAC, 2, 1), config)
        >>> run.solved_at.reshape(2, 3).shape
        (2, 3)
    """

    cells: tuple[Arithmetic, ...]
    in_features = 2
    out_features = 1

    def __post_init__(self):
        if not self.cells:
            raise ValueError("cells must hold at least one task, got none")
        for cell in self.cells:
            if cell.operation not in _BINARY:
                raise ValueError(f"cells must have two inputs, got {cell.operation!r}")
            if len(intervals(cell.train_range)) > 2 or len(cell.outside) > 2:
                raise ValueError(f"cells must have ranges of one or two intervals, got {cell}")
            if cell.set_size != self.cells[0].set_size:
                raise ValueError("cells must all have the same set_size")

    @property
    def family(self) -> int:
        return len(self.cells)

    def instances(self, seeds: int) -> _Instance:
        share, rest = divmod(seeds, len(self.cells))
        if rest:
            raise ValueError(
                f"keys must be shared equally by {len(self.cells)} tasks, got {seeds} keys"
            )
        instances = [_instance(cell) for cell in self.cells for _ in range(share)]
        return _Instance(*(np.stack(field) for field in zip(*instances, strict=True)))

    def at(self, instance: _Instance) -> "_Cell":
        return _Cell(self.cells[0].set_size, instance)

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        raise _only_at()

    def validation(self) -> Batch:
        raise _only_at()

    def extrapolation(self) -> Batch:
        raise _only_at()

    @property
    def threshold(self) -> float:
        raise _only_at()


class _Cell(Task):
    """One task of a sweep, whose operation and ranges may be traced."""

    in_features, out_features = 2, 1

    def __init__(self, set_size: int, instance: _Instance):
        self.set_size = set_size
        self.instance = instance

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        return self._draw(key, batch_size, self.instance.train)

    def validation(self) -> Batch:
        key = step_key(jax.random.key(VALIDATION_SEED), 0)
        return self._draw(key, self.set_size, self.instance.train)

    def extrapolation(self) -> Batch:
        key = step_key(jax.random.key(EXTRAPOLATION_SEED), 0)
        return self._draw(key, self.set_size, self.instance.outside)

    @property
    def threshold(self) -> Any:
        return jnp.asarray(self.instance.threshold, jnp.result_type(float))

    def _draw(self, key: PRNGKeyArray, rows: int, intervals: Any) -> Batch:
        bounds = jnp.asarray(intervals, jnp.result_type(float))
        part = uniform(key, (2, rows), maxval=2.0)
        low, high = bounds[:, 0], bounds[:, 1]
        x = jnp.where(
            part < 1, low[0] + (high - low)[0] * part, low[1] + (high - low)[1] * (part - 1)
        )
        return x.T, self._apply(x[0], x[1])[:, None]

    def _apply(self, a: Array, b: Array) -> Array:
        operation = self.instance.operation
        y = jnp.where(operation == 0, a + b, a - b)
        return jnp.where(operation == 2, a * b, jnp.where(operation == 3, a / b, y))


def _instance(cell: Arithmetic) -> _Instance:
    ranges = (_two_intervals(intervals(cell.train_range)), _two_intervals(cell.outside))
    return _Instance(np.asarray(_BINARY.index(cell.operation), np.int32), *ranges, cell.threshold)


def _two_intervals(parts: tuple[tuple[float, float], ...]) -> np.ndarray:
    """One interval as its two halves, equally likely: the same distribution."""
    if len(parts) == 2:
        return np.asarray(parts)
    ((low, high),) = parts
    middle = (low + high) / 2
    return np.asarray([(low, middle), (middle, high)])


def _only_at() -> ValueError:
    return ValueError("a Sweep is many tasks: use `sweep.at(instance)`, or train with train_many")
