"""Intervals against published values and their stated coverage."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import binom

from numerate.study import median, median_interval, rank_correlation, wilson_interval
from tests.each import each


@each("successes, trials", [(0, 100), (98, 100), (7, 100), (1, 3), (5, 5)])
def test_wilson_is_its_formula(successes, trials):
    """(p + z²/2n ± z √(p (1 - p)/n + z²/4n²)) / (1 + z²/n) with p = successes/n."""
    z, p, n = float(ndtri(0.975)), successes / trials, trials
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    wanted = (p + z**2 / (2 * n) + half * np.array([-1, 1])) / (1 + z**2 / n)
    np.testing.assert_allclose(wilson_interval(successes, trials), wanted, atol=1e-12)


def test_wilson_ends_at_0_and_1_exactly():
    assert wilson_interval(0, 7)[0] == 0.0 and wilson_interval(7, 7)[1] == 1.0


def test_wilson_of_no_success_in_a_hundred_is_the_published_four_per_cent():
    low, high = wilson_interval(0, 100)
    assert low == 0.0 and round(high, 2) == 0.04


@each("successes, trials", [(1, 0), (3, 2), (-1, 2)])
def test_counts_that_there_are_not(successes, trials):
    with pytest.raises(ValueError, match="successes must be between 0 and trials"):
        wilson_interval(successes, trials)


def test_the_interval_of_the_median_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(500, 15))
    covered = [low <= np.log(2) <= high for low, high in map(median_interval, samples)]
    # At least 95 %; three standard deviations of 500 throws are 3 %.
    assert np.mean(covered) > 0.92


def test_the_interval_of_the_median_lies_between_order_statistics():
    """Of 25 values the 8th and 18th: P(B(25, ½) < 8) = 0.0216."""
    assert median_interval(list(range(1, 26))) == (8.0, 18.0)
    assert median_interval([1.0] * 5) is None


@each("count", [6, 7, 8, 25, 100])
def test_the_interval_of_the_median_is_as_narrow_as_the_level_allows(count):
    """The k-th smallest and k-th largest of n values enclose it with 1 - 2 P(B(n, ½) < k)."""
    low, high = median_interval(list(range(1, count + 1)))
    assert low + high == count + 1
    assert 2 * binom.cdf(low - 1, count, 0.5) <= 0.05 < 2 * binom.cdf(low, count, 0.5)


def test_no_values_have_neither_median_nor_interval():
    assert np.isnan(median([])) and median_interval([]) is None


def test_ties_share_a_rank():
    """By ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4; with different ranks it would be 1 or 0.8."""
    tied, other = [1.0, 2.0, 2.0, 9.0], [1.0, 3.0, 4.0, 5.0]
    wanted = np.corrcoef([1, 2.5, 2.5, 4], [1, 2, 3, 4])[0, 1]
    assert rank_correlation(tied, other) == pytest.approx(wanted, abs=1e-12)
    assert rank_correlation(tied, other) == rank_correlation(tied, [1.0, 4.0, 3.0, 5.0])
    # Two diverged runs are tied as well, whether they ended at infinity or at NaN.
    inf, nan = float("inf"), float("nan")
    assert rank_correlation([1.0, inf, nan, inf], other) == pytest.approx(
        np.corrcoef([1, 3, 3, 3], [1, 2, 3, 4])[0, 1], abs=1e-12
    )


def test_a_constant_measure_and_two_pairs_have_no_rank_correlation():
    assert np.isnan(rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]))
    assert np.isnan(rank_correlation([1.0, 2.0], [1.0, 2.0]))


def test_what_is_not_a_number_counts_as_worst():
    assert median([float("nan"), float("nan"), 1.0]) == float("inf")
    assert median_interval([float("nan")] * 3 + [1.0] * 3) == (1.0, float("inf"))
