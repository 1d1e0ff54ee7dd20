"""Reading safetensors files from untrusted sources.

safetensors checks that names, shapes and sizes of arrays agree with the file; nothing in it is
executed. Sizes are checked here before reading, to bound time and memory.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

_LARGEST_HEADER = 8 * 2**20  # bytes: all names, shapes and the JSON that describes the model
_MOST_PARTS = 300_000  # lists and objects: each takes 20 times the memory of its text


class NoModelFile(ValueError):
    """There is no such file, or it is not a regular file."""


@contextmanager
def opened(path: str | Path) -> Iterator[tuple[dict[str, str], Any]]:
    """The metadata of a safetensors file, and the open file.

    **Raises:** `NoModelFile` if there is no such file; `OSError` if it cannot be read; `ValueError`
    if its header is too large or not that of a safetensors file.
    """
    _check_header(path)
    try:
        with safe_open(str(path), framework="numpy") as file:
            yield file.metadata() or {}, file
    except (SafetensorError, OSError) as error:
        raise ValueError(str(error)) from None


def parsed(text: str) -> Any:
    """The value of a JSON text.

    **Raises:** `ValueError` if it is not JSON, is nested too deep, has too many parts, or has a
    key twice, which each program reads in its own way.

    !!! example
        >>> parsed('{"a": [1, 2]}')
        {'a': [1, 2]}
        >>> parsed("[" * 200_000)
        Traceback (most recent call last):
        ValueError: its JSON is nested too deep
    """
    if text.count("[") + text.count("{") > _MOST_PARTS:
        raise ValueError(f"its JSON has more than {_MOST_PARTS} lists and objects")
    try:
        return json.loads(text, object_pairs_hook=_of_pairs)
    except RecursionError:
        raise ValueError("its JSON is nested too deep") from None


def _of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"its JSON has the key {key[:80]!r} twice")
            seen.add(key)
    return found


def _check_header(path: str | Path) -> None:
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            is_folder = stat.S_ISDIR(found.st_mode)
            raise NoModelFile("it is a directory" if is_folder else "it is no file")
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(min(length, _LARGEST_HEADER))
    except (FileNotFoundError, NotADirectoryError):
        raise NoModelFile("there is no such file") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise NoModelFile(error.strerror) from None
        raise
    if found.st_size < 8 + length:
        raise ValueError("it is cut short, or of another kind")
    if length > _LARGEST_HEADER:
        raise ValueError(f"its header has {length} bytes, at most {_LARGEST_HEADER} are read")
    parsed(header.decode())  # The library reads one of two arrays of one name.
