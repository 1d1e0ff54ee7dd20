"""`numerate fit`: find a formula, print it, and save a model and a plot."""

import csv
import io
import math
import os
import shlex
import sys
from contextlib import ExitStack, redirect_stdout
from typing import Annotated, Any

import typer

from ._console import output, print_json, say, search_bar, stop
from ._signals import finishing, name_of_signal, waiting
from ._streams import is_standard_output


def fit(
    data: Annotated[
        str,
        typer.Argument(
            help="CSV, TSV, Parquet or NDJSON file, - for CSV on standard input, or an embedded "
            "data set (see: numerate datasets)."
        ),
    ],
    target: Annotated[
        str | None, typer.Option(help="Column to find a formula for; the last one by default.")
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…",
            help="Columns the formula may use; all others that hold numbers by default.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the search; same seed, same answer.")] = 0,
    budget: Annotated[float, typer.Option(help="Seconds after which the search stops.")] = 60.0,
    sigma: Annotated[
        str | None,
        typer.Option(metavar="COL", help="Column with the standard errors of the target."),
    ] = None,
    exact: Annotated[
        list[str] | None,
        typer.Option(metavar="COL", help="Column whose values are exact; may be repeated."),
    ] = None,
    written: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COL=HALF",
            help="Half a unit in the last written digit of a column, where its digits do not "
            "show it; may be repeated.",
        ),
    ] = None,
    robust: Annotated[
        bool, typer.Option("--robust", help="Leave out rows that are far from the formula.")
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", readable=False, help="Save the formula for show and predict."
        ),
    ] = None,
    plot: Annotated[
        str | None,
        typer.Option(metavar="FILE", readable=False, help="Draw the fit: .png, .svg or .pdf."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Find a formula for one column of a table from the others."""
    _check_before_the_search(data, budget, seed, out, plot)
    from numerate.tables import read_table

    table = read_table(
        data,
        target=target,
        features=_names(features),
        sigma=sigma,
        exact=exact or (),
        written=_resolutions(written or []),
    )
    for note in table.notes:
        say(note)
    model = _search(table, seed, budget, robust)
    if model.interrupted:
        say(f"stopped by {name_of_signal()}; this is the best formula until then.", "warning")
    with finishing():
        _finish(model, table, data, out, plot, as_json)


def _finish(
    model: Any, table: Any, data: str, out: str | None, plot: str | None, as_json: bool
) -> None:
    from numerate._output import is_stream

    paths = (out, plot)
    streams = [path if path and is_stream(path) else None for path in paths]
    files = [None if stream else path for path, stream in zip(paths, streams, strict=True)]
    piped = any(is_standard_output(path) for path in streams if path)
    # Each step is done, whatever becomes of the others, so that what was found is not lost.
    with ExitStack() as steps:
        steps.callback(_write_streams, model, table, *streams)  # last: nobody may read them
        steps.callback(_print, model, as_json, sys.stderr if piped else sys.stdout)
        # Before anything is printed, because the reader may close the pipe: `… | head -1`.
        _write(model, table, *files)
    if not (as_json or any(streams)):
        _next_steps(data, out)


def _check_before_the_search(
    data: str, budget: float, seed: int, out: str | None, plot: str | None
) -> None:
    from numerate._errors import InputError
    from numerate._output import check_not_read, check_writable

    if not 0 < budget < math.inf:
        raise InputError(f"--budget must be a number of seconds above 0, not {budget:g}.")
    if not 0 <= seed < 2**32:
        raise InputError(f"--seed must be a whole number from 0 to 2^32 - 1, not {seed}.")
    for path in (out, plot):
        if path is not None:
            check_writable(path)
            check_not_read(path, [data])
    if out and plot and os.path.realpath(out) == os.path.realpath(plot):
        raise InputError(f"--out and --plot must name two files, not both {out}.")
    if plot:
        from numerate.plot import check_can_plot

        check_can_plot(plot)


def _names(features: str | None) -> list[str] | None:
    """Column names separated by commas. A name that contains a comma is in quotation marks."""
    if features is None:
        return None
    from numerate._errors import InputError, shortened

    try:
        rows = list(csv.reader(io.StringIO(features, newline=""), skipinitialspace=True))
    except csv.Error:  # a name of more than 128 KiB
        rows = []
    if len(rows) != 1 and features.strip():
        raise InputError(
            "--features must be names with commas between, and names with line ends in quotation "
            f"marks, not {shortened(features)}."
        )
    return [name.strip() for row in rows for name in row]


def _resolutions(written: list[str]) -> dict[str, float]:
    """`COL=0.05` as a mapping; the last equals sign separates, as names may hold others."""
    from numerate._errors import InputError

    found = {}
    for text in written:
        name, sign, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            sign = ""
        if not sign or not name:
            raise InputError(f"--written must be a column and a number, COL=0.05, not {text!r}.")
    return found


def _search(table: Any, seed: int, budget: float, robust: bool) -> Any:
    with search_bar(budget) as on_progress:
        from numerate.regress import search_table

        return search_table(table, seed=seed, budget=budget, robust=robust, on_progress=on_progress)


def _write(model: Any, table: Any, out: str | None, plot: str | None) -> None:
    if out:
        from numerate.regress import save_model

        save_model(model, out)
    if plot:
        from numerate.plot import save_plot

        save_plot(model, table, plot)


def _write_streams(model: Any, table: Any, out: str | None, plot: str | None) -> None:
    try:
        with waiting():
            _write(model, table, out, plot)
    except KeyboardInterrupt:
        names = " and ".join(path for path in (out, plot) if path)
        stop(f"stopped before {names} was written.", "warning")


def _print(model: Any, as_json: bool, stream: Any) -> None:
    with redirect_stdout(stream):
        if as_json:
            print_json(model.report())
        else:
            from ._report import print_report

            print_report(output(), model)
        stream.flush()


def _next_steps(data: str, out: str | None) -> None:
    console = output()
    console.print()
    # In quotation marks: whoever copies a line should run nothing else.
    if out is None:
        table = shlex.quote(data)
        console.print(f"To keep it:  numerate fit {table} --out model.safetensors", markup=False)
    else:
        model = shlex.quote(out)
        console.print(f"To read it:  numerate show {model} --python", markup=False)
        console.print(f"To use it:   numerate predict {model} NEW_DATA.csv", markup=False)
