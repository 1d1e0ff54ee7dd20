"""The columns of a table: which are chosen, and their numbers and written precision."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from numerate._errors import InputError, did_you_mean, listed, plural, shortened

from ._precision import resolution_of, resolution_of_text, resolutions_of, resolutions_of_text
from ._sheet import (
    CELLS_AT_ONCE,
    MANY_COLUMNS,
    Sheet,
    TextByRow,
    below_each_other,
    cells_of,
    of_blocks,
)

# Notations of missing and infinite numbers.
_NOT_A_NUMBER = {"nan", "na", "n/a", "null", "none", "#n/a"}
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_INFINITE = {"inf", "infinity"}


def choose(
    sheet: Sheet, target: str | None, features: Sequence[str] | None
) -> tuple[str, list[str], list[str]]:
    """The target, the features, and the ignored columns: those without a single number."""
    names = sheet.columns
    target = names[-1] if target is None else target
    reject_unknown(sheet, [target])
    if features is None:
        others = [name for name in names if name != target]
        ignored = _without_numbers(sheet, others)
        features = [name for name in others if name not in ignored]
        if not features:
            raise InputError(
                f"{sheet.source} has no feature column: apart from the target {shortened(target)}, "
                f"{'no column contains numbers' if others else 'there is no column'}."
            )
        return target, features, [name for name in others if name in ignored]
    reject_unknown(sheet, features)
    _reject_features(sheet, target, features)
    return target, list(features), []


def _reject_features(sheet: Sheet, target: str, features: Sequence[str]) -> None:
    if not features:
        raise InputError(f"{sheet.source}: features must name at least one column.")
    if target in features:
        raise InputError(
            f"{sheet.source}: {shortened(target)} is the target and cannot be a feature as well; "
            "name another target or leave it out of the features."
        )
    seen: set[str] = set()
    for name in features:
        if name in seen:
            raise InputError(f"{sheet.source}: feature {shortened(name)} is named more than once.")
        seen.add(name)


def reject_unknown(sheet: Sheet, names: Sequence[str]) -> None:
    """Raises `InputError` if the sheet lacks one of the columns."""
    columns = sheet.columns
    known = set(columns)
    for name in names:
        if name not in known:
            raise InputError(
                f"{sheet.source} has no column {shortened(name)}.{did_you_mean(name, columns)} "
                f"Its columns are {listed(columns)}."
            )


def columns(sheet: Sheet, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Values and resolution of columns, both of shape `(rows, columns)`."""
    values, resolution = np.empty((2, sheet.height, len(names)))
    for indices in _of_one_type(sheet, names):
        if len(indices) >= MANY_COLUMNS and not sheet.resolution:
            alike_names = [names[index] for index in indices]
            for begin, found in _together(sheet, alike_names):
                where = indices[begin : begin + len(found[0])]
                if where[-1] - where[0] < len(where):  # Places ascend. Slices are quicker.
                    where = slice(where[0], where[-1] + 1)
                values[:, where], resolution[:, where] = found[0].T, found[1].T
            continue
        for index in indices:
            values[:, index], resolution[:, index] = column(sheet, names[index])
    return values, resolution


def _of_one_type(sheet: Sheet, names: Sequence[str]) -> list[list[int]]:
    """The places of the names whose columns have the same type."""
    if isinstance(sheet.content, TextByRow):
        return [list(range(len(names)))]
    types = dict(zip(sheet.columns, sheet.content.dtypes, strict=True))
    places: dict[pl.DataType, list[int]] = {}
    for index, name in enumerate(names):
        places.setdefault(types[name], []).append(index)
    return list(places.values())


