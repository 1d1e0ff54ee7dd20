import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ._console import close_broken_pipe, say
from ._data import data
from ._datasets import datasets
from ._fit import fit
from ._predict import predict
from ._reproduce import reproduce
from ._show import show

_BAD_INPUT = 2
_INTERRUPTED = 130  # The exit code of programs that are stopped by Ctrl-C.


class _Commands(TyperGroup):
    """Commands that report expected errors as one sentence and an exit code, without traceback."""

    def invoke(self, ctx: Any) -> Any:
        with _report_errors():
            result = super().invoke(ctx)
            sys.stdout.flush()  # A closed pipe can be handled here, but not at exit.
            return result


@contextmanager
def _report_errors() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("stopped before any formula was found.")
        raise typer.Exit(_INTERRUPTED) from None
    except BrokenPipeError:
        close_broken_pipe()
    except ValueError as error:
        from numerate._errors import InputError

        if not isinstance(error, InputError):
            raise
        say(str(error), "error")
        raise typer.Exit(_BAD_INPUT) from None


app = typer.Typer(
    cls=_Commands,
    name="numerate",
    help="Finds exact formulas in tables of numbers, by neural arithmetic.",
    epilog="Try: numerate fit kepler",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(fit)
app.command()(show)
app.command()(predict)
app.command()(datasets)
app.command()(reproduce)
app.add_typer(data)


def _print_version(wanted: bool) -> bool:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"numerate {version('numerate')}")
        raise typer.Exit
    return wanted


@app.callback()
def _numerate(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of `numerate` itself."""


def main() -> None:
    """The program `numerate`."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal without Unicode shows a question mark for the arrow instead of a traceback.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    app(prog_name="numerate")
