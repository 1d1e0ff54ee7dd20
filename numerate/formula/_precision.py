"""The error that the written precision of a table causes in the value of a formula."""

from collections.abc import Mapping

import numpy as np
import sympy

from numerate.formula._expression import gradient


def explained_error(
    formula: sympy.Expr, features: Mapping[str, np.ndarray], resolution: np.ndarray
) -> np.ndarray:
    """The largest residual that rounding the table to its written digits can cause, to first order.

    **Arguments:** `features`, a column `(rows,)` for each name; `resolution`, half a unit in
    the last written digit of each value, `(rows, n_features + 1)` with the target last.

    **Returns:** `(rows,)`; NaN where a derivative is not finite, such as that of a root at zero.

    !!! example
        >>> x = np.array([1.0, 2.0])
        >>> half = np.array([[0.05, 0.5], [0.05, 0.5]])
        >>> explained_error(sympy.sympify("x**2"), {"x": x}, half)
        array([0.6, 0.7])
    """
    if not resolution.any():
        return np.zeros(len(resolution))
    with np.errstate(all="ignore"):
        derivatives = np.abs(gradient(formula, features))
        error = resolution[:, -1] + np.sum(derivatives * resolution[:, :-1], axis=1)
    return np.where(np.isfinite(error), error, np.nan)


def without_counts(features: np.ndarray, resolution: np.ndarray) -> np.ndarray:
    """The resolution with 0 for features that hold whole numbers only: counts are exact.

    **Arguments:** `features` `(rows, n_features)`, `resolution` `(rows, n_features + 1)`.

    !!! example
        >>> without_counts(np.array([[1.0, 0.5], [2.0, 1.0]]), np.full((2, 3), 0.5)).tolist()
        [[0.0, 0.5, 0.5], [0.0, 0.5, 0.5]]
    """
    whole = np.append(np.all(features == np.round(features), axis=0), False)
    return np.where(whole, 0.0, resolution)
