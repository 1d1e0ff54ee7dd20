"""From a table to a formula: the estimator, the search behind it, and its model files."""

from numerate.regress._estimator import ArithmeticRegressor
from numerate.regress._fit import fit
from numerate.regress._store import load

__all__ = ["ArithmeticRegressor", "fit", "load"]
