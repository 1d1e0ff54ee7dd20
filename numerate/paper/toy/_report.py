"""The table, sentences and figure of `toy`."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from numerate.study import Line, Table, markdown_table, units_run

from ._task import TUTORIAL

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = (
    "NAC", "NACMul", "NALU", "NALUUntied",
    "NAU", "NMU", "RealNPU", "NASU", "RealNPU → Linear", "numerate fit",
)  # fmt: skip
DATA = ("published", "independent")
RUN = {
    "add": ("NAC", "NALU", "NAU", "NASU", "numerate fit"),
    "mul": ("NACMul", "NALU", "NMU", "RealNPU", "NASU", "numerate fit"),
    "mixed": ("NALUUntied", "NALU", "RealNPU → Linear", "numerate fit"),
}


def tables(rows: pl.DataFrame, settings: Any) -> dict[str, Table]:
    return {
        "functions": Table(
            ("function", "rows trained on", "unit"),
            "relative error",
            tuple(
                Line((TUTORIAL[f].text, data, unit), tuple(found["error"]), tuple(found["solved"]))
                for f, data, unit, found in _groups(rows)
            ),
        )
    }


def _groups(rows: pl.DataFrame) -> list[tuple[str, str, str, pl.DataFrame]]:
    """The rows of each function, data set and unit that was run, in the order of `RUN`."""
    wanted = [(f, d, u) for f in RUN for d in DATA for u in RUN[f]]
    found = [
        (function, data, unit, rows.filter(function=function, condition=data, unit=unit))
        for function, data, unit in wanted
    ]
    return [group for group in found if len(group[3])]


def summarise(rows: pl.DataFrame, settings: Any) -> dict[str, Any]:
    fits = rows.filter(unit="numerate fit")
    return {
        "formulas": [
            {
                "function": TUTORIAL[function].text,
                "rows": data,
                "formulas": sorted(set(found["formula"])),
            }
            for (function, data), found in fits.group_by(
                "function", "condition", maintain_order=True
            )
        ],
        "trace": _trace(rows).select("step", "weights").to_dicts(),
    }


def _trace(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(function="trace")


def sentences(rows: pl.DataFrame, settings: Any) -> dict[str, str]:
    said = {"verdict": _verdict(rows), "formulas": _formulas(rows, settings)}
    if len(_trace(rows)):
        said["trace"] = _trace_table(rows)
    if len(rows.filter(function="mixed")):
        said["mixed"] = _mixed(rows)
    return said


def _verdict(rows: pl.DataFrame) -> str:
    """The results of NALUs and `numerate fit` where the rows determine the function."""
    said = []
    for function in RUN:
        found = rows.filter(function=function, condition="independent")
        counts = [
            f"`{unit}` {int(one['solved'].sum())} of {len(one)}"
            for unit in ("NALU", "NALUUntied", "numerate fit")
            if len(one := found.filter(unit=unit))
        ]
        if counts:
            said.append(f"{TUTORIAL[function].text}: {', '.join(counts)}")
    return (
        "Seeds with a relative error below 1e-5 on the test rows, trained on independent rows: "
        f"{'; '.join(said)}. The tutorial's own rows lie on a line and do not determine the "
        "functions."
    )


def _formulas(rows: pl.DataFrame, settings: Any) -> str:
    lines = [
        [found["function"], found["rows"], ", ".join(f"`y = {f}`" for f in found["formulas"])]
        for found in summarise(rows, settings)["formulas"]
    ]
    return markdown_table(["function", "rows", "`numerate fit` finds"], lines, left=3)


def _trace_table(rows: pl.DataFrame) -> str:
    found, lines = _trace(rows).sort("step"), []
    for index in sorted({0, len(found) // 10 - 1, len(found) // 2 - 1, len(found) - 1} - {-1}):
        step, weights, error = found.select("step", "weights", "error").row(index)
        numbers = [f"{value:.6f}".replace("-", "−") for value in (*weights, error)]
        lines.append([f"{step:,}", *numbers])
    return markdown_table(["steps", "w₀", "w₁", "error"], lines, left=0)


def _mixed(rows: pl.DataFrame) -> str:
    """The results of NALUs on the function that they cannot represent."""
    said = []
    for unit in ("NALUUntied", "NALU"):
        for data in DATA:
            found = rows.filter(function="mixed", unit=unit, condition=data)
            if len(found):
                inside, outside = found["training error"].min(), found["error"].min()
                said.append(
                    f"`{unit}` on {data} rows: {inside:.2g} on the training rows, "
                    f"{outside:.2g} on the test rows"
                )
    return "Relative errors of the best seed: " + "; ".join(said) + "."


def draw(rows: pl.DataFrame, settings: Any) -> "dict[str, Figure]":
    from matplotlib.figure import Figure

    shown = [f for f in RUN if len(rows.filter(function=f))]
    figure = Figure(figsize=(9.5, 2.6 + 1.5 * len(shown)), layout="constrained")
    heights = [1.4, *(len(RUN[f]) * 0.35 for f in shown)]
    panels = figure.subplots(len(shown) + 1, 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_trace(panels[0], _trace(rows))
    for axes, function in zip(panels[1:], shown, strict=True):
        _draw_errors(axes, rows, function)
    return {"toy": figure}


def _draw_trace(axes: Any, found: pl.DataFrame) -> None:
    axes.set(title="Two weights learn x₀ − x₁: distance from ±1", xlabel="steps of descent")
    if not len(found):
        return
    steps = found["step"].to_numpy()
    axes.loglog(steps, found["error"].to_numpy(), "o-", markersize=4, label="NAC")
    ideal = found["error"][-1] * np.sqrt(steps[-1] / steps)
    axes.loglog(steps, ideal, ":", color="0.6", label="∝ 1/√steps")
    axes.legend()


def _draw_errors(axes: Any, rows: pl.DataFrame, function: str) -> None:
    """A dot for each seed: above for the published rows, below for independent ones."""
    names = units_run(rows.filter(function=function), RUN[function])
    for row, unit in enumerate(names):
        for data, colour, shift in (
            ("published", "#d9480f", -0.17),
            ("independent", "#1f6fb2", 0.17),
        ):
            found = rows.filter(function=function, unit=unit, condition=data)["error"].to_numpy()
            # Errors below the rounding of float32 are drawn alike; non-finite ones at the end.
            seen = np.clip(np.where(np.isfinite(found), found, 1e6), 1e-9, 1e6)
            axes.plot(
                seen, np.full(len(seen), row + shift), "o", color=colour, alpha=0.5,
                markersize=4, label=f"{data} rows" if row == 0 else None,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(1e-5, color="0.6", linewidth=0.8, linestyle=":")
    axes.set(title=TUTORIAL[function].text, xlim=(3e-10, 3e6), xlabel="relative error on the test")
    if function == "add":
        axes.legend(loc="upper right")
