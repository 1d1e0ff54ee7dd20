"""The penalties of a training's steps, by the schedules of units or of recipes, in any library."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_BLOCK = 1000  # steps of a recipe's schedule that are computed at once


class PenaltySchedule:
    """What the penalties of a model's units add to the loss at a step.

    **Arguments:**

    - `recipe`: a `Recipe`, such as `recipes.mistry2022("NMU")`, for all units, or one for each
        unit of a mixed model, as a mapping from the name of its class. With `None` every unit
        follows the schedule of its own paper.
    - `steps`: of the whole training; by default those of the recipe. A recipe's schedule shrinks
        or grows with it.

    **Raises:** `ValueError` without steps, and for a recipe whose penalty needs more than a step:
    those of the iNALU, for example, begin where the loss is small.

    !!! example
        >>> from numerate.recipes import mistry2022
        >>> PenaltySchedule(mistry2022("NMU")).steps
        50000
    """

    def __init__(self, recipe: Any = None, steps: int | None = None):
        if steps is not None and steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        self._common = None if isinstance(recipe, Mapping) else _fitted(recipe, steps)
        self._named = {}
        if isinstance(recipe, Mapping):
            self._named = {_name(unit): _fitted(one, steps) for unit, one in recipe.items()}
        known = [one.config.steps for one in (self._common, *self._named.values()) if one]
        if steps is None and not known:
            raise ValueError(
                "steps must be the number of steps of the training, or recipe a Recipe"
            )
        self.steps = max(known) if steps is None else steps
        self._blocks: dict[tuple[int, int], np.ndarray] = {}

    def check(self, units: list[Any]) -> None:
        """Raise `ValueError` for no units, and for one that a mapping of recipes leaves out."""
        if not units:
            raise ValueError("the model has no units of numerate, whose penalties could be added")
        names = {type(unit).__name__ for unit in units}
        if self._named and (missing := sorted(names - set(self._named))):
            raise ValueError(
                f"the mapping of recipes has none for {', '.join(missing)}; "
                f"it has {', '.join(self._named)}"
            )

    def penalty(self, unit: Any, step: Any) -> Any:
        """What one unit, of JAX, PyTorch or Keras, adds to the loss at a step from 0 on."""
        recipe = self._named.get(type(unit).__name__, self._common)
        if recipe is None or recipe.config.penalty_scale is None:
            return unit.scheduled_penalty(self.progress(step))
        scale = recipe.config.penalty_scale
        return unit.penalty() * (self._at(scale, step) if callable(scale) else scale)

    def is_zero(self, unit: Any, step: int) -> bool:
        """Whether the schedule is known to leave the penalty of a unit out at a step."""
        recipe = self._named.get(type(unit).__name__, self._common)
        if recipe is None or recipe.config.penalty_scale is None:
            # A unit with a schedule beside `penalty_weight` has a penalty that this is not all of.
            one = unit.scheduled_penalty.__func__.__qualname__ == "Unit.scheduled_penalty"
            return one and unit.penalty_weight(self.progress(step)) == 0
        scale = recipe.config.penalty_scale
        return (self._at(scale, step) if callable(scale) else scale) == 0

    def progress(self, step: Any) -> Any:
        """The part of the training that is done; 1 beyond its end."""
        if isinstance(step, int):
            return min(step / self.steps, 1.0)
        import jax.numpy as jnp

        return jnp.minimum(step / self.steps, 1.0)

    def _at(self, scale: Any, step: Any) -> Any:
        if not isinstance(step, int):
            return scale(step)
        # JAX takes longer to call a schedule than PyTorch to make a step: many steps at once.
        block = id(scale), step // _BLOCK
        if block not in self._blocks:
            first = block[1] * _BLOCK
            self._blocks[block] = np.asarray(scale(np.arange(first, first + _BLOCK)), float)
        return float(self._blocks[block][step % _BLOCK])


def _name(unit: Any) -> str:
    return unit if isinstance(unit, str) else unit.__name__


def _fitted(recipe: Any, steps: int | None) -> Any:
    """The recipe with so many steps; it must say what the penalty is from the step alone."""
    if recipe is None:
        return None
    if not hasattr(recipe, "config"):
        raise ValueError(
            "recipe must be a Recipe, such as recipes.mistry2022('NMU'), or a mapping from names "
            f"of units to recipes; got {recipe!r}"
        )
    config = recipe.config
    if config.penalty_below is not None or config.penalty_optimiser is not None:
        raise ValueError(
            "the penalty of this recipe depends on the loss or has an optimiser of its own; "
            "numerate.train.train_many trains by it"
        )
    return recipe if steps is None else recipe.shortened(steps)
