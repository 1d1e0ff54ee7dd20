"""Reading CSV, TSV and other delimited text."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice, pairwise

import numpy as np
import polars as pl

from numerate._errors import InputError, plural

from ._sheet import (
    MANY_COLUMNS,
    Sheet,
    TextByRow,
    below_each_other,
    reject_duplicates,
    reject_sparse,
    side_by_side,
)

_PREAMBLE = re.compile(
    rb"""\s*?(?:"?sep=(?P<separator>[^\r\n])"?|\#(?P<comment>[^\r\n]*))[ \t]*(?:\r?\n|$)""",
    re.IGNORECASE | re.VERBOSE,
)
_MARK = b"\xef\xbb\xbf"  # of UTF-8
_PLAIN_NAME = re.compile(r'[^"\r]*|"[^"\r]*"')
_LIKE_COMPRESSED = b"x^", b"x\x01"  # Polars takes such a beginning for that of a compressed file.
_YEAR = re.compile("[12][0-9]{3}", re.ASCII)
_MOST_SHOWN = 12
_SAMPLE = 100  # lines that show whether blanks separate columns


def read_delimited(data: bytes, source: str, separators: str) -> Sheet:
    """Reads CSV or TSV as text: UTF-8 or UTF-16, with or without byte order mark, any line ends.

    The separator is the one of `separators` that occurs most often in the first line, or the one
    that a line such as `sep=;` declares. A space stands for any number of blanks, and is taken if
    all lines have as many fields. Blank rows are skipped, and so are comments (`# …`) above the
    table. If the first row holds numbers only, the table has no header, unless the last comment
    is one or the numbers are years; its columns are then called x1, x2, …, y. Columns without a
    name in the header are ignored.
    """
    data = _as_utf8(data, source)
    data, declared, comment = _without_preamble(data)
    separator = declared or _separator(data, separators)
    if separator == " ":
        data = _with_single_spaces(data)
    records = [record for _, record in islice(_records(data, separator), 2)]
    if not records:
        raise _unreadable(data, source)
    names = [name.strip() for name in records[0]]
    commented = _commented_names(comment, separator, names)
    has_header = not commented and (
        not all(_is_number(name) for name in names) or _are_years(*records)
    )
    if commented:
        names = commented
    elif not has_header:
        names = [f"x{i}" for i in range(1, len(names))] + ["y"]
    reject_duplicates(source, names)
    content = _regular(data, separator, names, has_header)
    if content is None:
        _reject_short_rows(data, source, separator, len(names))
        content = _frame(data, source, separator, names, has_header)
    return Sheet(
        source,
        content,
        partial(_line_of, data, separator, has_header),
        _notes(source, names, has_header or bool(commented)),
    )


def _without_preamble(data: bytes) -> tuple[bytes, str | None, str]:
    """The table with blank lines in place of comments and of a line that declares the separator,
    so that lines keep their numbers; that separator; and the last of the comments."""
    declared, comment, at = None, "", 0
    while match := _PREAMBLE.match(data, at):
        if match["separator"]:
            declared = match["separator"].decode()
        elif match["comment"] is not None:
            comment = match["comment"].decode()
        at = match.end()
    return b"\n" * data.count(b"\n", 0, at) + data[at:], declared, comment


def _commented_names(comment: str, separator: str, first: list[str]) -> list[str]:
    """The header that a comment above a row with numbers is, or no names."""
    if not comment or not any(_is_number(cell) for cell in first):
        return []
    if separator == " ":
        names = comment.split()
    else:
        names = [name.strip() for name in next(csv.reader([comment], delimiter=separator), [])]
    if len(names) != len(first) or all(_is_number(name) for name in names):
        return []
    return [names[0] or "#", *names[1:]]


def _are_years(first: list[str], second: Sequence[str] = ()) -> bool:
    """Whether the first row are years in equal steps, and the second is not of the same kind."""
    years = [int(cell) for cell in first if _YEAR.fullmatch(cell.strip())]
    steps = {b - a for a, b in pairwise(years)}
    if len(years) < len(first) or len(steps) != 1 or not 0 < min(steps) <= 100:
        return False
    return bool(second) and not any(_YEAR.fullmatch(cell.strip()) for cell in second)


