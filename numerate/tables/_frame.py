"""Reading data frames, mappings and arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from numerate._errors import InputError, shortened

from ._sheet import Sheet, no_lines, reject_duplicates, with_texts


def read_frame(data: Any) -> Sheet:
    """A Polars or pandas data frame, or a mapping of column names to columns."""
    if isinstance(data, pl.DataFrame):
        return Sheet("the data frame", with_texts(data), no_lines)
    if isinstance(data, Mapping):
        return _from_columns("the mapping", list(data), list(data.values()))
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        # Column by column, because Polars needs pyarrow to convert a pandas data frame.
        columns = [data.iloc[:, i].to_numpy() for i in range(len(data.columns))]
        return _from_columns("the data frame", [str(name) for name in data.columns], columns)
    raise InputError(
        "data must be a path, the name of an embedded data set, a Table, a Polars or pandas data "
        f"frame or a mapping of columns, not {type(data).__name__}."
    )


def _from_columns(source: str, names: list[str], columns: list[Any]) -> Sheet:
    reject_duplicates(source, names)
    series = [_series(source, name, column) for name, column in zip(names, columns, strict=True)]
    lengths = {name: len(s) for name, s in zip(names, series, strict=True)}
    if len(set(lengths.values())) > 1:
        raise InputError(f"{source}: columns must have equal lengths, not {lengths}.")
    return Sheet(source, with_texts(pl.DataFrame(series)), no_lines)


def _series(source: str, name: str, column: Any) -> pl.Series:
    if isinstance(column, pl.Series):
        return column.alias(name)
    array = np.asarray(column)
    if array.ndim != 1:
        raise InputError(
            f"{source}, column {shortened(name)} must have one dimension, "
            f"not the shape {array.shape}."
        )
    if array.dtype.kind in "fiu":
        return pl.Series(name, array)
    cells = [None if cell is None or cell != cell else str(cell) for cell in array.tolist()]
    return pl.Series(name, cells, dtype=pl.String)
