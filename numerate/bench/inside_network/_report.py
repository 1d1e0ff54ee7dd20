"""The tables, sentences and figure of `inside-network`."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from numerate.study import Line, Table, by_seed, markdown_table, median, number

from ._networks import TRUNKS
from ._tasks import OPERATIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = ("Linear", "NAC", "NALU", "NAU", "NMU", "NASU")
# Of the standard deviation of the targets: 1 % of their variance is left.
SOLVED = 0.1


def _cells(rows: pl.DataFrame, condition: str) -> dict[tuple[str, str, str], pl.DataFrame]:
    """The rows of each network, operation and unit that was run."""
    found = {
        (network, operation, unit): rows.filter(
            network=network, operation=operation, unit=unit, condition=condition
        )
        for network in TRUNKS
        for operation in OPERATIONS
        for unit in UNITS
    }
    return {cell: part for cell, part in found.items() if len(part)}


def tables(rows: pl.DataFrame, settings: Any) -> dict[str, Table]:
    return {
        f"{network}, {condition}": Table(
            ("target", "last layer"),
            "error",
            tuple(
                Line(
                    (OPERATIONS[operation], unit),
                    by_seed(part, "error"),
                    tuple(map(bool, by_seed(part, "solved"))),
                )
                for (one, operation, unit), part in _cells(rows, condition).items()
                if one == network
            ),
        )
        for network in TRUNKS
        for condition in ("inside", "beyond")
        if len(rows.filter(network=network, condition=condition))
    }


def sentences(rows: pl.DataFrame, settings: Any) -> dict[str, str]:
    return {"verdict": _verdict(rows), "overview": _overview(rows)}


def _verdict(rows: pl.DataFrame) -> str:
    beyond = _cells(rows, "beyond")
    every = [_said(cell) for cell, part in beyond.items() if all(part["solved"])]
    some = [
        f"{_said(cell)} ({sum(part['solved'])} of {len(part)})"
        for cell, part in beyond.items()
        if any(part["solved"]) and not all(part["solved"])
    ]
    linear = sum(bool(all(part["solved"])) for cell, part in beyond.items() if cell[2] == "Linear")
    inside = sum(all(part["solved"]) for part in _cells(rows, "inside").values())
    return (
        f"Inside the training range every seed solves {inside} of {len(beyond)} combinations of "
        f"network, target and last layer; beyond it, {len(every)}, of which {linear} have a linear "
        f"last layer. On every seed: {'; '.join(every) or 'none'}. On some seeds: "
        f"{'; '.join(some) or 'none'}."
    )


def _said(cell: tuple[str, str, str]) -> str:
    network, operation, unit = cell
    return f"{OPERATIONS[operation]} in the {network} by {unit}"


def _overview(rows: pl.DataFrame) -> str:
    """Median error beyond the range, and how many seeds solve it."""
    beyond = _cells(rows, "beyond")
    units = [unit for unit in UNITS if unit in set(rows["unit"])]
    lines = []
    for network in TRUNKS:
        for operation, text in OPERATIONS.items():
            parts = [beyond.get((network, operation, unit)) for unit in units]
            if any(part is not None for part in parts):
                lines.append([network, text, *map(_cell, parts)])
    return markdown_table(["network", "target", *units], lines, left=2)


def _cell(part: pl.DataFrame | None) -> str:
    if part is None:
        return ""
    return f"{number(median(by_seed(part, 'error')))} ({sum(part['solved'])}/{len(part)})"


def draw(rows: pl.DataFrame, settings: Any) -> "dict[str, Figure]":
    """A dot for each seed beyond the range, by network, target and last layer."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 8), layout="constrained")
    panels = figure.subplots(len(TRUNKS), len(OPERATIONS), sharex=True, sharey=True)
    cells = _cells(rows, "beyond")
    for line, network in enumerate(TRUNKS):
        for column, (operation, text) in enumerate(OPERATIONS.items()):
            axes = panels[line, column]
            for place, unit in enumerate(UNITS):
                part = cells.get((network, operation, unit))
                if part is None:
                    continue
                found = np.asarray(by_seed(part, "error"))
                shown = np.clip(np.where(np.isfinite(found), found, 1e3), 1e-4, 1e3)
                axes.plot(shown, np.full(len(shown), place), "o", color="#d9480f", alpha=0.5, ms=4)
            axes.axvline(SOLVED, color="0.6", linewidth=0.8, linestyle=":")
            axes.set_title(f"{network}: {text}", fontsize=10)
    panels[0, 0].set_xscale("log")
    panels[0, 0].set_yticks(range(len(UNITS)), UNITS)
    panels[0, 0].invert_yaxis()
    for axes in panels[-1]:
        axes.set_xlabel("error beyond the range")
    return {"beyond": figure}
