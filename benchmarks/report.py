"""Shared code of the benchmark scripts: two options, a table, and the machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

PACKAGES = ("numerate", "jax", "jaxlib", "equinox", "optax", "numpy", "torch")


def options(description: str | None) -> argparse.ArgumentParser:
    """The options of every benchmark: `--json FILE` and `--quick`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the table to FILE")
    parser.add_argument("--quick", action="store_true", help="a small version, to see it work")
    return parser


def parse_args(description: str | None) -> argparse.Namespace:
    """The arguments of a benchmark that has no options of its own."""
    return options(description).parse_args()


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
