"""The program `numerate`, also as `python -m numerate`."""

# Built into Python: `signal` makes enumerations first, during which Ctrl-C would print a traceback.
import _signal  # noqa: PLC2701  # pyright: ignore[reportMissingImports]

# Ctrl-C ends the process at once until the command line handles it.
if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)

from numerate.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
