"""Roots and quotients of few features, times powers of the others, over many decades."""

import numpy as np
import pytest
import sympy

from numerate.formula import Rows, evaluate
from numerate.regress import search_table
from numerate.regress._factors import beside, formulas
from numerate.tables import read_table

# The smallest and the largest size of each feature; those listed last have both signs.
LAWS = {
    "(t - u*x/9e16)/sqrt(1 - u**2/9e16)": (
        {"t": (0.1, 10), "u": (3e6, 2.9e8), "x": (1e7, 1e10)},
        "ux",
    ),
    "m*v*A**3/sqrt(1 - v**2/9e16)": (
        {"m": (1e-31, 1e-25), "v": (3e6, 2.9e8), "A": (0.01, 10)},
        "vA",
    ),
    "w*sqrt((1 + v/3e8)/(1 - v/3e8))": ({"w": (0.01, 1e3), "v": (3e6, 2.9e8)}, "v"),
    "0.01*E**2*r**2*w**4/(w**2 - u**2)**2": (dict.fromkeys("Erwu", (0.1, 10)), "E"),
    "3e10*p*z*sqrt(x**2 + y**2)/r**5": (dict.fromkeys("pzxyr", (0.1, 10)), "pzxy"),
    "sqrt(2/m*(E - U - L**2/(2*m*r**2)))": (
        {"m": (0.1, 10), "E": (100, 1e3), "U": (0.1, 90), "L": (0.1, 1), "r": (0.5, 10)},
        "L",
    ),
    "sqrt(1 + 2*s**2*E*L**2/(m*(Z*q**2)**2))": (dict.fromkeys("sELmZq", (0.01, 10)), "Lq"),
    "a/(1 + b*c/1e6)": ({"a": (1e-3, 1e3), "b": (0.01, 1e3), "c": (0.1, 100)}, "ac"),
}  # fmt: skip


def columns_of(sizes: dict, signed: str, rng: np.random.Generator, count: int) -> dict:
    drawn = {
        n: np.exp(rng.uniform(np.log(ends[0]), np.log(ends[1]), count)) for n, ends in sizes.items()
    }
    return {n: c * rng.choice([-1, 1], count) if n in signed else c for n, c in drawn.items()}


def test_a_correction_that_is_small_on_most_rows_is_found():
    for text, (sizes, signed) in LAWS.items():
        law = sympy.parse_expr(text, local_dict={n: sympy.Symbol(n) for n in sizes})
        rng = np.random.default_rng(list(text.encode()))
        columns = columns_of(sizes, signed, rng, 600)
        found = next(formulas(Rows.of(columns, evaluate(law, columns))), None)
        assert found is not None, text
        new = columns_of(sizes, signed, rng, 600)
        wanted = evaluate(law, new)
        away = np.abs(evaluate(found, new) - wanted) / np.abs(wanted)
        assert np.quantile(away, 0.9) < 1e-9, text  # the rest are differences of equal numbers
        assert len(found.atoms(sympy.Float)) <= 8, text


def test_what_is_not_a_quotient_on_every_row_is_left_alone():
    rng = np.random.default_rng(5)
    a, b, c = columns_of(dict.fromkeys("abc", (0.1, 10)), "c", rng, 500).values()
    columns = {"a": a, "b": b, "c": c}
    targets = [
        a * np.exp(0.1 * b) * c,
        np.sin(a * b) + c**2,
        rng.normal(size=500),
        a * c / np.sqrt(1 + b**2) * (1 + 1e-6 * rng.normal(size=500)),
        np.full(500, 3.0),
    ]
    for target in targets:
        assert not list(formulas(Rows.of(columns, target)))
    assert not list(formulas(Rows.of({"a": a, "zero": 0 * a}, b)))


# A law, and the part of it that is known.
SUMS = {"1/sqrt(a**2 + b**2) - 1/c": "-1/c", "a*b + c*sqrt(1 - d**2/36)": "a*b"}


def test_what_a_known_term_leaves_is_described():
    rng = np.random.default_rng(6)
    for text, known in SUMS.items():
        law = sympy.parse_expr(text)
        columns = {str(s): rng.uniform(1, 5, 60) for s in law.free_symbols}
        rows = Rows.of(columns, evaluate(law, columns))
        found = next(beside(rows, sympy.parse_expr(known)), None)
        assert found is not None, text
        np.testing.assert_allclose(evaluate(found, columns), rows.target, rtol=1e-12)


@pytest.mark.slow
def test_terms_of_the_best_sum_are_tried():
    rng = np.random.default_rng(7)
    for text in SUMS:
        law = sympy.parse_expr(text)
        columns = {str(s): rng.uniform(1, 5, 60) for s in law.free_symbols}
        model = search_table(read_table(columns | {"y": evaluate(law, columns)}), seed=0, budget=60)
        assert model.status == "exact", (text, model.formula)
