"""A sheet: the cells of a source as text or numbers, before columns are chosen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import polars as pl

from numerate._errors import InputError, plural, shortened
from numerate._process import available_cores

Result = TypeVar("Result")

MANY_COLUMNS = 200
CELLS_AT_ONCE = 2**16  # of many columns: more take new memory, which takes time

_FEW_CELLS, _MOST_TO_WRITTEN = 1_000_000, 10


def cells_of(content: "pl.DataFrame | TextByRow", name: str) -> pl.Series:
    """The cells of a column without its name: operations of Polars on a series called `^b$` take
    that for a regular expression of names."""
    if isinstance(content, TextByRow):
        return content.below_each_other([name])
    return content.get_column(name).alias("")


def below_each_other(
    content: "pl.DataFrame | TextByRow", names: Sequence[str] | None = None
) -> pl.Series:
    """The cells of columns of one type, all by default, as one column in the order of the names:
    an operation of Polars on each of many columns takes longer than one on all of their cells."""
    if isinstance(content, TextByRow):
        return content.below_each_other(content.columns if names is None else names)
    columns = content.get_columns()
    if names is not None and list(names) != content.columns:
        index_of = {name: index for index, name in enumerate(content.columns)}
        columns = [columns[index_of[name]] for name in names]
    return pl.concat(columns).alias("")  # as in `cells_of`


def side_by_side(cells: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    """A table from its cells, column by column."""
    # This copies them: slices of a series that was put together from many others drag all of these
    # along.
    cells, height = cells.gather(np.arange(len(cells))).alias(""), len(cells) // len(names)
    frame = pl.DataFrame([cells.slice(i * height, height) for i in range(len(names))])
    frame.columns = list(names)
    return frame


def below_a_header(cells: pl.Series, names: Sequence[str]) -> pl.DataFrame:
    """A table from its cells, row by row."""
    return cells.reshape((-1, len(names))).arr.to_struct(fields=list(names)).struct.unnest()


def of_blocks(function: Callable[[int], Result], begins: Sequence[int]) -> Iterator[Result]:
    """The results of a function at the beginning of each block of cells, in this order.

    Each core has a thread: the work of Polars and NumPy does not hold Python's lock.
    """
    with ThreadPoolExecutor(available_cores()) as pool:
        yield from pool.map(function, begins)


@dataclass(frozen=True, eq=False)
class TextByRow:
    """The text of a table of many columns, row by row: a series of Polars for each column takes
    longer to make than all else that is done with it."""

    columns: list[str]
    cells: pl.Series

    @cached_property
    def index_of(self) -> Mapping[str, int]:
        return {name: index for index, name in enumerate(self.columns)}

    @property
    def height(self) -> int:
        return len(self.cells) // len(self.columns)

    def below_each_other(self, names: Sequence[str]) -> pl.Series:
        """The cells of columns as one column."""
        first = np.array([self.index_of[name] for name in names])
        rows = np.arange(self.height) * len(self.columns)
        return self.cells.gather((first[:, None] + rows).ravel())

    def head(self, rows: int) -> "TextByRow":
        return TextByRow(self.columns, self.cells.head(rows * len(self.columns)))


@dataclass(frozen=True)
class Sheet:
    """A table as it was read, before columns are selected.

    `content` holds text (CSV, TSV, NDJSON) or numbers (Parquet, data frames). `line_of(row)` is the
    line of the file on which row 0, 1, … begins, or None if the table is not a text file; it is
    called only to report an error. `resolution` is given for columns where it does not follow
    from the digits.
    """

    source: str
    content: pl.DataFrame | TextByRow
    line_of: Callable[[int], int | None]
    notes: tuple[str, ...] = ()
    resolution: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return self.content.columns

    @property
    def height(self) -> int:
        return self.content.height


def with_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with the texts of categories in their place."""
    if not any(isinstance(kind, pl.Categorical | pl.Enum) for kind in frame.dtypes):
        return frame
    return frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def no_lines(row: int) -> None:
    """The `line_of` of tables that are not lines of text."""


def reject_sparse(source: str, rows: int, columns: int, written: int) -> None:
    """Raises `InputError` for a table that is mostly empty: it would take far more memory than its
    file, as 6,000 lines of JSON do of which each has a key of its own.

    `written`: how many of its cells are in the file.
    """
    if rows * columns > max(_FEW_CELLS, _MOST_TO_WRITTEN * written):
        raise InputError(
            f"{source} has {plural(columns, 'column')} and {plural(rows, 'row')}, but only "
            f"{plural(written, 'cell')}; give every row a value for every column."
        )


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
