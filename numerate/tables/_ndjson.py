import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import polars as pl

from numerate._errors import InputError, shortened

from ._sheet import Sheet, reject_duplicates

_SURROGATE = re.compile("[\ud800-\udfff]")
_ROWS_AT_ONCE = 50_000  # Python strings take several times the memory of a Polars column.


def read_ndjson(data: bytes, source: str) -> Sheet:
    """Reads newline-delimited JSON: one object per line; numbers are kept as text.

    The columns are the keys of all objects, in order of first appearance. A missing key and
    `null` are empty cells.
    """
    rows = _objects(data, source)
    frames = []
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        names = list(chunk[0])
        if all(list(row) == names for row in chunk):
            # Of many columns, looking up every cell takes as long as all else.
            cells = zip(*(row.values() for row in chunk), strict=True)
        else:
            names = list(dict.fromkeys(name for row in chunk for name in row))
            cells = ([row.get(name) for row in chunk] for name in names)
        columns = [
            pl.Series(name, list(column), dtype=pl.String)
            for name, column in zip(names, cells, strict=True)
        ]
        frames.append(pl.DataFrame(columns))
    if not frames:
        raise InputError(f"{source} is empty; it should hold one JSON object per line.")

    def line_of(row: int) -> int | None:
        filled = (i for i, line in enumerate(data.split(b"\n"), start=1) if line.strip())
        return next(islice(filled, row, None), None)

    return Sheet(source, pl.concat(frames, how="diagonal"), line_of)


def _objects(data: bytes, source: str) -> Iterator[dict[str, str | None]]:
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
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
        try:
            row = {
                # Numbers are texts here: the check saves a call for each of them.
                name: value if value.__class__ is str and value else _cell(value)
                for name, value in pairs
            }
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
