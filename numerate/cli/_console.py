import os
import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table


class _Output(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # Rich would exit with code 1, but `numerate … | head` is no error.


def output() -> Console:
    """The console of results: plain and as wide as its content unless a person looks at it."""
    console = _Output(highlight=False, soft_wrap=not sys.stdout.isatty(), emoji=False)
    if not console.is_terminal:
        console.width = 1000
    return console


def print_table(console: Console, table: Table) -> None:
    """A table; in a file or pipe without the spaces that pad its last column."""
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), markup=False)


def say(sentence: str, kind: str = "note") -> None:
    """One sentence to the person at the keyboard, on standard error."""
    style = {"error": "bold red", "warning": "yellow"}.get(kind, "dim")
    console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    console.print(f"[{style}]{kind}:[/]", end=" ")
    console.print(sentence, markup=False)


def progress_bar() -> Progress:
    """A bar on standard error that vanishes when it is done, and shows only on a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def close_broken_pipe() -> None:
    """Lets Python flush its standard output at exit after the reader of the pipe has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
