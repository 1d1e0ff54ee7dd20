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


_ROUND = {1, 2, 5}  # last digits of values that people set
_FILLED = 0.8  # share of neighbours that differ by one unit of the last digit
_SETTINGS = 20  # values of a column that somebody set, at most, if they are so near to each other
_COUNTS = 100  # whole targets below are counts or labels


def measured(features: np.ndarray, target: np.ndarray, resolution: np.ndarray) -> np.ndarray:
    """The resolution with 0 for columns that were counted or set instead of measured.

    A feature is exact if its values are whole, equally spaced, mostly repeated, or mostly end
    in 1, 2 or 5 after at most two digits (0.1, 0.25, 0.5). Measured values are repeated, too, where
    there are more rows than decimals to write them with: then they fill most of the decimals of
    their range, some more often than others. A target is exact if its values are whole and small
    or mostly repeated: counts and labels are not rounded to ±0.5.

    **Arguments:** `features` `(rows, n_features)`; `target` `(rows,)`; `resolution`
    `(rows, n_features + 1)` with the target last.

    !!! example
        >>> x = np.array([[1.0, 0.513], [2.0, 1.027], [3.0, 1.998]])
        >>> measured(x, x[:, 1], np.full((3, 3), 0.0005)).tolist()[0]
        [0.0, 0.0005, 0.0005]
    """
    columns = zip(features.T, resolution.T, strict=False)
    exact = [half.any() and _is_set(column, half) for column, half in columns]
    counted = resolution[:, -1].any() and _is_counted(target)
    return np.where(np.array([*exact, counted], bool), 0.0, resolution)


def _is_counted(target: np.ndarray) -> bool:
    repeated = len(np.unique(target)) <= len(target) / 2
    return _whole(target) and (np.abs(target).max() < _COUNTS or repeated)


def _whole(column: np.ndarray) -> bool:
    return bool(np.all(column == np.round(column)))


def _is_set(column: np.ndarray, half: np.ndarray) -> bool:
    values, first, counts = np.unique(column, return_index=True, return_counts=True)
    if _whole(column) or len(values) == 1:
        return True
    steps = np.diff(values)
    units = 2 * np.maximum(half[first[1:]], half[first[:-1]])
    filled = np.mean(steps < 1.5 * units) > _FILLED
    if filled and len(values) > _SETTINGS and np.ptp(counts) > 0:
        return False
    even = len(values) > 2 and np.ptp(steps) <= 1e-9 * np.abs(values).max()
    if even or len(values) <= len(column) / 3:
        return True
    if not np.all(half > 0):
        return False
    seen, at = np.unique(np.abs(column), return_index=True)
    written = np.round(seen / (2 * half[at])).astype(np.int64)
    ends = [int(text[-1]) in _ROUND and len(text) <= 2 for n in written if (text := _digits(n))]
    return float(np.mean(ends or [True])) > 0.9


def _digits(number: int) -> str:
    return str(number).rstrip("0") if number else ""
