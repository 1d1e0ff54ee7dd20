import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def output() -> "Console":
    """The console of results. Outside a terminal it is plain text without line breaks."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # Rich would exit with 1, but `numerate … | head` is no error.

    console = Output(highlight=False, soft_wrap=not sys.stdout.isatty(), emoji=False)
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
    from rich.console import Console

    style = {"error": "bold red", "warning": "yellow"}.get(kind, "dim")
    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    console.print(f"[{style}]{kind}:[/]", end=" ")
    console.print(sentence, markup=False)


@contextmanager
def progress_bar() -> Iterator[Callable[[float, str], None]]:
    """Shows progress on standard error, if that is a terminal, until the block ends.

    Yields a function of the fraction done and of what is being done.
    """
    if not sys.stderr.isatty():
        yield lambda fraction, message: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda fraction, message: progress.update(
            task, completed=fraction, description=message
        )


def close_broken_pipe() -> None:
    """Redirects standard output, so that Python can flush it at exit after a pipe was closed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
