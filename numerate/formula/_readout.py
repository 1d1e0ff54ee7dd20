"""What a trained unit computes, as formulas: its equation, evaluated on symbols."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from numerate._adapters import arrays, borrowed, static_fields
from numerate.formula._simplify import signed_powers
from numerate.models import Stack
from numerate.ops import Tensor, namespace, symbolic
from numerate.units import Unit

Rows = jax.Array | None

# What units add to or cut off numbers so that none overflows; a formula is of exact numbers.
_GUARDS = {"eps": 0.0, "omega": math.inf}


def read_out(
    model: Any, symbols: Sequence[str | sympy.Symbol], rows: np.ndarray | jax.Array | None = None
) -> tuple[sympy.Expr, ...]:
    """The formulas that a unit, or a `Stack` of units, computes: one for each output.

    The unit's own equation is evaluated on the symbols. Weights that are exactly a multiple of
    1/2, as saturated ones are, become exact numbers; all others become `Float`s, which `snap`
    may then replace. ε and other bounds that only keep numbers finite are left out. Signs that
    a unit retrieves are merged with the absolute values that they belong to.

    **Arguments:**

    - `model`: a unit or a `Stack` of units.
    - `symbols`: one for each input feature. Names become real symbols; positive symbols give
        simpler formulas, as the products are of absolute values.
    - `rows`: inputs `(rows, in_features)` that decide the gates: a gate on the same side of
        1/2 for all rows becomes 1 or 0, and its formula is then a sum or a product. Without
        them, and for a gate that switches between rows, the gate stays in the formula.

    **Raises:** `ValueError` for another model, or if the number of symbols is not that of the
    input features.

    !!! example
        >>> import jax
        >>> from numerate.units import NAC, NACMul
        >>> from numerate.initialisers import constant
        >>> kwargs = {"w_hat_init": constant(50.0), "key": jax.random.key(0)}
        >>> read_out(NAC(2, 1, m_hat_init=constant(50.0), **kwargs), ["a", "b"])
        (a + b,)
        >>> read_out(NACMul(2, 1, m_hat_init=constant(0.0), **kwargs), ["a", "b"])
        (sqrt(Abs(a))*sqrt(Abs(b)),)
    """
    inputs = [sympy.Symbol(s, real=True) if isinstance(s, str) else s for s in symbols]
    wanted = _in_features(model)
    if wanted is not None and wanted != len(inputs):
        raise ValueError(f"symbols must be one for each of {wanted} features; got {len(inputs)}")
    x = symbolic(np.array(inputs, object))
    return tuple(_outputs(model, x, None if rows is None else jnp.asarray(rows)))


def _in_features(model: Any) -> int | None:
    while isinstance(model, Stack) and len(model):
        model = model[0]
    return getattr(model, "in_features", None)


def _outputs(model: Any, x: Tensor, rows: Rows) -> Tensor:
    if isinstance(model, Unit):
        outputs = _twin(model, rows).equation(x)
        return symbolic(np.array([_tidied(formula) for formula in outputs], object))
    if not isinstance(model, Stack):
        kind = type(model).__name__
        raise ValueError(f"a formula can be read out of units and Stacks; got a {kind}")
    for layer in model.layers:
        x = _outputs(layer, x, rows)
        rows = None if rows is None else jax.vmap(layer)(rows)  # pyright: ignore[reportArgumentType]
    return x


def _twin(unit: Unit, rows: Rows) -> Any:
    """An object with the unit's methods and fields, whose equation takes symbols."""
    twin: Any = type(type(unit).__name__, (), borrowed(type(unit)))()
    vars(twin).update(static_fields(unit), **jax.tree.map(symbolic, arrays(unit)))
    vars(twin).update((name, value) for name, value in _GUARDS.items() if hasattr(twin, name))
    if callable(getattr(twin, "gate", None)) and rows is not None and len(rows):
        twin.gate = _decided(unit, twin.gate, rows)
    return twin


def _decided(unit: Any, gate: Callable, rows: jax.Array) -> Callable:
    """The gate, but 1 or 0 where all rows agree which it is."""
    opened = np.asarray(jax.vmap(unit.gate)(rows)) > 0.5
    always, never = opened.all(axis=0), ~opened.any(axis=0)

    def decided(x: Tensor) -> Tensor:
        where = namespace(x).where
        return where(always, 1.0, where(never, 0.0, gate(x)))

    return decided


def _tidied(formula: Any) -> Any:
    """The formula with x for |x| sign(x), and for max(x, 0) - max(-x, 0)."""
    if formula.has(sympy.sign):
        formula = signed_powers(formula)
    halves = [m.args[1] for m in formula.atoms(sympy.Max) if m.args[0].is_zero]
    both = [x for x in halves if -x in halves]
    merged = formula.xreplace({sympy.Max(0, x): (x + sympy.Abs(x)) / 2 for x in both})
    return formula if merged.has(*map(sympy.Abs, both)) else merged
