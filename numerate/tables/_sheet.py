from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from numerate._errors import InputError, shortened

MANY_COLUMNS = 200


def below_each_other(frame: pl.DataFrame) -> pl.Series:
    """The cells of all columns, of one type, as one column: an operation of Polars on each of many
    columns takes longer than one on all of their cells."""
    return frame.unpivot(variable_name="", value_name="cells")["cells"]


@dataclass(frozen=True)
class Sheet:
    """A table as it was read, before columns are selected.

    `frame` holds text (CSV, TSV, NDJSON) or numbers (Parquet, data frames). `line_of(row)` is the
    line of the file on which row 0, 1, … begins, or None if the table is not a text file; it is
    called only to report an error. `resolution` is given for columns where it does not follow
    from the digits.
    """

    source: str
    frame: pl.DataFrame
    line_of: Callable[[int], int | None]
    notes: tuple[str, ...] = ()
    resolution: Mapping[str, np.ndarray] = field(default_factory=dict)


def no_lines(row: int) -> None:
    """The `line_of` of tables that are not lines of text."""


def reject_duplicates(source: str, names: list[str]) -> None:
    """Raises `InputError` if two columns have the same name."""
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if name and name in seen:
            raise InputError(
                f"{source}: columns {seen[name]} and {position} are both named {shortened(name)}; "
                "give every column a name of its own."
            )
        seen[name] = position
