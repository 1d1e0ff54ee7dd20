"""The README's table, from the results in `benchmarks/results`.

    python docs/measured.py

Paste what it prints; the tests compare.
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def table() -> str:
    """The table in Markdown, with the machine and the days it was measured on."""
    engine, weights, fit = (_result(name) for name in ("engine", "two_weights", "fit"))
    place = engine["machine"]
    days = sorted({r["date"] for r in (engine, weights, fit)})
    head = f"{place['cores']} cores of an {place['processor']}, {' and '.join(days)}"
    rows = [(head, "numerate", "beside it"), ("---", "---", "---")]
    rows += [_engine(engine), _weights(weights)]
    rows += [_fit(fit, "U(1,2)"), _fit(fit, "U(-2,2)")]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _result(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def _engine(result: dict) -> tuple[str, str, str]:
    rate = {
        row["what"]: row["model-steps/s"] / 1e6 for row in result["rows"] if row["seeds"] == 900
    }
    beside = (
        f"{rate['PyTorch eager, seed axis']:.1f} million in PyTorch, "
        f"{rate['C loop, SIMD and OpenMP']:.1f} million in C by hand"
    )
    what = "training steps per second, 900 NALUs learning a·b"
    return what, f"{rate['numerate train_many']:.1f} million", beside


def _weights(result: dict) -> tuple[str, str, str]:
    seconds = {row["what"]: row["seconds"] for row in result["rows"]}
    beside = f"{seconds['Python, lists']:.1f} s in Python"
    return "1,000,000 steps of a NAC with two weights", f"{seconds['numerate']:.3f} s", beside


def _fit(result: dict, place: str) -> tuple[str, str, str]:
    rows = [r for r in result["rows"] if r["range"] == place]
    own, other = ([r for r in rows if r["method"] == m] for m in ("numerate", "gplearn"))
    what = f"{len(own)} formulas, 500 rows from {place}: recovered with every seed, slowest median"
    beside = f"{_recovered(other)} in gplearn with its defaults, one seed"
    return what.replace("-", "−"), _recovered(own), beside


def _recovered(rows: list[dict]) -> str:
    count = sum(r["recovered"] == r["of"] for r in rows)
    return f"{count}, {max(r['median s'] for r in rows):.2g} s"


if __name__ == "__main__":
    print(table())
