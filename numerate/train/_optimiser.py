"""Constraints and penalties as Optax transformations, for custom training loops."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PyTree

from numerate.train._loss import apply_constraints, units_of
from numerate.train._schedule import PenaltySchedule


class PenaltyState(NamedTuple):
    """The number of completed steps."""

    step: Int[Array, ""]


def projected(optimiser: optax.GradientTransformation) -> optax.GradientTransformation:
    """An optimiser that projects the parameters of units to their bounds after every step.

    **Arguments:** `optimiser`: any Optax optimiser, called as usual with the parameters
    `eqx.filter(model, eqx.is_inexact_array)` of an Equinox model with units.

    **Returns:** an optimiser whose updated parameters lie within `Unit.bounds`.

    **Raises:** `ValueError` from `init` for parameters without units, such as those of
    a flattened model.

    !!! example
        >>> import equinox as eqx
        >>> from numerate.units import NMU
        >>> unit = NMU(2, 1, key=jax.random.key(0))
        >>> optimiser = projected(optax.sgd(1.0))
        >>> state = optimiser.init(unit)
        >>> gradients = jax.tree.map(lambda w: -10 + 0 * w, unit)
        >>> updates, state = optimiser.update(gradients, state, unit)
        >>> eqx.apply_updates(unit, updates).w_hat
        Array([[1., 1.]], dtype=float32)
    """
    return optax.chain(optimiser, _projection())


def penalised(
    optimiser: optax.GradientTransformation, recipe: Any = None, *, steps: int | None = None
) -> optax.GradientTransformation:
    """An optimiser that adds the scheduled penalties of a model's units and constrains their
    parameters.

    With it, an ordinary loop trains units as in their papers:

        optimiser = penalised(optax.adam(1e-2), steps=20_000)
        state = optimiser.init(eqx.filter(model, eqx.is_inexact_array))
        ...
        gradients = eqx.filter_grad(loss)(model, x, y)
        parameters = eqx.filter(model, eqx.is_inexact_array)
        updates, state = optimiser.update(gradients, state, parameters)
        model = eqx.apply_updates(model, updates)

    **Arguments:**

    - `optimiser`: any Optax optimiser.
    - `recipe`: a `Recipe`, such as `recipes.mistry2022("NMU")`, whose penalty and schedule apply to
        all units; or a mapping from names of units to recipes, for a mixed model. With `None` every
        unit follows its own paper's schedule, `Unit.scheduled_penalty`.
    - `steps`: the number of steps of the training; by default that of the recipe, whose schedule is
      scaled to it. After the last step the penalties stay constant.

    **Returns:** an optimiser that must be called with the parameters, as for `projected`.

    **Raises:** `ValueError` without steps, for a recipe whose penalty depends on the loss, and from
    `init` for parameters without units, or one for which a mapping has no recipe.

    !!! example
        >>> import equinox as eqx
        >>> from numerate.recipes import mistry2022
        >>> from numerate.units import NMU
        >>> unit = NMU(2, 1, key=jax.random.key(0))
        >>> optimiser = penalised(optax.adam(0.1), mistry2022("NMU"), steps=100)
        >>> state = optimiser.init(unit)
        >>> for _ in range(100):  # the penalty only
        ...     updates, state = optimiser.update(jax.tree.map(jnp.zeros_like, unit), state, unit)
        ...     unit = eqx.apply_updates(unit, updates)
        >>> sorted(set(unit.w_hat.ravel().round(2).tolist()) - {0.0, 1.0})
        []
    """
    return optax.chain(_penalties(PenaltySchedule(recipe, steps)), optimiser, _projection())


def _penalties(schedule: PenaltySchedule) -> optax.GradientTransformation:
    def init(params: Any) -> PenaltyState:
        schedule.check(_units_in(params))
        return PenaltyState(jnp.zeros((), jnp.int32))

    def total(parameters: PyTree, step: Array) -> Any:
        return sum(schedule.penalty(unit, step) for unit in units_of(parameters))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        gradients = jax.grad(total)(_given(params), state.step)
        # The gradient of the loss may be None; that of the penalty never is.
        updates = jax.tree.map(
            lambda penalty, loss: penalty if loss is None else loss + penalty.astype(loss.dtype),
            gradients,
            updates,
            is_leaf=lambda leaf: leaf is None,
        )
        return updates, PenaltyState(state.step + 1)

    return optax.GradientTransformation(init, update)


def _projection() -> optax.GradientTransformation:
    def init(params: Any) -> optax.EmptyState:
        _units_in(params)
        return optax.EmptyState()

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        params = _given(params)
        moved = optax.apply_updates(params, updates)
        allowed = apply_constraints(moved)
        updates = jax.tree.map(_to, params, updates, moved, allowed)
        return updates, state

    return optax.GradientTransformation(init, update)


def _to(old: Array, update: Array, moved: Array, allowed: Array) -> Array:
    """The update, shortened where it would end outside `allowed`."""
    exact = allowed - old
    # The sum may exceed the bound by one rounding step, which is then subtracted.
    low = jnp.nextafter(exact, jnp.full_like(exact, -jnp.inf))
    high = jnp.nextafter(exact, jnp.full_like(exact, jnp.inf))
    beyond = jnp.where(moved > allowed, old + exact > allowed, old + exact < allowed)
    less = jnp.where(moved > allowed, low, high)
    return jnp.where(moved == allowed, update, jnp.where(beyond, less, exact))


def _units_in(parameters: PyTree) -> list[Any]:
    units = units_of(parameters)
    if not units:
        raise ValueError(
            "the parameters have no unit of numerate: pass those of an Equinox model with units, "
            "eqx.filter(model, eqx.is_inexact_array)"
        )
    return units


def _given(params: PyTree) -> PyTree:
    if params is None:
        raise ValueError("update needs the parameters: optimiser.update(gradients, state, params)")
    return params
