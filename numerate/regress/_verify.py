"""Is a formula exact, as good as the written decimals, or only an approximation?"""

import numpy as np
import sympy

from numerate.formula import complexity, evaluate, explained_error, floats, gradient
from numerate.regress._problem import Problem

EXACT, WITHIN_PRECISION, APPROXIMATE = "exact", "within_precision", "approximate"

MEANING = {
    EXACT: "every row agrees to the rounding of the arithmetic",
    WITHIN_PRECISION: "every row agrees within the decimals in which the values are written",
    APPROXIMATE: "the residuals are larger than rounding and written decimals explain",
}

_ULPS = 32
_BITS_PER_SYMBOL = 3.0
# What a formula explains must exceed what it takes to write it down by this factor: then a
# formula found by trying thousands is still not a coincidence.
_EVIDENCE = 1.5
_MOST_FITTED = 4  # a smooth function is matched to rounding by enough fitted constants


def status(formula: sympy.Expr, problem: Problem) -> str:
    """`exact`, `within_precision` or `approximate`, judged on every row of the table.

    A formula is *exact* if no row differs by more than the rounding of float64 (each input's
    last place propagated through the formula's slopes, so that cancellation is allowed for),
    and *within precision* if none differs by more than the written decimals explain. Both
    need evidence: the bits that the rows pin down must outweigh the bits of the formula.
    """
    rounding = _rounding(formula, problem)
    rows = problem.everything
    with np.errstate(invalid="ignore"):
        residual = np.abs(evaluate(formula, rows.columns()) - rows.target)
    if np.all(residual <= rounding) and _evident(formula, problem, rounding):
        return EXACT
    if problem.resolution.any():
        explained = explained_error(formula, rows.columns(), problem.resolution)
        allowed = rounding + explained * (1 + 1e-6)
        if np.all(residual <= allowed) and _evident(formula, problem, allowed):
            return WITHIN_PRECISION
    return APPROXIMATE


def _rounding(formula: sympy.Expr, problem: Problem) -> np.ndarray:
    """What float64 can lose in computing the formula on each row, `(rows,)`."""
    rows = problem.everything
    eps = np.finfo(float).eps
    with np.errstate(all="ignore"):
        slopes = np.abs(gradient(formula, rows.columns()))
        carried = np.sum(slopes * np.abs(rows.features), axis=1)
    # Not finite where a slope overflows or is infinite: then only the last places of y count.
    carried = np.where(np.isfinite(carried), carried, 0.0)
    return _ULPS * eps * (np.abs(rows.target) + carried)


def _evident(formula: sympy.Expr, problem: Problem, allowed: np.ndarray) -> bool:
    rows = problem.everything
    size = np.maximum(allowed, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        bits = np.log2(1 + np.minimum(rows.scale / size, 2.0**60))
    constants = len(floats(formula))
    cost = _BITS_PER_SYMBOL * complexity(formula) + constants * float(np.median(bits))
    return constants <= _MOST_FITTED and float(bits.sum()) > _EVIDENCE * cost
