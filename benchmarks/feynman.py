"""The share of the Feynman equations that are found, and how soon.

The arithmetic ones (no sin, exp, log, …) of the Feynman Symbolic Regression Database (Udrescu and
Tegmark 2020, Science Advances 6(16)): 71 of its table, which is read from `--data FOLDER`, and ten
of its bonus table, which are listed here. 1,000 rows each.

    python benchmarks/feynman.py [--noise SHARE] [--ranges published|physical] [--seeds N]
                                 [--budget S] [--records FILE] [--json FILE] [--only NAME,NAME]

*solved*: the formula is the law; without noise with its numbers, to 1e-9 of the value on new rows,
and with noise with other values of its numbers, as many as the law has (`forms.py`). The noise is
normal with a standard deviation of a share of the target's root mean square.

Published ranges are those of the database. Physical ones are of our own making: sizes drawn from
decades, with both signs where the equation allows them, and the measured value where a symbol is a
physical constant, which then is a number of the law and no column.

Every answer is a line of `--records FILE`; a restarted run reuses the existing answers, and
`--for S` starts none after so many seconds.
"""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import numpy as np
import sympy
from forms import EQUAL, judge
from laws import Law, Range, Simulated
from report import Report, Task, answered, figures, options, share

import numerate
from numerate.formula import coefficients

ROWS = 1000
LIMITS = (1, 10, 60)
CATEGORIES = ("monomial", "polynomial", "rational", "radical")
DATA = Path(__file__).parents[2] / "shared" / "data" / "feynman"
_OTHER = re.compile(r"\b(sin|cos|tan|exp|ln|log|tanh|arcsin|arccos)\(")

BONUS = {
    "test_4": ("sqrt(2/m*(E_n-U-L**2/(2*m*r**2)))", "m 1 3 E_n 8 12 U 1 3 L 1 3 r 1 3"),
    "test_5": ("2*pi*d**(3/2)/sqrt(G*(m1+m2))", "d 1 3 G 1 3 m1 1 3 m2 1 3"),
    "test_6": (
        "sqrt(1+2*epsilon**2*E_n*L**2/(m*(Z_1*Z_2*q**2)**2))",
        "epsilon 1 3 L 1 3 m 1 3 Z_1 1 3 Z_2 1 3 q 1 3 E_n 1 3",
    ),
    "test_7": ("sqrt(8*pi*G*rho/3-alpha*c**2/d**2)", "G 1 3 rho 1 3 alpha 1 2 c 1 2 d 1 3"),
    "test_9": ("-32/5*G**4/c**5*(m1*m2)**2*(m1+m2)/r**5", "G 1 2 c 1 2 m1 1 5 m2 1 5 r 1 2"),
    "test_12": (
        "q/(4*pi*epsilon*y**2)*(4*pi*epsilon*Volt*d-q*d*y**3/(y**2-d**2)**2)",
        "q 1 5 y 1 3 Volt 1 5 d 4 6 epsilon 1 5",
    ),
    "test_16": (
        "sqrt((p-q*A_vec)**2*c**2+m**2*c**4)+q*Volt",
        "m 1 5 c 1 5 p 1 5 q 1 5 A_vec 1 5 Volt 1 5",
    ),
    "test_17": (
        "1/(2*m)*(p**2+m**2*omega**2*x**2*(1+alpha*x/y))",
        "m 1 5 omega 1 5 p 1 5 y 1 5 x 1 5 alpha 1 5",
    ),
    "test_18": ("3/(8*pi*G)*(c**2*k_f/r**2+H_G**2)", "G 1 5 k_f 1 5 r 1 5 H_G 1 5 c 1 5"),
    "test_19": (
        "-1/(8*pi*G)*(c**4*k_f/r**2+H_G**2*c**2*(1-2*alpha))",
        "G 1 5 k_f 1 5 r 1 5 H_G 1 5 alpha 1 5 c 1 5",
    ),
}

