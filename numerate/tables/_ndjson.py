"""Reading NDJSON, one JSON object a line."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import polars as pl

from numerate._errors import InputError, shortened

from ._sheet import (
    CELLS_AT_ONCE,
    MANY_COLUMNS,
    Sheet,
    TextByRow,
    below_a_header,
    of_blocks,
    reject_duplicates,
    reject_sparse,
)

_MARK = b"\xef\xbb\xbf"  # of UTF-8
_BLANKS = " \t\r"
_KEY = re.compile(rf'[{{{_BLANKS}]*"(?:[^"\\]|\\.)*"[{_BLANKS}]*:[{_BLANKS}]*')
# A value other than a list, an object, or a text with escapes.
_PLAIN = (
    r"^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
    r'|null|true|false|"[^"\\\x00-\x1f]*")$'
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS_AT_ONCE = 50_000  # Python strings take several times the memory of a Polars column.


def read_ndjson(data: bytes, source: str) -> Sheet:
    """Reads newline-delimited JSON: one object per line; numbers are kept as text.

    The columns are the keys of all objects, in order of first appearance. A missing key and
    `null` are empty cells.
    """
    content = _regular(data, source)
    if content is None:
        content = _irregular(data, source)

    def line_of(row: int) -> int | None:
        filled = (i for i, line in enumerate(data.split(b"\n"), start=1) if line.strip())
        return next(islice(filled, row, None), None)

    return Sheet(source, content, line_of)


def _regular(data: bytes, source: str) -> TextByRow | None:
    """A table of many columns, all of whose lines have the first one's keys in the same order and
    plain values, or None. Its lines are split at the commas, in a third of the time that a parser
    of JSON takes."""
    end = data.find(b"\n", len(data) - len(data.lstrip()))
    first = data if end < 0 else data[:end]
    if first.count(b",") < MANY_COLUMNS - 1:
        return None
    names = list(next(_objects(first, source)))
    try:
        lines = pl.Series("", data.removeprefix(_MARK).decode().split("\n"))
    except UnicodeDecodeError:
        return None
    lines = lines.str.strip_chars(_BLANKS)
    lines = lines.filter(lines != "")
    keys = [_KEY.match(member) for member in lines[0].split(",")]
    heads = pl.Series("head", [key and key[0] for key in keys])
    values = []
    step = max(1, CELLS_AT_ONCE // len(names))
    begins = range(0, len(lines), step)
    for some in of_blocks(lambda i: _values(lines.slice(i, step), heads, len(names)), begins):
        if some is None:
            return None
        values.append(some)
    return TextByRow(names, pl.concat(values, rechunk=True))


def _values(lines: pl.Series, heads: pl.Series, width: int) -> pl.Series | None:
    """The values of lines whose members begin with these keys, or None for other lines."""
    members = lines.str.strip_suffix("}").str.split(",")
    # As many members as names: no comma is within a name or value of the first line.
    if not (lines.str.ends_with("}") & (members.list.len() == width)).all():
        return None
    cells = pl.DataFrame({"member": members.explode()})
    member, head = pl.col("member").str, pl.col("head")
    # Blanks after the colon may differ, where numbers are padded.
    for some in (heads, heads.str.strip_chars_end(_BLANKS)):
        cells = cells.with_columns(head=pl.concat([some] * len(lines)))
        if cells.select(member.starts_with(head)).to_series().all():
            break
    else:
        return None
    values = cells.select(member.strip_prefix(head)).to_series()
    if not values.str.contains(_PLAIN).all():
        values = values.str.strip_chars(_BLANKS)
        if not values.str.contains(_PLAIN).all():
            return None
    values = values.set(values == "null", None)
    if values.str.starts_with('"').any():
        values = values.str.strip_chars('"')
    return values.set(values == "", None)


def _irregular(data: bytes, source: str) -> pl.DataFrame:
    rows = _objects(data, source)
    frames = []
    known: dict[str, None] = {}
    height = written = 0
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        names = list(chunk[0])
        if not all(list(row) == names for row in chunk):
            names = list(dict.fromkeys(name for row in chunk for name in row))
        known.update(dict.fromkeys(names))
        height, written = height + len(chunk), written + sum(map(len, chunk))
        reject_sparse(source, height, len(known), written)
        cells = pl.Series([row.get(name) for row in chunk for name in names], dtype=pl.String)
        frames.append(below_a_header(cells, names))
    if not frames:
        raise InputError(f"{source} is empty; it should hold one JSON object per line.")
    return pl.concat(frames, how="diagonal")


def _objects(data: bytes, source: str) -> Iterator[dict[str, str | None]]:
    lines = data.removeprefix(_MARK).split(b"\n")
    decode = json.JSONDecoder(
        object_pairs_hook=_Pairs, parse_float=str, parse_int=str, parse_constant=str
    ).decode
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            pairs = decode(line.decode())
        except RecursionError:
            raise InputError(f"{source}, line {number} is nested too deep.") from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8"
            raise InputError(
                f"{source}, line {number} is not valid JSON ({reason}); "
                "each line should hold one object."
            ) from None
        if not isinstance(pairs, _Pairs):
            raise InputError(
                f"{source}, line {number} should hold a JSON object, not {line[:40]!r}."
            )
        row = dict(pairs)
        # Numbers are texts here, and most rows hold nothing else.
        if set(map(type, row.values())) != {str} or "" in row.values():
            try:
                row = {name: _cell(value) for name, value in pairs}
            except RecursionError:
                raise InputError(f"{source}, line {number} is nested too deep.") from None
        if not (line.isascii() and b"\\u" not in line):
            _reject_surrogates(f"{source}, line {number}", row)
        if len(row) < len(pairs):
            reject_duplicates(f"{source}, line {number}", [name for name, _ in pairs])
        yield row


def _reject_surrogates(where: str, row: dict[str, str | None]) -> None:
    """Raises `InputError` for halves of characters, which JSON can escape and no text can hold."""
    for text in (*row, *filter(None, row.values())):
        if _SURROGATE.search(text):
            raise InputError(
                f"{where} has half a character, {shortened(text)}: write the whole character."
            )


class _Pairs(list):
    """The key-value pairs of a JSON object, with repeated keys."""


def _cell(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value)