def _together(
    sheet: Sheet, names: list[str]
) -> Iterator[tuple[int, tuple[np.ndarray, np.ndarray]]]:
    """The first index, and values and resolution of shape `(columns, rows)`, of blocks of many
    columns of one type."""
    content, height = sheet.content, sheet.height
    step = max(1, CELLS_AT_ONCE // height)
    # Text by row is gathered block by block, which stays in the processor's cache; to look up the
    # columns of a frame takes as long for one block as for all.
    of_frame = below_each_other(content, names) if isinstance(content, pl.DataFrame) else None

    def block(begin: int) -> tuple[np.ndarray, np.ndarray]:
        if of_frame is None:
            cells = below_each_other(content, names[begin : begin + step])
        else:
            cells = of_frame.slice(begin * height, step * height)
        values, wrong = _checked(cells)
        shape = (-1, height)
        faulty = wrong.reshape(shape).any(axis=1)
        if faulty.any():
            column(sheet, names[begin + int(faulty.argmax())])  # raises the error
        values = values.reshape(shape)
        if isinstance(cells.dtype, pl.Decimal):
            cells = cells.cast(pl.String)
        if cells.dtype == pl.String:
            return values, resolutions_of_text(cells, values)
        return values, resolutions_of(_array(cells, values.ravel()).reshape(shape))

    begins = range(0, len(names), step)
    yield from zip(begins, of_blocks(block, begins), strict=True)


def _without_numbers(sheet: Sheet, names: list[str]) -> set[str]:
    """The columns without a single number."""
    found: set[str] = set()
    if isinstance(sheet.content, pl.DataFrame):
        types = dict(zip(sheet.columns, sheet.content.dtypes, strict=True))
        others = [n for n in names if not isinstance(types[n], pl.String)]  # as !=, but quicker
        others = [n for n in others if not types[n].is_numeric()]
        found = {n for n in others if not _has_numbers(cells_of(sheet.content, n))}
        names = [n for n in names if isinstance(types[n], pl.String)]
    if len(names) >= MANY_COLUMNS:
        firsts = _numbers(below_each_other(sheet.content.head(1), names))
        doubtful = np.flatnonzero(~firsts.is_finite().fill_null(False).to_numpy())
        names = [names[i] for i in doubtful]
    if len(names) >= MANY_COLUMNS:
        return found | _without_numbers_of_many(sheet, names)
    return found | {n for n in names if not _has_numbers(cells_of(sheet.content, n))}


def _without_numbers_of_many(sheet: Sheet, names: list[str]) -> set[str]:
    cells = below_each_other(sheet.content, names)
    numbers = _numbers(cells)
    if numbers.null_count() == cells.null_count():
        return set()
    shape = (len(names), sheet.height)
    finite = numbers.is_finite().fill_null(False).to_numpy().reshape(shape).any(axis=1)
    has_text = (numbers.is_null() & cells.is_not_null()).to_numpy().reshape(shape).any(axis=1)
    return set(np.array(names, object)[~finite & has_text])


def column(sheet: Sheet, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and resolution of a column, both of shape `(rows,)`."""
    cells = cells_of(sheet.content, name)
    values, wrong = _checked(cells)
    if wrong.any():
        _reject_cell(sheet, name, int(wrong.argmax()), int(wrong.sum()))
    if name in sheet.resolution:
        return values, sheet.resolution[name]
    if isinstance(cells.dtype, pl.Decimal):
        cells = cells.cast(pl.String)
    if cells.dtype == pl.String:
        return values, resolution_of_text(cells)
    return values, resolution_of(_array(cells, values))


def _checked(cells: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """The numbers in cells, and where there is none."""
    values = _numbers(cells).to_numpy()
    return values, ~np.isfinite(values) | _underflows(cells, values)


def _array(cells: pl.Series, values: np.ndarray) -> np.ndarray:
    # NumPy has no integers of 128 bits.
    wide = cells.dtype.is_integer() and cells.dtype not in _INTEGERS
    return values if wide else cells.to_numpy()


def _numbers(cells: pl.Series) -> pl.Series:
    if _may_hold_numbers(cells):
        return cells.cast(pl.Float64, strict=False)
    return pl.Series(cells.name, [None] * len(cells), dtype=pl.Float64)


def _may_hold_numbers(cells: pl.Series) -> bool:
    return cells.dtype.is_numeric() or cells.dtype in (pl.String, pl.Null)


def _underflows(cells: pl.Series, values: np.ndarray) -> np.ndarray:
    """Where a number other than zero is too small for double precision, such as 1e-400."""
    found = values == 0
    if cells.dtype != pl.String:
        return found & False
    found[found] = cells.gather(np.flatnonzero(found)).str.contains("^[^eE]*[1-9]").to_numpy()
    return found


def _has_numbers(cells: pl.Series) -> bool:
    # An empty column counts as numbers: it is then reported as an error instead of ignored.
    if not _may_hold_numbers(cells):
        return cells.null_count() == len(cells)
    numbers = _numbers(cells)
    has_text = (numbers.is_null() & cells.is_not_null()).any()
    return bool(numbers.is_finite().any()) or not has_text


def _reject_cell(sheet: Sheet, name: str, row: int, count: int) -> None:
    line = sheet.line_of(row)
    location = f"row {row + 1}" + (f" (line {line})" if line is not None else "")
    more = f" (and {plural(count - 1, 'more cell')} in this column)" if count > 1 else ""
    raise InputError(
        f"{sheet.source}, column {shortened(name)}, {location}: "
        f"{_describe(cells_of(sheet.content, name)[row])}{more}; "
        "correct or remove the row, or leave the column out."
    )


def _describe(cell: object) -> str:
    if cell is None:
        return "the cell is empty"
    # Cells of Parquet files may be lists, objects and bytes.
    text = str(cell.to_list() if isinstance(cell, pl.Series) else cell)
    word = text.strip("+-").casefold()
    if word in _NOT_A_NUMBER:
        return f"{shortened(text)} stands for a missing number"
    if word in _INFINITE:
        return f"{shortened(text)} is infinite"
    if not any(digit in text for digit in "0123456789") or _numbers(pl.Series([text]))[0] is None:
        return f"{shortened(text)} is not a number" + _advice(text)
    return f"{shortened(text)} is too {'small' if 'e-' in word else 'large'} for double precision"


def _advice(text: str) -> str:
    if "," in text:
        return " (write a decimal point and no thousands separator)"
    return ""
