"""Intervals that hold for few seeds and for any distribution of errors."""

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom


def wilson_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The interval of a success rate by its score test, which is right for few trials, too.

    With p = successes/n and the normal quantile z it is
    (p + z²/2n ± z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n), and it stays inside [0, 1].

    **Arguments:** `successes` of `trials`; `level` of confidence.

    **Returns:** lower and upper end, both fractions.

    **Raises:** `ValueError` for no trials, or more successes than trials.

    !!! example
        >>> low, high = wilson_interval(9, 10)
        >>> f"{low:.3f} {high:.3f}"
        '0.596 0.982'

    Wilson (1927), Journal of the American Statistical Association 22(158).
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(
            f"successes must be between 0 and trials, and trials at least 1; "
            f"got {successes} and {trials}"
        )
    rate, z = successes / trials, float(ndtri((1 + level) / 2))
    middle = rate + z * z / (2 * trials)
    half = z * np.sqrt(rate * (1 - rate) / trials + (z / (2 * trials)) ** 2)
    scale = 1 + z * z / trials
    # At 0 and at 1 the formula's ends are 0 and 1, but for rounding.
    low = 0.0 if successes == 0 else float((middle - half) / scale)
    high = 1.0 if successes == trials else float((middle + half) / scale)
    return low, high


def median_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """The interval of a median between two of the sorted values, for any distribution.

    A value lies below the median with probability 1/2, so the number that do is binomial: the
    k-th smallest and the k-th largest of n values enclose the median with probability
    1 - 2 P(B(n, 1/2) < k). The interval is that of the largest k that reaches `level`. A value
    that is not a number counts as larger than all others: a seed that failed has no small error.

    **Arguments:** `values`, one for each seed; `level` of confidence.

    **Returns:** lower and upper end, or None for fewer values than can reach the level: 6 for
    95 %.

    !!! example
        >>> median_interval([3.0, 1.0, 2.0, 5.0, 4.0, 6.0])
        (1.0, 6.0)
        >>> median_interval([3.0, 1.0, 2.0]) is None
        True

    Thompson (1936), The Annals of Mathematical Statistics 7(3).
    """
    ranked = ranks(values)
    n = len(ranked)
    # P(B < k) at most (1 - level)/2; `ppf` gives the first count at which it is reached.
    k = int(binom.ppf((1 - level) / 2, n, 0.5)) if n else 0
    return (float(ranked[k - 1]), float(ranked[n - k])) if k > 0 else None


def median(values: Sequence[float]) -> float:
    """The median, where what is not a number counts as larger than all others.

    !!! example
        >>> median([float("nan"), 1.0, 2.0])
        2.0
    """
    ranked = ranks(values)
    if not len(ranked):
        return float("nan")
    low, high = ranked[(len(ranked) - 1) // 2], ranked[len(ranked) // 2]
    return float(low if low == high else (low + high) / 2)


def ranks(values: Sequence[float]) -> np.ndarray:
    """The values in order, with infinity for what is not a number.

    !!! example
        >>> ranks([2.0, float("nan"), 1.0]).tolist()
        [1.0, 2.0, inf]
    """
    found = np.asarray(values, float)
    return np.sort(np.where(np.isnan(found), np.inf, found))
