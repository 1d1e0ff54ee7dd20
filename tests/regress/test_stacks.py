"""Stacks of sum and product layers."""

import jax
import numpy as np

from numerate.formula import Rows, evaluate
from numerate.regress._stacks import stack
from tests.each import each


def test_widths_of_the_layers():
    sizes = {kinds: stack(kinds, 5).sizes for kinds in ("PS", "SP", "PSP", "SPS", "PSPS", "SPSP")}
    assert sizes == {
        "PS": (5, 4, 1),
        "SP": (5, 3, 1),
        "PSP": (5, 4, 2, 1),
        "SPS": (5, 4, 3, 1),
        "PSPS": (5, 4, 3, 2, 1),
        "SPSP": (5, 3, 3, 2, 1),
    }


@each("kinds", ["SP", "PS", "SPS", "PSP"])
def test_residuals_are_those_of_the_formula_read_out(kinds, float64):
    rng = np.random.default_rng(0)
    features = rng.uniform(0.5, 2.0, (20, 2)) * [1.0, -1.0]
    target, importance = rng.normal(size=20), rng.uniform(1.0, 2.0, 20)
    rows = Rows.of({"a": features[:, 0], "b": features[:, 1]}, target)
    architecture = stack(kinds, 2)
    residual = jax.jit(architecture.residual)
    for parameters, odd, free in zip(
        *architecture.starts(6, np.array([False, True]), rng), strict=True
    ):
        formula = architecture.formula(parameters, odd, free, rows.symbols)
        wanted = (evaluate(formula, rows.columns()) - target) * importance
        got = residual(parameters, features, target, importance, odd, free)
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)
