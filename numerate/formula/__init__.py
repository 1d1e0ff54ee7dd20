"""Formulas: read out of weights, fitted, snapped, simplified, evaluated, printed and stored."""

from typing import TYPE_CHECKING, Any

from numerate.formula._coefficients import (
    coefficients,
    into_denominator,
    released,
    with_floats,
    with_ratios,
)
from numerate.formula._data import from_data, to_data
from numerate.formula._export import latex_source, python_source
from numerate.formula._expression import (
    blocks,
    complexity,
    constants,
    evaluate,
    floats,
    formula_text,
    gradient,
    terms,
)
from numerate.formula._fit import Parametric, Rows, refit, symbol
from numerate.formula._precision import explained_error, measured
from numerate.formula._simplify import signed_power, simplify
from numerate.formula._snap import snap, tied

if TYPE_CHECKING:
    from numerate.formula._readout import read_out as read_out

__all__ = [
    "blocks",
    "coefficients",
    "released",
    "Parametric",
    "Rows",
    "complexity",
    "constants",
    "evaluate",
    "explained_error",
    "floats",
    "formula_text",
    "from_data",
    "gradient",
    "into_denominator",
    "latex_source",
    "measured",
    "python_source",
    "read_out",
    "refit",
    "signed_power",
    "simplify",
    "snap",
    "symbol",
    "terms",
    "tied",
    "to_data",
    "with_floats",
    "with_ratios",
]


def __getattr__(name: str) -> Any:
    # Imported when first used: it needs JAX, which most fits of tables do not.
    if name == "read_out":
        from numerate.formula._readout import read_out

        return read_out
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
