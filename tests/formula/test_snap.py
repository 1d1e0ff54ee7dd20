"""The exact numbers that are tried for a fitted number."""

import sympy

from numerate.formula._snap import _simple_numbers


def test_with_noise_only_small_fractions_are_tried():
    """Some fraction is always near: 81/4 would fit 20.25 by chance."""
    assert list(_simple_numbers(20.25, False, noiseless=False, agrees=False)) == [1]
    assert sympy.Rational(3, 4) in _simple_numbers(0.75, False, noiseless=False, agrees=False)
    assert sympy.Rational(81, 4) in _simple_numbers(20.25, False, noiseless=True, agrees=True)
