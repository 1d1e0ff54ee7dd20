"""What commands print: reports, tables, JSON, messages and the progress of a search."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from numerate._names import is_control, visible

from ._signals import check, exit_code, tell

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def _console(**options: Any) -> "Console":
    """A console that prints text literally: names in the data cannot control the terminal."""
    from rich.console import Console
    from rich.segment import Segment

    class Safe(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                text, style, control = segment
                # Rich keeps its own terminal commands in styles and control segments.
                yield segment if control else Segment(visible(text, keep="\n"), style)

    return Safe(highlight=False, emoji=False, **options)


def output() -> "Console":
    """The console of results. Outside a terminal it is plain text without line breaks."""
    console = _console(soft_wrap=not sys.stdout.isatty())
    if not console.is_terminal:
        console.width = 1000
    return console


def print_table(console: "Console", table: "Table") -> None:
    """Prints a table; in a file or pipe, without trailing spaces."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), markup=False)


def say(sentence: str, kind: str = "note") -> None:
    """Prints one sentence to standard error; `kind` is note, warning or error."""
    style = {"error": "bold red", "warning": "yellow"}.get(kind, "dim")
    console = _console(stderr=True, soft_wrap=True)
    console.print(f"[{style}]{kind}:[/]", end=" ")
    console.print(sentence, markup=False)


def stop(sentence: str, kind: str = "note") -> NoReturn:
    """Says that a signal stopped the command, and ends it."""
    import typer

    say(sentence, kind)
    tell()
    raise typer.Exit(exit_code())


def print_json(value: Any) -> None:
    """Prints JSON on one line, with control characters escaped; null for NaN and infinities."""
    from numerate._output import finite

    text = json.dumps(finite(value), ensure_ascii=False, allow_nan=False)
    escaped = re.sub(
        r"[^\x20-\x7e]", lambda c: f"\\u{ord(c[0]):04x}" if is_control(c[0]) else c[0], text
    )
    sys.stdout.write(f"{escaped}\n")


@contextmanager
def search_bar(budget: float) -> Iterator[Callable[[float, str], None]]:
    """Shows a search on standard error, if that is a terminal, until the block ends: what is tried,
    the best formula, and the seconds that are left of its budget.

    Yields a function of the share of the budget that is spent and of what is being done. The bar
    moves by the clock, because a search ends when it has found something or its time is up.
    """
    if not sys.stderr.isatty():
        yield lambda fraction, message: check()
        return
    from rich.progress import Progress, ProgressColumn, Task, TextColumn
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    class Spent(ProgressColumn):
        def render(self, task: Task) -> ProgressBar:
            return ProgressBar(budget, min(task.elapsed or 0.0, budget), width=20)

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            left = max(0.0, budget - (task.elapsed or 0.0))
            return Text(f"at most {left:.0f} s left; Ctrl-C keeps the best formula")

    columns = (Spent(), Left(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=None)

        def show(fraction: float, message: str) -> None:
            check()
            progress.update(task, description=message)

        yield show


@contextmanager
def progress_bar() -> Iterator[Callable[[float, str], None]]:
    """Shows progress on standard error, if that is a terminal, until the block ends.

    Yields a function of the fraction done and of what is being done.
    """
    if not sys.stderr.isatty():
        yield lambda fraction, message: check()
        return
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=_console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=1.0)

        def show(fraction: float, message: str) -> None:
            check()
            progress.update(task, completed=fraction, description=message)

        yield show
