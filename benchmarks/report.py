"""Shared code of the benchmark scripts: options, a table, the machine, and resumed runs."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

# What identifies a row, and the function that gives the rest of it.
Task = tuple[dict, Callable[[], dict]]
PACKAGES = ("numerate", "jax", "jaxlib", "equinox", "optax", "numpy", "torch")


def options(description: str | None, records: str = "") -> argparse.ArgumentParser:
    """The options of every benchmark: `--json FILE` and `--quick`. One whose run can be continued
    names the file of its answers in the temporary folder, and has `--records FILE` and `--for S`.
    """
    parser = argparse.ArgumentParser(description=description)
    if records:
        place = Path(tempfile.gettempdir()) / records
        parser.add_argument("--records", type=Path, metavar="FILE", default=place)
        parser.add_argument("--for", type=float, metavar="S", default=np.inf, dest="seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table to FILE")
    parser.add_argument("--quick", action="store_true", help="a small version, to see it work")
    return parser


def parse_args(description: str | None) -> argparse.Namespace:
    """The arguments of a benchmark that has no options of its own."""
    return options(description).parse_args()


def answered(tasks: Sequence[Task], records: Path, seconds: float = np.inf) -> list[dict]:
    """The rows of all tasks, in their order: what identifies a task, and its answer. All tasks
    have the same names of what identifies them.

    Rows that the file `records` has are reused, and new ones are appended to it as lines of JSON.
    After `seconds` no task is started any more: a further run continues there.
    """
    names = list(tasks[0][0]) if tasks else []
    found = {tuple(row.get(n) for n in names): row for row in _whole_lines(records)}
    stop, rows = time.monotonic() + seconds, []
    with records.open("a") as file:
        for index, (about, answer) in enumerate(tasks):
            key = tuple(about.values())
            if key not in found and time.monotonic() < stop:
                found[key] = about | answer()
                file.write(json.dumps(found[key]) + "\n")
                file.flush()
            rows += [found[key]] if key in found else []
            print(f"\r{index + 1} of {len(tasks)} tables", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return rows


def _whole_lines(records: Path) -> list[dict]:
    """The rows of a file; a last line that a killed run left half written is removed from it."""
    text = records.read_text() if records.exists() else ""
    whole, _, rest = text.rpartition("\n")
    if rest:
        records.write_text(whole + "\n" if whole else "")
    return [json.loads(line) for line in whole.splitlines()]


def figures(some: Sequence[dict], kinds: Sequence[str]) -> dict:
    """Of these answers: their number, the share of each kind in per cent, and the seconds."""
    seconds = [row["seconds"] for row in some]
    return {
        "tables": len(some),
        **{f"{kind} %": share(some, kind) for kind in kinds},
        "median s": float(np.median(seconds)),
        "worst s": max(seconds),
    }


def share(some: Sequence[dict], kind: str, limit: float = np.inf) -> float:
    """The answers that are of a kind and took no longer than the limit, in per cent."""
    return 100 * sum(row[kind] and row["seconds"] <= limit for row in some) / len(some)


class Report:
    """A table that grows row by row and knows its machine, versions, seeds and date.

        args = parse_args(__doc__)
        report = Report("What is measured", seeds="0..24")
        report.add({"what": "ours", "steps per second": 1.0e6})
        report.finish(args)

    Rows are dictionaries of plain values; the columns are their keys in order of appearance.
    """

    def __init__(self, title: str, *, seeds: str):
        self.title = title
        self.seeds = seeds
        self.rows: list[dict] = []
        self.notes: list[str] = []

    def add(self, row: dict) -> None:
        self.rows.append(row)

    def note(self, sentence: str) -> None:
        """A line under the table, such as the reason for a missing row or whether a bar is met."""
        self.notes.append(sentence)

    def finish(self, args: argparse.Namespace) -> None:
        """Print the table; write it as JSON where `--json` asks for it."""
        report = self.as_dict() | {"quick": args.quick}
        _print(report)
        if args.json is not None:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")

    def as_dict(self) -> dict:
        return {
            "title": self.title,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "versions": versions(),
            "seeds": self.seeds,
            "rows": self.rows,
            "notes": self.notes,
        }


def machine() -> dict:
    """Processor, cores this process may use, and operating system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"processor": _processor(), "cores": cores, "system": platform.system()}


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """`platform.processor()` is empty or generic on Linux and macOS; ask the system."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    if platform.system() == "Darwin":
        query = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def _print(report: dict) -> None:
    # Wide enough for every column where the output is a file, which has no width.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    columns = list(dict.fromkeys(name for row in report["rows"] for name in row))
    table = Table(title=report["title"])
    for name in columns:
        numeric = all(isinstance(row.get(name, 0), int | float) for row in report["rows"])
        table.add_column(name, justify="right" if numeric else "left")
    for row in report["rows"]:
        table.add_row(*(_text(row.get(name)) for name in columns))
    console.print(table)
    for note in report["notes"]:
        console.print(note, highlight=False, markup=False)
    place = report["machine"]
    console.print(
        f"{place['processor']}, {place['cores']} cores, {place['system']}; {report['date']}; "
        f"seeds {report['seeds']}" + ("; quick" if report["quick"] else ""),
        highlight=False,
    )
    console.print(", ".join(f"{k} {v}" for k, v in report["versions"].items()), highlight=False)


def _text(value: object) -> str:
    """Numbers to three or four digits; a cell that a row does not have stays empty."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)
