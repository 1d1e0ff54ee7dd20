"""Symbolic regression: the search for a formula, models and their files, the estimator.

`search_table` and `load_model` do not use scikit-learn. `fit`, `load` and `ArithmeticRegressor`
do, and stacks use JAX. They are imported when first used: importing either takes longer than
most searches.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from numerate.regress._model import FormulaModel
from numerate.regress._search import left_behind
from numerate.regress._store import load_model, save_model
from numerate.regress._table import search_table

if TYPE_CHECKING:
    from numerate.regress._estimator import ArithmeticRegressor as ArithmeticRegressor
    from numerate.regress._fit import fit as fit
    from numerate.regress._fit import load as load
    from numerate.regress._stacks import Architecture as Architecture
    from numerate.regress._stacks import stack as stack

_LAZY = {
    "Architecture": "_stacks",
    "ArithmeticRegressor": "_estimator",
    "fit": "_fit",
    "load": "_fit",
    "stack": "_stacks",
}

__all__ = [
    "Architecture",
    "ArithmeticRegressor",
    "FormulaModel",
    "fit",
    "left_behind",
    "load",
    "load_model",
    "save_model",
    "search_table",
    "stack",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
