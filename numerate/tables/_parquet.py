"""Reading Parquet. Its library, Polars, ends the whole process where a damaged page asks for more
memory than there is. Such files are found in a process of their own, which is all that ends then.
"""

import io
import os
import subprocess
import sys
from contextlib import suppress

import polars as pl

from numerate._errors import LONGEST_QUOTE, InputError

from ._sheet import Sheet, no_lines, with_texts

# Without the start-up files of Python's environment, which take as long as all else but Polars.
_OPTIONS = ("-I", "-S", "-c")
# It ends without giving back its memory, which would take as long as to read again.
_PROGRAM = """
import io, os, sys
sys.path.append(sys.argv[1])
import polars
try:
    frame = polars.read_parquet(io.BytesIO(sys.stdin.buffer.read()))
except BaseException as error:
    sys.stdout.buffer.write(str(error).encode(errors="replace"))
    sys.exit(1)
os._exit(0)
"""
_DAMAGED = "a part of it is damaged"


def read_parquet(data: bytes, source: str) -> Sheet:
    """Reads a Parquet file; its numbers keep the precision of their type."""
    reason = _fault(data)
    if reason is None:
        try:
            return Sheet(source, with_texts(pl.read_parquet(io.BytesIO(data))), no_lines)
        # A panic of the library is no `Exception`.
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, MemoryError) as error:
            reason = str(error)
    reason = reason.strip().split("\n", 1)[0][:LONGEST_QUOTE] or _DAMAGED
    raise InputError(f"{source} cannot be read as Parquet: {reason}.")


def _fault(data: bytes) -> str | None:
    """Why another process cannot read a file, or None if it can, or if none can be started."""
    if not sys.executable or hasattr(sys, "frozen"):  # within another program
        return None
    folder = os.path.dirname(os.path.dirname(pl.__file__))
    with suppress(OSError):
        child = subprocess.Popen(
            [sys.executable, *_OPTIONS, _PROGRAM, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where a panic is told, too
        )
        assert child.stdin is not None and child.stdout is not None
        with child:
            # Not by `communicate`, which writes 4 KiB at a time.
            with suppress(BrokenPipeError), child.stdin:
                child.stdin.write(data)
            answer = child.stdout.read()
        return answer.decode(errors="replace") if child.returncode else None
    return None
