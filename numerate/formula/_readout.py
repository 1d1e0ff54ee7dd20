"""What a trained unit computes, as formulas: its effective weights in its equation."""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from numerate.models import Stack
from numerate.units import NAC, NALU, NACMul, NALUScalarGate, NALUUntied

Rows = jax.Array | None


def read_out(
    model: Any, symbols: Sequence[str | sympy.Symbol], rows: np.ndarray | jax.Array | None = None
) -> tuple[sympy.Expr, ...]:
    """The formulas that a unit, or a `Stack` of units, computes: one for each output.

    Weights that are exactly a multiple of 1/2, as saturated ones are, become exact numbers;
    all others become `Float`s, which `snap` may then replace. ε is left out.

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
    return tuple(_outputs(model, inputs, None if rows is None else jnp.asarray(rows)))


def _in_features(model: Any) -> int | None:
    while isinstance(model, Stack) and len(model):
        model = model[0]
    return getattr(model, "in_features", None)


@singledispatch
def _outputs(model: Any, inputs: list[sympy.Expr], rows: Rows) -> list[sympy.Expr]:
    raise ValueError(f"a formula can be read out of units and Stacks; got a {type(model).__name__}")


@_outputs.register
def _(model: Stack, inputs: list[sympy.Expr], rows: Rows) -> list[sympy.Expr]:
    for layer in model.layers:
        inputs = _outputs(layer, inputs, rows)
        rows = None if rows is None else jax.vmap(layer)(rows)  # pyright: ignore
    return inputs


@_outputs.register
def _(model: NAC, inputs: list[sympy.Expr], rows: Rows) -> list[sympy.Expr]:
    return _sums(model.weight, inputs)


@_outputs.register
def _(model: NACMul, inputs: list[sympy.Expr], rows: Rows) -> list[sympy.Expr]:
    return _products(model.weight, inputs)


@_outputs.register(NALU)
@_outputs.register(NALUScalarGate)
def _(model, inputs: list[sympy.Expr], rows: Rows) -> list[sympy.Expr]:
    gates = _gates(model, inputs, rows)
    return _mixed(gates, _sums(model.weight, inputs), _products(model.weight, inputs))


@_outputs.register
def _(model: NALUUntied, inputs: list[sympy.Expr], rows: Rows) -> list[sympy.Expr]:
    sum_weight, product_weight = model.weight
    gates = _gates(model, inputs, rows)
    return _mixed(gates, _sums(sum_weight, inputs), _products(product_weight, inputs))


def _sums(weight: jax.Array, inputs: list[sympy.Expr]) -> list[sympy.Expr]:
    return [
        sympy.Add(*(_number(w) * x for w, x in zip(row, inputs, strict=True)))
        for row in np.asarray(weight)
    ]


def _products(weight: jax.Array, inputs: list[sympy.Expr]) -> list[sympy.Expr]:
    return [
        sympy.Mul(*(sympy.Abs(x) ** _number(w) for w, x in zip(row, inputs, strict=True)))
        for row in np.asarray(weight)
    ]


def _gates(
    model: NALU | NALUScalarGate | NALUUntied, inputs: list[sympy.Expr], rows: Rows
) -> list[sympy.Expr]:
    """σ(G x) for each output, or 1 or 0 where all rows agree which it is."""
    gates = [1 / (1 + sympy.exp(-s)) for s in _sums(model.gate_weight, inputs)]
    if rows is not None and len(rows):
        sums = np.asarray(jax.vmap(model.gate)(rows)) > 0.5
        agreed = [(column.all(), not column.any()) for column in sums.T]
        gates = [
            sympy.S.One if always else sympy.S.Zero if never else gate
            for gate, (always, never) in zip(gates, agreed, strict=True)
        ]
    return gates * (model.out_features // max(len(gates), 1))


def _mixed(
    gates: list[sympy.Expr], sums: list[sympy.Expr], products: list[sympy.Expr]
) -> list[sympy.Expr]:
    return [g * a + (1 - g) * m for g, a, m in zip(gates, sums, products, strict=True)]


def _number(weight: np.floating) -> sympy.Expr:
    value = float(weight)
    return sympy.Rational(value) if (2 * value).is_integer() else sympy.Float(value)
