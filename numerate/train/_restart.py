"""Restarting seeds that make no progress, by the rules of two implementations of the iNALU."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from numerate.ops import uniform

# The length of a history; a longer training compares the latest measurements.
_CAPACITY = 512


@dataclass(frozen=True)
class Restart:
    """A rule that gives a seed new parameters when its losses no longer fall.

    At a measurement the losses since the start, or since the last restart, are split into an
    earlier and a later half. The seed restarts if mean(earlier) ≤ mean(later) + std(later) and
    mean(later) > `above`. Both implementations keep the optimiser's state. `INALU_AUTHORS` and
    `INALU_BENCHMARK` are the rules of Schlör et al. (2020) and of the benchmark of Mistry et al.
    (2022), which differ in `signal`, `least`, `every` and `redraw`.

    **Arguments:**

    - `signal`: `"batch"`, the training losses, or `"validation"`, the error at each measurement.
    - `least`: measurements needed before a restart.
    - `every`: measurements between two checks of the rule.
    - `redraw`: `"uniform"`, all parameters from U(-2, 2), or `"initial"`, from the
        model's own initialisers.
    - `above`: no restart if the mean of the later half is below this.

    **Raises:** `ValueError` for another signal or redraw, or a count below 1.

    !!! example
        >>> INALU_AUTHORS.redraw, INALU_BENCHMARK.redraw
        ('uniform', 'initial')

    Schlör, Ring & Hotho (2020), Frontiers in Artificial Intelligence 3:71. Their code checks after
    every batch of every tenth epoch of 1,000 batches; here the check is once, at the end of that
    epoch.
    """

    signal: str = "batch"
    least: int = 10
    every: int = 10
    redraw: str = "uniform"
    above: float = 1.0

    def __post_init__(self):
        for name, known in (
            ("signal", ("batch", "validation")),
            ("redraw", ("uniform", "initial")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {known}, got {getattr(self, name)!r}")
        for name in ("least", "every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


INALU_AUTHORS = Restart()
INALU_BENCHMARK = Restart(signal="validation", least=5, every=1, redraw="initial")

# Mean and mean square of the losses of each measurement, the oldest first, and their number.
History = tuple[Float[Array, "capacity 2"], Int[Array, ""]]


def empty_history(dtype: Any) -> History:
    return jnp.zeros((_CAPACITY, 2), dtype), jnp.asarray(0, jnp.int32)


def appended(history: History, mean: Array, mean_square: Array) -> History:
    """The history with one more measurement; a full one loses its oldest."""
    moments, count = history
    full = count >= _CAPACITY
    moments = jnp.where(full, jnp.roll(moments, -1, axis=0), moments)
    index = jnp.minimum(count, _CAPACITY - 1)
    return moments.at[index].set(jnp.stack([mean, mean_square])), index + 1


def is_due(rule: Restart, history: History, measurement: Array) -> Bool[Array, ""]:
    """Whether the rule restarts the seed at this measurement, counted from 1."""
    moments, count = history
    index = jnp.arange(_CAPACITY)
    earlier, later = index < count // 2, (index >= count // 2) & (index < count)
    first, _ = _mean_and_deviation(moments, earlier)
    second, deviation = _mean_and_deviation(moments, later)
    stuck = (first <= second + deviation) & (second > rule.above)
    return stuck & (count >= rule.least) & (measurement % rule.every == 0)


def _mean_and_deviation(moments: Array, which: Array) -> tuple[Array, Array]:
    count = jnp.maximum(which.sum(), 1)
    mean, square = jnp.where(which[:, None], moments, 0.0).sum(axis=0) / count
    return mean, jnp.sqrt(jnp.maximum(square - mean**2, 0.0))


def redrawn(rule: Restart, initial: Any, key: PRNGKeyArray) -> PyTree:
    """New parameters. `initial(key)` draws them as at the start."""
    arrays = initial(key)
    if rule.redraw == "initial":
        return arrays
    leaves, structure = jax.tree.flatten(arrays)
    keys = jax.random.split(key, max(len(leaves), 1))
    drawn = [
        uniform(k, leaf.shape, minval=-2.0, maxval=2.0, dtype=leaf.dtype)
        if jnp.issubdtype(leaf.dtype, jnp.inexact)
        else leaf
        for k, leaf in zip(keys, leaves, strict=False)
    ]
    return jax.tree.unflatten(structure, drawn)
