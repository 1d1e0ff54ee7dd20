"""From a table to a formula: the search, its models and their files, the estimator.

`search_table` and `load_model` need no scikit-learn. `fit`, `load` and `ArithmeticRegressor`
do; they are imported when first used, as scikit-learn takes longer to import than a search.
"""

from typing import TYPE_CHECKING, Any

from numerate.regress._model import FormulaModel
from numerate.regress._store import load_model, save_model
from numerate.regress._table import search_table

if TYPE_CHECKING:
    from numerate.regress._estimator import ArithmeticRegressor as ArithmeticRegressor
    from numerate.regress._fit import fit as fit
    from numerate.regress._fit import load as load

__all__ = [
    "ArithmeticRegressor",
    "FormulaModel",
    "fit",
    "load",
    "load_model",
    "save_model",
    "search_table",
]


def __getattr__(name: str) -> Any:
    if name in ("ArithmeticRegressor", "fit", "load"):
        from numerate.regress import _estimator, _fit

        return getattr(_estimator if name == "ArithmeticRegressor" else _fit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
