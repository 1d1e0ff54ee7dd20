"""The resolution of written numbers: half a unit in the last digit that the column is rounded to.

Programs strip trailing zeros, so one value does not show how its column was rounded: 0.25, 0.5
and 1 may all have two decimals. Columns are rounded to a fixed number of decimals or to a fixed
number of significant digits. The rule is chosen that needs fewer stripped zeros. The zeros of whole
numbers may also stand for digits that were rounded away, as in 1230 beside 45.6 and 0.789.
"""

import numpy as np
import polars as pl

# IEEE 754 guarantees that decimals with this many digits survive a round trip. A value with as many
# digits or more was computed, and is as exact as its format.
_DIGITS_KEPT = {np.dtype(np.float64): 15, np.dtype(np.float32): 6}
_NUMBER = r"^[+-]?(?<whole>[0-9]*)\.?(?<fraction>[0-9]*)(?:[eE](?<exponent>[+-]?[0-9]+))?$"
_COUNTS = np.array([chr(byte) not in "+-0." for byte in range(256)])
_SAMPLE = 1000
_MOST_PLACES = 2000
_QUICK_DECIMALS = 6
_FEWEST_DIGITS = 3  # of a column whose whole numbers end in zeros that say nothing
# By how many fewer stripped zeros: of a column with decimals, and of whole numbers only.
_CLEAR, _SURE = 3, 10


def resolution_of(values: np.ndarray) -> np.ndarray:
    """Half a unit in the last decimal digit of each value of one column.

    The digits are those of the shortest decimal that reads back as the value. Whole numbers are
    taken as rounded to 1, so their resolution is 0.5, unless those of several magnitudes all end
    in zeros, as 1230, 456 and 78900 do. A column with a value of 15 or more significant digits
    (float32: 6) is the result of a computation: its resolution is 0 in float64, and half the
    distance to the next float32 in float32.

    **Arguments:** `values`, shape `(rows,)`, finite floats or integers.
    **Returns:** shape `(rows,)`, float64.

    !!! example
        >>> import numpy as np
        >>> resolution_of(np.array([0.25, 0.5, 12.75]))
        array([0.005, 0.005, 0.005])
        >>> resolution_of(np.array([0.387, 1.52, 19.2]))
        array([0.0005, 0.005 , 0.05  ])
        >>> resolution_of(np.array([1 / 3, 0.5]))
        array([0., 0.])
    """
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
        none = np.zeros(len(values), np.int64)
        return _half_units(*_unpadded(values, *_without_stripped(values, none)))
    dtype = np.dtype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
    values = values.astype(dtype)
    full, exact = _DIGITS_KEPT[dtype], _exact(values)
    if _has_full_precision(_text(_sample(values)), full):
        return exact
    text = _text(values)
    if _has_full_precision(text, full):
        return exact
    found = _without_stripped(values, _digit_counts(text)["decimals"].to_numpy())
    return np.maximum(_half_units(*_unpadded(values, *found)), exact)


def resolution_of_text(text: pl.Series) -> np.ndarray:
    """Half a unit in the last written digit of each number of one column of text.

    As `resolution_of`, but trailing zeros count as digits, and an exponent shifts the last
    digit: 1.50e6 is rounded to ten thousands.

    !!! example
        >>> resolution_of_text(pl.Series(["29.50", "1.5", "117"])).tolist()
        [0.005, 0.005, 0.005]
        >>> resolution_of_text(pl.Series(["0.387", "1.00", "19.2"])).tolist()
        [0.0005, 0.005, 0.05]
    """
    full = _DIGITS_KEPT[np.dtype(np.float64)]
    if _has_full_precision(_sample(text), full) or _has_full_precision(text, full):
        return np.zeros(len(text))
    counts = _digit_counts(text)
    decimals, digits = counts["decimals"].to_numpy(), counts["digits"].to_numpy()
    if np.any(_may_be_padded(decimals, digits)):
        decimals, digits = _unpadded(text.cast(pl.Float64).to_numpy(), decimals, digits)
    return _half_units(decimals, digits)


def resolutions_of_text(cells: pl.Series, values: np.ndarray) -> np.ndarray:
    """`resolution_of_text` of many columns of equal length, which stand one below the other, and
    have these values `(columns, rows)`.

    !!! example
        >>> values = np.array([[29.5, 1.5], [2, 3]])
        >>> resolutions_of_text(pl.Series(["29.50", "1.5", "2", "3"]), values).tolist()
        [[0.005, 0.005], [0.5, 0.5]]
    """
    height = values.shape[1]
    # Most columns that were computed have a first cell that shows it.
    firsts = _quick_counts(cells.gather_every(height))[1][:, None]
    others = np.flatnonzero(~_are_computed(firsts, np.dtype(np.float64)))
    units = np.zeros(values.shape)
    if len(others) > 0:
        if len(others) < len(values):
            cells = cells.gather((others[:, None] * height + np.arange(height)).ravel())
        counts = (count.reshape(-1, height) for count in _quick_counts(cells))
        units[others] = _units_of_text(values[others], *counts)
    return units


