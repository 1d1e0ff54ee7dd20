"""Tables with many columns, and with many rows: what is found, in seconds and memory.

- `three of 100`: 2,000 rows and 100 columns, of which a law uses three; without noise, and with 1 %
  of the target's root mean square.
- `subset sums`: the simple functions of the NALU paper (Trask et al. 2018, section 4.1): a and b
  are sums of random, possibly overlapping subsets of up to 50 of 100 columns; 2,000 rows.
- `affine`: products and quotients of sums over many columns with other coefficients.
- `few rows`: 12 rows and 30 columns.
- `many rows`: a million rows and ten columns, in memory and from files.

    python benchmarks/columns.py [--json FILE] [--quick] [--only TEXT]

Every case is a process of its own. *seconds* and *CPU s* are those of the fit, after a fit of
another table that loads the libraries. *MiB* is what the process holds at most, above what it held
with the data before the fit. *right*: the formula differs from the law by at most 1e-6 of its size
on new rows of a range three times as wide; with noise by at most its noise on new rows of the same
range, and the formula has the law's columns and no others.
"""

from __future__ import annotations

import ctypes
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
from report import Report, options

MIB = 2**20
Law = Callable[[np.ndarray], np.ndarray]


class Case(NamedTuple):
    """A table to make: its law of the columns `x` `(columns, rows)`, and how it is judged."""

    group: str
    name: str
    law: Law
    rows: int
    columns: int
    used: frozenset[int]
    noise: float = 0.0
    low: float = 1.0
    high: float = 3.0
    seed: int = 0
    source: str = "memory"


THREE: dict[str, Law] = {
    "x3*x7*x50": lambda x: x[3] * x[7] * x[50],
    "x3*x7/x50": lambda x: x[3] * x[7] / x[50],
    "x3+x7-x50": lambda x: x[3] + x[7] - x[50],
    "2*x3*x7+x50": lambda x: 2 * x[3] * x[7] + x[50],
    "(x3+x7)*x50": lambda x: (x[3] + x[7]) * x[50],
    "x3/(x7+x50)": lambda x: x[3] / (x[7] + x[50]),
}
SIMPLE: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "a+b": lambda a, b: a + b,
    "a-b": lambda a, b: a - b,
    "a*b": lambda a, b: a * b,
    "a/b": lambda a, b: a / b,
    "a**2": lambda a, b: a**2,
    "sqrt(a)": lambda a, b: np.sqrt(a),
}
FEW: dict[str, Law] = {
    "x3*x7": lambda x: x[3] * x[7],
    "x3/x7": lambda x: x[3] / x[7],
    "2*x3*x7": lambda x: 2 * x[3] * x[7],
}
MANY: dict[str, Law] = {
    "3*x0**2*x1/x2": lambda x: 3 * x[0] ** 2 * x[1] / x[2],
    "x0*x1+x2*x3": lambda x: x[0] * x[1] + x[2] * x[3],
    "x0/(x1+x2)": lambda x: x[0] / (x[1] + x[2]),
    "sqrt(x0**2+x1**2)": lambda x: np.sqrt(x[0] ** 2 + x[1] ** 2),
}
USED_OF_MANY = ({0, 1, 2}, {0, 1, 2, 3}, {0, 1, 2}, {0, 1})


def cases() -> Iterator[Case]:
    """All tables, those of one group after those of another."""
    for noise in (0.0, 0.01):
        for low, high in ((1.0, 3.0), (-2.0, 2.0)):
            for name, law in THREE.items():
                if low < 0 and name == "x3/(x7+x50)":
                    continue  # it has poles there
                kind = "noise" if noise else "exact"
                group = f"three of 100, {kind}, U({low:g}, {high:g})"
                used = frozenset({3, 7, 50})
                yield Case(group, name, law, 2000, 100, used, noise, low, high)
    for high, seed in ((2.0, 0), (2.0, 1), (20.0, 2)):
        for name, function in SIMPLE.items():
            a, b = subsets(seed)
            used = frozenset(a if "b" not in name else a ^ b if name == "a-b" else a | b)
            law = composed(function, sorted(a), sorted(b))
            group = f"subset sums, U(1, {high:g})"
            yield Case(group, name, law, 2000, 100, used, low=1.0, high=high, seed=seed)
    for name, law, columns in affine():
        yield Case("affine", name, law, 2000, 100, frozenset(columns))
    for name, law in FEW.items():
        for seed in (0, 1):
            used = frozenset({3, 7})
            yield Case("few rows", name, law, 12, 30, used, low=1.0, high=5.0, seed=seed)
    for noise in (0.0, 0.01):
        for (name, law), used in zip(MANY.items(), USED_OF_MANY, strict=True):
            kind = "1 % noise" if noise else "exact"
            yield Case(f"many rows, {kind}", name, law, 10**6, 10, frozenset(used), noise)
    name, law = next(iter(MANY.items()))
    for source in ("csv", "parquet"):
        used = frozenset(USED_OF_MANY[0])
        yield Case(f"many rows, {source}", name, law, 10**6, 10, used, source=source)


def subsets(seed: int) -> tuple[set[int], set[int]]:
    """Two random subsets of up to 50 of 100 columns."""
    rng = np.random.default_rng((1, seed))
    a, b = (rng.choice(100, rng.integers(10, 51), replace=False) for _ in range(2))
    return {int(i) for i in a}, {int(i) for i in b}


def composed(function: Callable, a: list[int], b: list[int]) -> Law:
    return lambda x: function(x[a].sum(axis=0), x[b].sum(axis=0))


