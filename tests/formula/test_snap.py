"""The exact numbers that are tried for a fitted number."""

import numpy as np
import sympy

from numerate.formula import Rows, snap
from numerate.formula._fit import Parametric
from numerate.formula._snap import _simple_numbers, _Snapping


def test_with_noise_only_small_fractions_are_tried():
    """Some fraction is always near: 81/4 would fit 20.25 by chance."""
    assert list(_simple_numbers(20.25, False, noiseless=False, agrees=False)) == [1]
    assert sympy.Rational(3, 4) in _simple_numbers(0.75, False, noiseless=False, agrees=False)
    assert sympy.Rational(81, 4) in _simple_numbers(20.25, False, noiseless=True, agrees=True)


def test_a_constant_that_noise_hides_is_no_whole_number():
    """With an error of 0.1 every other number has a simple fraction within two standard errors."""
    x = np.linspace(0, 2, 200)
    (t,) = Rows.of({"t": x}, x).symbols

    def snapped(slope: float, noise: float) -> int:
        count = 0
        for seed in range(30):
            errors = noise * np.random.default_rng(seed).normal(size=len(x))
            rows = Rows.of({"t": x}, 21.4 + slope * x - 4.903 * x**2 + errors)
            found = snap(21.4 + sympy.Float(slope) * t - sympy.Float(4.903) * t**2, rows)
            count += found.coeff(t).is_Rational
        return count

    assert snapped(3.27, 0.2) <= 4
    assert snapped(3.0, 0.002) >= 25


def test_an_exact_constant_may_leave_nothing_of_what_the_free_fit_left():
    x = np.linspace(1, 2, 30)
    rows = Rows.of({"x": x}, 2 * x + 1)
    view = Parametric(2.1 * rows.symbols[0] + 1.1, rows.symbols)
    state = _Snapping(view, rows, 1.0, view.values, 1e-6, 0.0, {}, False)
    change = {0: sympy.Integer(2)}
    assert state.tolerates(0.0, np.array([7.0, 7.0]), change)
    assert not state.tolerates(1e-6, np.array([7.0, 7.0]), change)
