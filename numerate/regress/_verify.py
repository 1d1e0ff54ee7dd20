"""The status of a formula: what the rows prove.

| status | every row agrees |
|---|---|
| `exact` | to the rounding of the arithmetic |
| `within_precision` | within the digits in which the values are written |
| `within_noise` | within noise of one error model, and nothing is left in the residuals |

The first two need evidence. The bits that the rows determine must exceed the bits that the
formula needs by half, and by what choosing among many formulas costs:

- a symbol costs log₂ of the number of symbols that could stand there;
- a number costs its digits, whether it was fitted, replaced by a fraction, or whole;
- a row pays log₂ of the target's spread over the error that is allowed, once for rows in which the
  features of the formula are the same, and not more than the target's own digits carry.

A formula that interpolates is never verified: one with as many coefficients as its features have
distinct rows, with as many long numbers as a feature has values, or with more than four numbers
(two for each of many features) that are fitted or have half as many digits as the target. Neither
is one in which `sign` or `Abs` acts as a gate or a step, nor, within written digits, one with a
fitted exponent, or of one feature with more than four numbers and fractional powers.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

from collections.abc import Callable

import numpy as np
import sympy

from numerate.formula import (
    Rows,
    blocks,
    coefficients,
    complexity,
    constants,
    evaluate,
    formula_text,
)
from numerate.regress._noise import Described
from numerate.regress._problem import Problem, first_of_each, rounding
from numerate.regress._structure import LEVEL, structure

EXACT, WITHIN_PRECISION = "exact", "within_precision"
WITHIN_NOISE, APPROXIMATE = "within_noise", "approximate"

MEANING = {
    EXACT: "every row agrees to the rounding of the arithmetic",
    WITHIN_PRECISION: "every row agrees within the decimals in which the values are written",
    WITHIN_NOISE: f"the residuals are noise: no dependence is left (tests at {LEVEL:.1%})",
    APPROXIMATE: "the residuals are larger than rounding and written decimals explain",
}

OPERATIONS = 8  # + − × ÷, powers, roots, numbers, brackets
_EVIDENCE = 1.5
_CHOICE = 12.0  # bits: a search compares thousands of formulas
_LONG = 7.0  # bits of a number that could have been fitted
_MOST_LONG = 4  # more can match any smooth function to as many digits as they have
_MANY_FEATURES = 8  # but not of many features, where each may have two numbers of its own
_FREE_ROWS = 9  # rows beyond the constants that a statement about noise needs
ONE_ROW = "row"  # with which a sentence on a wild row begins
_FAR = 9.0  # standard deviations of a row that no noise explains
_MOST_PARTS = 16  # of a formula in whose order the residuals are tested
_RARE = 0.1  # share of such rows, up to which they are mistakes
_FREE_POINTS = 4  # of which so many have different features


def status(formula: sympy.Expr, problem: Problem) -> str:
    """`exact`, `within_precision` or `approximate`, judged on every row of the table."""
    if not formula.free_symbols or gates(formula):
        return APPROXIMATE
    exact = _within(formula, problem, lambda bound, part: bound)
    if exact is not None and evident(formula, problem, exact):
        return EXACT
    if problem.written and not _fits_exponents(formula) and not _fits_any_curve(formula):

        def target_digits(bound: np.ndarray, part: slice) -> np.ndarray:
            return bound + problem.resolution[part, -1] * (1 + 1e-6)

        def all_digits(bound: np.ndarray, part: slice) -> np.ndarray:
            return bound + (problem.allowed(formula, part) - bound) * (1 + 1e-6)

        # Within the digits of the target alone, which prove more, or within those of all columns.
        for limit in (target_digits, all_digits):
            allowed = _within(formula, problem, limit)
            if allowed is not None and evident(formula, problem, allowed):
                return WITHIN_PRECISION
    return APPROXIMATE


def _within(
    formula: sympy.Expr, problem: Problem, limit: Callable[[np.ndarray, slice], np.ndarray]
) -> np.ndarray | None:
    """The largest errors that are allowed `(rows,)`, or None if a row has a larger one.

    `limit` makes them of the bound for rounding errors, block by block: most formulas fail in the
    first.
    """
    allowed = np.empty(len(problem.everything))
    for part in blocks(len(allowed)):
        rows = problem.everything.take(part)
        with np.errstate(invalid="ignore"):
            residual = np.abs(evaluate(formula, rows.columns()) - rows.target)
        allowed[part] = limit(rounding(formula, rows), part)
        if not np.all(residual <= allowed[part]):
            return None
    return allowed


def _fits_exponents(formula: sympy.Expr) -> bool:
    return any(p.exp.atoms(sympy.Float) for p in formula.atoms(sympy.Pow))


def _fits_any_curve(formula: sympy.Expr) -> bool:
    """Whether a formula of one feature has more numbers than a smooth curve of few digits needs:
    sums of roots agree with three digits of most laws, over decades."""
    return len(formula.free_symbols) == 1 and fitted(formula) > _MOST_LONG


def evident(formula: sympy.Expr, problem: Problem, allowed: np.ndarray) -> bool:
    """Whether the rows hold more bits than the formula, and it does not interpolate them."""
    rows, columns = problem.everything, _used(formula, problem)
    first = first_of_each(columns)
    bits = _bits(rows.target, np.maximum(allowed, problem.resolution[:, -1]), rows.scale)[first]
    digits = float(np.median(bits))
    numbers = [_number_bits(n, digits) for n in coefficients(formula)]
    long = sum(n > _LONG for n in numbers)
    # Nine coefficients such as 1.25 do not match another curve to sixteen digits. Fitted ones
    # count however few digits the target has: with few digits they match more easily.
    free = max(sum(n > max(_LONG, digits / 2) for n in numbers), constants(formula))
    most = 2 * len(columns) if len(columns) > _MANY_FEATURES else _MOST_LONG
    if len(numbers) >= len(first) or free > most:
        return False
    if long:
        if long >= min(len(np.unique(column)) for column in columns):
            return False
    symbols = complexity(formula) * np.log2(len(rows.symbols) + OPERATIONS)
    return float(bits.sum()) > _EVIDENCE * (symbols + sum(numbers)) + _CHOICE


def _used(formula: sympy.Expr, problem: Problem) -> list[np.ndarray]:
    """The features of a formula, each `(rows,)`: only where they differ are rows evidence."""
    used = {s.name for s in formula.free_symbols}
    return [column for name, column in problem.everything.columns().items() if name in used]


def _bits(target: np.ndarray, allowed: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Bits of each row's target that agreement within `allowed` fixes, `(rows,)`."""
    if np.all(target == np.round(target)):
        allowed = np.maximum(allowed, 0.5)
    size = np.maximum(2 * allowed, np.finfo(float).tiny)
    with np.errstate(over="ignore"):
        return np.log2(1 + np.minimum(spread / size, 2.0**60))


