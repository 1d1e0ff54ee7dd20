"""The program: its set-up before any library is imported, and its exit."""

import os
import sys

from . import _signals

TYPE_CHECKING = False  # as in `numerate`
if TYPE_CHECKING:
    from ._streams import StreamError

# Typer's exit code for an interruption between two of our functions, whatever the signal.
_INTERRUPTED = 130


def main() -> None:
    """The program `numerate`."""
    # The matrices of a search are small: threads of the linear algebra wait for each other longer
    # than they compute, and much longer where other programs run.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = None
    try:
        from ._streams import open_streams

        open_streams()  # first, because what is opened later takes the places of closed ones
        _signals.install()
        code = _code()
    except KeyboardInterrupt:
        pass
    except Exception:
        # Libraries that are interrupted while they are imported raise many things.
        if not _signals.arrived():
            raise
    if code is None or (_signals.arrived() and code == _INTERRUPTED and not _signals.is_told()):
        sys.stderr.write("note: stopped.\n")
        code = _signals.exit_code()
    if _signals.arrived() or _leaves_threads():
        # Without waiting for threads, which may compile or train for long.
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
    _signals.ignore()
    sys.exit(code)


def _leaves_threads() -> bool:
    """Whether a search whose time was up is still in a step that could not be interrupted."""
    regress = sys.modules.get("numerate.regress")
    return regress is not None and bool(regress.left_behind())


def _code() -> int:
    from ._streams import StreamError

    try:
        from ._app import run

        code = run()
        sys.stdout.flush()
        return code
    except StreamError as error:
        return _failed(error)


def _failed(error: "StreamError") -> int:
    if error.is_closed_pipe:
        return 0
    sys.stderr.write(f"error: {error}\n")
    return 1
