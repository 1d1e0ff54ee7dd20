"""Standard input, output and error, which may be closed, on a full disk, or without a reader."""

import errno
import io
import os
import select
import sys
from typing import Any


class StreamError(Exception):
    """Standard output cannot be written. Not an `OSError`, which the command line's library and
    others handle in their own ways."""

    def __init__(self, error: OSError):
        super().__init__(f"standard output cannot be written: {error.strerror or error}.")
        # A reader may close a pipe early, as `head` does. That is not an error.
        self.is_closed_pipe = error.errno == errno.EPIPE


class _Output(io.FileIO):
    """A descriptor that is written to until that fails, and then no more."""

    def __init__(self, descriptor: int):
        super().__init__(descriptor, "w", closefd=False)
        self.failed = False

    def write(self, data: Any) -> int:
        while not self.failed:
            try:
                written = super().write(data)
            except OSError as error:
                self.failed = True
                self.on_failure(error)
                break
            if written is not None:
                return written
            select.select([], [self], [])  # A non-blocking pipe is full at the moment.
        return len(data)

    def on_failure(self, error: OSError) -> None:
        raise StreamError(error) from None


class _Notes(_Output):
    """Standard error. A message that cannot be written must not cost the result."""

    def on_failure(self, error: OSError) -> None:
        pass


def open_streams() -> None:
    """Replaces standard output and error by streams that fail in one way.

    Closed descriptors are opened on the null device. Otherwise a file opened later would get their
    numbers, and messages would be written to it.
    """
    if os.name != "posix":
        return
    for descriptor, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest free number; its mode makes use fail
    sys.stdout = _text(_Output(1), sys.stdout, "replace")
    sys.stderr = _text(_Notes(2), sys.stderr, "backslashreplace")
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)


def is_standard_output(path: str | os.PathLike) -> bool:
    """Whether a file is standard output, as `/dev/stdout` is. What is printed would be mixed with
    its content, except on the null device."""
    try:
        file = os.stat(path)
        return os.path.samestat(file, os.fstat(1)) and not os.path.samestat(
            file, os.stat(os.devnull)
        )
    except OSError:
        return False


def _text(raw: _Output, before: Any, errors: str) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    # A terminal without Unicode shows a question mark for the arrow instead of a traceback.
    lines = errors == "backslashreplace" or raw.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors=errors, line_buffering=lines
    )
