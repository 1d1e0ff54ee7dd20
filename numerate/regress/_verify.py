"""The status of a formula: exact, within the written precision, or approximate."""

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
# The bits that a formula explains must exceed the bits of the formula by this factor, so that a
# formula that was found among thousands is not a coincidence.
_EVIDENCE = 1.5
_MAX_FITTED = 4  # more fitted constants can match any smooth function to rounding errors


def status(formula: sympy.Expr, problem: Problem) -> str:
    """`exact`, `within_precision` or `approximate`, judged on every row of the table.

    A formula is *exact* if no row differs by more than the rounding errors of float64 (the unit
    in the last place of each input, propagated through the formula's derivatives, so that
    cancellation is accounted for), and *within precision* if no row differs by more than the
    written precision explains. Both need evidence: the bits that the rows determine must exceed
    the bits of the formula.
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
    """A bound for the rounding error of the formula on each row, `(rows,)`."""
    rows = problem.everything
    eps = np.finfo(float).eps
    with np.errstate(all="ignore"):
        derivatives = np.abs(gradient(formula, rows.columns()))
        carried = np.sum(derivatives * np.abs(rows.features), axis=1)
    # Where a derivative is not finite, only the rounding of the target is taken into account.
    carried = np.where(np.isfinite(carried), carried, 0.0)
    return _ULPS * eps * (np.abs(rows.target) + carried)


def _evident(formula: sympy.Expr, problem: Problem, allowed: np.ndarray) -> bool:
    rows = problem.everything
    size = np.maximum(allowed, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        bits = np.log2(1 + np.minimum(rows.scale / size, 2.0**60))
    constants = len(floats(formula))
    cost = _BITS_PER_SYMBOL * complexity(formula) + constants * float(np.median(bits))
    return constants <= _MAX_FITTED and float(bits.sum()) > _EVIDENCE * cost
