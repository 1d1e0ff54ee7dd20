"""Fewer variables, by the scalings of a table."""

import numpy as np
import sympy

from numerate.formula import Rows, evaluate
from numerate.regress._scaling import formulas, reductions

# The features of a law, drawn from U(1, 3), with factors by which some are larger.
LAWS = {
    "m*c**2/sqrt(1 - v**2/c**2)": {"m": 1, "v": 1, "c": 4},
    "(t - u*x/c**2)/sqrt(1 - u**2/c**2)": {"t": 1, "u": 1, "x": 3, "c": 4},
    "p**2/(2*m) + m*w**2*x**2*(1 + a*x/y)/2": {n: 1 for n in "pmwxay"},
    "sqrt(2/m*(E - U - L**2/(2*m*r**2)))": {"m": 1, "E": 6, "U": 1, "L": 1, "r": 1},
    "q*E/(m*(w**2 - u**2))": {"q": 1, "E": 1, "m": 1, "w": 4, "u": 1},
    "s*E**2*r**2*w**4/(w**2 - u**2)**2": {"s": 1, "E": 1, "r": 1, "w": 1, "u": 4},
    "M*H/(k*T) + M*a*B/(s*c**2*k*T)": {n: 1 for n in "MHkTaBsc"},
    "(u + v)/(1 + u*v/c**2)": {"u": 1, "v": 1, "c": 1},
    "p*z*sqrt(x**2 + y**2)/(s*r**5)": {n: 1 for n in "pzxysr"},
    "sqrt(1 + 2*s**2*E*L**2/(m*(Z*Y*q**2)**2))": {n: 1 for n in "sELmZYq"},
    "-32/5*G**4/c**5*(m*n)**2*(m + n)/r**5": {n: 1 for n in "Gcmnr"},
    "n*a/(1 - n*a/30)*s": {"n": 1, "a": 1, "s": 1},
    "G*m*n/((a - b)**2 + (c - d)**2 + (e - f)**2)": dict(zip("Gmnabcdef", [1] * 9, strict=True))
    | {"a": 4, "c": 4, "e": 4},
}


def table(text: str, larger: dict[str, int]) -> tuple[Rows, sympy.Expr]:
    law = sympy.parse_expr(text, local_dict={n: sympy.Symbol(n) for n in larger})
    rng = np.random.default_rng(list(text.encode()))
    columns = {n: factor * rng.uniform(1, 3, 700) for n, factor in larger.items()}
    return Rows.of(columns, evaluate(law, columns)), law


def test_a_law_is_found_in_the_products_that_its_scalings_leave():
    for text, larger in LAWS.items():
        rows, law = table(text, larger)
        found = next(formulas(rows), None)
        assert found is not None, text
        # New rows, on which no polynomial that is only near to the law agrees.
        columns = {n: 0.7 + 1.9 * c for n, c in rows.columns().items()}
        np.testing.assert_allclose(evaluate(found, columns), evaluate(law, columns), rtol=1e-9)


def test_variables_are_left_out_until_no_scaling_is_left():
    rows, _ = table("M*H/(k*T) + M*a*B/(s*c**2*k*T)", {n: 1 for n in "MHkTaBsc"})
    fewest = next(reductions(rows))
    assert len(fewest.variables) == 1
    exponents = np.array(fewest.variables[0], float)
    wanted = np.array([0, -1, 0, 0, 1, 1, -1, -2], float)  # a·B/(s·c²·H)
    assert np.array_equal(exponents * exponents[4], wanted)


def test_a_table_without_scalings_is_left_alone():
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 3, (400, 3))
    noise = rng.normal(size=400)
    assert not list(formulas(Rows.of(dict(zip("abc", x.T, strict=True)), noise)))
    assert not list(formulas(Rows.of({"a": x[:, 0], "zero": 0 * x[:, 0]}, noise)))
