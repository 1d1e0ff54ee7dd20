"""Which formulas are rewritten."""

import numpy as np
import sympy

from numerate.formula import Rows, simplify
from numerate.formula._simplify import _cancelled, factored


def test_powers_beyond_four_are_left_alone():
    """SymPy's factoring can take minutes for them."""
    x = np.array([1.0, 2.0, 3.0])
    rows = Rows.of({"a": x, "b": x, "c": x}, x)
    a, b, c = rows.symbols
    assert simplify(a**4 * c + b * c, rows) == c * (a**4 + b)
    assert simplify(a**5 * c + b * c, rows) == a**5 * c + b * c


def test_a_sum_without_factors_on_which_sympy_takes_hours():
    names = "xyzabc"
    columns = {name: np.linspace(1.0, 2.0 + i, 5) for i, name in enumerate(names)}
    rows = Rows.of(columns, columns["x"])
    x, y, z, a, b, c = rows.symbols
    for formula in (
        (a - 1) * (y + 9) * (y**2 + 7 * z) - (a * sympy.sqrt(a) - x + z) * (a + x - z / x),
        a * b * c * y / (x - y + z) + (b + x**2 + 5) / (y * sympy.sqrt(y) * (b + y)),
    ):
        whole = sympy.expand(formula)
        values = dict(zip(rows.symbols, (sympy.Rational(7 + i, 5) for i in range(6)), strict=True))
        assert abs((factored(whole) - whole).subs(values).evalf()) < 1e-10
    product = (a + sympy.sqrt(b)) ** 2 * (x * y + z) * (c * x + a * y) / (a * b + z)
    assert factored(sympy.expand(product)) == product


def test_parts_without_a_common_symbol_are_factored():
    """Multiplied out, differences of near numbers lose the digits that prove the formula."""
    columns = {name: np.linspace(1.0, 2.0 + i, 5) for i, name in enumerate("abcd")}
    rows = Rows.of(columns, columns["a"])
    a, b, c, d = rows.symbols
    law = sympy.sqrt((a - b) ** 2 + (c - d) ** 2)
    assert simplify(sympy.expand(law), rows) == law
    assert simplify(d / sympy.expand((a - b) ** 2 + c), rows) == d / ((a - b) ** 2 + c)


def test_the_sign_of_a_column_is_a_factor_like_others():
    x, y = sympy.symbols("x y", real=True)
    formula = sympy.sign(x) * (x * y**20 + y) ** 2
    assert (factored(formula) / formula).subs({x: -3, y: 2}) == 1
    half = factored((x * y**20 + 1) / (sympy.sign(x) + 1))
    assert half.subs({x: 3, y: 1}) == 2


def test_squares_of_distances_that_were_divided_by_a_column_are_sums_of_squares():
    """As the products of columns without units have them."""
    columns = {name: np.linspace(2.0 + i, 3.0 + 2 * i, 7) for i, name in enumerate("gmnxuyvzw")}
    rows = Rows.of(columns, columns["g"])
    g, m, n, x, u, y, v, z, w = rows.symbols
    distance = (x - u) ** 2 + (y - v) ** 2 + (z - w) ** 2
    divided = x**2 * sympy.expand(distance / x**2)
    assert simplify(g * m * n / divided, rows) == g * m * n / distance


def test_what_can_be_divided_stands_outside_the_quotient():
    columns = {name: np.linspace(1.0, 2.0 + i, 5) for i, name in enumerate("abcd")}
    rows = Rows.of(columns, columns["a"])
    a, b, c, d = rows.symbols
    assert simplify((a + b * c + c) / (b + 1), rows) == a / (b + 1) + c
    for shortest in (2.5 * a / (b + 1.5), (a * b + c * d) / (a + c), a**2 * b / (a**2 + b**2)):
        assert simplify(shortest, rows) == shortest


def test_signs_that_can_be_left_out_are():
    columns = {name: np.linspace(1.0, 2.0 + i, 5) for i, name in enumerate("abcd")}
    rows = Rows.of(columns, columns["a"])
    a, b, c, d = rows.symbols
    for formula, shortest in (
        (-a * b / (c - d), a * b / (d - c)),
        ((-a - b) / (c - d), (a + b) / (d - c)),
        (a * (-b - 2.5) / (c - 2.5), a * (b + 2.5) / (2.5 - c)),
        (-a / (b + c), -a / (b + c)),
        (-2.5 * a + b, b - 2.5 * a),
    ):
        assert simplify(formula, rows) == shortest


def test_what_would_have_hundreds_of_terms_is_not_multiplied_out(monkeypatch):
    x = sympy.symbols("x:29", positive=True)
    rows = Rows.of({str(s): np.arange(1.0, 5.0) for s in x}, np.ones(4))
    monkeypatch.setattr(sympy, "factor", None)  # of this square it took minutes
    assert simplify(sympy.Add(*rows.symbols) ** 2, rows) == sympy.Add(*rows.symbols) ** 2


def test_a_power_of_a_large_sum_is_neither_multiplied_out_nor_factored_as_a_whole(monkeypatch):
    """SymPy computes with whole numbers of millions of digits then, and cannot be interrupted."""
    a, b, c, u, v, w, x, y, z = sympy.symbols("a b c u v w x y z", positive=True)
    part = (x * (y + z)) ** 2
    total = a + b * part / (u * v) - c * u * v * (x - w) / part + u * v / part
    values = {s: i for i, s in enumerate((a, b, c, u, v, w, x, y, z), 2)}
    power = factored(total**3)
    assert not sympy.fraction(power)[0].is_Add and (power / total**3).subs(values) == 1
    whole = sympy.expand(sympy.fraction(sympy.together(total))[0] ** 3)
    monkeypatch.setattr(sympy, "factor", None)
    monkeypatch.setattr(sympy, "cancel", None)
    assert (factored(whole) / whole).subs(values) == 1
    assert _cancelled(whole / (whole + 1)) == whole / (whole + 1)
