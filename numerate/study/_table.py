"""Tables in Markdown: our results beside those of the paper and of other reproductions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ._statistics import median, median_interval, wilson_interval


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table in Markdown, the first `left` columns aligned to the left and the others right.

    !!! example
        >>> print(markdown_table(["unit", "error"], [["NAC", "0.1"], ["NAU", "0"]]))
        | unit | error |
        | --- | ---: |
        | NAC | 0.1 |
        | NAU | 0 |
    """
    aligned = ["---" if column < left else "---:" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, aligned, *rows))


@dataclass(frozen=True)
class Line:
    """One line of a table: the results of all seeds under one condition.

    **Fields:**

    - `labels`: one text for each of the table's `heads`.
    - `values`: the measure of every seed, where NaN counts as the largest; empty if only `solved`
      is known.
    - `solved`: whether each seed succeeded; None if there is no such criterion.
    - `paper`, `others`: the results of the paper and of other reproductions, as text; "" for none.
    """

    labels: tuple[str, ...]
    values: tuple[float, ...]
    solved: tuple[bool, ...] | None = None
    paper: str = ""
    others: str = ""

    @property
    def seeds(self) -> int:
        return len(self.values or self.solved or ())


@dataclass(frozen=True)
class Table:
    """Lines under one heading, all with the same measure.

    **Fields:** `heads` of the columns of labels; `measure`, the name of `values`, such as "mean
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
        out: those of the measure, of success, of the paper, and of others."""
        head = (*self.heads, "seeds", f"{self.measure}, median", "95 % interval", "solved")
        head += ("95 % interval", "paper", "other reproductions")
        rows = [_cells(line) for line in self.lines]
        always = len(self.heads) + 1
        kept = [n for n in range(len(head)) if n < always or any(row[n] for row in rows)]
        return [tuple(row[column] for column in kept) for row in (head, *rows)]

    def markdown(self) -> str:
        """The table in Markdown."""
        head, *rows = self.cells()
        return markdown_table(head, rows, left=len(self.heads))

    def json(self) -> list[dict]:
        """The lines as JSON values, with infinity and NaN as None."""
        return [_json(self, line) for line in self.lines]


def number(value: float) -> str:
    """A number as text for tables, with three digits.

    !!! example
        >>> number(0.123456), number(1234567.0), number(float("inf")), number(-2e-9)
        ('0.123', '1.23e+06', 'not finite', '−2e-09')
    """
    if not math.isfinite(value):
        return "not finite"
    return f"{value:.3g}".replace("-", "−", value < 0)


def percent(fraction: float) -> str:
    """A fraction in per cent without decimals; 0 and 100 only if it is exactly 0 or 1.

    !!! example
        >>> percent(0.5), percent(1.0), percent(0.998), percent(0.0)
        ('50', '100', '>99', '0')
    """
    whole = round(100 * fraction)
    if whole in (0, 100) and fraction not in (0, 1):
        return "<1" if whole == 0 else ">99"
    return str(whole)


def _cells(line: Line) -> tuple[str, ...]:
    measured, success = _measured(line.values), _success(line.solved)
    return (*line.labels, str(line.seeds), *measured, *success, line.paper, line.others)


def _measured(values: Sequence[float]) -> tuple[str, str]:
    if not values:
        return "", ""
    interval = median_interval(values)
    around = "too few seeds" if interval is None else _span(*map(number, interval))
    return number(median(values)), around


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _success(solved: Sequence[bool] | None) -> tuple[str, str]:
    if not solved:
        return "", ""
    low, high = wilson_interval(sum(solved), len(solved))
    return f"{sum(solved)}/{len(solved)}", f"{percent(low)}–{percent(high)} %"


def _json(table: Table, line: Line) -> dict:
    found: dict = dict(zip(table.heads, line.labels, strict=True))
    found |= {"measure": table.measure, "seeds": line.seeds}
    if line.values:
        interval = median_interval(line.values)
        found |= {
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