def _number_bits(number: sympy.Expr, digits: float) -> float:
    """Bits of a coefficient: of its numerator and denominator, or of its fitted digits."""
    if isinstance(number, sympy.Rational):
        return float(np.log2(1 + abs(int(number.p))) + np.log2(int(number.q)))
    if number.has(sympy.Float):
        return digits
    return sum(_number_bits(n, digits) for n in number.atoms(sympy.Rational)) + 2.0


def gates(formula: sympy.Expr) -> bool:
    """Whether `sign` or `Abs` may switch between terms, as in a + |a| or sign(a).

    An absolute value may stand in a product, or in a sum with a power that is not whole. A sign
    may only restore that of a power of the same base in a product: |a|^(3/2)·sign(a).

    !!! example
        >>> a = sympy.Symbol("a", real=True)
        >>> [gates(f) for f in (a + abs(a), sympy.sign(a), sympy.sqrt(abs(a)) + 2)]
        [True, True, False]
    """
    return _gates(formula, in_sum=False)


def _gates(node: sympy.Expr, in_sum: bool) -> bool:
    if not node.has(sympy.Abs, sympy.sign):
        return False
    if node.is_Add:
        return any(_gates(term, True) for term in node.args)
    factors = node.args if node.is_Mul else (node,)
    bases = [f.as_base_exp() for f in factors]
    for factor, (base, exponent) in zip(factors, bases, strict=True):
        if isinstance(factor, sympy.sign):
            partner = [e for b, e in bases if b == sympy.Abs(factor.args[0])]
            if in_sum or not partner or not (partner[0].is_positive and partner[0].is_number):
                return True
        elif isinstance(base, sympy.Abs):
            if in_sum and exponent.is_integer:
                return True
            if _gates(base.args[0], True):
                return True
        elif any(_gates(part, in_sum or node.is_Mul) for part in factor.args):
            return True
    return False


