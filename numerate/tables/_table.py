"""The table that a search gets: numbers, written precision and notes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from numerate._errors import InputError, listed, plural, shortened
from numerate._process import uses_threads

from ._columns import choose, column, columns, reject_unknown
from ._open import open_sheet
from ._sheet import Sheet, no_lines

_MINIMUM_ROWS = 4


@dataclass(frozen=True)
class Table:
    """Columns of numbers and their written precision.

    `names`: features in order, then the target (where the table has one).
    `values`, `resolution`: shape `(rows, columns)`; `resolution` is half a unit in the last
    written decimal place of each value, and 0 where a value has full double precision.
    `source`: the name of the table in messages. `notes`: sentences that tell the user what was
    decided while reading, such as which columns were ignored. `sigma`: the standard error of the
    target in each row, where a column of them was named. `stated`: the columns whose resolution
    the user stated.

    !!! example
        >>> table = read_table("kepler")
        >>> table.names, table.values.shape
        (('a', 'T'), (8, 2))
    """

    names: tuple[str, ...]
    values: np.ndarray
    resolution: np.ndarray
    source: str
    notes: tuple[str, ...] = ()
    sigma: np.ndarray | None = None
    stated: tuple[str, ...] = ()


def read_table(
    source: Any,
    *,
    target: str | None = None,
    features: Sequence[str] | None = None,
    sigma: str | None = None,
    exact: Sequence[str] = (),
    written: Mapping[str, float] | None = None,
) -> Table:
    """Reads a table to fit: the feature columns in order, and the target column last.

    Only the selected columns are checked. `NaN`, infinities, text and empty cells in a selected
    column, a constant target and fewer than 4 rows are errors.

    **Arguments:**

    - `source`: a CSV, TSV, Parquet or NDJSON file, `-` for CSV on standard input, the name of an
      embedded data set, a Polars or pandas data frame, a mapping of columns, or a `Table`.
    - `target`: name of a column; the last one by default.
    - `features`: names of columns; by default all others in which at least one cell is a number.
    - `sigma`: name of a column with the standard error of the target in each row.
    - `exact`: names of columns whose values are exact, such as settings of an instrument.
    - `written`: half a unit in the last written digit, by column, where it does not follow from
        the digits.

    **Raises:** `InputError`, whose message names the file, column, row and line.

    !!! example
        >>> table = read_table({"a": [1.5, 2.5, 3.5, 4.5], "b": [3, 5, 7, 9]})
        >>> table.names, table.resolution[0].tolist()
        (('a', 'b'), [0.05, 0.5])
    """
    sheet = _open(source)
    stated = {**dict.fromkeys(exact, 0.0), **(written or {})}
    reject_unknown(sheet, [*stated, *([sigma] if sigma is not None else [])])
    _reject_resolutions(sheet, stated)
    if sigma is not None and target is None:
        target = next((n for n in reversed(sheet.columns) if n != sigma), None)
    if sigma is not None and (sigma == target or sigma in (features or ())):
        raise InputError(
            f"{sheet.source}: {sigma!r} holds the standard errors of the target, so it can be "
            "neither the target nor a feature; name another column."
        )
    target, chosen, ignored = choose(sheet, target, features)
    chosen = [name for name in chosen if name != sigma]
    if not chosen:
        raise InputError(f"{sheet.source} has no feature column beside {target!r} and {sigma!r}.")
    table = _table(sheet, (*chosen, target))
    for name, half in stated.items():
        if name in table.names:
            table.resolution[:, table.names.index(name)] = half
    table = replace(
        table,
        stated=tuple(name for name in table.names if name in stated),
        sigma=None if sigma is None else _sigma(sheet, sigma),
    )
    if isinstance(source, Table):
        known = tuple(name for name in source.stated if name in table.names)
        errors = source.sigma if sigma is None else table.sigma
        table = replace(table, stated=(*known, *table.stated), sigma=errors)
    if len(table.values) < _MINIMUM_ROWS:
        raise InputError(
            f"{sheet.source} has only {plural(len(table.values), 'row')}; a formula needs "
            f"at least {_MINIMUM_ROWS} rows."
        )
    y = table.values[:, -1]
    if np.all(y == y[0]):
        raise InputError(
            f"{sheet.source}: the target column {shortened(target)} is constant "
            f"({y[0]:g} in every row), so there is no formula to find; choose another target."
        )
    if not ignored:
        return table
    left_out = (
        f"{sheet.source}: left out {plural(len(ignored), 'column')} of text: {listed(ignored)}."
    )
    return replace(table, notes=(*table.notes, left_out))


def _reject_resolutions(sheet: Sheet, stated: Mapping[str, float]) -> None:
    for name, half in stated.items():
        if not (math.isfinite(half) and half >= 0):
            raise InputError(
                f"{sheet.source}: the written precision of {name!r} must be a number of at "
                f"least 0, not {half:g}."
            )


def _sigma(sheet: Sheet, name: str) -> np.ndarray:
    values = column(sheet, name)[0]
    if not np.all(values > 0):
        row = int(np.argmin(values > 0))
        raise InputError(
            f"{sheet.source}, column {name!r}, row {row + 1}: a standard error must be above 0, "
            f"found {values[row]:g}; correct or remove the row."
        )
    return values


def read_features(source: Any, names: Sequence[str]) -> Table:
    """Reads the named columns, in that order, for a prediction. One row is enough.

    `source` and errors are those of `read_table`.

    !!! example
        >>> read_features({"name": ["Ceres"], "a": [2.77]}, ["a"]).values
        array([[2.77]])
    """
    sheet = _open(source)
    reject_unknown(sheet, names)
    return _table(sheet, tuple(names))


def _open(source: Any) -> Sheet:
    uses_threads()
    sheet = _from_table(source) if isinstance(source, Table) else open_sheet(source)
    if sheet.height == 0:
        raise InputError(f"{sheet.source} has a header but no rows below it.")
    return sheet


def _from_table(table: Table) -> Sheet:
    frame = pl.DataFrame(table.values, schema=list(table.names))
    resolution = dict(zip(table.names, table.resolution.T, strict=True))
    return Sheet(table.source, frame, no_lines, table.notes, resolution)


def _table(sheet: Sheet, names: tuple[str, ...]) -> Table:
    values, resolution = columns(sheet, names)
    return Table(names, values, resolution, sheet.source, sheet.notes)