def affine() -> Iterator[tuple[str, Law, range]]:
    rng = np.random.default_rng(2)
    u, v, w = (np.round(rng.uniform(0.5, 5.0, 100), 1) for _ in range(3))
    some = [np.arange(30), np.arange(20, 60), np.arange(50, 75)]

    def total(weights: np.ndarray, index: np.ndarray, x: np.ndarray, start: float):
        return weights[index] @ x[index] + start

    yield (
        "(u·x + 2)(v·x + 1)",
        lambda x: total(u, some[0], x, 2.0) * total(v, some[1], x, 1.0),
        range(60),
    )
    yield (
        "(u·x + 2)/(v·x + 1)",
        lambda x: total(u, some[0], x, 2.0) / total(v, some[1], x, 1.0),
        range(60),
    )
    yield (
        "(u·x)(v·x)(w·x)",
        lambda x: total(u, some[0], x, 0.0) * total(v, some[1], x, 0.0) * total(w, some[2], x, 0.0),
        range(75),
    )


def made(case: Case, rows: int, wider: float = 1.0, seed: int = 0):
    """Columns `(rows, columns)` and the law's values `(rows,)`."""
    rng = np.random.default_rng((case.seed, seed))
    middle, half = (case.low + case.high) / 2, (case.high - case.low) / 2
    high = middle + wider * half
    low = case.low if case.low > 0 else middle - wider * half
    features = rng.uniform(low, high, (rows, case.columns))
    return features, case.law(features.T)


def measured(case: Case, budget: float) -> dict:
    """Fit one table in this process."""
    from numerate.regress import ArithmeticRegressor

    warm = np.random.default_rng(0).uniform(1, 2, (50, 2))
    ArithmeticRegressor().fit(warm, warm[:, 0] * warm[:, 1])
    features, target = made(case, case.rows)
    size = case.noise * np.sqrt(np.mean(target**2))
    observed = target + size * np.random.default_rng(case.seed + 5).normal(size=case.rows)
    reading = None
    if case.source != "memory":
        return _from_file(case, features, observed, budget)
    features = np.asfortranarray(features)
    with Peak() as peak:
        started, cpu = time.perf_counter(), time.process_time()
        model = ArithmeticRegressor(budget=budget).fit(features, observed)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    used = {numerate_index(str(s)) for s in model.formula_.free_symbols}
    new, truth = made(case, 2000, 1.0 if case.noise else 3.0, seed=1)
    off = np.abs(model.predict(new) - truth)
    near = np.all(off <= (size if case.noise else 1e-6 * np.abs(truth)))
    return {
        "right": bool(near and used == set(case.used)),
        "status": model.status_,
        "seconds": seconds,
        "CPU s": cpu,
        "MiB": peak.above,
        "reading s": reading,
        "formula": str(model.formula_)[:70],
    }


def numerate_index(name: str) -> int:
    return int(name.removeprefix("x"))


def _from_file(case: Case, features: np.ndarray, observed: np.ndarray, budget: float) -> dict:
    """The command line on a file, in a process of its own."""
    import polars as pl

    names = [f"x{i}" for i in range(case.columns)]
    frame = pl.DataFrame(dict(zip(names, features.T, strict=True)) | {"y": observed})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table.{case.source}"
        frame.write_csv(path) if case.source == "csv" else frame.write_parquet(path)
        program = (
            "import sys, time; from numerate.tables import read_table; t = time.perf_counter();"
            "read_table(sys.argv[1]); print(time.perf_counter() - t)"
        )
        done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True)
        reading = float(done.stdout)
        held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        command = [sys.executable, "-m", "numerate", "fit", path, "--json", "--budget", str(budget)]
        started = time.perf_counter()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(done.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "right": found["formula"] == case.name and found["status"] == "exact",
        "status": found["status"],
        "seconds": seconds - reading,
        "CPU s": cpu,
        "MiB": after.ru_maxrss / 1024 - held,
        "reading s": reading,
        "formula": found["formula"],
    }


class Peak:
    """The most memory that the process holds, above what it held at the beginning, in MiB."""

    def __enter__(self) -> Peak:
        if sys.platform == "linux":  # what was freed goes back, so that it is not counted twice
            ctypes.CDLL(None).malloc_trim(0)
        self._before, self._most, self._ends = _resident(), 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._ends.wait(0.005):
            self._most = max(self._most, _resident())

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    @property
    def above(self) -> float:
        return max(0.0, self._most - self._before)


def _resident() -> float:
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * resource.getpagesize() / MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB  # bytes on macOS; a bound


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--only", default="", help="cases whose group and name contain a text")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--case", help="run one case in this process")
    args = parser.parse_args()
    every = list(cases())
    if args.case is not None:
        print(json.dumps(measured(every[int(args.case)], args.budget)))
        return
    report = Report("Many columns, many rows", seeds="0..2")
    groups: dict[str, list[dict]] = {}
    for index, case in enumerate(every):
        if args.only not in f"{case.group} | {case.name}":
            continue
        if args.quick and (case.rows > 10_000 or case.group in groups):
            continue
        command = [sys.executable, __file__, "--case", str(index), "--budget", str(args.budget)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        row = {"group": case.group, "law": case.name} | json.loads(done.stdout.splitlines()[-1])
        print(json.dumps(row), file=sys.stderr, flush=True)
        groups.setdefault(case.group, []).append(row)
        report.add(row)
    for group, rows in groups.items():
        right, seconds = sum(r["right"] for r in rows), [r["seconds"] for r in rows]
        report.note(
            f"{group}: {right} of {len(rows)} right; median {median(seconds):.2f} s, "
            f"slowest {max(seconds):.2f} s, most {max(r['MiB'] for r in rows):.0f} MiB"
        )
    report.finish(args)


if __name__ == "__main__":
    main()
