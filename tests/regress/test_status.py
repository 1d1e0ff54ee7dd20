"""No status can be made to lie: tables without a law, rounded laws, noise, and standard errors.

Parts of the sets are slow tests. What the statuses promise, and what was tried to break it, is on
the page *What the status means*; its numbers are printed by
`python -m tests.regress.test_status [SHARE]`.
"""

import sys
from collections import Counter

import numpy as np
import pytest
import sympy
from scipy.stats import t

from numerate.formula import complexity, evaluate
from numerate.regress import FormulaModel, search_table
from numerate.regress._problem import Problem
from numerate.regress._search import Search
from numerate.regress._settings import Settings
from numerate.regress._verify import evident, status
from numerate.tables import read_table, resolution_of

from .lawless import LAWS, judge, known, lawless, power_law, pure_noise, simulate, wide

VERIFIED = ("exact", "within_precision")
# Seconds of a table without a law, in which all is tried but most of the stacks. What these find in
# a minute is a test of `test_honesty.py`.
LAWLESS = 3.0
# Laws of which the form is found in seconds, so that a coverage is measured and not a search.
QUICK = ("saturation", "adsorption", "metabolism", "species", "ideal gas", "drag", "photon")


def found(columns: dict, budget: float) -> FormulaModel:
    return search_table(read_table(columns), seed=0, budget=budget)


def verified_without_a_law(seeds, budget: float, draw=lawless) -> list[tuple]:
    """What was verified although nothing can be: `(status, seed, kind, formula)`."""
    lies = []
    for seed in seeds:
        table = draw(seed)
        model = found(table.columns, budget)
        if model.status in VERIFIED:
            lies.append((model.status, seed, table.kind, str(model.formula)))
    return lies


def wrong_forms(seeds, budget: float) -> tuple[list[tuple], int]:
    """Rounded laws of which another form was verified, and of how many one was verified."""
    wrong, verified = [], 0
    for seed in seeds:
        law, table = known(seed)
        model = found(table.columns, budget)
        if model.status in VERIFIED:
            verified += 1
            verdict = judge(model.formula, law, table)
            if not verdict.contained:
                rows = len(table.sigma)
                wrong.append((seed, law.name, rows, str(model.formula), verdict.why))
    return wrong, verified


def formulas_of_noise(seeds, budget: float) -> list[tuple]:
    """What was found in noise other than a constant: `(seed, status, formula)`."""
    models = [(seed, found(pure_noise(seed), budget)) for seed in seeds]
    return [(s, m.status, str(m.formula)) for s, m in models if m.formula.free_symbols]


def constants(model: FormulaModel) -> list[dict]:
    return model.report()["constants"]


def coverage(tables: int, budget: float) -> tuple[int, int, list[tuple]]:
    """Of the 95 % intervals of all constants of right forms: how many hold the truth, and how many
    there are; and the tables in which another form was found."""
    held, count, others = 0, 0, []
    laws = [law for law in LAWS if law.name in QUICK]
    for seed in range(tables):
        law = laws[seed % len(laws)]
        rows = (12, 40, 200)[seed // len(laws) % 3]
        noise = ("proportional 1 %", "additive 1 %", "proportional 5 %")[seed // 3 % 3]
        table = simulate(law, noise, rows, 1000 + seed)
        model = found(table.columns, budget)
        verdict = judge(model.formula, law, table)
        if not verdict.form:
            others.append((seed, law.name, noise, rows, str(model.formula)))
            continue
        errors = {row["value"]: row["standard_error"] for row in constants(model)}
        within = t.ppf(0.975, rows - max(len(errors), 1))
        for value, truth in zip(verdict.constants, verdict.truth, strict=True):
            if value in errors:  # a constant that was snapped has no interval
                count += 1
                held += abs(value - truth) <= within * errors[value]
    return held, count, others


def test_evidence_is_half_as_many_bits_again_and_those_of_the_choice():
    x = np.arange(1.0, 11.0)
    problem = Problem.of(["x"], x[:, None], x + 0.5, np.zeros((10, 2)), seed=0)
    (symbol,) = problem.everything.symbols
    formula = symbol + sympy.Rational(1, 2)
    # The numerator of 1/2 has log2(1 + 1) bits, and its denominator has one.
    needed = 1.5 * (complexity(formula) * np.log2(9) + 2) + 12
    spread = problem.everything.scale[0]
    for bits, enough in ((needed - 0.1, False), (needed + 0.1, True)):
        allowed = np.full(10, spread / (2 ** (bits / 10) - 1) / 2)
        assert evident(formula, problem, allowed) == enough


@pytest.mark.parametrize("decimals, expected", [(2, "exact"), (8, "approximate")])
def test_a_polynomial_is_proven_by_rows_of_more_digits_than_its_coefficients(decimals, expected):
    """Five coefficients of eight decimals each follow other curves, too."""
    u = np.random.default_rng(0).uniform(-2, 2, 40)
    weights = np.round([-0.13579137, -2.65432187, 2.75123451, 2.01765432, -1.82987654], decimals)
    problem = Problem.of(["u"], u[:, None], np.polyval(weights, u), np.zeros((40, 2)), seed=0)
    numbers = [sympy.Rational(str(weight)) for weight in weights]
    formula = sum(n * problem.everything.symbols[0] ** (4 - k) for k, n in enumerate(numbers))
    assert status(formula, problem) == expected


def test_rows_that_differ_in_other_features_are_no_evidence():
    """A polynomial through the seven values of a column, among 140 rows of three columns."""
    rng = np.random.default_rng(0)
    levels = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10])
    values = np.array([2, 2, 2.25, 2.25, 2, 2.25, 2.25])
    x = np.column_stack([np.tile(levels, 20), rng.uniform(size=(140, 2))])
    written = np.full((140, 4), 0.005) * [0, 0, 0, 1]
    problem = Problem.of(["a", "b", "c"], x, np.tile(values, 20), written, seed=0)
    a = problem.everything.symbols[0]
    weights = np.polynomial.polynomial.polyfit(levels, values, 6)
    formula = sum(sympy.Float(w) * a**k for k, w in enumerate(weights))
    assert np.allclose(evaluate(formula, {"a": levels}), values, atol=1e-6)
    assert status(formula, problem) == "approximate"


