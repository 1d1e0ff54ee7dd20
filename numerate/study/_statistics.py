"""Confidence intervals that are valid for few seeds and for any distribution of errors."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

Numbers = Sequence[float] | np.ndarray

# `scipy.stats` is imported late: it takes longer than all other imports, and only tables need it.


@lru_cache(maxsize=4096)
def wilson_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a success rate, accurate also for few trials.

    **Arguments:** `successes` of `trials`; `level` of confidence.

    **Returns:** lower and upper end, both fractions.

    **Raises:** `ValueError` for no trials, or more successes than trials.

    !!! example
        >>> low, high = wilson_interval(9, 10)
        >>> f"{low:.3f} {high:.3f}"
        '0.596 0.982'

    Wilson (1927), Journal of the American Statistical Association 22(158).
    """
    from scipy.stats import binomtest

    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(
            f"successes must be between 0 and trials, and trials at least 1; "
            f"got {successes} and {trials}"
        )
    interval = binomtest(successes, trials).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def median_interval(values: Numbers, level: float = 0.95) -> tuple[float, float] | None:
    """The confidence interval of a median between two order statistics, for any distribution.

    NaN counts as larger than all other values, because the seed failed.

    **Arguments:** `values`, one for each seed; `level` of confidence.

    **Returns:** lower and upper end, or None for fewer values than the level needs: 6 for 95 %.

    !!! example
        >>> median_interval([3.0, 1.0, 2.0, 5.0, 4.0, 6.0])
        (1.0, 6.0)
        >>> median_interval([3.0, 1.0, 2.0]) is None
        True

    Thompson (1936), The Annals of Mathematical Statistics 7(3).
    """
    return _median_interval(tuple(_nan_as_infinity(values).tolist()), level)


@lru_cache(maxsize=4096)
def _median_interval(values: tuple[float, ...], level: float) -> tuple[float, float] | None:
    from scipy.stats import quantile_test

    if not values:
        return None
    low, high = quantile_test(values, p=0.5).confidence_interval(level)
    return None if np.isnan(low) or np.isnan(high) else (float(low), float(high))


def median(values: Numbers) -> float:
    """The median, where NaN counts as larger than all other values; NaN for no values.

    !!! example
        >>> median([float("nan"), 1.0, 2.0])
        2.0
    """
    return float(np.median(_nan_as_infinity(values))) if len(values) else float("nan")


def rank_correlation(first: Numbers, second: Numbers) -> float:
    """Spearman's correlation of two measures; equal values share their mean rank.

    NaN for fewer than three pairs, or if all values of a measure are equal.

    !!! example
        >>> round(rank_correlation([1.0, 2.0, 2.0, 9.0], [1.0, 3.0, 4.0, 5.0]), 3)
        0.949
    """
    from scipy.stats import spearmanr

    columns = [_nan_as_infinity(values) for values in (first, second)]
    if len(first) < 3 or any(len(set(column.tolist())) == 1 for column in columns):
        return float("nan")
    found: Any = spearmanr(columns[0], columns[1])
    return float(found.statistic)


def _nan_as_infinity(values: Numbers) -> np.ndarray:
    found = np.asarray(values, float)
    return np.where(np.isnan(found), np.inf, found)
