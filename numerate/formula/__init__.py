"""From weights to a formula: read it out, snap it, simplify it, print it, store it."""

from numerate.formula._expression import (
    complexity,
    evaluate,
    floats,
    formula_text,
    from_data,
    python_source,
    to_data,
)
from numerate.formula._fit import Parametric, Rows, refit, symbol
from numerate.formula._simplify import simplify
from numerate.formula._snap import snap

__all__ = [
    "Parametric",
    "Rows",
    "complexity",
    "evaluate",
    "floats",
    "formula_text",
    "from_data",
    "python_source",
    "refit",
    "simplify",
    "snap",
    "symbol",
    "to_data",
]
