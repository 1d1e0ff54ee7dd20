"""The application: its commands, and how it reports errors."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from numerate._names import visible

from ._console import say, stop
from ._data import data
from ._datasets import datasets
from ._fit import fit
from ._predict import predict
from ._reproduce import reproduce
from ._show import show

_BAD_INPUT = 2
_STOPPED = {"fit": "stopped before any formula was found."}


class _Commands(TyperGroup):
    """Commands that report expected errors as one sentence and an exit code, without traceback."""

    def invoke(self, ctx: Any) -> Any:
        with _report_errors(ctx):
            return super().invoke(ctx)


@contextmanager
def _report_errors(ctx: Any) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        stop(_STOPPED.get(ctx.invoked_subcommand, "stopped."))
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


def run() -> int:
    """Run the command of `sys.argv`; the exit code."""
    try:
        code = app(prog_name="numerate", standalone_mode=False)
    except Exception as error:
        show = getattr(error, "show", None)
        if show is None:
            raise
        # A usage error quotes the arguments, which may be file names that a shell filled in.
        text = io.StringIO()
        show(file=text)
        sys.stderr.write(visible(text.getvalue(), keep="\n"))
        return _BAD_INPUT
    return code if isinstance(code, int) else 0
