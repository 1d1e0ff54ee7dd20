"""The parameters with which each unit computes +, −, ×, ÷ and √ exactly.

Each unit declares them, as `represents`. The tests check them to rounding, and the figures of the
documentation and [its table of operations](../units/choose.md) are made from them.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from numerate import units
from numerate.units import Unit
from numerate.units._exact import OPERATIONS, Exact

__all__ = ["EXACT", "OPERATIONS", "Exact", "exact"]

EXACT: dict[type[Unit], Exact] = {
    unit: unit.represents
    for unit in vars(units).values()
    if isinstance(unit, type) and unit is not Unit
}
"""What each unit class represents exactly."""


def exact(unit: type[Unit], operation: str, *, key: PRNGKeyArray, **kwargs: Any) -> Unit:
    """A unit of two inputs and one output with the parameters that compute an operation.

    **Arguments:**

    - `unit`: a class of units, such as `NAU`.
    - `operation`: `"+"`, `"-"`, `"*"`, `"/"`, or `"sqrt"` of the first input.
    - `key`: draws the parameters that may have any value.
    - `kwargs`: further arguments of the unit's constructor, such as `dtype`.

    **Raises:** `ValueError` for an operation that the unit does not represent exactly.

    !!! example
        >>> unit = exact(units.NALU, "*", key=jax.random.key(0))
        >>> float(unit(jnp.array([3.0, 4.0]))[0])
        12.0
    """
    known = unit.represents.parameters
    if operation not in known:
        raise ValueError(
            f"operation must be one that {unit.__name__} represents exactly, "
            f"{', '.join(known) or 'none'}; got {operation!r}"
        )
    kind: Any = unit  # the base class has no constructor to check against
    made = kind(2, 1, key=key, **kwargs)
    names = list(known[operation])

    def parameters(model: Any) -> list[Any]:
        return [getattr(model, name) for name in names]

    values = [
        jax.tree.map(lambda old, new: jnp.asarray(new, old.dtype), old, new)
        for old, new in zip(parameters(made), known[operation].values(), strict=True)
    ]
    return eqx.tree_at(parameters, made, values)
