"""`numerate show`: print a saved formula, also as LaTeX, Python or JSON."""

from pathlib import Path
from typing import Annotated

import typer

from ._console import output, print_json


def show(
    model: Annotated[
        Path, typer.Argument(readable=False, help="File saved by: numerate fit --out MODEL.")
    ],
    as_latex: Annotated[bool, typer.Option("--latex", help="Print the formula in LaTeX.")] = False,
    as_python: Annotated[
        bool, typer.Option("--python", help="Print the formula as a Python function.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a saved formula. Its status and errors are those of the file: there is no table here."""
    from numerate._errors import InputError

    if as_latex + as_python + as_json > 1:
        raise InputError("--latex, --python and --json exclude each other; choose one.")
    from numerate.regress import load_model

    fitted = load_model(model)
    if as_latex:
        typer.echo(fitted.latex())
    elif as_python:
        typer.echo(fitted.python().rstrip("\n"))
    elif as_json:
        print_json(fitted.report() | {"status_as_stored": True})
    else:
        from ._report import print_report

        print_report(output(), fitted, stored=True)