# Physical constants, and the sizes of what is measured: smallest, largest, kind.
CONSTANTS = {
    "G": 6.6743e-11,
    "c": 2.99792458e8,
    "epsilon": 8.8541878128e-12,
    "h": 6.62607015e-34,
    "kb": 1.380649e-23,
    "pi": np.pi,
}
_SIGNED = {
    **dict.fromkeys("x y z x1 x2 x3 y1 y2 y3 r1 r2 u w t x_ y_ z_".split(), (0.01, 10.0)),
    **dict.fromkeys("q q1 q2".split(), (1e-9, 1e-5)),
    **dict.fromkeys("Ef B H M Volt I I_0 Bx By Bz A_vec Jz p p_d".split(), (0.01, 100.0)),
    "v": (0.1, 100.0),
    "rho_c_0": (0.01, 10.0),
}
_SIZES = {
    "T": (1.0, 3000.0),
    "m": (1e-3, 1e3),
    "m_0": (1e-31, 1e-25),
    "omega": (0.01, 1e3),
    "omega_0": (0.01, 1e3),
    "mom": (1e-27, 1e-23),
    "n": (0.1, 100.0),
    "V": (1e-3, 10.0),
    "pr": (1e3, 1e7),
    "r": (0.01, 100.0),
    "d": (1e-3, 10.0),
}
_ANY = (0.01, 100.0)
_RELATIVE: Range = (3e6, 2.9e8, "signed")  # speeds at which relativity shows
_PLACE: Range = (-10.0, 10.0, "uniform")
_LENGTH: Range = (0.1, 10.0, "log")
_NEAR_ONE: Range = (0.05, 0.95, "uniform")

# What one equation needs, for it to be defined and all its terms to matter.
OWN: dict[str, dict[str, Range]] = {
    "I.8.14": dict.fromkeys(("x1", "x2", "y1", "y2"), _PLACE),
    "I.9.18": {
        **dict.fromkeys(("m1", "m2"), (1.0, 1e4, "log")),
        **dict.fromkeys(("x1", "x2", "y1", "y2", "z1", "z2"), _PLACE),
    },
    "I.10.7": {"v": _RELATIVE},
    "I.13.4": dict.fromkeys(("u", "v", "w"), (0.1, 10.0, "signed")),
    "I.13.12": {
        **dict.fromkeys(("m1", "m2"), (1e3, 1e6, "log")),
        **dict.fromkeys(("r1", "r2"), (0.1, 10.0, "log")),
    },
    "I.15.3x": {"u": _RELATIVE, "x": (1e6, 1e9, "signed"), "t": (0.1, 10.0, "log")},
    "I.15.3t": {"u": _RELATIVE, "x": (1e7, 1e10, "signed"), "t": (0.1, 10.0, "log")},
    "I.15.1": {"v": _RELATIVE},
    "I.16.6": {"u": _RELATIVE, "v": _RELATIVE},
    "I.18.4": {**dict.fromkeys(("m1", "m2"), (0.1, 10.0, "log"))},
    "I.24.6": dict.fromkeys(("omega", "omega_0"), (0.1, 10.0, "log")),
    "I.27.6": dict.fromkeys(("d1", "d2", "n"), (0.1, 10.0, "log")),
    "I.32.5": {"a": (1.0, 1e4, "signed")},
    "I.32.17": dict.fromkeys(("omega", "omega_0"), (0.1, 10.0, "log")),
    "I.34.1": {"v": _RELATIVE},
    "I.34.14": {"v": _RELATIVE},
    "I.39.11": {"gamma": (1.05, 1.8, "uniform")},
    "I.43.43": {"gamma": (1.05, 1.8, "uniform"), "v": (10.0, 1e3, "log")},
    "I.47.23": {"gamma": (1.05, 1.8, "uniform"), "rho": (0.01, 10.0, "log")},
    "I.48.2": {"v": _RELATIVE, "m": (1e-31, 1e-25, "log")},
    "II.2.42": dict.fromkeys(("T1", "T2"), (250.0, 400.0, "uniform")),
    "II.6.15a": dict.fromkeys(("x", "y", "z"), (0.1, 10.0, "signed")),
    "II.10.9": {"chi": (0.01, 10.0, "log")},
    "II.11.3": dict.fromkeys(("omega", "omega_0"), (0.1, 10.0, "log")),
    "II.11.27": {"n": _NEAR_ONE, "alpha": (0.05, 2.5, "uniform")},
    "II.11.28": {"n": _NEAR_ONE, "alpha": (0.05, 2.5, "uniform")},
    "II.13.23": {"v": _RELATIVE},
    "II.13.34": {"v": _RELATIVE},
    "II.21.32": {"v": _RELATIVE},
    "II.24.17": {"omega": (4e9, 4e10, "log"), "d": (0.25, 2.0, "log")},
    "II.36.38": {"M": (1e-4, 10.0, "signed"), "alpha": (1e-9, 1e-7, "log"), "H": _LENGTH},
    "II.37.1": {"chi": (0.01, 10.0, "log")},
    "II.38.14": {"sigma": (0.05, 0.5, "uniform")},
    "III.10.19": dict.fromkeys(("Bx", "By", "Bz"), (0.1, 10.0, "signed")),
    "III.12.43": {"n": (1, 50, "whole")},
    "III.19.51": {"n": (1, 8, "whole"), "q": (1e-19, 1e-18, "log"), "m": (1e-31, 1e-27, "log")},
    "test_4": {
        "m": (0.1, 10.0, "log"), "E_n": (100.0, 1e3, "log"), "U": (0.1, 90.0, "log"),
        "L": (0.1, 1.0, "signed"), "r": (0.5, 10.0, "log"),
    },
    "test_5": {"d": (1e6, 1e9, "log"), "m1": (1e20, 1e24, "log"), "m2": (1e20, 1e24, "log")},
    "test_6": {
        "epsilon": (0.1, 1.0, "log"), "L": (0.1, 3.0, "signed"), "m": (0.5, 5.0, "log"),
        "Z_1": (1, 4, "whole"), "Z_2": (1, 4, "whole"), "q": (0.5, 2.0, "signed"),
        "E_n": (0.1, 10.0, "log"),
    },
    "test_7": {
        "rho": (1e-27, 1e-25, "log"), "alpha": (0.001, 0.1, "log"), "d": (2e26, 2e27, "log"),
    },
    "test_9": dict.fromkeys(("m1", "m2"), (1e29, 1e32, "log")) | {"r": (1e7, 1e10, "log")},
    "test_12": {
        "q": (1e-9, 1e-6, "signed"), "y": (0.05, 0.5, "log"), "Volt": (1.0, 1e4, "signed"),
        "d": (0.7, 3.0, "log"),
    },
    "test_16": {
        "m": (1e-28, 1e-26, "log"), "p": (1e-20, 1e-18, "signed"), "q": (1e-19, 1e-18, "signed"),
        "A_vec": (0.01, 1.0, "signed"), "Volt": (1e7, 1e9, "signed"),
    },
    "test_17": {
        "m": (0.1, 10.0, "log"), "omega": (0.1, 10.0, "log"), "p": (0.1, 10.0, "signed"),
        "y": (0.1, 10.0, "signed"), "x": (0.1, 10.0, "signed"), "alpha": (0.1, 1.0, "log"),
    },
    "test_18": {
        "k_f": (0.001, 0.1, "signed"), "r": (1e25, 1e27, "log"), "H_G": (1e-19, 1e-17, "log"),
    },
    "test_19": {
        "k_f": (0.001, 0.1, "signed"), "r": (1e25, 1e27, "log"), "H_G": (1e-19, 1e-17, "log"),
        "alpha": (0.1, 2.0, "uniform"),
    },
}  # fmt: skip