def _units_of_text(values: np.ndarray, decimals: np.ndarray, digits: np.ndarray) -> np.ndarray:
    computed = _are_computed(digits, np.dtype(np.float64))
    return np.where(computed, 0.0, _many_half_units(*_many_unpadded(values, decimals, digits)))


def resolutions_of(values: np.ndarray) -> np.ndarray:
    """`resolution_of` of many columns.

    !!! example
        >>> resolutions_of(np.array([[0.25, 0.5], [1 / 3, 0.5]])).tolist()
        [[0.005, 0.005], [0.0, 0.0]]
    """
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
        counts = _without_stripped(values, np.zeros(values.shape, np.int64))
        return _many_half_units(*_many_unpadded(values, *counts))
    dtype = np.dtype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
    values = values.astype(dtype)
    units = _exact(values)
    firsts = _counts_of_floats(values[:, :1])[1]  # as in `resolutions_of_text`
    others = np.flatnonzero(~_are_computed(firsts, dtype))
    if len(others) > 0:
        values, exact = values[others], units[others]
        decimals, written = _counts_of_floats(values)
        counts = _many_unpadded(values, *_without_stripped(values, decimals))
        found = np.maximum(_many_half_units(*counts), exact)
        units[others] = np.where(_are_computed(written, dtype), exact, found)
    return units


