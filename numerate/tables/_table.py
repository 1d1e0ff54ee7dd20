from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from numerate._errors import InputError, listed, plural

from ._columns import choose, column, reject_unknown
from ._open import open_sheet
from ._sheet import Sheet, no_lines

_MINIMUM_ROWS = 4


@dataclass(frozen=True)
class Table:
    """Columns of numbers and how precisely each was written.

    `names`: features in order, then the target (where the table has one).
    `values`, `resolution`: shape `(rows, columns)`; `resolution` is half a unit in the last
    written decimal place of each value, and 0 where a value has full double precision.
    `source`: the name of the table in messages. `notes`: sentences that tell the user what was
    decided while reading, such as which columns were ignored.

    !!! example
        >>> table = read_table("kepler")
        >>> table.names, table.values.shape
        (('a', 'T'), (8, 2))
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "rows columns"]
    resolution: Float[np.ndarray, "rows columns"]
    source: str
    notes: tuple[str, ...] = ()


def read_table(
    source: Any, *, target: str | None = None, features: Sequence[str] | None = None
) -> Table:
    """Reads a table to fit: the feature columns in order, and the target column last.

    Only the selected columns are checked. `NaN`, infinities, text and empty cells in a selected
    column, a constant target and fewer than 4 rows are errors.

    **Arguments:**

    - `source`: a CSV, TSV, Parquet or NDJSON file, `-` for CSV on standard input, the name of an
      embedded data set, a Polars or pandas data frame, a mapping of columns, or a `Table`.
    - `target`: name of a column; the last one by default.
    - `features`: names of columns; by default all others in which at least one cell is a number.

    **Raises:** `InputError`, whose message names the file, column, row and line.

    !!! example
        >>> table = read_table({"a": [1.5, 2.5, 3.5, 4.5], "b": [3, 5, 7, 9]})
        >>> table.names, table.resolution[0].tolist()
        (('a', 'b'), [0.05, 0.5])
    """
    sheet = _open(source)
    target, chosen, ignored = choose(sheet, target, features)
    table = _table(sheet, (*chosen, target))
    if len(table.values) < _MINIMUM_ROWS:
        raise InputError(
            f"{sheet.source} has only {plural(len(table.values), 'row')}; a formula needs "
            f"at least {_MINIMUM_ROWS} rows."
        )
    y = table.values[:, -1]
    if np.all(y == y[0]):
        raise InputError(
            f"{sheet.source}: the target column {target!r} is constant ({y[0]:g} in every row), "
            "so there is no formula to find; choose another target."
        )
    if not ignored:
        return table
    left_out = (
        f"{sheet.source}: left out {plural(len(ignored), 'column')} of text: {listed(ignored)}."
    )
    return replace(table, notes=(*table.notes, left_out))


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
    sheet = _from_table(source) if isinstance(source, Table) else open_sheet(source)
    if sheet.frame.height == 0:
        raise InputError(f"{sheet.source} has a header but no rows below it.")
    return sheet


def _from_table(table: Table) -> Sheet:
    frame = pl.DataFrame(table.values, schema=list(table.names))
    resolution = dict(zip(table.names, table.resolution.T, strict=True))
    return Sheet(table.source, frame, no_lines, table.notes, resolution)


def _table(sheet: Sheet, names: tuple[str, ...]) -> Table:
    values, resolution = zip(*(column(sheet, name) for name in names), strict=True)
    return Table(
        names, np.column_stack(values), np.column_stack(resolution), sheet.source, sheet.notes
    )