def laws(folder: Path, ranges: str) -> list[Law]:
    """The arithmetic equations with their ranges, those of the bonus table last."""
    found = []
    with (folder / "FeynmanEquations.csv").open() as file:
        for row in csv.DictReader(file):
            if row["Filename"] and not _OTHER.search(row["Formula"]):
                found.append(_law(row["Filename"], row["Formula"], _columns(row), ranges))
    for name, (text, columns) in BONUS.items():
        words = columns.split()
        parts = zip(words[::3], words[1::3], words[2::3], strict=True)
        published: dict[str, Range] = {n: (float(a), float(b), "uniform") for n, a, b in parts}
        found.append(_law(name, text, published, ranges))
    return found


def _columns(row: dict[str, str]) -> dict[str, Range]:
    names = [key for key in row if re.fullmatch(r"v\d+_name", key) and row[key]]
    low, high = ([row[n.replace("name", end)] for n in names] for end in ("low", "high"))
    limits = zip(names, low, high, strict=True)
    return {row[n]: (float(a), float(b), "uniform") for n, a, b in limits}


def _law(name: str, text: str, published: dict[str, Range], ranges: str) -> Law:
    """A law with as many free constants as it has numbers, and one at least: its scale."""
    text = re.sub(r"\bpi\b", repr(np.pi), text)
    columns: dict[str, Range] = published
    constants: dict[str, float] = {}
    if ranges == "physical":
        own = OWN.get(name, {})
        constants = {n: CONSTANTS[n] for n in published if n in CONSTANTS and n not in own}
        columns = {n: own.get(n) or _physical(n) for n in published if n not in constants}
    law = Law(name, text, columns, constants)
    held = [(sympy.Symbol(n), v) for n, v in constants.items()]
    numbers = len(coefficients(law.formula.subs(held)))
    unused = [f"number {i}" for i in range(max(1, numbers) - len(constants))]
    return Law(name, text, columns, constants | dict.fromkeys(unused, 1.0))


def _physical(name: str) -> Range:
    if name in _SIGNED:
        return (*_SIGNED[name], "signed")
    return (*_SIZES.get(name, _ANY), "log")


