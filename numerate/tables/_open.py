"""Opening a source: a file by its ending, standard input, a data set or a frame."""

import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numerate._errors import InputError, did_you_mean

from ._datasets import dataset_sheet, datasets
from ._delimited import read_delimited
from ._frame import read_frame
from ._ndjson import read_ndjson
from ._parquet import read_parquet
from ._sheet import Sheet

# Separators of text files. Programs that write decimal commas separate columns by semicolons; of
# equally frequent separators the first one is used, and blanks where there is no other.
_COMMA_FIRST = ",;\t| "
_BLANKS_FIRST = "\t,;| "
_READERS: dict[str, Callable[[bytes, str], Sheet]] = {
    ".csv": lambda data, source: read_delimited(data, source, _COMMA_FIRST),
    ".dat": lambda data, source: read_delimited(data, source, _BLANKS_FIRST),
    ".txt": lambda data, source: read_delimited(data, source, _BLANKS_FIRST),
    ".tsv": lambda data, source: read_delimited(data, source, "\t"),
    ".parquet": read_parquet,
    ".ndjson": read_ndjson,
    ".jsonl": read_ndjson,
}


def open_sheet(source: Any) -> Sheet:
    """The table of a path, `-`, the name of a data set, a data frame or a mapping."""
    if not isinstance(source, str | Path):
        return read_frame(source)
    if source == "-":
        return read_delimited(_standard_input(), "standard input", _COMMA_FIRST)
    if source in datasets():
        return dataset_sheet(str(source))
    return _read_file(Path(source))


def _standard_input() -> bytes:
    if _is_endless():
        raise InputError("standard input is neither a file nor a pipe.")
    try:
        return sys.stdin.buffer.read()
    except MemoryError:
        raise InputError("standard input is larger than the memory.") from None
    except (OSError, AttributeError) as error:  # It may be closed, or a folder.
        reason = getattr(error, "strerror", None) or "it is closed"
        raise InputError(f"standard input cannot be read: {reason}.") from None


def _is_endless() -> bool:
    """Whether standard input is a device such as /dev/zero, but no terminal or null device."""
    with suppress(OSError, ValueError, AttributeError):  # A program may have put another one there.
        found = os.fstat(sys.stdin.fileno())
        is_device = stat.S_ISCHR(found.st_mode) and not sys.stdin.isatty()
        return is_device and not os.path.samestat(found, os.stat(os.devnull))
    return False


def _read_file(path: Path) -> Sheet:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        mode = None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    if mode is not None and stat.S_ISDIR(mode):
        raise InputError(f"{path} is a directory; name a file in it.")
    if mode is not None and not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise InputError(f"{path} is neither a file nor a pipe.")
    if mode is None:
        raise InputError(
            f"there is no file {str(path)!r}.{did_you_mean(str(path), datasets())} "
            f"Embedded data sets are {', '.join(datasets())}."
        )
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"{path}: the file extension must be one of {', '.join(_READERS)}, not {path.suffix!r}."
        )
    try:
        return reader(path.read_bytes(), str(path))
    except MemoryError:
        raise InputError(f"{path} is larger than the memory.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
