"""Scores of models on several functions with the paper's, in Markdown and as heat maps."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from numerate.study import Line, Table, heat, markdown_table, median, percent, units_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INSIDE, OUTSIDE = CONDITIONS = ("interpolation", "extrapolation")


class Scores:
    """The errors of models on functions, in per cent of the error of an untrained network.

    100 is no better than untrained, 0 is perfect. A seed is solved if its error outside the
    training range is below its `threshold`, and not solved if it is NaN.

    **Arguments:**

    - `rows`: with `unit`, `function`, `seed`, `condition` (`"interpolation"` or
        `"extrapolation"`), `error`, `random` (an untrained network's error) and `threshold`.
    - `units`: in display order; those without rows are omitted.
    - `functions`: the notation of each, in display order.
    - `paper`: the paper's scores by unit, function and condition.
    - `others`: extrapolation in other reproductions, as text, by unit and function.

    !!! example
        >>> cell = {"unit": "NAC", "function": "add", "random": 4.0, "threshold": 0.1}
        >>> rows = pl.DataFrame([
        ...     cell | {"seed": s, "condition": c, "error": e}
        ...     for s, inside, outside in [(0, 0.01, 0.04), (1, 2.0, 2.0)]
        ...     for c, e in [("interpolation", inside), ("extrapolation", outside)]
        ... ])
        >>> scores = Scores(rows, ("NAC",), {"add": "a + b"}, {})
        >>> scores.median("NAC", "add", "extrapolation"), scores.best("NAC", "add", "extrapolation")
        (25.5, 1.0)
        >>> scores.solved("NAC", "add")
        (True, False)
    """

    def __init__(
        self,
        rows: pl.DataFrame,
        units: Sequence[str],
        functions: Mapping[str, str],
        paper: Mapping[tuple[str, str, str], float],
        others: Mapping[tuple[str, str], str] | None = None,
    ):
        self.rows = rows.with_columns(score=100 * pl.col("error") / pl.col("random"))
        self.units = units_run(rows, units)
        self.functions = dict(functions)
        self.paper = paper
        self.others = others or {}
        self._cells = self.rows.sort("seed").partition_by(
            "unit", "function", "condition", as_dict=True, maintain_order=True
        )

    def cell(self, unit: str, function: str, condition: str) -> pl.DataFrame:
        """The rows of all seeds, in order; empty if nothing was run."""
        return self._cells.get((unit, function, condition), self.rows.clear())

    def median(self, unit: str, function: str, condition: str) -> float:
        """The median score of all seeds."""
        return median(tuple(self.cell(unit, function, condition)["score"]))

    def best(self, unit: str, function: str, condition: str) -> float:
        """The score of the seed with the lowest error inside the training range."""
        inside = self.cell(unit, function, INSIDE).filter(pl.col("error").is_finite())
        if not len(inside):
            return float("nan")
        seed = inside.sort("error", maintain_order=True)["seed"][0]
        return self.cell(unit, function, condition).filter(seed=seed)["score"][0]

    def solved(self, unit: str, function: str) -> tuple[bool, ...]:
        """Whether each seed is solved."""
        cell = self.cell(unit, function, OUTSIDE)
        # NaN is not below the threshold: polars orders it after all numbers.
        return tuple(bool(one) for one in cell["error"] < cell["threshold"])

    def share(self, unit: str, function: str) -> float:
        """The share of seeds that are solved."""
        solved = self.solved(unit, function)
        return sum(solved) / len(solved) if solved else float("nan")

    def table(self, condition: str) -> Table:
        """A line for each model and function; success rates are in the table of extrapolation."""
        pairs = [(unit, function) for unit in self.units for function in self.functions]
        return Table(
            ("model", "function"),
            "error in % of random",
            tuple(self._line(*pair, condition) for pair in pairs if len(self.cell(*pair, INSIDE))),
        )

    def _line(self, unit: str, function: str, condition: str) -> Line:
        theirs = self.paper.get((unit, function, condition))
        outside = condition == OUTSIDE
        return Line(
            (unit, self.functions[function]),
            tuple(self.cell(unit, function, condition)["score"]),
            self.solved(unit, function) if outside else None,
            "" if theirs is None else shown(theirs),
            self.others.get((unit, function), "") if outside else "",
        )

    def grids(self) -> dict[str, str]:
        """Tables in Markdown with a line for each model and a column for each function: the
        success rate as `solved`, and `median` and `best` of each condition beside the paper's."""
        found = {"solved": self._grid(self._share_text)}
        for name, score in (("median", self.median), ("best", self.best)):
            for condition in CONDITIONS:
                beside = partial(self._beside, score, condition)
                found[f"{name} {condition}"] = self._grid(beside)
        return found

    def _share_text(self, unit: str, function: str) -> str:
        return f"{percent(self.share(unit, function))} %" if self.solved(unit, function) else ""

    def _grid(self, text: Callable[[str, str], str]) -> str:
        lines = [[unit, *(text(unit, f) for f in self.functions)] for unit in self.units]
        return markdown_table(["model", *self.functions.values()], lines)

    def _beside(
        self, score: Callable[[str, str, str], float], condition: str, unit: str, function: str
    ) -> str:
        if not len(self.cell(unit, function, condition)):
            return ""
        ours = shown(score(unit, function, condition))
        theirs = self.paper.get((unit, function, condition))
        return ours if theirs is None else f"{ours} ({shown(theirs)})"

    def shares(self, unit: str) -> str:
        """The success rates of a model as text."""
        return ", ".join(
            f"{sign} {self._share_text(unit, f)}" for f, sign in self.functions.items()
        )

    def draw_score(self, axes: "Axes", score: Any, condition: str, units: Sequence[str]) -> None:
        """A heat map of `score(unit, function, condition)` for some models."""
        values = [[score(unit, f, condition) for unit in units] for f in self.functions]
        heat(axes, np.array(values, float), shown, units, list(self.functions.values()))

    def draw_solved(self, axes: "Axes") -> None:
        """A heat map of the success rates of all models."""
        values = [[100 * self.share(unit, f) for unit in self.units] for f in self.functions]
        heat(
            axes, np.array(values), lambda v: percent(v / 100), self.units,
            list(self.functions.values()), colours="Greens", limits=(0.0, 100.0), log=False,
        )  # fmt: skip


def shown(score: float) -> str:
    """A score in the paper's format.

    !!! example
        >>> shown(0.04), shown(12.34), shown(1e6), shown(float("nan"))
        ('0.0', '12.3', '>999', 'not finite')
    """
    if not np.isfinite(score):
        return "not finite"
    return ">999" if score > 999 else f"{score:.1f}"