def category(law: Law) -> str:
    """A single product of powers, a polynomial, a quotient, or with a root of a sum."""
    positive = [(s, sympy.Symbol(str(s), positive=True)) for s in law.formula.free_symbols]
    formula = sympy.nsimplify(law.formula.subs(positive), rational=True)
    over, under = sympy.fraction(sympy.together(formula))
    if any(p.base.is_Add and not p.exp.is_integer for p in formula.atoms(sympy.Pow)):
        return "radical"
    if all(not sympy.expand(part).is_Add for part in (over, under)):
        return "monomial"
    return "rational" if under.free_symbols else "polynomial"


def simulate(law: Law, noise: float, seed: int) -> Simulated:
    """A table of a law; the same arguments give the same table."""
    rng = np.random.default_rng([seed, *law.name.encode()])
    columns = law.draw(ROWS, rng)
    truth = law.value(columns)
    sigma = np.full(ROWS, noise * np.sqrt(np.mean(truth**2)))
    target = truth + sigma * rng.normal(size=ROWS) if noise else truth
    return Simulated(columns | {"the target": target}, sigma)


def answer(law: Law, noise: float, seed: int, budget: float) -> dict:
    """What is found in a table, and whether it is the law."""
    table = simulate(law, noise, seed)
    started = time.perf_counter()
    model = numerate.fit(table.columns, seed=seed, budget=budget)
    seconds = time.perf_counter() - started
    return {
        "solved": is_law(model.formula_, law, noise, table),
        "seconds": seconds,
        "status": model.status_,
        "formula": str(model.formula_),
    }


def is_law(formula: sympy.Expr, law: Law, noise: float, table: Simulated) -> bool:
    """Whether a formula is the law: without noise with the same values."""
    if noise:
        return judge(formula, law, table).form
    columns = law.draw(ROWS, np.random.default_rng(2018))
    truth = law.value(columns)
    function = sympy.lambdify([sympy.Symbol(n) for n in columns], formula, "numpy")
    with np.errstate(all="ignore"):
        away = np.abs(function(*columns.values()) - truth) * np.ones(len(truth))
    scale = np.abs(truth) + 1e-3 * np.sqrt(np.mean(truth**2))
    return bool(np.sqrt(np.mean((away / scale) ** 2)) <= EQUAL)


def measure(chosen: list[Law], args) -> list[dict]:
    """All answers, reusing those in the records."""

    def task(law: Law, seed: int) -> Task:
        about = {"law": law.name, "noise": args.noise, "ranges": args.ranges, "seed": seed}
        about |= {"budget": args.budget, "category": category(law)}
        return about, lambda: answer(law, args.noise, seed, args.budget)

    tasks = [task(law, seed) for seed in range(args.seeds) for law in chosen]
    return answered(tasks, args.records, args.seconds)


def summarise(report: Report, found: list[dict]) -> None:
    for name in (*CATEGORIES, "all"):
        some = [r for r in found if name in (r["category"], "all")]
        if some:
            report.add({"category": name} | shares(some))
    missed: dict[str, list[float]] = {}
    for row in found:
        if not row["solved"]:
            missed.setdefault(row["law"], []).append(row["seconds"])
    lines = [f"{n} ({', '.join(f'{s:.1f}' for s in seconds)} s)" for n, seconds in missed.items()]
    report.note("Missed: " + (", ".join(lines) or "none") + ".")


def shares(some: list[dict]) -> dict:
    """Shares in per cent, and seconds of all tables, of these answers."""
    within = {f"in {limit} s %": share(some, "solved", limit) for limit in LIMITS}
    found = figures(some, ["solved"])
    return {"tables": found["tables"], "solved %": found["solved %"]} | within | found


def main() -> None:
    parser = options(__doc__, records="feynman.jsonl")
    parser.add_argument("--noise", type=float, default=0.0, help="of the target's root mean square")
    parser.add_argument("--ranges", choices=("published", "physical"), default="published")
    parser.add_argument("--seeds", type=int, default=3, metavar="N")
    # The bar is 60 s for all that a user waits for.
    parser.add_argument("--budget", type=float, default=59.0, metavar="S", help="seconds")
    parser.add_argument("--only", metavar="NAME,NAME", help="only these equations")
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER")
    args = parser.parse_args()
    chosen = laws(args.data, args.ranges)
    if args.only:
        chosen = [law for law in chosen if law.name in args.only.split(",")]
    if args.quick:
        chosen, args.seeds = chosen[::8], 1
    noise = f"noise {args.noise:g}" if args.noise else "no noise"
    title = f"Feynman equations, {args.ranges} ranges, {noise}, {args.budget:g} s"
    report = Report(title, seeds=f"0..{args.seeds - 1}")
    summarise(report, measure(chosen, args))
    report.finish(args)


if __name__ == "__main__":
    main()
