"""Fewer variables under noise, by the symmetries of a smooth model."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import pytest
import sympy

from numerate.formula import Rows, evaluate
from numerate.regress import _implicit, _reduce, _remainder, _smooth


def table(text: str, larger: Mapping[str, float], noise: float, count: int = 700):
    law = sympy.parse_expr(text, local_dict={n: sympy.Symbol(n) for n in larger})
    rng = np.random.default_rng(list(text.encode()))
    columns = {n: factor * rng.uniform(1, 4, count) for n, factor in larger.items()}
    truth = evaluate(law, columns)
    target = truth + noise * np.sqrt(np.mean(truth**2)) * rng.normal(size=count)
    return Rows.of(columns, target), truth, law


# The law, the size of some features, and how many variables are left.
NOISY = [
    ("m/sqrt(1 - v**2/c**2)", {"m": 1, "v": 1, "c": 6}, 1),
    ("sqrt((a - b)**2 + (c - d)**2)", dict.fromkeys("abcd", 1), 2),
    ("q*E/(m*(w**2 - u**2))", {"q": 1, "E": 1, "m": 1, "w": 5, "u": 1}, 1),
    ("M*H/(k*T) + M*a*B/(s*c*k*T)", dict.fromkeys("MHkTaBsc", 1), 1),
]


@pytest.mark.parametrize("laws", [NOISY[:2], pytest.param(NOISY[2:], marks=pytest.mark.slow)])
def test_with_noise_the_products_and_differences_of_a_law_are_found(laws):
    for text, larger, left in laws:
        rows, _, _ = table(text, larger, 0.01)
        path = next(_remainder.reductions(rows, [rows.scale]))
        assert len(path[0].variables) == len(larger)
        assert len(path[-1].variables) <= left, (text, path[-1].variables)
        # y = factor · target on every row, in each of them.
        for view in path:
            factor = evaluate(view.factor, rows.columns()) * np.ones(len(rows))
            np.testing.assert_allclose(factor * view.target, rows.target, rtol=1e-9)


def test_laws_of_five_and_six_features_on_both_sides_of_zero_are_exact_in_what_is_left():
    for text, names in (
        ("-(c**4*k/r**2 + H**2*c**2*(1 - 2*a))/(8*G)", "cHGakr"),
        ("q*V*d/y**2 - q**2*d*y/(4*s*(y**2 - d**2)**2)", "qVsyd"),
    ):
        rng = np.random.default_rng(list(text.encode()))
        columns = {n: rng.uniform(1, 5, 700) for n in names}
        if "d" in names:  # without a pole
            columns |= {"y": rng.uniform(1, 3, 700), "d": rng.uniform(4, 6, 700)}
        law = sympy.parse_expr(text, local_dict={n: sympy.Symbol(n) for n in names})
        truth = evaluate(law, columns)
        rows = Rows.of(columns, truth)
        scales = [rows.scale, np.abs(rows.target)]
        paths = _remainder.reductions(rows, scales)
        formulas = (f for path in paths for f in _remainder.exact(rows, scales, path))
        for formula in formulas:
            value = evaluate(formula, rows.columns())
            if np.allclose(value, truth, rtol=1e-9, atol=1e-11 * np.std(truth)):
                break
        else:
            raise AssertionError(text)


def test_a_power_that_the_model_of_many_features_got_wrong_is_mended():
    rows, _, _ = table("(a*b + c)/d**2", dict.fromkeys("abcd", 1), 0.01)
    features = rows.features[:, :3]
    start = _reduce.View(
        rows.symbols, rows.features, sympy.S.One, rows.target, rows.scale, np.ones(len(rows))
    )
    wrong = start.divided({3: Fraction(-3, 2)})
    assert wrong is not None
    wrong = wrong.with_columns(rows.symbols[:3], list(features.T))
    assert wrong is not None
    last = _reduce.corrected([start, wrong])[-1]
    assert last.factor == rows.symbols[3] ** -2
    factor = evaluate(last.factor, rows.columns())
    np.testing.assert_allclose(factor * last.target, rows.target, rtol=1e-9)


def test_a_root_beside_another_term_is_found():
    for law in ("sqrt(a**2 + 3*b + 2) + 2*d", "a/3 - sqrt(b*d + 5)"):
        rows, truth, _ = table(law, dict.fromkeys("abd", 1), 0)
        found = _implicit.roots(rows, [rows.scale])
        assert any(np.allclose(evaluate(f, rows.columns()), truth, rtol=1e-9) for f in found), law


def test_parts_without_a_common_feature_are_fitted_apart_from_forty_rows():
    for law, names in (("a/(b + 1) + c/(d + 2)", "abcd"), ("x*y/(z + 3) + w", "xyzw")):
        rows, truth, _ = table(law, dict.fromkeys(names, 1), 0, 40)
        size = np.array([np.median(np.abs(truth)) / rows.scale[0]])
        found = min(_remainder.splits(rows, [rows.scale], 2.0, size), key=lambda f: f.length)
        assert found.power == "sum of parts"
        value = evaluate(found.expression, rows.columns())
        assert np.std(value - truth) < 0.01 * np.std(truth), law


def test_a_smooth_model_has_the_size_of_the_noise_whatever_its_link():
    for text in ("x/y", "x*x + y", "1/(x + y)", "sqrt(x + y)"):
        rows, truth, _ = table(text, {"x": 1, "y": 1}, 0.05)
        model = _smooth.best(rows.features, rows.target, rows.scale)
        assert model is not None
        error, noise = np.std(model.value - truth), np.std(rows.target - truth)
        assert error < 0.3 * noise, (text, error / noise)
        x, y = rows.columns()["x"], rows.columns()["y"]
        wanted = evaluate(sympy.parse_expr(text).diff(sympy.Symbol("x")), {"x": x, "y": y})
        off = model.slopes[:, 0] - wanted
        assert np.std(off) < 0.3 * np.sqrt(np.mean(wanted**2 * np.ones(len(x)))), text


def test_nothing_is_reduced_where_there_is_no_law():
    rng = np.random.default_rng(5)
    rows = Rows.of({n: rng.uniform(1, 2, 300) for n in "abc"}, rng.normal(size=300))
    for view in next(_remainder.reductions(rows, [rows.scale])):
        assert view.variables or abs(np.mean(view.target)) < 1