def noise_status(found: Described, problem: Problem) -> tuple[str, str]:
    """`within_noise` or `approximate`, with what is left in the residuals of all rows."""
    formula, rows = found.formula, problem.everything
    if not formula.free_symbols:
        return APPROXIMATE, "no column explains more of the target than chance would"
    if gates(formula):
        return APPROXIMATE, "the formula switches by a sign or an absolute value"
    prediction = evaluate(formula, rows.columns())
    if np.all(np.abs(prediction - rows.target) <= rounding(formula, rows)):
        return APPROXIMATE, "every row agrees, but this does not prove a formula of so many digits"
    numbers, points = fitted(formula), len(first_of_each(_used(formula, problem)))
    if len(problem.distinct) - numbers < _FREE_ROWS or points - numbers < _FREE_POINTS:
        return APPROXIMATE, "there are too few rows to tell noise from a wrong formula"
    left = leftover(found, problem)
    return (APPROXIMATE, left) if left else (WITHIN_NOISE, "")


def leftover(found: Described, problem: Problem) -> str | None:
    """What the residuals of all rows still depend on, in words; None if nothing is found.

    Rows that are repeated count once.
    """
    names, rows = {s.name for s in found.formula.free_symbols}, problem.everything
    first = np.sort(problem.distinct)
    rows = rows.take(first if len(first) < len(rows) else slice(None))
    prediction = evaluate(found.formula, rows.columns())
    residual = found.noise.standardised(prediction, rows.target, problem.base[first])
    if not np.all(np.isfinite(residual)):
        return "the formula is not defined on every row"
    far = np.abs(residual) / (1.4826 * float(np.median(np.abs(residual))) or 1.0)
    wild = far > _FAR
    if not wild.any() or np.mean(wild) > _RARE:
        return structure(residual, rows.columns(), prediction, names, _parts(found.formula, rows))
    calm = rows.take(np.flatnonzero(~wild))
    parts = _parts(found.formula, calm)
    left = structure(residual[~wild], calm.columns(), prediction[~wild], names, parts)
    row = problem.numbers[first[np.argmax(far)]]
    return (
        left or f"{ONE_ROW} {row} deviates by {np.max(far):.0f} standard deviations of the others"
    )


def _parts(formula: sympy.Expr, rows: Rows) -> dict[str, np.ndarray]:
    """The values of the parts of a formula that have several features, the simplest first."""
    nodes = {n for n in sympy.preorder_traversal(formula) if len(n.free_symbols) > 1} - {formula}
    nodes = sorted(nodes, key=lambda n: (complexity(n), str(n)))[:_MOST_PARTS]
    values = {formula_text(n, digits=3): evaluate(n, rows.columns()) for n in nodes}
    return {name: value for name, value in values.items() if np.all(np.isfinite(value))}


def fitted(formula: sympy.Expr) -> int:
    """The numbers of a formula that a search chose to suit the rows: its coefficients, and the
    powers that are fractions, each once: sqrt(a)*sqrt(b)/sqrt(c) is sqrt(a*b/c)."""
    powers = [p.exp for p in formula.atoms(sympy.Pow) if p.base.free_symbols]
    numbers = coefficients(formula)
    chosen = {abs(p) for p in powers if p.is_Rational and p.q > 1 and p not in numbers}
    return len(numbers) + len(chosen)
