"""Tables of measured numbers: that of the README, which unit learns which operation, which tasks
ordinary loops solve, and which tool finds which laws.

    python docs/measured.py [choose | loops | comparison]

Paste the output into the page. The tests compare the two.
"""

import json
import sys
from pathlib import Path

import polars as pl

from numerate.bench.single_module import OPERATIONS, RANGES, counts, solved_by_range
from numerate.study import markdown_table

SINGLE_MODULE = Path(__file__).parents[1] / "results" / "single-module"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def table() -> str:
    """The table in Markdown, with the machine and the dates of the measurements."""
    engine, weights, fit = (_result(name) for name in ("engine", "two_weights", "fit"))
    machine = engine["machine"]
    days = sorted({r["date"] for r in (engine, weights, fit)})
    head = f"{machine['cores']} cores of an {machine['processor']}, {' and '.join(days)}"
    rows = [_engine(engine), _weights(weights), _fit(fit, "U(1,2)"), _fit(fit, "U(-2,2)")]
    return markdown_table([head, "numerate", "compared with"], rows, left=3)


def _result(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def _engine(result: dict) -> tuple[str, str, str]:
    rate = {
        row["what"]: row["model-steps/s"] / 1e6 for row in result["rows"] if row["seeds"] == 900
    }
    beside = (
        f"{rate['PyTorch eager, seed axis']:.1f} million in PyTorch, "
        f"{rate['C loop, SIMD and OpenMP']:.1f} million in a hand-written C loop"
    )
    what = "training steps per second, 900 NALUs learning a·b"
    return what, f"{rate['numerate train_many']:.1f} million", beside


def _weights(result: dict) -> tuple[str, str, str]:
    seconds = {row["what"]: row["seconds"] for row in result["rows"]}
    beside = f"{seconds['Python, lists']:.1f} s in Python"
    return "1,000,000 steps of a NAC with two weights", f"{seconds['numerate']:.3f} s", beside


def _fit(result: dict, interval: str) -> tuple[str, str, str]:
    rows = [r for r in result["rows"] if r["range"] == interval]
    own, other = ([r for r in rows if r["method"] == m] for m in ("numerate", "gplearn"))
    what = (
        f"{len(own)} formulas, 500 rows from {interval}: recovered with every seed, slowest median"
    )
    beside = f"{_recovered(other)} in gplearn with its defaults, one seed"
    return what.replace("-", "−"), _recovered(own), beside


def _recovered(rows: list[dict]) -> str:
    count = sum(r["recovered"] == r["of"] for r in rows)
    return f"{count}, {max(r['median s'] for r in rows):.2g} s"


def choose() -> str:
    """Which units to use for an operation, range and sign, and the data behind it: the number of
    seeds that learnt each operation, for every unit and range, with the best unit first."""
    found = counts(pl.read_parquet(SINGLE_MODULE / "results.parquet"))
    summary = json.loads((SINGLE_MODULE / "summary.json").read_text(encoding="utf-8"))
    seeds = int(found["models"].max())  # pyright: ignore[reportArgumentType]
    by_operation = {name: solved_by_range(found, name) for name in OPERATIONS}
    sections = [_to_take(by_operation, seeds)]
    for name, sign in OPERATIONS.items():
        lines = [_solved(unit, solved, seeds) for unit, solved in by_operation[name].items()]
        sections.append(markdown_table([sign, *RANGES, "all"], lines))
    note = f"{seeds} seeds per cell; {summary['machine']}; {summary['date']}."
    return "\n\n".join([*sections, note])


def _to_take(by_operation: dict[str, dict[str, list[int]]], seeds: int) -> str:
    """For each range and operation, the units that learnt it with every seed."""
    rows = []
    for index, (text, bounds) in enumerate(RANGES.items()):
        low, high = bounds
        sign = "both" if low < 0 < high else "negative" if low < 0 else "positive"
        reliable = (
            [unit for unit, solved in by_unit.items() if solved[index] == seeds]
            for by_unit in by_operation.values()
        )
        rows.append([text, sign, *(", ".join(units[:4]) or "none" for units in reliable)])
    return markdown_table(["inputs", "sign", *OPERATIONS.values()], rows, left=6)


def _solved(unit: str, solved: list[int], seeds: int) -> list[str]:
    share = sum(solved) / (seeds * len(solved))
    cells = [str(count) if count else "·" for count in solved]
    return [f"[{unit}]({unit.lower()}.md)", *cells, f"{100 * share:.1f} %"]


def loops() -> str:
    """Which units an ordinary loop trains for a task, and how many seeds solved it."""
    result = _result("loops")
    by_task: dict[tuple[str, str], list[str]] = {}
    for row in result["rows"]:
        by_task.setdefault((row["task"], row["layers"]), []).append(str(row["solved"]))
    frameworks = list(dict.fromkeys(row["framework"] for row in result["rows"]))
    rows = [[task, f"`{layers}`", *solved] for (task, layers), solved in by_task.items()]
    table = markdown_table(["task", "units", *frameworks], rows, left=2)
    seeds = result["rows"][0]["of"]
    machine = result["machine"]
    return (
        f"{table}\n\nOf {seeds} seeds each; {machine['cores']} cores of an "
        f"{machine['processor']}; {result['date']}."
    )


CATEGORIES = ("monomial", "polynomial", "rational", "radical")


def comparison() -> str:
    """Which tool finds how many of the same laws, by kind of table and by category, and where
    another tool finds more of them than numerate."""
    if not (RESULTS / "comparison.json").exists():
        return "Not measured yet in this version: the command is at the end of this page."
    result = _result("comparison")
    machine, parts = result["machine"], []
    for limit in sorted({row["limit"] for row in result["rows"]}):
        rows = [row for row in result["rows"] if row["limit"] == limit]
        kinds = list(dict.fromkeys(row["kind"] for row in rows))
        by_tool: dict[str, dict[str, dict]] = {}
        for row in sorted(rows, key=lambda r: r["method"] != "numerate"):
            by_tool.setdefault(f"{row['method']} {row['version']}", {})[row["kind"]] = row
        parts = [*parts, f"In {limit:g} s:", _overall(by_tool, kinds), _ahead(by_tool, kinds)]
    note = (
        f"Right, and in brackets those with no constant too many and without noise exact as "
        f"printed. The limit is that of one core for each table; an {machine['processor']}, shared "
        f"with other work; {result['date']}. By category in {limit:g} s:"
    )
    return "\n\n".join([*parts, note, _by_category(by_tool, kinds)])


def _overall(by_tool: dict[str, dict[str, dict]], kinds: list[str]) -> str:
    lines = []
    for tool, found in by_tool.items():
        counts = [_found(found[kind]) for kind in kinds]
        seconds = [f"{found[kind]['median s']:.2g}" for kind in kinds]
        lines.append([tool, *counts, " / ".join(seconds)])
    tables = [found["tables"] for found in next(iter(by_tool.values())).values()]
    head = [f"{kind}, of {count}" for kind, count in zip(kinds, tables, strict=True)]
    return markdown_table(["tool", *head, "median s"], lines)


def _found(row: dict) -> str:
    right, short = (round(row[name] * row["tables"] / 100) for name in ("right %", "as short %"))
    return f"{right} ({short})"


def _by_category(by_tool: dict[str, dict[str, dict]], kinds: list[str]) -> str:
    lines = []
    for kind, name in ((k, n) for k in kinds for n in CATEGORIES):
        cells = [found[kind].get(name, "0 of 0") for found in by_tool.values()]
        if not cells[0].endswith("of 0"):
            lines.append([f"{kind}: {name}", *cells])
    return markdown_table(["category", *by_tool], lines)


def _ahead(by_tool: dict[str, dict[str, dict]], kinds: list[str]) -> str:
    """The kinds of tables, and their categories, in which another tool finds more laws."""
    (_, ours), *others = by_tool.items()
    said = []
    for kind in kinds:
        for name in ("all", *CATEGORIES):
            own = _right(ours[kind], name)
            more = {tool: _right(found[kind], name) for tool, found in others}
            better = [f"{tool}: {count}" for tool, count in more.items() if count > own]
            if better:
                said.append(f"{kind}, {name} ({', '.join(better)}; numerate: {own})")
    if not said:
        return "No other tool found more laws than numerate in any row of these tables."
    return "Other tools found more laws than numerate in " + ", ".join(said) + "."


def _right(row: dict, name: str) -> int:
    if name == "all":
        return round(row["right %"] * row["tables"] / 100)
    return int(row.get(name, "0 of 0").split()[0])


TABLES = {"choose": choose, "loops": loops, "comparison": comparison}


if __name__ == "__main__":
    print(TABLES.get("".join(sys.argv[1:]), table)())
