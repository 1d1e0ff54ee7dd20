"""What every unit offers to the engine, the adapters, the formula read-out and the reader."""

import abc
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate._errors import check_array, check_features, warn_not_chosen
from numerate.initialisers import Initialiser
from numerate.ops import Tensor, step_key, uniform

# Uniform numbers of [0, 1) for the examples of a call: from how many features to `(*batch, n)`.
Draw = Callable[[int], Tensor]

# What JAX takes for an array.
_ARRAYS = (jax.Array, np.ndarray)

# Not `typing.Self`: beartype, which decorates method by method, cannot resolve it.
SelfUnit = TypeVar("SelfUnit", bound="Unit")


class Unit(eqx.Module):
    """A layer that does arithmetic: maps one example `(in_features,)` to `(out_features,)`.

    A unit computes and nothing else; batches and seeds are `jax.vmap` outside, training and
    measuring are the engine's. Subclasses are final and declare both sizes as static fields.

    Everything but the constructor is written with `numerate.ops` alone and reads only the
    unit's own fields: the adapters for PyTorch and Keras borrow these methods as they are.
    """

    in_features: eqx.AbstractVar[int]
    out_features: eqx.AbstractVar[int]

    def __init_subclass__(cls, init: bool = True, **kwargs: Any):
        """`init=False` tells type checkers that a class has the constructor of its family."""
        super().__init_subclass__(**kwargs)

    def __call__(
        self, x: Shaped[Array, "*shape"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "out"]:
        """The output for one example, `(in_features,)` to `(out_features,)`.

        With a `key` the unit is in training: those with noise draw it from the key, and those
        whose paper trains with a smoother equation use that one. Without, it is not. Most
        units make no difference.

        **Raises:** `ValueError` for an input of another shape, and `TypeError` for one that is not
        an array of floating-point numbers.
        """
        name = type(self).__name__
        check_array(name, x, _ARRAYS, "jax.Array")
        check_features(name, self.in_features, x, batch="")
        if key is None:
            if not self.is_chosen:
                warn_not_chosen(name, "numerate.train.select(model, x, y)")
            return self.equation(x)
        key = step_key(key, 0)
        return self.equation(x, lambda features: uniform(key, (features,), dtype=x.dtype))

    @abc.abstractmethod
    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        """The outputs for examples with any axes before the last; `draw` is given in training."""

    @property
    @abc.abstractmethod
    def weight(self) -> Shaped[Tensor, "*branches out in"]:
        """The effective weights that the unit computes with, after every reparametrisation."""

    def penalty(self) -> Shaped[Tensor, ""]:
        """What the unit adds to the loss, before `penalty_weight`; by default nothing."""
        return jnp.zeros((), self.weight.dtype)

    def penalty_weight(self, progress: Any) -> Any:
        """What the engine multiplies the penalty with, by its paper's schedule.

        `progress` is the part of the training that is done, from 0 to 1.
        """
        return 1.0

    def scheduled_penalty(self, progress: Any) -> Shaped[Tensor, ""]:
        """What the engine adds to the loss: `penalty` times `penalty_weight(progress)`.

        A unit with a second penalty that follows a schedule of its own adds it here.
        """
        return self.penalty() * self.penalty_weight(progress)

    def constrained(self: SelfUnit) -> SelfUnit:
        """The unit with its parameters projected to where they may lie, after a step."""
        bounds = self.bounds()
        names = list(bounds)
        if not names:
            return self
        clipped = [jnp.clip(getattr(self, name), *bounds[name]) for name in names]
        return eqx.tree_at(lambda unit: [getattr(unit, name) for name in names], self, clipped)

    def snapped(self: SelfUnit, tolerance: float = 1e-6) -> SelfUnit:
        """The unit with every weight within `tolerance` of a whole number put there exactly.

        The whole numbers are those that the unit's paper means its weights and constant gates to
        become; where it means none, as in `Linear`, the unit stays as it is.

        **Raises:** `ValueError` for a `tolerance` outside [0, 1/2].
        """
        if not 0 <= tolerance <= 0.5:
            raise ValueError(f"tolerance must be from 0 to 1/2, got {tolerance}")
        whole = self.whole_parameters(tolerance)
        if not whole:
            return self
        new = [jnp.asarray(v, getattr(self, name).dtype) for name, v in whole.items()]
        return eqx.tree_at(lambda unit: [getattr(unit, name) for name in whole], self, new)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        """The parameters with which weights within `tolerance` of whole numbers are these."""
        return {
            name: nearest_whole(jnp.clip(getattr(self, name), *ends), tolerance)
            for name, ends in self.bounds().items()
        }

    def bounds(self) -> dict[str, tuple[float, float]]:
        """The intervals that parameters are clipped to after every step, by name."""
        return {}

    def choices(self) -> tuple[int, ...]:
        """How many alternatives the unit has for each thing it leaves to validation data.

        A unit of several branches trains all of them; the engine tells by the error on
        validation data which one speaks. By default there is nothing to choose.
        """
        return ()

    @property
    def is_chosen(self) -> bool:
        """Whether all `choices` are made. A unit that is being traced counts as chosen."""
        return True

    def chosen(self: SelfUnit, place: int, alternative: int) -> SelfUnit:
        """The unit with one of its `choices` made."""
        raise ValueError(f"{type(self).__name__} has nothing to choose")


def nearest_whole(parameter: Array, tolerance: float) -> Array:
    """The parameter, whole where it is within `tolerance` of a whole number."""
    whole = jnp.round(parameter)
    return jnp.where(jnp.abs(parameter - whole) <= tolerance, whole, parameter)


def drawn_branches(
    draw: Initialiser,
    keys: Shaped[Array, "branches *key"],
    shape: tuple[int, int],
    dtype: jnp.dtype,
) -> Float[Array, "branches out in"]:
    """A parameter of several branches, `(len(keys), *shape)`, each drawn with a key of its own."""
    return jnp.stack([draw(key, shape, dtype) for key in keys])
