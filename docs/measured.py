"""Tables of measured numbers: the table in the README, and which unit learns which operation.

    python docs/measured.py [choose]

Paste the output into the page. The tests compare the two.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

SINGLE_MODULE = Path(__file__).parents[1] / "results" / "single_module.json"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def table() -> str:
    """The table in Markdown, with the machine and the dates of the measurements."""
    engine, weights, fit = (_result(name) for name in ("engine", "two_weights", "fit"))
    machine = engine["machine"]
    days = sorted({r["date"] for r in (engine, weights, fit)})
    head = f"{machine['cores']} cores of an {machine['processor']}, {' and '.join(days)}"
    rows = [(head, "numerate", "compared with"), ("---", "---", "---")]
    rows += [_engine(engine), _weights(weights)]
    rows += [_fit(fit, "U(1,2)"), _fit(fit, "U(-2,2)")]
    return _markdown(rows)


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
    result = json.loads(SINGLE_MODULE.read_text(encoding="utf-8"))
    ranges = [r.replace(".0", "").replace("-", "−") for r in result["ranges"]]
    sections = [_markdown([*_to_take(result, ranges)])]
    for operation, sign in {"add": "+", "sub": "−", "mul": "×", "div": "÷"}.items():
        rows = [row for row in result["rows"] if row["operation"] == operation]
        rows.sort(key=lambda row: (-sum(row["solved"]), row["unit"].lower()))
        head = [(sign, *ranges, "all"), ("---", *["---:"] * (len(ranges) + 1))]
        sections.append(_markdown(head + [_learnt(row) for row in rows]))
    seeds = sorted({row["seeds"] for row in result["rows"]})
    note = f"{seeds[0]} seeds per cell; {result['machine']}; {result['date']}."
    return "\n\n".join([*sections, note])


def _to_take(result: dict, ranges: list[str]) -> Iterator[tuple[str, ...]]:
    """For each range and operation, the units that learnt it with every seed."""
    yield "inputs", "sign", "+", "−", "×", "÷"
    yield ("---",) * 6
    for i, (text, bounds) in enumerate(zip(ranges, result["ranges"], strict=True)):
        low, high = json.loads(bounds)
        sign = "both" if low < 0 < high else "negative" if low < 0 else "positive"
        yield text, sign, *(_reliable(result["rows"], o, i) for o in ("add", "sub", "mul", "div"))


def _reliable(rows: list[dict], operation: str, interval: int) -> str:
    """Units that learnt with all seeds at this range, best unit over all ranges first."""
    good = [r for r in rows if r["operation"] == operation and r["solved"][interval] == r["seeds"]]
    good.sort(key=lambda row: (-sum(row["solved"]), row["unit"].lower()))
    return ", ".join(row["unit"] for row in good[:4]) or "none"


def _learnt(row: dict) -> tuple[str, ...]:
    share = sum(row["solved"]) / (row["seeds"] * len(row["solved"]))
    cells = [str(count) if count else "·" for count in row["solved"]]
    return f"[{row['unit']}]({row['unit'].lower()}.md)", *cells, f"{100 * share:.1f} %"


def _markdown(rows: list[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(choose() if sys.argv[1:] == ["choose"] else table())
