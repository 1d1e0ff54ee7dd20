import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numerate._errors import InputError, did_you_mean

from ._datasets import dataset_sheet, datasets
from ._delimited import read_delimited
from ._frame import read_frame, read_parquet
from ._ndjson import read_ndjson
from ._sheet import Sheet

# Separators of .csv files. Programs that write decimal commas separate columns by semicolons; of
# equally frequent separators the first one is used.
_COMMA_FIRST = ",;\t"
_READERS: dict[str, Callable[[bytes, str], Sheet]] = {
    ".csv": lambda data, source: read_delimited(data, source, _COMMA_FIRST),
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
        return read_delimited(sys.stdin.buffer.read(), "standard input", _COMMA_FIRST)
    if source in datasets():
        return dataset_sheet(str(source))
    return _read_file(Path(source))


def _read_file(path: Path) -> Sheet:
    if path.is_dir():
        raise InputError(f"{path} is a directory; name a file in it.")
    if not path.exists():
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
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
