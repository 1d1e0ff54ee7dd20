"""Selecting the branches of units by the error on validation data.

A unit with several branches trains all of them at once and offers each as an alternative
(`Unit.choices`). A sigmoid gate between branches learns from the same gradients as they do, and
often selects the wrong one; the error on validation data tells which one is right.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, PyTree, Real

from numerate.train._loss import check_targets, units_of
from numerate.units import Unit

Error = Callable[[PyTree], Float[Array, ""]]


def select_branches(model: PyTree, error: Error) -> PyTree:
    """The model with the branches of smallest `error`, selected one choice at a time.

    The choices of the last unit come first, with the other units unchanged, because there are too
    many combinations to try all.

    **Arguments:** `model`; `error`, a function from a model to its error on validation data.

    !!! example
        >>> import jax
        >>> from numerate.units import NAC
        >>> unit = NAC(2, 1, key=jax.random.key(0))
        >>> select_branches(unit, lambda unit: 0.0) is unit
        True
    """
    for index, unit in enumerate(units_of(model)):
        if not unit.is_chosen:  # each starts from the first alternative of all others
            for choice in range(len(unit.choices())):
                model = _with(model, index, choice, 0)
    for index, unit in reversed(list(enumerate(units_of(model)))):
        for choice, alternatives in enumerate(unit.choices()):
            options = [_with(model, index, choice, a) for a in range(alternatives)]
            model = _best(options, [error(option) for option in options])
    return model


def select(model: PyTree, x: Float[Array, "rows in"], y: Real[Array, "rows out"]) -> PyTree:
    """The model with its branches selected by the mean squared error on validation data.

    For custom training loops; `train` and `train_many` do this at every measurement.

    **Arguments:** `model`, for one example; `x`, `y`: validation data.

    **Raises:** `TypeError` for anything but an Equinox module that computes one array and data that
    are no arrays, and `ValueError` for a model without units, for targets of another shape than the
    outputs, without rows, or that are not finite.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> from numerate.units import NASU
        >>> ones = {"sum_init": constant(1.0), "product_init": constant(1.0)}
        >>> unit = NASU(2, 1, **ones, key=jax.random.key(0))
        >>> x = jnp.array([[1.0, 2.0], [3.0, 5.0]])
        >>> print(select(unit, x, x.sum(axis=1, keepdims=True)).operation)
        ('sum',)
    """
    checked_units(model, x, y)
    if not isinstance(y, Tracer):
        check_choice(np.asarray(y))
    return select_branches(model, lambda model: mean_squared_error(model, x, y))


def check_choice(y: np.ndarray) -> None:
    """Raise for validation targets that cannot tell which branch is right.

    !!! example
        >>> check_choice(np.array([1.0, np.nan]))
        Traceback (most recent call last):
        ValueError: y must be finite to choose a branch by; 1 of 2 targets are NaN or infinite
    """
    if not y.size:
        raise ValueError(f"y must have rows to choose a branch by; got shape {y.shape}")
    wrong = y.size - np.count_nonzero(np.isfinite(y))
    if wrong:
        raise ValueError(
            f"y must be finite to choose a branch by; {wrong} of {y.size} targets are NaN or "
            "infinite"
        )


def mean_squared_error(model: PyTree, x: Any, y: Any) -> Array:
    """That of a model for one example; raises where its outputs are no array of the targets'
    shape."""
    outputs = jax.vmap(model)(x)
    if not isinstance(outputs, jax.Array):
        kind = type(outputs).__name__
        raise TypeError(f"model must give one array for an example; got a {kind}")
    check_targets(outputs.shape, jnp.shape(y))
    return jnp.mean(jnp.square(outputs - y))


def checked_units(model: Any, x: Any, y: Any) -> list[Unit]:
    """The units of a model whose error on data is to be measured; raises as `select` does."""
    if not isinstance(model, eqx.Module):
        kind = model if isinstance(model, type) else type(model)
        raise TypeError(
            "model must be a unit of numerate or an Equinox module with units, "
            f"got a {kind.__module__.partition('.')[0]}.{kind.__name__}"
        )
    units = units_of(model)
    if not units:
        kind = type(model).__name__
        raise ValueError(f"a {kind} without units of numerate has no branches or weights to choose")
    for name, data in (("x", x), ("y", y)):
        if not isinstance(data, jax.Array | np.ndarray):
            kind = type(data).__name__
            raise TypeError(f"{name} must be an array, jax.numpy.asarray({name}); got {kind}")
        if not data.ndim:
            raise ValueError(f"{name} must have a row for each example; got a single number")
    if not callable(model):
        raise TypeError(f"model must compute outputs, and a {type(model).__name__} has no __call__")
    return units


def _with(model: PyTree, index: int, choice: int, alternative: int) -> PyTree:
    return eqx.tree_at(
        lambda tree: units_of(tree)[index],
        model,
        replace_fn=lambda u: u.chosen(choice, alternative),
    )


def _best(options: list[PyTree], errors: list[Any]) -> PyTree:
    """The option with the smallest error. NaN counts as infinite."""
    best = jnp.argmin(jnp.stack([jnp.where(jnp.isnan(e), jnp.inf, e) for e in errors]))
    arrays, rest = zip(*(eqx.partition(option, eqx.is_array) for option in options), strict=True)
    return eqx.combine(jax.tree.map(lambda *leaves: jnp.stack(leaves)[best], *arrays), rest[0])
