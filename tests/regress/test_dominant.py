"""Sums of products over many decades, found by the rows on which one term is all that counts."""

import numpy as np
import pytest

from numerate import ArithmeticRegressor
from numerate.formula import Rows, evaluate
from numerate.regress import _dominant


def decades(seed: int, *ranges: tuple[float, float], rows: int = 400) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.exp(rng.uniform(np.log(low), np.log(high), rows)) for low, high in ranges]


def found(columns: dict, target: np.ndarray) -> list:
    return list(_dominant.formulas(Rows.of(columns, target), np.random.default_rng(0)))


def test_heat_by_convection_and_radiation():
    h, area, t = decades(0, (1, 1e3), (0.01, 10), (10, 2e3))
    target = h * area * t + 5.670374419e-8 * area * t**4
    *_, last = found({"h": h, "A": area, "T": t}, target)
    np.testing.assert_allclose(evaluate(last, {"h": h, "A": area, "T": t}), target, rtol=1e-12)


def test_signs_are_those_of_whole_powers():
    m, p, x, y = decades(1, (0.1, 10), (0.01, 10), (0.01, 10), (0.01, 10), rows=800)
    rng = np.random.default_rng(2)
    p, x, y = (c * rng.choice((-1, 1), len(c)) for c in (p, x, y))
    columns = {"m": m, "p": p, "x": x, "y": y}
    target = p**2 / (2 * m) + m * x**2 / 2 - m * x**3 / (5 * y)
    *_, last = found(columns, target)
    np.testing.assert_allclose(evaluate(last, columns), target, rtol=1e-9)


def test_what_a_term_leaves_may_have_a_pole():
    q, y, v, d = decades(3, (1e-9, 1e-6), (0.05, 0.5), (1, 1e4), (0.7, 3), rows=800)
    columns = {"q": q, "y": y, "V": v, "d": d}
    target = q * v * d / y**2 - 8.9875517923e9 * q**2 * d * y / (y**2 - d**2) ** 2
    model = ArithmeticRegressor(random_state=0).fit(np.column_stack([q, y, v, d]), target)
    assert model.status_ == "exact"
    assert any(np.allclose(evaluate(f, columns), target, rtol=1e-9) for f in found(columns, target))


def test_with_noise_in_proportion_the_sum_is_found_too():
    h, area, t = decades(4, (1, 1e3), (0.01, 10), (10, 2e3))
    rng = np.random.default_rng(5)
    target = (h * area * t + 5.67e-8 * area * t**4) * (1 + 0.02 * rng.normal(size=len(h)))
    *_, last = found({"h": h, "A": area, "T": t}, target)
    assert last.free_symbols == {*Rows.of({"h": h, "A": area, "T": t}, target).symbols}
    exponents = {str(term.as_coeff_Mul()[1]) for term in last.args}
    assert exponents == {"A*T*h", "A*T**4"}


@pytest.mark.parametrize("rows", [1, 8, 300])
def test_a_narrow_target_few_rows_and_zeros_give_nothing(rows):
    a, b = decades(6, (1, 2), (1, 2), rows=rows)
    assert not found({"a": a, "b": b}, a + b)
    wide = np.geomspace(1, 1e6, rows)
    assert not found({"a": a * 0, "b": b}, wide)


@pytest.mark.parametrize("power", [3, -3, 40])
def test_powers_that_overflow_on_some_rows_end_nothing(power):
    a, b = decades(7, (1e-200, 1e200), (1e-3, 1e3))
    with np.errstate(all="ignore"):
        target = np.clip(a**power, 1e-300, 1e300) + b
        for formula in found({"a": a, "b": b}, target):
            assert formula.is_finite is not False
