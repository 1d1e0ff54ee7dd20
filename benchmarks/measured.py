"""The rate at which laws are found in realistic tables, with noise and few rows.

Thirty laws (`laws.py`) x noise (additive, 1 % of the target's standard deviation; proportional,
1 % and 5 % of the value; every column rounded to three digits) x 12, 40 and 200 rows x 3 seeds.

    python benchmarks/measured.py [--json FILE] [--sample N] [--peers FOLDER] [--records FILE]

*right*: the formula is the law with constants free, as many as the law has, and they lie within
four standard errors of the truth (`forms.py`). *form*: the same wherever they lie. *near*: as
*right*, but with more constants, such as a*b**1.002. *contained*: there are constants with which
the formula is the law, however many and wherever they are. *deviation*: the median relative
deviation from the law on new rows of the same ranges.

Every answer is a line of `--records FILE` (default: `measured.jsonl` in the temporary folder); a
restarted run reuses the existing answers. On the same tables run a power law fitted by least
squares in logarithms, with exponents rounded to quarters where they lie within two standard errors,
and with `--peers FOLDER` PyOperon (`peers/`) in an environment made there.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sympy
from forms import judge
from laws import ADDITIVE, LAWS, NOISES, PROPORTIONAL, ROUNDED, Law, Simulated, simulate
from peers import NotInstalledError, installed
from report import Report, Task, answered, figures, options, share

import numerate

Method = Callable[[Simulated, int, float], dict]  # of a table, a seed and seconds
ROWS = (12, 40, 200)
SEEDS = range(3)
PEER_SECONDS = 6  # of processor time
OURS, POWER_LAW, OPERON = "numerate", "log-log least squares", "PyOperon"


def tables() -> list[tuple[Law, str, int, int]]:
    """The law, noise, rows and seed of every table."""
    every = itertools.product(LAWS, NOISES, ROWS, SEEDS)
    return [t for t in every if not (t[0].decades and t[1] == ADDITIVE)]


def ours(table: Simulated, seed: int, budget: float) -> dict:
    started = time.perf_counter()
    model = numerate.fit(table.columns, seed=seed, budget=budget)
    seconds = time.perf_counter() - started
    return {
        "formula": sympy.srepr(model.formula_),
        "text": str(model.formula_),
        "status": model.status_,
        "seconds": seconds,
        "constants": model.report().get("constants") or [],
    }


def power_law(table: Simulated, seed: int, budget: float) -> dict:
    """c * prod x**w over the rows with positive values."""
    started = time.perf_counter()
    *names, target = table.columns
    x = np.stack([table.columns[n] for n in names], axis=-1)
    y = table.columns[target]
    usable = np.all(x > 0, axis=1) & (y > 0)
    logs = np.column_stack([np.log(x[usable]), np.ones(usable.sum())])
    if usable.sum() <= logs.shape[1]:
        return {"formula": "", "seconds": time.perf_counter() - started}
    weights, errors = _least_squares(logs, np.log(y[usable]))
    quarters = np.round(4 * weights[:-1]) / 4
    snapped = np.abs(quarters - weights[:-1]) < 2 * errors[:-1]
    exponents = [
        sympy.Rational(q) if s else sympy.Float(w)
        for q, s, w in zip(quarters, snapped, weights, strict=False)
    ]
    left = np.log(y[usable]) - logs[:, :-1] @ np.array(exponents, float)
    factors = [sympy.Symbol(n) ** e for n, e in zip(names, exponents, strict=True)]
    formula = sympy.Float(np.exp(left.mean())) * sympy.Mul(*factors)
    return {"formula": sympy.srepr(formula), "seconds": time.perf_counter() - started}


def _least_squares(columns: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weights = np.linalg.lstsq(columns, target, rcond=None)[0]
    variance = np.sum((target - columns @ weights) ** 2) / (len(target) - len(weights))
    return weights, np.sqrt(variance * np.diag(np.linalg.pinv(columns.T @ columns)))


def judged(answer: dict, law: Law, table: Simulated) -> dict:
    """The answer with its verdict and its deviation from the law."""
    if not answer["formula"]:
        return answer | {
            "form": False,
            "contained": False,
            "right": False,
            "near": False,
            "deviation": None,
        }
    formula = sympy.sympify(answer["formula"])
    verdict = judge(formula, law, table, answer.get("constants") or [])
    return answer | {
        "form": verdict.form,
        "right": verdict.right,
        "near": verdict.near,
        "contained": verdict.contained,
        "why": verdict.why,
        "deviation": deviation(formula, law),
    }


def deviation(formula: sympy.Expr, law: Law) -> float | None:
    """The median relative deviation from the law on new rows."""
    columns = law.draw(300, np.random.default_rng(12))
    truth = law.value(columns)
    function = sympy.lambdify([sympy.Symbol(n) for n in columns], formula, "numpy")
    with np.errstate(all="ignore"):
        away = np.abs(function(*columns.values()) / truth - 1) * np.ones(len(truth))
    found = float(np.median(np.nan_to_num(away, nan=np.inf)))
    return found if np.isfinite(found) else None


def measure(methods: dict[str, Method], chosen: list, args) -> list[dict]:
    """All answers, reusing those in the records."""

    def task(method: str, law: Law, noise: str, rows: int, seed: int) -> Task:
        def answer() -> dict:
            table = simulate(law, noise, rows, seed)
            return judged(methods[method](table, seed, args.budget), law, table)

        about = {"method": method, "law": law.name, "noise": noise, "rows": rows, "seed": seed}
        return about, answer

    tasks = [task(method, *table) for table in chosen for method in methods]
    return answered(tasks, args.records, args.seconds)


def summarise(report: Report, found: list[dict]) -> None:
    methods = list(dict.fromkeys(row["method"] for row in found))
    for method, noise, rows in itertools.product(methods, NOISES, ROWS):
        about = {"method": method, "noise": noise, "rows": rows}
        some = [r for r in found if all(r[name] == value for name, value in about.items())]
        if some:
            report.add(about | shares(some))
    for method in methods:
        some = [r for r in found if r["method"] == method]
        report.add({"method": method, "noise": "all", "rows": "all"} | shares(some))
    _against_the_bars(report, [r for r in found if r["method"] == OURS])


def shares(some: list[dict]) -> dict:
    """Shares in per cent, the median deviation, and times of these answers."""
    off = [np.inf if r["deviation"] is None else r["deviation"] for r in some]
    found = figures(some, ["right", "form", "near", "contained"])
    times = {name: found.pop(name) for name in ("median s", "worst s")}
    return found | {"deviation %": float(100 * np.median(off))} | times


def _against_the_bars(report: Report, found: list[dict]) -> None:
    one = [r for r in found if r["noise"] in (ADDITIVE, PROPORTIONAL, ROUNDED)]
    many = [r for r in found if r["noise"] in (ADDITIVE, PROPORTIONAL) and r["rows"] == 200]
    for label, some, bar in (
        ("all tables", found, 85),
        ("additive 1 %, proportional 1 % and rounded", one, 85),
        ("200 rows and noise of 1 %", many, 97),
    ):
        if some:
            right = share(some, "right")
            report.note(f"{OURS}, {label}: right in {right:.1f} % of {len(some)} (bar: {bar} %).")
    lost: dict[str, int] = {}
    for row in found:
        lost[row["law"]] = lost.get(row["law"], 0) + (not row["right"])
    worst = sorted((n for n in lost if lost[n]), key=lambda n: -lost[n])[:10]
    report.note("Most often missed: " + ", ".join(f"{n} {lost[n]}" for n in worst) + ".")


def main() -> None:
    parser = options(__doc__, records="measured.jsonl")
    parser.add_argument("--sample", type=int, metavar="N", help="only N tables, drawn at random")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environment for PyOperon")
    parser.add_argument("--budget", type=float, default=20.0, metavar="S", help="seconds of ours")
    args = parser.parse_args()
    report = Report("Laws found in simulated measurements", seeds=f"0..{SEEDS[-1]}")
    methods: dict[str, Method] = {OURS: ours, POWER_LAW: power_law}
    if args.peers is None:
        report.note("PyOperon was not asked: --peers FOLDER installs it there from PyPI.")
    else:
        try:
            operon = installed(OPERON, args.peers)
            methods[OPERON] = lambda table, seed, _: operon(table.columns, seed, PEER_SECONDS)
        except NotInstalledError as error:
            report.note(f"{error}.")
    chosen = tables()
    sample = args.sample or (20 if args.quick else len(chosen))
    random.Random(0).shuffle(chosen)
    summarise(report, measure(methods, chosen[:sample], args))
    report.finish(args)


if __name__ == "__main__":
    main()
