"""How often `ArithmeticRegressor` recovers a formula exactly, and how long it takes.

Twelve targets on x ~ U(1, 2), and the eleven of them that are defined there on x ~ U(-2, 2)
with every feature kept at least 0.1 from zero: 500 rows, five seeds. A target of one input
comes with an irrelevant second column. Recovered means: relative RMSE below 1e-6 on an
extrapolation range three times as wide (2 to 5; ±2 to ±8), which the fit never used. "worst error"
is the largest such RMSE over the seeds.

    python benchmarks/fit.py [--quick] [--json FILE]

"trained stacks only" excludes the closed forms, which solve most of these without training. Where
gplearn or PyOperon is installed it runs on the same tables: gplearn with its defaults and
arithmetic functions, PyOperon with arithmetic symbols and local search, one seed.
"""

from collections.abc import Callable
from time import perf_counter

import numpy as np
from report import Report, parse_args

from numerate import ArithmeticRegressor

ROWS = 500
RECOVERED = 1e-6
TARGETS: dict[str, tuple[Callable, int]] = {
    "a+b": (lambda a, b: a + b, 2),
    "a-b": (lambda a, b: a - b, 2),
    "a*b": (lambda a, b: a * b, 2),
    "a/b": (lambda a, b: a / b, 2),
    "a^2": (lambda a, b: a**2, 2),
    "sqrt(a)": (lambda a, b: np.sqrt(a), 2),
    "a*b/c": (lambda a, b, c: a * b / c, 3),
    "(a+b)*c": (lambda a, b, c: (a + b) * c, 3),
    "a*b+c*d": (lambda a, b, c, d: a * b + c * d, 4),
    "a/b+c": (lambda a, b, c: a / b + c, 3),
    "a^2+b^2": (lambda a, b: a**2 + b**2, 2),
    "sqrt(a^2+b^2)": (lambda a, b: np.sqrt(a**2 + b**2), 2),
}


def positive(rng: np.random.Generator, shape: tuple, outside: bool) -> np.ndarray:
    return rng.uniform(2, 5, shape) if outside else rng.uniform(1, 2, shape)


def signed(rng: np.random.Generator, shape: tuple, outside: bool) -> np.ndarray:
    low, high = (2, 8) if outside else (0.1, 2)
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(low, high, shape)


def relative_rmse(model, function: Callable, x: np.ndarray) -> float:
    truth = function(*x.T)
    error = model.predict(x) - truth
    return float(np.sqrt(np.mean(error**2)) / np.std(truth))


def fit_once(make_model: Callable, function: Callable, width: int, draw: Callable, seed: int):
    """(relative RMSE outside the training range, status, seconds) of one fit."""
    rng = np.random.default_rng(seed)
    x, new = draw(rng, (ROWS, width), False), draw(rng, (ROWS, width), True)
    started = perf_counter()
    model = make_model(seed).fit(x, function(*x.T))
    seconds = perf_counter() - started
    return relative_rmse(model, function, new), getattr(model, "status_", ""), seconds


def ours(seed: int) -> ArithmeticRegressor:
    return ArithmeticRegressor(random_state=seed)


def trained_only(seed: int) -> ArithmeticRegressor:
    return ArithmeticRegressor(random_state=seed, closed_forms=False)


def measure(report: Report, label: str, make_model: Callable, draw: Callable, seeds: range) -> None:
    for name, (function, width) in TARGETS.items():
        if name == "sqrt(a)" and draw is signed:
            continue
        fits = [fit_once(make_model, function, width, draw, seed) for seed in seeds]
        report.add(
            {
                "range": "U(1,2)" if draw is positive else "U(-2,2)",
                "target": name,
                "method": label,
                "recovered": sum(f[0] < RECOVERED for f in fits),
                "of": len(fits),
                "said exact": sum(f[1] == "exact" for f in fits),
                "worst error": max(f[0] for f in fits),
                "median s": float(np.median([f[2] for f in fits])),
                "worst s": max(f[2] for f in fits),
            }
        )


def peers(report: Report) -> dict[str, Callable]:
    """The other tools that are installed, each as a function from a seed to an estimator."""
    found: dict[str, Callable] = {}
    try:
        from gplearn.genetic import SymbolicRegressor as Gplearn  # pyright: ignore[reportMissingImports]

        functions = ("add", "sub", "mul", "div", "sqrt")
        found["gplearn"] = lambda seed: Gplearn(function_set=functions, random_state=seed)
    except ImportError:
        report.note("gplearn is not installed: pip install gplearn to see it beside ours.")
    try:
        from pyoperon.sklearn import SymbolicRegressor as Operon  # pyright: ignore[reportMissingImports]

        symbols = "add,sub,mul,div,sqrt,square,constant,variable"
        found["PyOperon"] = lambda seed: Operon(
            allowed_symbols=symbols, optimizer_iterations=5, n_threads=2, random_state=seed
        )
    except ImportError:
        report.note("PyOperon is not installed: pip install pyoperon to see it beside ours.")
    return found


def summarise(report: Report) -> None:
    for label in dict.fromkeys(row["method"] for row in report.rows):
        for place in ("U(1,2)", "U(-2,2)"):
            rows = [r for r in report.rows if r["method"] == label and r["range"] == place]
            every = sum(r["recovered"] == r["of"] for r in rows)
            slowest = max(r["median s"] for r in rows)
            report.note(
                f"{label}, {place}: {every} of {len(rows)} targets recovered on every seed; "
                f"slowest median {slowest:.2f} s."
            )


def main() -> None:
    args = parse_args(__doc__)
    seeds = range(1 if args.quick else 5)
    report = Report("Formulas recovered from 500 rows", seeds=f"0..{len(seeds) - 1}")
    methods = {"numerate": ours, "trained stacks only": trained_only}
    methods |= peers(report)
    for label, make_model in methods.items():
        for draw in (positive, signed):
            # The others take minutes for what takes ours seconds: one seed shows the ratio.
            measure(report, label, make_model, draw, seeds if label == "numerate" else seeds[:1])
    summarise(report)
    report.finish(args)


if __name__ == "__main__":
    main()
