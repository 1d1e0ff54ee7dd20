"""Snapping weights to nearby integers, where the data confirm it."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree, Real

from numerate.train._choice import checked_units, mean_squared_error, select
from numerate.train._loss import units_of
from numerate.units import Unit

Loss = Callable[[list[Unit]], float]
# A weight: the index of its unit, and the shape and flat index of its arrays. A weight of a NAC has
# two parameters.
Position = tuple[int, tuple[int, ...], int]


def snap(model: PyTree, x: Float[Array, "rows in"], y: Real[Array, "rows out"]) -> PyTree:
    """The model with its weights snapped to integers where that does not increase the error.

    The integers are those of the unit's paper: -1, 0 and 1 for the weights of a NAC or a NAU, 0 and
    1 for those of an NMU and for gates, exponents for the power units. All weights are snapped
    together if that does not increase the mean squared error, otherwise one half of them at a time.
    Branches that are not selected yet are selected first.

    **Arguments:** `model`, for one example: a unit, a `Stack` or any Equinox module with units;
    `x`, `y`: data, preferably validation data.

    **Returns:** the model; its other parameters do not change.

    **Raises:** `TypeError` for anything but an Equinox module and data that are no arrays,
    `ValueError` for a model without units and for targets of another shape than the outputs.

    !!! example
        >>> from numerate.initialisers import constant
        >>> from numerate.units import NAU
        >>> unit = NAU(2, 1, w_hat_init=constant(0.98), key=jax.random.key(0))
        >>> x = jnp.array([[1.0, 2.0], [3.0, 5.0]])
        >>> snap(unit, x, x.sum(axis=1, keepdims=True)).weight
        Array([[1., 1.]], dtype=float32)
    """
    units = checked_units(model, x, y)
    if any(not unit.is_chosen for unit in units):
        units = units_of(model := select(model, x, y))

    def with_units(new: list[Unit]) -> PyTree:
        return eqx.tree_at(units_of, model, new)

    @eqx.filter_jit
    def error(model: PyTree) -> Array:
        return mean_squared_error(model, x, y)

    y = jnp.asarray(y)
    floor = rounding_error(np.asarray(y if jnp.issubdtype(y.dtype, jnp.inexact) else y * 1.0))
    return with_units(snapped_units(units, lambda new: float(error(with_units(new))), floor))


def rounding_error(y: np.ndarray) -> float:
    """The mean squared error that rounding alone can cause.

    !!! example
        >>> rounding_error(np.ones(3, "float32")) < 1e-11
        True
    """
    eps = float(jnp.finfo(y.dtype).eps) if y.size else 0.0
    return float((16 * eps) ** 2 * np.mean(np.square(y.astype(float)))) if y.size else 0.0


def snapped_units(units: list[Unit], loss: Loss, floor: float) -> list[Unit]:
    """The units with weights snapped where the loss does not increase or stays below `floor`.

    A loss that is not finite confirms nothing.
    """
    best = loss(units)
    best = best if math.isfinite(best) else math.inf
    whole = [unit.snapped(0.5) for unit in units]
    snapped: set[Position] = set()

    def snap_or_halve(positions: list[Position]) -> None:
        nonlocal best
        value = loss(_mixed(units, whole, snapped.union(positions)))
        if math.isfinite(value) and value <= max(best * (1 + 1e-6), floor):
            snapped.update(positions)
            best = min(best, value)
        elif len(positions) > 1:
            half = len(positions) // 2
            snap_or_halve(positions[:half])
            snap_or_halve(positions[half:])

    positions = [position for _, position in sorted(_moving(units, whole))]
    if positions:
        snap_or_halve(positions)
    return _mixed(units, whole, snapped)


def _moving(units: list[Unit], whole: list[Unit]) -> Iterator[tuple[float, Position]]:
    """The weights that are not integers, with their distances from the nearest integers."""
    for index, (unit, new) in enumerate(zip(units, whole, strict=True)):
        distances: dict[tuple[int, ...], Any] = {}
        for old, leaf in zip(jax.tree.leaves(unit), jax.tree.leaves(new), strict=True):
            distance = np.abs(np.asarray(leaf, float) - np.asarray(old, float))
            distances[leaf.shape] = distances.get(leaf.shape, 0.0) + distance
        for shape, distance in distances.items():
            for position in np.flatnonzero(distance):
                yield float(distance.flat[position]), (index, shape, int(position))


def _mixed(units: list[Unit], whole: list[Unit], snapped: set[Position]) -> list[Unit]:
    masks: dict[tuple[int, tuple[int, ...]], np.ndarray] = {}
    for index, shape, position in snapped:
        mask = masks.setdefault((index, shape), np.zeros(shape, bool))
        mask.flat[position] = True

    def mixed(index: int, old: Array, new: Array) -> Array:
        mask = masks.get((index, old.shape))
        return old if mask is None else jnp.where(mask, new, old)

    return [
        jax.tree.map(lambda old, new, i=i: mixed(i, old, new), unit, new)
        for i, (unit, new) in enumerate(zip(units, whole, strict=True))
    ]
