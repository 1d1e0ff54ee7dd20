"""The base class of units: their interface for engine, adapters and formula read-out."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate._errors import check_features, warn_not_chosen
from numerate.arguments import check_jax_array, check_key, checked, parameter_dtype, widened
from numerate.initialisers import Initialiser
from numerate.ops import Tensor, step_key, uniform
from numerate.units._exact import EITHER, Exact

# Draws uniform numbers in [0, 1) for the examples of a call: from n to an array `(*batch, n)`.
Draw = Callable[[int], Tensor]

# Not `typing.Self`: beartype, which decorates method by method, cannot resolve it.
SelfUnit = TypeVar("SelfUnit", bound="Unit")


class Unit(eqx.Module):
    """A layer that does arithmetic: maps one example `(in_features,)` to `(out_features,)`.

    A unit only computes. Batches and seeds are added by `jax.vmap`; the engine trains and measures.
    Subclasses are final and declare both sizes as static fields.

    Everything except the constructor uses only `numerate.ops` and the unit's own fields, so that
    the adapters for PyTorch and Keras can use these methods unchanged.
    """

    in_features: eqx.AbstractVar[int]
    out_features: eqx.AbstractVar[int]

    represents: ClassVar[Exact] = Exact({}, EITHER)
    """The operations of two inputs that it represents exactly, and the parameters for them."""

    def __init_subclass__(cls, init: bool = True, **kwargs: Any):
        """`init=False` tells type checkers that a class has the constructor of its family."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = checked(vars(cls)["__init__"])

    def __call__(
        self, x: Shaped[Array, "*shape"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "out"]:
        """The output for one example, `(in_features,)` to `(out_features,)`.

        A `key` means training mode: units with noise draw it from the key, and units whose paper
        trains with a smoother equation use that one. Without a key the unit is in evaluation mode.
        For most units both modes are the same.

        Computed in the precision of the parameters also where that of the inputs is lower.

        **Raises:** `ValueError` for an input of another shape, and `TypeError` for one that is not
        an array of floating-point numbers.
        """
        name = type(self).__name__
        check_jax_array(name, x)
        check_features(name, self.in_features, x, batch="")
        x = widened(x, self)
        if key is None:
            if not self.is_chosen:
                warn_not_chosen(name, "numerate.train.select(model, x, y)")
            return self.equation(x)
        check_key(**{f"{name}: key": key})
        key = step_key(key, 0)
        return self.equation(x, lambda features: uniform(key, (features,), dtype=x.dtype))

    @abc.abstractmethod
    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        """The outputs for examples with any leading axes; `draw` is given in training."""

    @property
    @abc.abstractmethod
    def weight(self) -> Shaped[Tensor, "*branches out in"]:
        """The effective weights, after all reparametrisations."""

    def penalty(self) -> Shaped[Tensor, ""]:
        """The penalty on the parameters, before `penalty_weight`; 0 by default."""
        return jnp.zeros((), parameter_dtype(self))

    def penalty_weight(self, progress: Any) -> Any:
        """The factor of the penalty at a `progress` from 0 to 1, by its paper's schedule."""
        return 1.0

    def scheduled_penalty(self, progress: Any) -> Shaped[Tensor, ""]:
        """The term that the engine adds to the loss: `penalty` times `penalty_weight(progress)`.

        A unit whose second penalty has its own schedule adds it here.

        **Raises:** `ValueError` for a `progress` outside [0, 1], such as the number of a step. In a
        traced program its value is not known: a step number there is the end of the schedule.
        """
        return self.penalty() * self.penalty_weight(progress)

    def constrained(self: SelfUnit) -> SelfUnit:
        """The unit with its parameters projected to their bounds; called after every step.

        Parameters that are not there, as in a partition of a model, are left out.
        """
        bounds = self.bounds()
        names = [name for name in bounds if jax.tree.leaves(getattr(self, name))]
        if not names:
            return self
        clipped = [jnp.clip(getattr(self, name), *bounds[name]) for name in names]
        return eqx.tree_at(lambda unit: [getattr(unit, name) for name in names], self, clipped)

    def snapped(self: SelfUnit, tolerance: float = 1e-6) -> SelfUnit:
        """The unit with every weight within `tolerance` of an integer snapped to it.

        The integers are those to which the unit's paper drives weights and constant gates. A unit
        without such integers, such as `Linear`, does not change.

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
        """The parameters, by name, that make weights within `tolerance` of integers exact."""
        return {
            name: nearest_whole(jnp.clip(getattr(self, name), *ends), tolerance)
            for name, ends in self.bounds().items()
        }

    def bounds(self) -> dict[str, tuple[float, float]]:
        """The intervals that parameters are clipped to after every step, by name."""
        return {}

    def choices(self) -> tuple[int, ...]:
        """The number of alternatives for each choice that validation data decide.

        A unit with several branches trains all of them; the engine selects one by the validation
        error. By default there are no choices.
        """
        return ()

    @property
    def is_chosen(self) -> bool:
        """Whether all `choices` are made. A traced unit counts as chosen."""
        return True

    def chosen(self: SelfUnit, index: int, alternative: int) -> SelfUnit:
        """The unit with the choice at `index` made."""
        raise ValueError(f"{type(self).__name__} has nothing to choose")


def nearest_whole(parameter: Array, tolerance: float) -> Array:
    """The parameter, rounded where it is within `tolerance` of an integer."""
    whole = jnp.round(parameter)
    return jnp.where(jnp.abs(parameter - whole) <= tolerance, whole, parameter)


def drawn_branches(
    draw: Initialiser,
    keys: Shaped[Array, "branches *key"],
    shape: tuple[int, int],
    dtype: jnp.dtype,
) -> Float[Array, "branches out in"]:
    """A parameter of several branches, `(len(keys), *shape)`, each drawn with its own key."""
    return jnp.stack([draw(key, shape, dtype) for key in keys])
