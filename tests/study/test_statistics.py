"""Intervals against published values and against what they promise."""

import numpy as np
import pytest
from scipy.stats import binomtest

from numerate.study import median, median_interval, wilson_interval


@pytest.mark.parametrize(("successes", "trials"), [(0, 100), (98, 100), (7, 100), (1, 3), (5, 5)])
def test_wilson_is_that_of_scipy(successes, trials):
    wanted = binomtest(successes, trials).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson_interval(successes, trials), wanted, atol=1e-12)


def test_wilson_of_no_success_in_a_hundred_is_the_published_four_per_cent():
    low, high = wilson_interval(0, 100)
    assert low == 0.0 and round(high, 2) == 0.04


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (3, 2), (-1, 2)])
def test_counts_that_there_are_not(successes, trials):
    with pytest.raises(ValueError, match="successes must be between 0 and trials"):
        wilson_interval(successes, trials)


def test_the_interval_of_the_median_covers_it_as_often_as_it_says():
    rng = np.random.default_rng(0)
    samples = rng.exponential(size=(2000, 15))
    covered = [low <= np.log(2) <= high for low, high in map(median_interval, samples)]
    # At least 95 %; three standard deviations of 2000 throws are 1.5 %.
    assert np.mean(covered) > 0.935


def test_the_interval_of_the_median_lies_between_order_statistics():
    """Of 25 values the 8th and 18th: P(B(25, ½) < 8) = 0.0216."""
    assert median_interval(list(range(1, 26))) == (8.0, 18.0)
    assert median_interval([1.0] * 5) is None


def test_what_is_not_a_number_counts_as_worst():
    assert median([float("nan"), float("nan"), 1.0]) == float("inf")
    assert median_interval([float("nan")] * 3 + [1.0] * 3) == (1.0, float("inf"))