def test_without_a_law_nothing_is_verified():
    """One table of every kind; more of them are slow."""
    assert not verified_without_a_law(range(13), budget=0.25)


@pytest.mark.slow(minutes=40)
def test_of_tables_without_a_law():
    lies = verified_without_a_law(range(1000), budget=LAWLESS)
    statuses = Counter(lie[0] for lie in lies)
    assert statuses["exact"] == 0, lies
    assert statuses["within_precision"] <= 2, lies


@pytest.mark.slow(minutes=3)
def test_of_wide_tables_without_a_law():
    assert not verified_without_a_law(range(80), budget=2, draw=wide)


def test_of_rounded_laws_no_other_form_is_verified():
    # Hypotenuse and resistors: found at once.
    wrong, verified = wrong_forms([1, 25], budget=1)
    assert not wrong
    assert verified


@pytest.mark.slow
def test_a_fitted_sum_that_agrees_with_few_digits_gives_way_to_the_law():
    assert not wrong_forms([105], budget=20)[0]  # 0.748*a + 0.703*b for sqrt(a**2 + b**2)


def test_a_power_law_is_preferred_to_a_sum_of_roots_that_agrees_as_well():
    column = np.exp(np.linspace(0, np.log(10), 40))
    for exponent, status_of_sum in ((0.38, "within_precision"), (0.45, "approximate")):
        y = np.array([float(f"{v:.3g}") for v in 5.4 * column**exponent])
        half = np.stack([0 * y, resolution_of(y)], axis=1)
        problem = Problem.of(["a"], column[:, None], y, half, seed=0)
        search, (a,) = Search(problem, Settings()), problem.everything.symbols
        terms = sympy.sqrt(a), sympy.cbrt(a), a ** sympy.Rational(2, 3), sympy.Integer(1)
        sum_of_roots = search.consider(sympy.Add(*(sympy.Float(1.1) * term for term in terms)))
        power = search.consider(sympy.Float(4) * a ** sympy.Float(0.4))
        assert sum_of_roots.agrees_as_written and sum_of_roots.exact_status == status_of_sum
        assert search.ranking.chosen() is power and not search.ranking.is_verified()


@pytest.mark.slow(minutes=1)
def test_of_power_laws_no_sum_is_verified():
    models = [found(power_law(seed), budget=3) for seed in range(24)]
    sums = [m for m in models if m.status in VERIFIED and m.formula.has(sympy.Add)]
    assert not sums, [str(m.formula) for m in sums]


@pytest.mark.slow(minutes=6)
def test_of_rounded_laws():
    wrong, verified = wrong_forms(range(300), budget=3)
    assert len(wrong) <= 3, wrong
    assert verified >= 150


def test_noise_is_a_constant():
    assert not formulas_of_noise(range(3), budget=0.5)


@pytest.mark.slow(minutes=9)
def test_of_tables_of_noise():
    others = formulas_of_noise(range(200), budget=3)
    assert len(others) <= 4, others


@pytest.mark.slow(minutes=12)
def test_intervals_hold_the_truth():
    held, count, others = coverage(300, budget=5)
    assert 0.92 <= held / count <= 0.98, (held, count)
    assert len(others) <= 60, others


def main(share: float = 1.0) -> None:
    """Print the figures of the whole sets, or of the first tables of each."""
    tables, rounded, noise = (range(round(share * n)) for n in (1000, 300, 200))
    lies = verified_without_a_law(tables, LAWLESS)
    kinds = dict(Counter(lie[0] for lie in lies)) or "none"
    print(f"without a law, of {len(tables)}: verified", kinds, *lies, sep="\n  ", flush=True)
    wrong, verified = wrong_forms(rounded, 3)
    print(f"rounded laws, of {len(rounded)}: {verified} verified, {len(wrong)} of another form")
    print(*wrong, sep="\n", flush=True)
    others = formulas_of_noise(noise, 3)
    print(
        f"noise, of {len(noise)}: {len(others)} formulas other than a constant", *others, sep="\n  "
    )
    held, count, others = coverage(len(rounded), 5)
    print(f"intervals: {held} of {count} hold the truth; other forms: {len(others)}")
    print(*others, sep="\n")


if __name__ == "__main__":
    np.seterr(all="ignore")
    main(*map(float, sys.argv[1:]))
