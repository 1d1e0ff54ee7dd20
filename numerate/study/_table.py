"""Ours beside the paper's and other reproductions' numbers, in Markdown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ._statistics import median, median_interval, wilson_interval


@dataclass(frozen=True)
class Line:
    """One line of a table: what all seeds reached under one condition.

    **Fields:**

    - `labels`: what was run, one text for each of the table's `heads`.
    - `values`: the measure of every seed, none left out. What is not a number counts as worst.
    - `solved`: for every seed whether it succeeded; None where there is no such criterion.
    - `paper`, `others`: what the paper and other reproductions report, as text; "" for nothing.
    """

    labels: tuple[str, ...]
    values: tuple[float, ...]
    solved: tuple[bool, ...] | None = None
    paper: str = ""
    others: str = ""


@dataclass(frozen=True)
class Table:
    """Lines under one heading, all with the same measure.

    **Fields:** `heads`, of the columns of labels; `measure`, what `values` are, such as "mean
    absolute error"; `lines`.

    !!! example
        >>> line = Line(("NAC", "a + b"), (0.1, 0.3, 0.2), (True, False, True), paper="0.0")
        >>> print(Table(("unit", "task"), "error", (line,)).markdown())
        | unit | task | seeds | error, median | 95 % interval | solved | 95 % interval | paper |
        | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
        | NAC | a + b | 3 | 0.2 | too few seeds | 2/3 | 21–94 % | 0.0 |
    """

    heads: tuple[str, ...]
    measure: str
    lines: tuple[Line, ...]

    def cells(self) -> list[tuple[str, ...]]:
        """The table as text, with its head as the first row. Columns without content are left
        out: those of success, of the paper, and of others."""
        head = (*self.heads, "seeds", f"{self.measure}, median", "95 % interval")
        rows = [head + ("solved", "95 % interval", "paper", "other reproductions")]
        rows += [_cells(line) for line in self.lines]
        kept = [
            column
            for column in range(len(rows[0]))
            if column < len(head) or any(row[column] for row in rows[1:])
        ]
        return [tuple(row[column] for column in kept) for row in rows]

    def markdown(self) -> str:
        """The table in Markdown."""
        head, *rows = self.cells()
        aligned = ["---"] * len(self.heads) + ["---:"] * (len(head) - len(self.heads))
        return "\n".join(f"| {' | '.join(row)} |" for row in (head, aligned, *rows))

    def json(self) -> list[dict]:
        """The lines as JSON values, with infinity and NaN as None."""
        return [_json(self, line) for line in self.lines]


def number(value: float) -> str:
    """A number as tables show it, to three digits.

    !!! example
        >>> number(0.123456), number(1234567.0), number(float("inf")), number(-2e-9)
        ('0.123', '1.23e+06', 'not finite', '−2e-09')
    """
    if not math.isfinite(value):
        return "not finite"
    return f"{value:.3g}".replace("-", "−", value < 0)


def percent(fraction: float) -> str:
    """A fraction in per cent without decimals, which may be told from 0 and 1 only where it is.

    !!! example
        >>> percent(0.5), percent(1.0), percent(0.998), percent(0.0)
        ('50', '100', '>99', '0')
    """
    whole = round(100 * fraction)
    if whole in (0, 100) and fraction not in (0, 1):
        return "<1" if whole == 0 else ">99"
    return str(whole)


def _cells(line: Line) -> tuple[str, ...]:
    interval = median_interval(line.values)
    around = "too few seeds" if interval is None else _span(*map(number, interval))
    return (
        *line.labels,
        str(len(line.values)),
        number(median(line.values)),
        around,
        *_success(line.solved),
        line.paper,
        line.others,
    )


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _success(solved: Sequence[bool] | None) -> tuple[str, str]:
    if not solved:
        return "", ""
    low, high = wilson_interval(sum(solved), len(solved))
    return f"{sum(solved)}/{len(solved)}", f"{percent(low)}–{percent(high)} %"


def _json(table: Table, line: Line) -> dict:
    interval = median_interval(line.values)
    found = dict(zip(table.heads, line.labels, strict=True)) | {
        "measure": table.measure,
        "seeds": len(line.values),
        "median": _finite(median(line.values)),
        "median interval": None if interval is None else [_finite(end) for end in interval],
    }
    if line.solved is not None:
        solved = int(sum(line.solved))
        found["solved"] = solved
        found["solved interval"] = list(wilson_interval(solved, len(line.solved)))
    return found | {"paper": line.paper, "others": line.others}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
