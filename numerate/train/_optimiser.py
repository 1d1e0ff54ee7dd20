"""Constraints and penalties as Optax transformations, for custom training loops."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PyTree

from numerate._errors import quoted
from numerate.train._loss import apply_constraints, units_of
from numerate.train._schedule import PenaltySchedule
from numerate.units import Unit


class PenaltyState(NamedTuple):
    """The number of completed steps."""

    step: Int[Array, ""]


def projected(optimiser: optax.GradientTransformation) -> optax.GradientTransformation:
    """An optimiser that projects the parameters of units to their bounds after every step.

    **Arguments:** `optimiser`: any Optax optimiser, called as usual with the parameters
    `eqx.filter(model, eqx.is_inexact_array)` of an Equinox model with units. Parameters that are
    frozen, by `eqx.partition`, or by `optax.masked` or `optax.multi_transform` around this
    optimiser, are left alone.

    **Returns:** an optimiser whose updated parameters lie within `Unit.bounds`.

    **Raises:** `TypeError` for anything but an optimiser, and `ValueError` from `init` for
    parameters without units, such as those of a flattened model.

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
    return optax.chain(_checked(optimiser), _projection())


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

    - `optimiser`: any Optax optimiser. Units whose parameters are all frozen are left alone, as by
      `projected`.
    - `recipe`: a `Recipe`, such as `recipes.mistry2022("NMU")`, whose penalty and schedule apply to
        all units; or a mapping from names of units to recipes, for a mixed model. With `None` every
        unit follows its own paper's schedule, `Unit.scheduled_penalty`.
    - `steps`: the number of steps of the training; by default that of the recipe, whose schedule is
      scaled to it. After the last step the penalties stay constant.

    **Returns:** an optimiser that must be called with the parameters, as for `projected`.

    **Raises:** `TypeError` for anything but an optimiser and a whole number of steps; `ValueError`
    without steps, for a recipe whose penalty depends on the loss, and from `init` for parameters
    without units, a unit for which a mapping has no recipe, and one without some of the parameters
    that its penalty needs.

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
    schedule = PenaltySchedule(recipe, steps)
    return optax.chain(_penalties(schedule), _checked(optimiser), _projection())


def _penalties(schedule: PenaltySchedule) -> optax.GradientTransformation:
    def init(params: Any) -> PenaltyState:
        if units := _units_in(params):
            schedule.check(units)
        for unit in units:
            _check_penalty(schedule, unit)
        return PenaltyState(jnp.zeros((), jnp.int32))

    def total(parameters: PyTree, step: Array) -> Any:
        return sum(schedule.penalty(unit, step) for unit in _units_in(parameters))

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        params = _trained(params, updates)
        if _units_in(params):
            penalties = jax.grad(total)(params, state.step)
            updates = jax.tree.map(lambda loss, p: loss + p.astype(loss.dtype), updates, penalties)
        return updates, PenaltyState(state.step + 1)

    return optax.GradientTransformation(init, update)


def _check_penalty(schedule: PenaltySchedule, unit: Unit) -> None:
    """Raise `ValueError` unless a unit has the parameters that its penalty depends on."""
    try:
        jax.eval_shape(schedule.penalty, unit, 0)
    except (AttributeError, TypeError) as error:
        raise ValueError(
            f"the penalty of {type(unit).__name__} depends on parameters that are not there: "
            "freeze all parameters of a unit, or none"
        ) from error


def _projection() -> optax.GradientTransformation:
    def init(params: Any) -> optax.EmptyState:
        _units_in(params)
        return optax.EmptyState()

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        params = _trained(params, updates)
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


def _units_in(parameters: PyTree) -> list[Unit]:
    """The units that have parameters: those of a frozen one are None, or masked by Optax."""
    units = units_of(parameters)
    if not units:
        raise ValueError(
            "the parameters have no unit of numerate: pass those of an Equinox model with units, "
            "eqx.filter(model, eqx.is_inexact_array)"
        )
    return [unit for unit in units if jax.tree.leaves(unit)]


def _trained(params: PyTree, updates: PyTree) -> PyTree:
    """The parameters that have an update."""
    if params is None:
        raise ValueError("update needs the parameters: optimiser.update(gradients, state, params)")
    return jax.tree.map(
        lambda update, parameter: None if update is None else parameter,
        updates,
        params,
        is_leaf=lambda leaf: leaf is None,
    )


def _checked(optimiser: Any) -> optax.GradientTransformation:
    if not isinstance(optimiser, optax.GradientTransformation):
        raise TypeError(
            "optimiser must be an optimiser of Optax, such as optax.adam(0.01), "
            f"got {quoted(optimiser)}"
        )
    return optimiser
