import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from numerate._errors import InputError, shortened

from ._sheet import MANY_COLUMNS, Sheet, reject_duplicates, side_by_side

_MARK = b"\xef\xbb\xbf"  # of UTF-8
_BLANKS = " \t\r"
_KEY = re.compile(rf'[{{{_BLANKS}]*"(?:[^"\\]|\\.)*"[{_BLANKS}]*:')
# A value other than a list, an object, or a text with escapes.
_PLAIN = (
    rf"^[{_BLANKS}]*(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
    rf'|null|true|false|"[^"\\\x00-\x1f]*")[{_BLANKS}]*$'
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS_AT_ONCE = 50_000  # Python strings take several times the memory of a Polars column.


def read_ndjson(data: bytes, source: str) -> Sheet:
    """Reads newline-delimited JSON: one object per line; numbers are kept as text.

    The columns are the keys of all objects, in order of first appearance. A missing key and
    `null` are empty cells.
    """
    frame = _regular(data, source)
    if frame is None:
        frame = _irregular(data, source)

    def line_of(row: int) -> int | None:
        filled = (i for i, line in enumerate(data.split(b"\n"), start=1) if line.strip())
        return next(islice(filled, row, None), None)

    return Sheet(source, frame, line_of)


def _regular(data: bytes, source: str) -> pl.DataFrame | None:
    """A table of many columns, all of whose lines have the first one's keys in the same order and
    plain values, or None. Its lines are split at the commas, in a third of the time that a parser
    of JSON takes."""
    first = next(filter(None, map(bytes.strip, data.split(b"\n"))), b"")
    if first.count(b",") < MANY_COLUMNS - 1:
        return None
    names = list(next(_objects(data, source)))
    try:
        lines = pl.Series("", data.removeprefix(_MARK).decode().split("\n"))
    except UnicodeDecodeError:
        return None
    lines = lines.str.strip_chars(_BLANKS)
    lines = lines.filter(lines != "")
    members = lines.str.strip_suffix("}").str.split(",")
    keys = [_KEY.match(member) for member in members[0]]
    if not (lines.str.ends_with("}") & (members.list.len() == len(names))).all():
        return None
    # As many members as names: no comma is within a name or value of the first line.
    heads = pl.concat([pl.Series("", [key and key[0] for key in keys])] * len(lines))
    member, head = pl.col("member").str, pl.col("head")
    starts, values = pl.DataFrame({"member": members.explode(), "head": heads}).select(
        starts=member.starts_with(head), values=member.strip_prefix(head)
    )
    if not (starts & values.str.contains(_PLAIN)).all():
        return None
    values = values.str.strip_chars(_BLANKS)
    values = values.set(values == "null", None).str.strip_chars('"')
    by_column = np.arange(len(values)).reshape(-1, len(names)).T.ravel()
    return side_by_side(values.set(values == "", None), by_column, names)


def _irregular(data: bytes, source: str) -> pl.DataFrame:
    rows = _objects(data, source)
    frames = []
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        names = list(chunk[0])
        if not all(list(row) == names for row in chunk):
            names = list(dict.fromkeys(name for row in chunk for name in row))
        cells = pl.Series([row.get(name) for name in names for row in chunk], dtype=pl.String)
        frames.append(side_by_side(cells, np.arange(len(cells)), names))
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