def _are_computed(digits: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Which columns have a value with all digits that the type keeps, shape `(columns, 1)`."""
    return np.any(digits >= _DIGITS_KEPT[dtype], axis=1, keepdims=True)


def _without_stripped(values: np.ndarray, decimals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decimals and digits of floats: 1500.0 was not rounded to hundreds, although its shortest
    decimal is 15e2."""
    decimals = np.maximum(decimals, 0)
    zero = values == 0
    leading = np.floor(np.log10(np.where(zero, 1, np.abs(values)))).astype(np.int64)
    return decimals, np.where(zero, 0, leading + 1 + decimals)


def _may_be_padded(decimals: np.ndarray, digits: np.ndarray) -> np.ndarray:
    return (decimals == 0) & (digits > _FEWEST_DIGITS)


def _unpadded(
    values: np.ndarray, decimals: np.ndarray, digits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Decimals and digits of a column without the zeros at the end of its whole numbers, if far
    fewer zeros were stripped then: 1230, 456, 24700 … have three digits.

    Each value counts once, and three digits are the fewest: people like to type 10, 50 and 200.
    """
    whole, zeros = _may_be_padded(decimals, digits), np.zeros(len(values), np.int64)
    for count in range(1, int(digits.max(initial=0))):
        ends = whole & (np.fmod(values, 10.0**count) == 0)
        if not ends.any():
            break
        zeros[ends] = count
    if not zeros.any():
        return decimals, digits
    once = np.unique(np.abs(values), return_index=True)[1]
    once = once[digits[once] > 0]
    own_decimals, own_digits = decimals - zeros, digits - zeros
    own, *others = (
        int(np.sum(count[once].max() - count[once])) for count in (own_digits, own_decimals, digits)
    )
    needed = _CLEAR if decimals.max() > 0 else _SURE
    if own_digits.max() >= _FEWEST_DIGITS and own + needed <= min(others):
        return own_decimals, own_digits
    return decimals, digits


def _many_unpadded(
    values: np.ndarray, decimals: np.ndarray, digits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`_unpadded` for each row of arrays of shape `(columns, rows)`."""
    whole = _may_be_padded(decimals, digits)
    some = np.flatnonzero(whole.any(axis=1))
    # One that has all digits and no zero at its end settles it for most columns.
    longest = whole[some] & (digits[some] == digits[some].max(axis=1, keepdims=True))
    unpadded = np.any(longest & (np.fmod(values[some], 10.0) != 0), axis=1)
    for i in some[longest.any(axis=1) & ~unpadded]:
        decimals[i], digits[i] = _unpadded(values[i], decimals[i], digits[i])
    return decimals, digits


def _many_half_units(decimals: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """`_half_units` of each row of arrays of shape `(columns, rows)`."""
    counted = digits > 0
    most_decimals = decimals.max(axis=1, initial=0, keepdims=True)
    most_digits = digits.max(axis=1, initial=0, keepdims=True)
    stripped_decimals = np.sum(most_decimals - decimals, axis=1, where=counted)
    stripped_digits = np.sum(most_digits - digits, axis=1, where=counted)
    by_decimals = np.reshape(stripped_decimals <= stripped_digits, (-1, 1))
    last = np.where(counted & ~by_decimals, digits - decimals - most_digits, -most_decimals)
    least, most = int(last.min(initial=0)), int(last.max(initial=0))
    # No double is beyond these, and other text is none.
    least, most = max(least, -_MOST_PLACES), min(most, _MOST_PLACES)
    units = np.array([_half_unit(exponent) for exponent in range(least, most + 1)])
    return units[np.clip(last, least, most) - least]


def _counts_of_floats(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Decimals and digits of the shortest decimals that read back as the values, in their shape.

    Where `n / 10**d` with a whole `n` of at most 14 digits is the value, it is its only decimal
    with so few digits: such values, which most tables hold, need not be written to be counted.
    """
    written = np.ones(values.shape, bool)
    decimals = np.zeros(values.shape, np.int64)
    if values.dtype == np.float64:
        for count in range(_QUICK_DECIMALS + 1):
            decimals += written
            scaled = np.rint(values * 10.0**count)
            written &= (scaled / 10.0**count != values) | (np.abs(scaled) >= 1e14)
        decimals -= 1
    decimals, digits = _without_stripped(values, decimals)
    decimals[written], digits[written] = _quick_counts(_text(values[written]))
    return decimals, digits


def _quick_counts(cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Decimals and digits of numbers as `_digit_counts`, which takes ten times as long: only for
    those with exponents."""
    text = np.frombuffer((cells.str.join("\n")[0] + "\n").encode(), np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.append(0, ends[:-1] + 1)
    points = np.flatnonzero(text == ord("."))
    point = ends - 1  # its position; as after the last digit where there is none
    if len(points) == len(ends) and np.all((starts <= points) & (points < ends)):
        point = points  # one in each cell
    else:
        point[np.searchsorted(ends, points)] = points
    # The first byte that is neither a sign nor a leading zero, or the end.
    counts = _COUNTS[text]
    first = starts.copy()
    later = ~counts[starts]
    significant = np.flatnonzero(counts)
    first[later] = significant[np.searchsorted(significant, starts[later])]
    decimals = ends - 1 - point
    digits = ends - first - ((first < point) & (text[point] == ord(".")))
    if text.max() > ord("9"):
        at = np.flatnonzero(cells.str.contains("[eE]").to_numpy())
        exact = _digit_counts(cells.gather(at))
        decimals[at], digits[at] = exact["decimals"].to_numpy(), exact["digits"].to_numpy()
    return decimals, digits


def _half_units(decimals: np.ndarray, digits: np.ndarray) -> np.ndarray:
    most_decimals, most_digits = decimals.max(initial=0), digits.max(initial=0)
    counted = digits > 0  # Zero has no significant digits, so it does not show the rule.
    stripped_decimals = np.sum(most_decimals - decimals, where=counted)
    stripped_digits = np.sum(most_digits - digits, where=counted)
    if stripped_decimals <= stripped_digits:
        return np.full(len(digits), _half_unit(-int(most_decimals)))
    last = np.where(counted, digits - decimals - most_digits, -most_decimals)
    different, which = np.unique(last, return_inverse=True)
    return np.array([_half_unit(int(exponent)) for exponent in different])[which]


def _half_unit(exponent: int) -> float:
    # By parsing, because 10.0**-3 is not the double nearest to 0.001 on every machine.
    return float(f"5e{exponent - 1}")


def _digit_counts(text: pl.Series) -> pl.DataFrame:
    """The number of `decimals` after the point (negative for 15e2) and of significant `digits`."""
    parts = text.str.extract_groups(_NUMBER).struct.unnest()
    significant = pl.concat_str("whole", "fraction").str.strip_chars_start("0")
    exponent = (
        pl.col("exponent").str.strip_chars_start("+").cast(pl.Int64, strict=False).fill_null(0)
    )
    return parts.select(
        decimals=pl.col("fraction").str.len_bytes().cast(pl.Int64) - exponent,
        digits=significant.str.len_bytes().cast(pl.Int64),
    )


def _has_full_precision(text: pl.Series, digits: int) -> bool:
    # Shorter texts cannot have as many digits, and their length is quick to check.
    long = text.filter(text.str.len_bytes() >= digits)
    return len(long) > 0 and bool((_digit_counts(long)["digits"] >= digits).any())


def _text(values: np.ndarray) -> pl.Series:
    """The shortest decimals that read back as the values, without the `.0` of whole numbers."""
    return pl.Series(values).cast(pl.String).str.strip_suffix(".0")


def _sample(column):
    return column[:: max(1, len(column) // _SAMPLE)]


def _exact(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.float64:
        return np.zeros(values.shape)
    return np.abs(np.spacing(values)).astype(np.float64) / 2