def _notes(source: str, names: list[str], has_header: bool) -> tuple[str, ...]:
    years = [name for name in names if _YEAR.fullmatch(name)]
    if len(years) == len(names):
        return (f"{source}: the years {names[0]} to {names[-1]} are taken as the header.",)
    if not has_header:
        return (f"{source} has no header; its columns are called {_shown(names)}.",)
    # pandas writes its index as an unnamed column, spreadsheets add empty columns at the end.
    unnamed = names.count("")
    left_out = f"{source}: left out {plural(unnamed, 'column')} without a name in the header."
    return (left_out,) if unnamed else ()


def _shown(names: list[str]) -> str:
    """The names x1, x2, …, y, shortened if there are many."""
    return ", ".join(names if len(names) <= _MOST_SHOWN else [*names[:2], "…", *names[-2:]])


def _as_utf8(data: bytes, source: str) -> bytes:
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            data = data.decode("utf-16").encode()
        while data.startswith(_MARK):  # Programs add another one to a file that has it.
            data = data.removeprefix(_MARK)
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{source}, line {line}: the text is not UTF-8; save the file as UTF-8 and try again."
        ) from None
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # Line ends of classic Mac OS.
    return data


def _separator(data: bytes, separators: str) -> str:
    data = data.lstrip(b"\r\n")
    second = data.find(b"\n", data.find(b"\n") + 1)  # -1 if there is none
    start = data[: max(65536, second + 1)]
    lines = start.decode(errors="ignore").split("\n")
    marks = separators.replace(" ", "")
    if len(marks) < len(separators) and not any(mark in lines[0] for mark in marks):
        whole = lines[:-1] if len(start) < len(data) else lines  # The last one may be cut.
        whole = [line for line in whole[:_SAMPLE] if line.strip()]
        counts = {len(line.split()) for line in whole}
        if len(counts) == 1 and min(counts) > 1:
            return " "
    return max(marks, key=lines[0].count)


def _with_single_spaces(data: bytes) -> bytes:
    return b"\n".join(b" ".join(line.split()) for line in data.split(b"\n"))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _regular(data: bytes, separator: str, names: list[str], has_header: bool) -> TextByRow | None:
    """A table of many named columns, none of whose cells is empty, quoted or has blanks around it,
    or None. Its cells are read as one column, in a fifth of the time that as many columns take."""
    data = data.strip(b"\r\n")
    begin = data.find(b"\n") + 1 if has_header else 0
    width, mark = len(names), separator.encode()
    if width < MANY_COLUMNS or not all(names) or separator == '"':
        return None
    if has_header and not _are_plain(data[:begin].decode(), separator, names):
        return None
    body = data[begin:]
    if body.startswith(_LIKE_COMPRESSED) or _may_have_blanks(body, separator):
        return None
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n")
    rows = _rows(body, mark, width)
    if rows is None:
        return None
    lines = body.replace(mark, b"\n")
    cells = pl.read_csv(lines, has_header=False, schema={"": pl.String}, separator=separator)
    cells = cells.to_series()
    # Empty cells are null, or, as empty lines at the ends, left out.
    complete = len(cells) == rows * width and not cells.has_nulls()
    return TextByRow(names, cells.rechunk()) if complete else None


def _are_plain(header: str, separator: str, names: list[str]) -> bool:
    """Whether the first line has these names, each with or without quotation marks around it."""
    cells = header.removesuffix("\n").removesuffix("\r").split(separator)
    return all(map(_PLAIN_NAME.fullmatch, cells)) and names == [
        cell.removeprefix('"').removesuffix('"').strip() for cell in cells
    ]


def _rows(data: bytes, mark: bytes, width: int) -> int | None:
    """The number of lines, or None if one has another number of fields."""
    begin = rows = 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        end = len(data) if end < 0 else end
        if data.count(mark, begin, end) != width - 1:
            return None
        begin, rows = end + 1, rows + 1
    return rows


