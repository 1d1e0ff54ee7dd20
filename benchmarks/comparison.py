"""numerate and other tools on the same tables, with the same limits, judged by the same rule.

The other tools are PyOperon, gplearn, GP_ELITE and RILS-ROLS (`peers/`). The tables are every
third arithmetic Feynman equation of each category (`feynman.py`), without noise and with 1 %, and
one measured table for each kind of noise and number of rows (`measured.py`).

    python benchmarks/comparison.py --work FOLDER [--json FILE] [--records FILE] [--for S]
                                    [--methods NAME,NAME] [--limits S,S]

The tools are installed in FOLDER from PyPI, each in an environment of its own; one that cannot be
is noted with the reason. A limit is in seconds of processor time on one core, because the clock of
a shared machine says little; imports are not counted.

*right*: with the constants of the formula free, however many it has, there are values with which
it is the law, to 1e-9 on new rows; or, without noise, its own values agree with the law to 1e-6 on
rows drawn from ranges twice as wide. So neither a constant that is slightly off nor a term of size
1e-12 counts against a formula. *as short*: without noise, its own values agree with the law to 1e-9
on new rows; with noise, it also has no more constants than the law. `feynman.py` counts these.

Every answer is a line of `--records FILE`; a restarted run reuses the existing answers, and
`--for S` starts none after so many seconds. `--methods` and `--limits` choose what is asked.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import feynman
import numpy as np
import peers
import sympy
from feynman import CATEGORIES, category, is_law
from forms import judge
from laws import NOISES, Law, Range, Simulated
from laws import simulate as measured_table
from measured import ROWS, Method, tables
from peers import TOOLS, NotInstalledError, installed, version
from report import Report, Task, answered, figures, options

import numerate

OURS = "numerate"
EXACT, NOISY, MEASURED = "Feynman, no noise", "Feynman, 1 % noise", "measured tables"
LIMITS = (1.0, 10.0)
EVERY = 3
AGREES = 1e-6

Question = tuple[str, Law, str, Simulated]  # kind, law, category or noise and rows, table


def questions(folder: Path, seed: int = 0) -> list[Question]:
    """The tables of all kinds. Every beginning of them is a mixture of kinds and categories in the
    proportions of the whole, so that a run that is cut short is a smaller sample."""
    laws = feynman.laws(folder, "published")
    by_category = {name: [law for law in laws if category(law) == name] for name in CATEGORIES}
    rng = random.Random(seed)
    placed: list[tuple[float, Question]] = []

    def place(group: list[Question]) -> None:
        placed.extend(((i + rng.random()) / len(group), q) for i, q in enumerate(group))

    for (kind, noise), name in itertools.product(((EXACT, 0.0), (NOISY, 0.01)), CATEGORIES):
        chosen = by_category[name][::EVERY]
        place([(kind, law, name, feynman.simulate(law, noise, seed)) for law in chosen])
    group = []
    for noise, rows in itertools.product(NOISES, ROWS):
        law = rng.choice([t[0] for t in tables() if t[1:] == (noise, rows, seed)])
        group.append(
            (MEASURED, law, f"{noise}, {rows} rows", measured_table(law, noise, rows, seed))
        )
    rng.shuffle(group)
    place(group)
    return [question for _, question in sorted(placed, key=lambda p: p[0])]


def methods(names: list[str], folder: Path, report: Report) -> dict[str, tuple[str, Method]]:
    """The version and the function of each method that can be asked."""
    found: dict[str, tuple[str, Method]] = {}
    for name in names:
        try:
            peer = peers.numerate() if name == OURS else installed(name, folder)
        except NotInstalledError as error:
            report.note(f"{error}.")
            continue
        release = numerate.__version__ if name == OURS else version(name, folder)
        found[name] = release, lambda t, *how, peer=peer: peer(t.columns, *how)
    return found


def verdict(formula: sympy.Expr, law: Law, table: Simulated, exact: bool) -> dict[str, bool]:
    """Whether a formula is right, and as short as the law: the rule at the top of this file."""
    if formula.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
        return {"right": False, "as short": False}
    if exact and is_law(formula, law, 0.0, table):
        return {"right": True, "as short": True}
    if exact and agrees(formula, law):
        return {"right": True, "as short": False}
    found = judge(formula, law, table)
    return {"right": found.contained, "as short": found.form and not exact}


def agrees(formula: sympy.Expr, law: Law) -> bool:
    """Whether a formula has the values of the law, to 1e-6, on rows of ranges twice as wide."""
    wide = replace(law, columns={n: wider(r) for n, r in law.columns.items()})
    columns = wide.draw(1000, np.random.default_rng(2018))
    function = sympy.lambdify([sympy.Symbol(n) for n in columns], formula, "numpy")
    with np.errstate(all="ignore"):
        truth = wide.value(columns)
        value = np.asarray(function(*columns.values())) * np.ones(len(truth))
    defined = np.isfinite(truth)  # a law such as a square root may end beyond its ranges
    if np.iscomplexobj(value) or not np.all(np.isfinite(value[defined])):
        return False
    away = (value - truth)[defined]
    return bool(np.sqrt(np.mean(away**2)) <= AGREES * np.sqrt(np.mean(truth[defined] ** 2)))


def wider(range_: Range) -> Range:
    low, high, kind = range_
    return low / 2, 2 * high, kind


def tasks(asked: list[Question], chosen: dict, limits: list[float], seed: int = 0) -> list[Task]:
    def task(name: str, limit: float, question: Question) -> Task:
        kind, law, group, table = question
        release, method = chosen[name]
        about = {"method": name, "kind": kind, "law": law.name, "group": group}
        about |= {"limit": limit, "seed": seed}

        def answer() -> dict:
            found = method(table, seed, limit)
            judged = {"right": False, "as short": False}
            if found["formula"]:
                formula = sympy.sympify(found["formula"])
                judged = verdict(formula, law, table, kind == EXACT)
            # The seconds of the tables are those of the processor.
            times = {"clock": found.pop("seconds"), "seconds": found.pop("cpu")}
            return {"version": release} | judged | times | found

        return about, answer

    # All methods at one table after the other, so that a run in progress is a fair comparison.
    return [task(n, limit, q) for q in asked for n in chosen for limit in limits]


def summarise(report: Report, rows: list[dict]) -> None:
    """One row for each kind of table, limit and method; of tables that all methods answered."""
    names = {row["method"]: row["version"] for row in rows}
    answers = Counter((row["kind"], row["law"], row["group"], row["limit"]) for row in rows)
    rows = [r for r in rows if answers[r["kind"], r["law"], r["group"], r["limit"]] == len(names)]
    kinds = (EXACT, NOISY, MEASURED)
    for kind, limit in itertools.product(kinds, sorted({r["limit"] for r in rows})):
        for name, release in names.items():
            about = {"method": name, "kind": kind, "limit": limit}
            some = [r for r in rows if all(r[n] == value for n, value in about.items())]
            if some:
                share = figures(some, ["right", "as short"])
                groups = {} if kind == MEASURED else by_category(some)
                report.add(about | {"version": release} | share | groups)


def by_category(some: list[dict]) -> dict[str, str]:
    """How many are right of how many, of each category."""
    found = {}
    for name in CATEGORIES:
        those = [row["right"] for row in some if row["group"] == name]
        found[name] = f"{sum(those)} of {len(those)}"
    return found


def main() -> None:
    parser = options(__doc__, records="comparison.jsonl")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--methods", default=",".join([*TOOLS, OURS]), metavar="NAME,NAME")
    parser.add_argument("--limits", default=",".join(f"{s:g}" for s in LIMITS), metavar="S,S")
    parser.add_argument("--data", type=Path, default=feynman.DATA, metavar="FOLDER")
    args = parser.parse_args()
    report = Report("Laws found by different tools, limits in processor seconds", seeds="0")
    asked = questions(args.data)[:: 12 if args.quick else 1]
    chosen = methods(args.methods.split(","), args.work, report)
    limits = [float(s) for s in args.limits.split(",")]
    summarise(report, answered(tasks(asked, chosen, limits), args.records, args.seconds))
    report.finish(args)


if __name__ == "__main__":
    main()
