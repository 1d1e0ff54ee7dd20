"""Scheduled penalties of units or recipes, for all libraries."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from numerate._errors import quoted
from numerate.arguments import check_sizes

_BLOCK = 1000  # steps of a recipe's schedule that are computed at once


class PenaltySchedule:
    """The terms that the penalties of a model's units add to the loss at a step.

    **Arguments:**

    - `recipe`: a `Recipe`, such as `recipes.mistry2022("NMU")`, for all units, or one for each
        unit of a mixed model, as a mapping from the name of its class. With `None` every unit
        follows the schedule of its own paper.
    - `steps`: the number of steps of the training; by default that of the recipe, whose schedule is
      scaled to it.

    **Raises:** `TypeError` for steps that are not a whole number, and `ValueError` without steps,
    for an empty mapping, and for a recipe whose penalty depends on more than the step: that of the
    iNALU, for example, starts when the loss is small.

    !!! example
        >>> from numerate.recipes import mistry2022
        >>> PenaltySchedule(mistry2022("NMU")).steps
        50000
    """

    def __init__(self, recipe: Any = None, steps: Any = None):
        if steps is not None:
            check_sizes(least=1, steps=steps)
        is_mapping = isinstance(recipe, Mapping)
        if is_mapping and not recipe:
            raise ValueError(
                "recipe must have a recipe for each unit, got an empty mapping: with None, every "
                "unit follows its own paper"
            )
        self._common = None if is_mapping else _fitted(recipe, steps)
        self._named = {}
        if is_mapping:
            self._named = {_name(unit): _fitted(one, steps) for unit, one in recipe.items()}
        known = [one.config.steps for one in (self._common, *self._named.values()) if one]
        if steps is None and not known:
            raise ValueError(
                "steps must be the number of steps of the training, or recipe a Recipe"
            )
        self.steps = max(known) if steps is None else steps
        self._blocks: dict[tuple[int, int], np.ndarray] = {}

    def check(self, units: list[Any]) -> None:
        """Raise `ValueError` if there are no units, or if a mapping of recipes lacks one."""
        if not units:
            raise ValueError("the model has no units of numerate, whose penalties could be added")
        names = {type(unit).__name__ for unit in units}
        if self._named and (missing := sorted(names - set(self._named))):
            raise ValueError(
                f"the mapping of recipes has none for {', '.join(missing)}; "
                f"it has {', '.join(self._named)}"
            )

    def penalty(self, unit: Any, step: Any) -> Any:
        """The term that a unit of any library adds to the loss at a step, counted from 0."""
        recipe = self._named.get(type(unit).__name__, self._common)
        if recipe is None or recipe.config.penalty_scale is None:
            return unit.scheduled_penalty(self.progress(step))
        scale = recipe.config.penalty_scale
        return unit.penalty() * (self._at(scale, step) if callable(scale) else scale)

    def is_zero(self, unit: Any, step: int) -> bool:
        """Whether the penalty of a unit is known to be 0 at a step."""
        recipe = self._named.get(type(unit).__name__, self._common)
        if recipe is None or recipe.config.penalty_scale is None:
            # If a unit overrides `scheduled_penalty`, `penalty_weight` is not its whole penalty.
            one = unit.scheduled_penalty.__func__.__qualname__ == "Unit.scheduled_penalty"
            return one and unit.penalty_weight(self.progress(step)) == 0
        scale = recipe.config.penalty_scale
        return (self._at(scale, step) if callable(scale) else scale) == 0

    def progress(self, step: Any) -> Any:
        """The completed fraction of the training; 1 after its end."""
        if isinstance(step, int):
            return min(step / self.steps, 1.0)
        import jax.numpy as jnp

        return jnp.minimum(step / self.steps, 1.0)

    def _at(self, scale: Any, step: Any) -> Any:
        if not isinstance(step, int):
            return scale(step)
        # A schedule in JAX takes longer than a step in PyTorch, so many steps are computed at once.
        block = id(scale), step // _BLOCK
        if block not in self._blocks:
            first = block[1] * _BLOCK
            self._blocks[block] = np.asarray(scale(np.arange(first, first + _BLOCK)), float)
        return float(self._blocks[block][step % _BLOCK])


def _name(unit: Any) -> str:
    if not isinstance(unit, str | type):
        raise TypeError(
            "a mapping of recipes must be from names of units, such as 'NMU', or their classes; "
            f"got {quoted(unit)}"
        )
    return unit if isinstance(unit, str) else unit.__name__


def _fitted(recipe: Any, steps: int | None) -> Any:
    """The recipe with the given number of steps. Its penalty must depend on the step alone."""
    if recipe is None:
        return None
    if not hasattr(getattr(recipe, "config", None), "penalty_below"):
        raise ValueError(
            "recipe must be a Recipe, such as recipes.mistry2022('NMU'), or a mapping from names "
            f"of units to recipes; got {quoted(recipe)}"
        )
    config = recipe.config
    if config.penalty_below is not None or config.penalty_optimiser is not None:
        raise ValueError(
            "the penalty of this recipe depends on the loss or has an optimiser of its own; "
            "train it with numerate.train.train_many"
        )
    return recipe if steps is None else recipe.shortened(steps)
