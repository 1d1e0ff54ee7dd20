"""Which formulas are rewritten."""

import numpy as np

from numerate.formula import Rows, simplify


def test_powers_beyond_four_are_left_alone():
    """SymPy's factoring can take minutes for them."""
    x = np.array([1.0, 2.0, 3.0])
    rows = Rows.of({"a": x, "b": x, "c": x}, x)
    a, b, c = rows.symbols
    assert simplify(a**4 * c + b * c, rows) == c * (a**4 + b)
    assert simplify(a**5 * c + b * c, rows) == a**5 * c + b * c
