"""Stacks that are solved by linear least squares."""

import math

import numpy as np

from numerate.formula import Rows, evaluate
from numerate.regress._closed import LIBRARIES, product, quotients, sums, terms
from tests.each import each


@each("name, degree", [("linear", 1), ("quadratic", 2), ("cubic", 3), ("quartic", 4)])
def test_a_polynomial_library_has_all_monomials_up_to_its_degree(name, degree):
    x, y, z = np.random.default_rng(0).uniform(1.0, 2.0, (3, 10))
    rows = Rows.of({"x": x, "y": y, "z": z}, x)
    (library,) = (one for one in LIBRARIES if one.name == name)
    found = {formula for formula, _ in terms(rows, library)}
    assert len(found) == math.comb(3 + degree, degree) - 1  # all but the constant
    assert max(formula.as_poly(*rows.symbols).total_degree() for formula in found) == degree


def test_polynomials_of_one_feature_are_found_to_degree_eight():
    (library,) = (one for one in LIBRARIES if one.name == "powers")
    for seed in range(3):
        x = np.random.default_rng(seed).uniform(1, 3, 40)
        for coefficients in ([1, 2, 0, -3, 0, 0, 0, 0, 0.25], [0, 0, -5, 0, 0, 0, 0, 1]):
            rows = Rows.of({"x": x}, np.polynomial.polynomial.polyval(x, coefficients))
            found = next(sums(rows, library)).as_poly(*rows.symbols).all_coeffs()[::-1]
            np.testing.assert_allclose(np.array(found, float), coefficients, atol=1e-9)


def test_a_product_layer_is_solved_in_logarithms():
    a, b = np.random.default_rng(0).uniform(1.0, 2.0, (2, 12))
    rows = Rows.of({"a": a, "b": -b}, 3 * a**2 / b)
    for formula in product(rows):
        np.testing.assert_allclose(evaluate(formula, rows.columns()), rows.target, rtol=1e-9)
    assert len(list(product(rows))) > 0
    # The logarithm of a target of 0 is none.
    assert not list(product(Rows.of({"a": a, "b": b}, np.append(0.0, a[1:]))))


def test_a_quotient_is_found_in_few_rows_of_both_signs():
    columns = dict(zip("abcdef", np.random.default_rng(0).uniform(-3, 3, (6, 60)), strict=True))
    a, b, c, d, e, f = columns.values()
    rows = Rows.of(columns, (a - b) * (c + d) / (e * f))
    (formula,) = quotients(rows)
    np.testing.assert_allclose(evaluate(formula, columns), rows.target, rtol=1e-9)
    # As many rows as weights would agree with any target.
    fewer = rows.take(slice(44))
    assert not list(quotients(fewer))
