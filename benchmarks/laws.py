"""Thirty laws with the ranges of their measurements, and simulated tables of them.

In the text of a law, letters that are not columns are its constants, listed with their true values.
Whole numbers and fractions in the text belong to the form of the law.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import sympy

# Smallest, largest, and "log", "uniform", "whole" or "signed": sizes like "log" with random signs.
Range = tuple[float, float, str]

ADDITIVE, PROPORTIONAL, ROUNDED = "additive 1 %", "proportional 1 %", "rounded to 3 digits"
LARGE = "proportional 5 %"
NOISES = (ADDITIVE, PROPORTIONAL, LARGE, ROUNDED)
WRITTEN_DIGITS = 5  # of tables that are not rounded; a third of them has full precision


@dataclass(frozen=True)
class Law:
    """A law: `text` in its `columns` and `constants`; `where` says which rows can occur.

    `decades`: the target spans so many powers of ten that no instrument has one absolute error
    for all of them, so there are no tables with additive noise.
    """

    name: str
    text: str
    columns: dict[str, Range]
    constants: dict[str, float] = field(default_factory=dict)
    where: Callable[..., np.ndarray] | None = None
    decades: bool = False

    @property
    def formula(self) -> sympy.Expr:
        """The law with symbols for its constants."""
        names = [*self.columns, *self.constants]
        return sympy.parse_expr(self.text, local_dict={n: sympy.Symbol(n) for n in names})

    def draw(self, rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Columns `(rows,)` drawn from their ranges, without noise."""
        drawn = {n: np.empty(0) for n in self.columns}
        while len(next(iter(drawn.values()))) < rows:
            more = {n: _draw(r, rows, rng) for n, r in self.columns.items()}
            keep = self.where(**more) if self.where else np.ones(rows, bool)
            drawn = {n: np.append(drawn[n], c[keep])[:rows] for n, c in more.items()}
        return drawn

    def value(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """The true target of these rows, `(rows,)`."""
        formula = self.formula.subs([(sympy.Symbol(n), v) for n, v in self.constants.items()])
        function = sympy.lambdify([sympy.Symbol(n) for n in columns], formula, "numpy")
        return np.asarray(function(*columns.values()), float)


def _draw(range_: Range, rows: int, rng: np.random.Generator) -> np.ndarray:
    low, high, kind = range_
    if kind == "whole":
        return rng.integers(int(low), int(high) + 1, rows).astype(float)
    if kind in ("log", "signed"):
        size = np.exp(rng.uniform(np.log(low), np.log(high), rows))
        return size * rng.choice([-1.0, 1.0], rows) if kind == "signed" else size
    return rng.uniform(low, high, rows)


def _some(low: float, high: float) -> Range:
    return low, high, "uniform"


def _many(low: float, high: float) -> Range:
    return low, high, "log"


def _whole(low: float, high: float) -> Range:
    return low, high, "whole"


LAWS = (
    # products of powers, with the constants of physics
    Law(
        "gravitation",
        "k*m1*m2/r**2",
        {"r": _many(1e9, 1e12), "m1": _many(1e22, 1e30), "m2": _many(1e22, 1e30)},
        {"k": 6.6743e-11},
        decades=True,
    ),
    Law(
        "Coulomb",
        "k*q1*q2/r**2",
        {"q1": _many(1e-6, 1e-5), "q2": _many(1e-6, 1e-5), "r": _some(0.05, 0.3)},
        {"k": 8.98755e9},
    ),
    Law(
        "ideal gas",
        "k*n*T/V",
        {"n": _many(0.1, 10), "T": _some(250, 400), "V": _many(0.01, 0.3)},
        {"k": 8.314463},
    ),
    Law(
        "matter wave",
        "k/(m*v)",
        {"m": _many(9e-31, 4e-26), "v": _many(1e3, 1e6)},
        {"k": 6.62607e-34},
        decades=True,
    ),
    Law(
        "radiation",
        "k*A*T**4",
        {"A": _some(0.01, 0.2), "T": _some(400, 1500)},
        {"k": 5.67037e-8},
    ),
    Law("photon", "k/w", {"w": _many(2e-7, 2e-6)}, {"k": 1.98645e-25}),
    Law(
        "drag",
        "k*rho*A*v**2",
        {"rho": _some(0.9, 1.3), "A": _some(0.3, 3), "v": _some(5, 40)},
        {"k": 0.2315},
    ),
    Law(
        "pipe flow",
        "k*r**4*dp/l",
        {"r": _some(3e-4, 1e-3), "dp": _some(1e3, 1e4), "l": _some(0.1, 1)},
        {"k": 392.3},
    ),
    Law("pendulum", "k*sqrt(l)", {"l": _some(0.1, 3)}, {"k": 2.00607}),
    Law(
        "escape speed",
        "sqrt(k*m/r)",
        {"m": _many(1e22, 1e28), "r": _many(1e6, 1e8)},
        {"k": 1.33486e-10},
    ),
    Law("metabolism", "k*mass**p", {"mass": _many(0.02, 4000)}, {"k": 70.2, "p": 0.75}),
    Law("species", "k*area**p", {"area": _many(0.1, 1e5)}, {"k": 11.7, "p": 0.263}),
    # orbits, spectra, roots of sums
    Law(
        "two-mass Kepler",
        "sqrt(d**3/(m1 + m2))",
        {"d": _many(0.2, 30), "m1": _some(0.3, 3), "m2": _some(0.3, 3)},
    ),
    Law("moons", "k*d**(3/2)", {"d": _many(1e8, 3e10)}, {"k": 3.054e-10}),
    Law(
        "spectrum",
        "1/(R*(1/n1**2 - 1/n2**2))",
        {"n1": _whole(1, 6), "n2": _whole(2, 12)},
        {"R": 1.0973731568e7},
        where=lambda n1, n2: n1 < n2,
    ),
    Law("hypotenuse", "sqrt(a**2 + b**2)", {"a": _some(1, 3), "b": _some(1, 3)}),
    Law(
        "impedance",
        "sqrt(r**2 + w**2*l**2)",
        {"r": _some(10, 100), "w": _some(50, 500), "l": _some(0.05, 0.5)},
    ),
    # saturation, adsorption
    Law("saturation", "a*c/(b + c)", {"c": _many(0.01, 1.1)}, {"a": 212.7, "b": 0.0641}),
    Law("adsorption", "a*p/(1 + b*p)", {"p": _many(0.2, 30)}, {"a": 2.131, "b": 0.3634}),
    Law(
        "inhibition",
        "a*s/(k*(1 + i/j) + s)",
        {"s": _many(0.3, 40), "i": _some(0, 10)},
        {"a": 45.3, "k": 2.47, "j": 1.83},
    ),
    Law("binding of two", "a*x**2/(b + x**2)", {"x": _many(0.1, 10)}, {"a": 98.4, "b": 2.26}),
    # sums of reciprocals
    Law(
        "lens",
        "1/(1/f - 1/d)",
        {"f": _some(0.05, 0.2), "d": _some(0.3, 3)},
        where=lambda f, d: d > 1.5 * f,
    ),
    Law("one lens", "1/(1/c - 1/d)", {"d": _some(0.2, 3)}, {"c": 0.1213}),
    Law("parallel resistors", "1/(1/r1 + 1/r2)", {"r1": _many(10, 1000), "r2": _many(10, 1000)}),
    # polynomials and mixtures
    Law("fall", "a + b*t + c*t**2", {"t": _some(0, 2)}, {"a": 21.4, "b": 3.27, "c": -4.903}),
    Law("braking", "a*v + b*v**2", {"v": _some(3, 40)}, {"a": 0.762, "b": 0.0718}),
    Law(
        "mixing",
        "(m1*t1 + m2*t2)/(m1 + m2)",
        {"m1": _some(0.1, 2), "m2": _some(0.1, 2), "t1": _some(5, 40), "t2": _some(40, 95)},
    ),
    Law(
        "absorbance",
        "a*x + b*y",
        {"x": _some(0.1, 1), "y": _some(0.1, 1)},
        {"a": 1.372, "b": 0.618},
    ),
    Law(
        "hot wire",
        "r*(1 + a*T)",
        {"r": _many(10, 300), "T": _some(-40, 300)},
        {"a": 0.003931},
    ),
    Law(
        "energy",
        "m*(g*h + v**2/2)",
        {"m": _some(0.2, 5), "h": _some(0, 20), "v": _some(0, 20)},
        {"g": 9.8067},
    ),
)


@dataclass(frozen=True)
class Simulated:
    """A table of a law: its `columns`, the target last, and the standard deviation `(rows,)` of
    what separates that target from the law at the columns as they are written."""

    columns: dict[str, np.ndarray]
    sigma: np.ndarray


def simulate(law: Law, noise: str, rows: int, seed: int) -> Simulated:
    """A table of `law` with `noise`; the same arguments give the same table."""
    rng = np.random.default_rng([seed, rows, NOISES.index(noise), *law.name.encode()])
    columns = law.draw(rows, rng)
    if noise == ROUNDED:
        return rounded(law, columns, 3)
    size = 0.05 if noise == LARGE else 0.01
    if seed % 3 != 2:
        columns = {n: significant(c, WRITTEN_DIGITS) for n, c in columns.items()}
    truth = law.value(columns)
    sigma = size * (np.full(rows, np.std(truth)) if noise == ADDITIVE else np.abs(truth))
    target = truth + sigma * rng.normal(size=rows)
    if seed % 3 != 2:
        target = significant(target, WRITTEN_DIGITS)
    return Simulated(columns | {"target": target}, sigma)


def rounded(law: Law, columns: dict[str, np.ndarray], digits: int) -> Simulated:
    """The table of a law with all values rounded to `digits` significant digits."""
    truth = law.value(columns)
    written = {n: significant(c, digits) for n, c in columns.items()}
    # A rounding error is uniform: its variance is a third of the square of half a unit.
    variance = half_unit(truth, digits) ** 2 / 3
    for name, column in columns.items():
        half = np.where(written[name] == column, 0.0, half_unit(column, digits))
        change = law.value(columns | {name: column + half}) - truth
        variance = variance + change**2 / 3
    return Simulated(written | {"target": significant(truth, digits)}, np.sqrt(variance))


def significant(values: np.ndarray, digits: int) -> np.ndarray:
    """Values rounded to so many significant digits, as they are read back from text."""
    return np.array([float(f"{v:.{digits - 1}e}") for v in values])


def half_unit(values: np.ndarray, digits: int) -> np.ndarray:
    size = np.where(values == 0, 1.0, np.abs(values))
    return 0.5 * 10.0 ** (np.floor(np.log10(size)) - digits + 1)