def _frame(
    data: bytes, source: str, separator: str, names: list[str], has_header: bool
) -> pl.DataFrame:
    width = len(names)
    schema = {f"column_{i}": pl.String for i in range(1, width + 1)}
    try:
        # Polars takes the number of columns from the first line, even from a blank one.
        lines = _unlike_compressed(data.lstrip(b"\r\n"), separator)
        frame = pl.read_csv(lines, has_header=False, schema=schema, separator=separator)
    except pl.exceptions.PolarsError:
        _reject_ragged(data, source, separator, width, has_header)
        raise _unreadable(data, source) from None
    if width >= MANY_COLUMNS:
        frame = _of_many_columns(frame, _may_have_blanks(lines, separator))
    else:
        frame = frame.with_columns(pl.all().str.strip_chars())
        frame = frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    if has_header:
        frame = frame.slice(1)
    if all(names):
        frame.columns = names
        return frame
    named = {column: name for column, name in zip(frame.columns, names, strict=True) if name}
    return frame.select(list(named)).rename(named)


def _unlike_compressed(data: bytes, separator: str) -> bytes:
    """The text with quotation marks around a first cell such as x^2."""
    if not data.startswith(_LIKE_COMPRESSED):
        return data
    cell = re.split(rb'[\r\n"]|' + re.escape(separator.encode()), data, maxsplit=1)[0]
    return b'"' + cell + b'"' + data[len(cell) :]


def _of_many_columns(frame: pl.DataFrame, may_have_blanks: bool) -> pl.DataFrame:
    """The table without blanks around cells and without empty rows."""
    cells = below_each_other(frame)
    if may_have_blanks:
        stripped = cells.str.strip_chars()
        if not stripped.eq_missing(cells).all() or (stripped == "").any():
            cells = stripped.set(stripped == "", None)
            frame = side_by_side(cells, frame.columns)
    if not cells.has_nulls():
        return frame
    filled = np.any(cells.is_not_null().to_numpy().reshape(frame.width, -1), axis=0)
    return frame if np.all(filled) else frame.filter(pl.Series(filled))


def _may_have_blanks(data: bytes, separator: str) -> bool:
    """Whether a cell may have blanks around it, or be an empty one in quotation marks."""
    marks = {b" ", b"\t", b"\v", b"\f", b'"'} - {separator.encode()}
    only_ends = b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")
    return not (data.isascii() and only_ends) or any(mark in data for mark in marks)


def _unreadable(data: bytes, source: str) -> InputError:
    if not data.strip():
        return InputError(f"{source} is empty; it should hold a header and rows of numbers.")
    return InputError(
        f"{source} cannot be read as a table; look for a stray or unclosed quotation mark."
    )


def _reject_ragged(data: bytes, source: str, separator: str, width: int, has_header: bool) -> None:
    for row, (line, record) in enumerate(_records(data, separator), start=1 - has_header):
        if len(record) > width:
            raise InputError(
                f"{source}, row {row} (line {line}) has {len(record)} fields, "
                f"but the first row has {width}; a field that contains the separator "
                f"{separator!r} must be in quotation marks."
            )


def _reject_short_rows(data: bytes, source: str, separator: str, width: int) -> None:
    """Raises `InputError` for many columns that most rows do not have."""
    written = data.count(separator.encode()) + data.count(b"\n") + 1
    with suppress(InputError):  # Lines may be blank, or within a cell. To count rows takes longer.
        return reject_sparse(source, data.count(b"\n") + 1, width, written)
    reject_sparse(source, sum(1 for _ in _records(data, separator)), width, written)


def _line_of(data: bytes, separator: str, has_header: bool, row: int) -> int | None:
    lines = (line for line, _ in _records(data, separator))
    return next(islice(lines, row + has_header, None), None)


def _records(data: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The non-blank records of the file, each with the line (from 1) on which it begins."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    reader = csv.reader(lines, delimiter=separator)
    line = 1
    # An unclosed quotation mark makes one long field; csv raises an error above 128 KiB.
    with suppress(csv.Error):
        for record in reader:
            if any(field.strip() for field in record):
                yield line, record
            line = reader.line_num + 1
