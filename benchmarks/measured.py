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
and with `--peers FOLDER` PyOperon (`operon.py`) in an environment made there.
"""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
import sympy
from forms import judge
from laws import ADDITIVE, LAWS, NOISES, PROPORTIONAL, ROUNDED, Law, Simulated, simulate
from report import Report, options

import numerate

ROWS = (12, 40, 200)
SEEDS = range(3)
PEER_SECONDS = 6
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


class Operon:
    """PyOperon in a separate process, which is restarted if a table crashes it."""

    def __init__(self, folder: Path):
        self._python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        if not self._python.exists():
            venv.create(folder, with_pip=True)
            install = [self._python, "-m", "pip", "install", "--quiet", "pyoperon"]
            subprocess.run(install, check=True, capture_output=True, text=True)
        self._process: subprocess.Popen | None = None

    def __call__(self, table: Simulated, seed: int, budget: float) -> dict:
        *names, target = table.columns
        # In units of their size, as its users do: it looks for constants near 1.
        size = {n: float(np.median(np.abs(c))) for n, c in table.columns.items()}
        features = np.stack([table.columns[n] / size[n] for n in names], axis=-1)
        line = {
            "names": names,
            "features": features.tolist(),
            "target": (table.columns[target] / size[target]).tolist(),
            "seed": seed,
            "budget": PEER_SECONDS,
        }
        answer = self._asked(json.dumps(line))
        if not answer:
            return {"formula": "", "seconds": float(PEER_SECONDS), "status": "crashed"}
        found = json.loads(answer)
        scaled = {n: sympy.Symbol(n) / sympy.Float(size[n]) for n in names}
        formula = size[target] * sympy.parse_expr(found["formula"], local_dict=scaled)
        return found | {"formula": sympy.srepr(formula)}

    def _asked(self, line: str) -> str:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [self._python, Path(__file__).with_name("operon.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()
        except BrokenPipeError:
            return ""


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


def measure(methods: dict, chosen: list, records: Path, budget: float) -> list[dict]:
    """All answers, reusing those in `records`."""
    lines = records.read_text().splitlines() if records.exists() else []
    found = {_key(row): row for row in map(json.loads, lines)}
    wanted = []
    with records.open("a") as file:
        for index, (law, noise, rows, seed) in enumerate(chosen):
            table = simulate(law, noise, rows, seed)
            for method, answer in methods.items():
                about = {"method": method, "law": law.name, "noise": noise}
                about |= {"rows": rows, "seed": seed}
                if _key(about) not in found:
                    row = about | judged(answer(table, seed, budget), law, table)
                    found[_key(row)] = row
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                wanted.append(found[_key(about)])
            print(f"\r{index + 1} of {len(chosen)} tables", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return wanted


def _key(row: dict) -> tuple:
    return tuple(row[name] for name in ("method", "law", "noise", "rows", "seed"))


def summarise(report: Report, found: list[dict]) -> None:
    methods = list(dict.fromkeys(row["method"] for row in found))
    for method, noise, rows in itertools.product(methods, NOISES, ROWS):
        about = {"method": method, "noise": noise, "rows": rows}
        some = [r for r in found if all(r[name] == value for name, value in about.items())]
        if some:
            report.add(about | figures(some))
    for method in methods:
        some = [r for r in found if r["method"] == method]
        report.add({"method": method, "noise": "all", "rows": "all"} | figures(some))
    _against_the_bars(report, [r for r in found if r["method"] == OURS])


def figures(some: list[dict]) -> dict:
    """Shares in per cent, and times, of these answers."""
    off = [np.inf if r["deviation"] is None else r["deviation"] for r in some]
    seconds = [r["seconds"] for r in some]
    kinds = ("right", "form", "near", "contained")
    shares = {k: 100 * sum(r[k] for r in some) / len(some) for k in kinds}
    return {
        "tables": len(some),
        **{f"{name} %": share for name, share in shares.items()},
        "deviation %": float(100 * np.median(off)),
        "median s": float(np.median(seconds)),
        "worst s": max(seconds),
    }


def _against_the_bars(report: Report, found: list[dict]) -> None:
    one = [r for r in found if r["noise"] in (ADDITIVE, PROPORTIONAL, ROUNDED)]
    many = [r for r in found if r["noise"] in (ADDITIVE, PROPORTIONAL) and r["rows"] == 200]
    for label, some, bar in (
        ("all tables", found, 85),
        ("additive 1 %, proportional 1 % and rounded", one, 85),
        ("200 rows and noise of 1 %", many, 97),
    ):
        if some:
            share = 100 * sum(r["right"] for r in some) / len(some)
            report.note(f"{OURS}, {label}: right in {share:.1f} % of {len(some)} (bar: {bar} %).")
    lost: dict[str, int] = {}
    for row in found:
        lost[row["law"]] = lost.get(row["law"], 0) + (not row["right"])
    worst = sorted((n for n in lost if lost[n]), key=lambda n: -lost[n])[:10]
    report.note("Most often missed: " + ", ".join(f"{n} {lost[n]}" for n in worst) + ".")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--sample", type=int, metavar="N", help="only N tables, drawn at random")
    parser.add_argument("--peers", type=Path, metavar="FOLDER", help="environment for PyOperon")
    parser.add_argument("--records", type=Path, metavar="FILE", help="where answers are kept")
    parser.add_argument("--budget", type=float, default=20.0, metavar="S", help="seconds of ours")
    args = parser.parse_args()
    report = Report("Laws found in simulated measurements", seeds=f"0..{SEEDS[-1]}")
    methods = {OURS: ours, POWER_LAW: power_law}
    if args.peers is None:
        report.note("PyOperon was not asked: --peers FOLDER installs it there from PyPI.")
    else:
        try:
            methods[OPERON] = Operon(args.peers)
        except (subprocess.CalledProcessError, OSError) as error:
            reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            report.note(f"PyOperon could not be installed in {args.peers}: {reason[-1]}")
    chosen = tables()
    sample = args.sample or (20 if args.quick else len(chosen))
    random.Random(0).shuffle(chosen)
    records = args.records or Path(tempfile.gettempdir()) / "measured.jsonl"
    summarise(report, measure(methods, chosen[:sample], records, args.budget))
    report.finish(args)


if __name__ == "__main__":
    main()
