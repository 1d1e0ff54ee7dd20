"""`numerate predict`: apply a saved formula to new rows."""

import csv
import io
import re
import sys
import unicodedata
from pathlib import Path
from typing import Annotated, Any

import typer

from numerate._names import distinct, visible

from ._console import say

_ROWS_SHOWN = 10
_BEGINS_A_FORMULA = tuple("=+-@")  # also as full-width characters
_FILLERS = "\u115f\u1160\u3164\uffa0"  # letters of Hangul without a shape


def predict(
    model: Annotated[
        Path, typer.Argument(readable=False, help="File saved by: numerate fit --out MODEL.")
    ],
    data: Annotated[
        str, typer.Argument(help="Table with the model's feature columns, or - for CSV on stdin.")
    ],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", readable=False, help="CSV file to write instead of standard output."
        ),
    ] = None,
) -> None:
    """Apply a saved formula to new rows: CSV of the features and the predicted target."""
    import polars as pl

    from numerate._output import check_not_read, check_writable, write_file
    from numerate.tables import read_features

    if out is not None:
        check_writable(out)
        check_not_read(out, [model, data])
    from numerate.regress import load_model

    fitted = load_model(model)
    table = read_features(data, fitted.feature_names)
    for note in table.notes:
        say(note)
    frame = pl.DataFrame(table.values, schema=list(table.names))
    predicted = fitted.predict(table.values)
    _warn_outside(fitted, table, fitted.outside_range(table.values))
    _warn_undefined(fitted, predicted)
    frame = frame.with_columns(pl.Series(fitted.target_name, predicted))
    content = _header(frame.columns) + frame.write_csv(include_header=False)
    if out is not None:
        write_file(out, content.encode())
    else:
        sys.stdout.write(content)


def _header(names: list[str]) -> str:
    """The first line: distinct names without control characters, and none that a spreadsheet takes
    for a formula."""
    line = io.StringIO()
    cells = distinct(_harmless(visible(name, keep="\n\t")) for name in names)
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _harmless(cell: str) -> str:
    """A cell with an apostrophe before each formula that it would begin where a spreadsheet splits
    lines at semicolons or tabs: quotation marks protect only its first cell there."""
    return "".join(
        f"'{part}" if _begins_a_formula(part) else part for part in re.split("([;\t\n])", cell)
    )


def _begins_a_formula(text: str) -> bool:
    first = next((c for c in text if c not in ' "' and not _is_invisible(c)), "")
    return unicodedata.normalize("NFKC", first).startswith(_BEGINS_A_FORMULA)


def _is_invisible(character: str) -> bool:
    """Whether a character has no shape of its own; marks are part of the one before."""
    is_mark = unicodedata.category(character).startswith("M")
    return is_mark or character in _FILLERS or not character.isprintable()


def _warn_outside(fitted: Any, table: Any, outside: Any) -> None:
    rows = outside.any(axis=1).nonzero()[0].tolist()
    if not rows:
        return
    say(
        f"{len(rows)} of {len(outside)} rows lie outside the training range, where the formula "
        "extrapolates:",
        "warning",
    )
    for row in rows[:_ROWS_SHOWN]:
        for feature in outside[row].nonzero()[0].tolist():
            spans = float(outside[row, feature])
            say(_excess(fitted, table, row, feature, spans), f"  row {row + 1}")
    if len(rows) > _ROWS_SHOWN:
        say(f"and {len(rows) - _ROWS_SHOWN} more rows.", "  …")


def _excess(fitted: Any, table: Any, row: int, feature: int, spans: float) -> str:
    low, high = fitted.training_range[:, feature]
    value = table.values[row, feature]
    edge, side = (low, "below") if value < low else (high, "above")
    return (
        f"{fitted.feature_names[feature]} = {value:.6g} is {abs(value - edge):.4g} {side} "
        f"{low:.6g} … {high:.6g} ({spans:.2g} times the width of the range)"
    )


def _warn_undefined(fitted: Any, predicted: Any) -> None:
    import numpy as np

    undefined = (~np.isfinite(predicted)).nonzero()[0]
    if len(undefined):
        say(
            f"the formula for {fitted.target_name} has no finite value on "
            f"{len(undefined)} of {len(predicted)} rows, first on row {undefined[0] + 1}.",
            "warning",
        )
