"""The precision of written numbers, on columns with an obvious answer."""

import time

import numpy as np
import polars as pl

from numerate.tables import resolution_of
from numerate.tables._precision import resolution_of_text, resolutions_of, resolutions_of_text
from tests.each import each

WRITTEN = [
    # As written, half a unit of each value, why.
    (["29.50", "1.5", "117"], [0.005, 0.005, 0.005], "two decimals, zeros stripped"),
    (["0.387", "1.00", "19.2"], [0.0005, 0.005, 0.05], "three significant digits"),
    (["0.5", "1.25", "2"], [0.005] * 3, "3 zeros stripped from decimals, 4 from digits"),
    (["12", "0.5"], [0.05, 0.05], "one decimal stripped; as digits also one: decimals win"),
    (["48", "46", "120"], [0.5, 0.5, 0.5], "whole numbers are written to the unit"),
    (["-1.5", "+2.25", ".5", "5."], [0.005] * 4, "signs and bare points"),
    (["1.50e6", "2.25e7"], [5e3, 5e4], "an exponent moves the last place"),
    (["6.674E-11", "1.381e-23"], [5e-15, 5e-27], "capital E; four digits each"),
    (["0", "1.5e-10", "2.5e-12"], [5e-14, 5e-12, 5e-14], "zero takes the finest place"),
    (["0.00", "0.25"], [0.005, 0.005], "zero with decimals"),
    (["1e300", "2.5e300"], [5e298, 5e298], "huge"),
    (["1.5e-300", "2.5e-300"], [5e-302, 5e-302], "tiny"),
    (["0.333333333333333", "0.5"], [0.0, 0.0], "15 digits: printed by a program"),
    (["123456789.01234567"], [0.0], "17 digits"),
    ([], [], "no rows"),
]


@each("text, expected, why", WRITTEN)
def test_resolution_of_text(text, expected, why):
    found = resolution_of_text(pl.Series(text, dtype=pl.String))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_trailing_zeros_count_as_written():
    assert resolution_of_text(pl.Series(["1.500", "2.500"])).tolist() == [0.0005, 0.0005]
    assert resolution_of(np.array([1.5, 2.5])).tolist() == [0.05, 0.05]


@each(
    "values, expected",
    [
        ([0.25, 0.5, 12.75], [0.005] * 3),
        ([0.387, 1.52, 19.2], [0.0005, 0.005, 0.05]),
        ([1.0, 2.0, 1500.0], [0.5] * 3),
        ([1e20, 2e20], [0.5, 0.5]),
        ([2e-20, 2.5e-20], [5e-22, 5e-22]),
        ([0.0, 0.0], [0.5, 0.5]),
        ([0.1 + 0.2, 0.5], [0.0, 0.0]),
        ([np.pi, 1.0], [0.0, 0.0]),
    ],
)
def test_resolution_of_floats(values, expected):
    np.testing.assert_allclose(resolution_of(np.array(values)), expected, rtol=1e-12)


def test_zeros_of_rounded_whole_numbers_are_no_digits():
    rng = np.random.default_rng(3)
    for low, high in ((0.1, 1e5), (100, 2500), (1e4, 1e6)):
        exact = np.exp(rng.uniform(np.log(low), np.log(high), 60))
        values = np.array([float(f"{v:.3g}") for v in exact])
        wanted = 0.5 * 10.0 ** (np.floor(np.log10(values)) - 2)
        text = pl.Series([f"{v:.10g}" for v in values])
        np.testing.assert_allclose(resolution_of(values), wanted, rtol=1e-9)
        np.testing.assert_allclose(resolution_of_text(text), wanted, rtol=1e-9)
        np.testing.assert_allclose(resolutions_of(values[None])[0], wanted, rtol=1e-9)
        np.testing.assert_allclose(resolutions_of_text(text, values[None])[0], wanted, rtol=1e-9)
        if low > 1:
            whole = values.astype(np.int64)
            np.testing.assert_allclose(resolution_of(whole), wanted, rtol=1e-9)
            np.testing.assert_allclose(resolutions_of(whole[None])[0], wanted, rtol=1e-9)


@each(
    "values",
    [
        np.arange(1000, 5001, 250),  # set points
        [100, 150, 200, 250, 300, 500, 750, 1000, 1500, 2000, 2500, 3000, 5000, 7500, 10000],
        [1990, 2490, 12990, 990, 5490, 24990, 490, 89990, 1290, 3990, 7990, 15990],  # prices
        np.random.default_rng(4).integers(1, 5000, 300),  # counts
        [1230, 456, 78900],  # too few
    ],
)
def test_other_whole_numbers_are_written_to_the_unit(values):
    assert np.all(resolution_of(np.array(values, float)) == 0.5)
    assert np.all(resolution_of_text(pl.Series(map(str, values))) == 0.5)


def test_integers_are_written_to_the_unit():
    assert resolution_of(np.array([1, 10, 100])).tolist() == [0.5, 0.5, 0.5]


def test_float32_is_as_precise_as_its_format_unless_fewer_digits_are_kept():
    third = np.array([1 / 3, 1.0], np.float32)
    np.testing.assert_array_equal(resolution_of(third), np.spacing(third) / 2)
    np.testing.assert_allclose(resolution_of(np.array([3.14, 2.5], np.float32)), 0.005)


def test_one_computed_value_among_a_million_makes_the_column_computed():
    values = np.round(np.random.default_rng(0).normal(size=10**5), 2)
    values[54321] = 1 / 3
    assert not resolution_of(values).any()


@each("decimals", [2, 5])
def test_rounded_data_are_recognised(decimals):
    values = np.round(np.random.default_rng(1).uniform(1, 2, 1000), decimals)
    np.testing.assert_allclose(resolution_of(values), 0.5 * 10.0**-decimals, rtol=1e-12)


def test_a_million_computed_values_are_recognised_quickly():
    values = np.random.default_rng(2).normal(size=10**6)
    start = time.perf_counter()
    assert not resolution_of(values).any()
    # Measured 3 ms on 2 cores; reading every value would take 0.4 s.
    assert time.perf_counter() - start < 0.2


def test_many_columns_have_the_resolution_that_each_has_alone():
    rng = np.random.default_rng(0)
    shape = (500, 20)
    values = np.round(rng.normal(size=shape) * 100, 3)
    values[::2] *= 10.0 ** rng.integers(-8, 6, (250, 1))
    values[::3] = np.round(values[::3], rng.integers(0, 9))
    values[rng.random(shape) < 0.05] = 0.0
    values[:5, 0] = 1e22, -0.0, 123456789012345.0, 5e-324, 0.1 + 0.2
    for columns in (values, values[5:].astype(np.float32)):
        alone = [resolution_of(column) for column in columns]
        np.testing.assert_array_equal(resolutions_of(columns), alone)
