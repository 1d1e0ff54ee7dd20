"""Formulas of trained units: the unit's equation, evaluated on symbols."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy

from numerate._adapters import arrays, borrowed, static_fields
from numerate._errors import warn_not_chosen
from numerate.formula._simplify import signed_powers
from numerate.models import Stack
from numerate.ops import Tensor, namespace, symbolic
from numerate.units import Unit

Rows = jax.Array | None

# Layers one after another.
_LAYERED = Stack | eqx.nn.Sequential

# Of a class with another one, the equations of its units are not all that it computes.
_CALLS = {Unit.__call__, Stack.__call__, eqx.nn.Sequential.__call__}

# Fields that only keep numbers finite, and the values that remove their effect from a formula.
_GUARDS = {"eps": 0.0, "omega": math.inf}


def read_out(
    model: Any, symbols: Sequence[str | sympy.Symbol], rows: np.ndarray | jax.Array | None = None
) -> tuple[sympy.Expr, ...]:
    """The formulas that a unit, or a stack of units, computes: one for each output.

    The unit's own equation is evaluated on the symbols. Weights that are exactly a multiple of
    1/2, such as saturated ones, become exact numbers. All others become `Float`s, which `snap`
    may then replace. ε and other bounds that only keep numbers finite are omitted. A sign that is
    multiplied with the absolute value of the same expression is merged with it.

    **Arguments:**

    - `model`: a unit, or a `Stack` or `equinox.nn.Sequential` of units. `from_torch` and
        `from_keras` make one of a model of PyTorch or Keras. `equinox.nn.Identity`, and `Dropout`
        in inference, are passed over.
    - `symbols`: one for each input feature. Names become real symbols; positive symbols give
        simpler formulas, because products are of absolute values.
    - `rows`: inputs `(rows, in_features)` at which gates are evaluated. A gate that is above 1/2
        in all rows becomes 1, and one that is below 1/2 in all rows becomes 0. Other gates, and
        all gates if there are no rows, stay in the formula.

    **Raises:** `ValueError` for another model, also for a subclass with a `__call__` of its own, if
    the number of symbols is not that of the input features, or rows or layers have another width.

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
    if rows is not None and np.shape(rows)[1:] != (len(inputs),):
        raise ValueError(f"rows must have shape (rows, {len(inputs)}); got {np.shape(rows)}")
    x = symbolic(np.array(inputs, object))
    return tuple(_outputs(model, x, None if rows is None else jnp.asarray(rows)))


def _in_features(model: Any) -> int | None:
    while isinstance(model, _LAYERED) and len(model.layers):
        model = model[0]
    return getattr(model, "in_features", None)


def _outputs(model: Any, x: Tensor, rows: Rows) -> Tensor:
    kind = type(model).__name__
    if isinstance(model, Unit | _LAYERED) and type(model).__call__ not in _CALLS:
        raise ValueError(f"a {kind} with a __call__ of its own computes more than its units")
    if isinstance(model, Unit):
        if len(x) != model.in_features:
            raise ValueError(f"{kind} takes {model.in_features} features; got {len(x)}")
        if not model.is_chosen:
            warn_not_chosen(kind, "numerate.train.select(model, x, y)")
        outputs = _symbolic_copy(model, rows).equation(x)
        return symbolic(np.array([_merged(formula) for formula in outputs], object))
    if isinstance(model, eqx.nn.Identity) or (
        isinstance(model, eqx.nn.Dropout) and model.inference
    ):
        return x
    if not isinstance(model, _LAYERED):
        home = type(model).__module__.split(".")
        library = "keras" if "keras" in home else "torch" if "torch" in home else None
        how = f": numerate.{library}.from_{library}(model) is one" if library else ""
        raise ValueError(
            f"a formula can be read out of units of numerate.units and Stacks of them{how}; "
            f"got a {kind} of {'.'.join(home[:2])}"
        )
    for layer in model.layers:
        x = _outputs(layer, x, rows)
        rows = None if rows is None else jax.vmap(layer)(rows)  # pyright: ignore[reportArgumentType]
    return x


def _symbolic_copy(unit: Unit, rows: Rows) -> Any:
    """A copy of the unit with symbolic fields, so that its equation takes symbols."""
    copy: Any = type(type(unit).__name__, (), borrowed(type(unit)))()
    vars(copy).update(static_fields(unit), **jax.tree.map(symbolic, arrays(unit)))
    vars(copy).update((name, value) for name, value in _GUARDS.items() if hasattr(copy, name))
    if callable(getattr(copy, "gate", None)) and rows is not None and len(rows):
        copy.gate = _constant_gate(unit, copy.gate, rows)
    return copy


def _constant_gate(unit: Any, gate: Callable, rows: jax.Array) -> Callable:
    """The gate, replaced by 1 or 0 where it is above or below 1/2 in all rows."""
    is_open = np.asarray(jax.vmap(unit.gate)(rows)) > 0.5
    always, never = is_open.all(axis=0), ~is_open.any(axis=0)

    def constant_gate(x: Tensor) -> Tensor:
        where = namespace(x).where
        return where(always, 1.0, where(never, 0.0, gate(x)))

    return constant_gate


def _merged(formula: Any) -> Any:
    """The formula with |x| sign(x) and max(x, 0) - max(-x, 0) replaced by x."""
    if formula.has(sympy.sign):
        formula = signed_powers(formula)
    halves = [m.args[1] for m in formula.atoms(sympy.Max) if m.args[0].is_zero]
    both = [x for x in halves if -x in halves]
    merged = formula.xreplace({sympy.Max(0, x): (x + sympy.Abs(x)) / 2 for x in both})
    return formula if merged.has(*map(sympy.Abs, both)) else merged
