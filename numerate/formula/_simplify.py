"""The shortest equivalent form of a formula that SymPy's rules find."""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

from collections.abc import Iterator

import numpy as np
import sympy

from numerate.formula._expression import complexity, evaluate
from numerate.formula._fit import Rows

# Limits of SymPy's factoring: beyond them it can take minutes and rarely finds a shorter form.
_TERMS = 30
_LARGEST_POWER = 4
_CONSTANTS = 3
_AGREE = 1e-9


def simplify(formula: sympy.Expr, rows: Rows) -> sympy.Expr:
    """The least complex of several equivalent forms of a formula.

    SymPy may use that a feature is positive in all rows. Each form is also evaluated on the
    rows, and is rejected if it differs from the original by more than rounding.

    !!! example
        >>> x = np.array([1.0, 2.0])
        >>> rows = Rows.of({"a": x, "b": x, "c": x}, x)
        >>> a, b, c = rows.symbols
        >>> simplify(a * c + b * c, rows)
        c*(a + b)
    """
    formula = signed_powers(formula)
    symbolic, restore = _constants_as_symbols(formula)
    reference = evaluate(formula, rows.columns())
    best = formula
    for form in _forms(symbolic):
        form = signed_powers(form.xreplace(restore))
        shorter = (complexity(form), len(str(form))) < (complexity(best), len(str(best)))
        if shorter and _agree(evaluate(form, rows.columns()), reference):
            best = form
    return best


def _agree(value: np.ndarray, reference: np.ndarray) -> bool:
    size = np.abs(reference).max(initial=0.0)
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(value - reference) <= _AGREE * size))


def _forms(formula: sympy.Expr) -> Iterator[sympy.Expr]:
    yield formula
    powers = [p.exp for p in formula.atoms(sympy.Pow)]
    simple = all(p.is_Rational and abs(p) <= _LARGEST_POWER and p.q <= 4 for p in powers)
    fitted = [n for n in formula.free_symbols if isinstance(n, sympy.Dummy)]
    if not simple or formula.count_ops() > _TERMS or len(fitted) > _CONSTANTS:
        return
    expanded = sympy.expand(formula)
    yield expanded
    for start in (formula, expanded, sympy.powdenest(formula, force=True)):
        for rewrite in (sympy.powsimp, sympy.together, sympy.factor, _factor_inside, sympy.cancel):
            try:
                yield rewrite(start)
            except (sympy.PolynomialError, NotImplementedError):
                # This rule does not apply to the formula; others may.
                continue
    for symbol in sorted(formula.free_symbols, key=str):
        yield sympy.collect(expanded, symbol)


def _factor_inside(formula: sympy.Expr) -> sympy.Expr:
    """Factor the sum inside each power, then merge powers of powers."""
    factored = formula.replace(
        lambda e: e.is_Pow and e.base.is_Add, lambda e: sympy.Pow(sympy.factor(e.base), e.exp)
    )
    return sympy.powdenest(factored, force=True)


def _constants_as_symbols(formula: sympy.Expr):
    """Replace fitted constants by positive symbols, because factoring floats is not exact."""
    forward = {
        f: sympy.Dummy(positive=True) * (1 if f > 0 else -1) for f in formula.atoms(sympy.Float)
    }
    back = {s: sympy.Float(abs(f)) for f, t in forward.items() for s in t.free_symbols}
    return formula.xreplace(forward), back


def signed_power(base: sympy.Expr, exponent: sympy.Expr, odd: bool) -> sympy.Expr:
    """|base|**exponent, with the sign of the base if `odd`: real for a fitted exponent.

    !!! example
        >>> x = sympy.Symbol("x", real=True)
        >>> signed_powers(signed_power(x, sympy.Integer(3), True))
        x**3
    """
    if base.is_positive:
        return base**exponent
    return sympy.Abs(base) ** exponent * (sympy.sign(base) if odd else 1)


def signed_powers(formula: sympy.Expr) -> sympy.Expr:
    """Write |x|**n·sign(x) as x**n where n is an odd integer.

    !!! example
        >>> x = sympy.Symbol("x", real=True)
        >>> signed_powers(2 * abs(x)**3 * sympy.sign(x))
        2*x**3
    """
    return formula.replace(lambda e: e.is_Mul and e.has(sympy.sign), _merge_signs)


def _merge_signs(product: sympy.Expr) -> sympy.Expr:
    factors = list(product.args)
    for sign in [f for f in factors if isinstance(f, sympy.sign)]:
        inside = sign.args[0]
        for index, factor in enumerate(factors):
            base, exponent = factor.as_base_exp()
            if base == sympy.Abs(inside) and exponent.is_Integer and exponent % 2:
                factors[index] = inside**exponent
                factors.remove(sign)
                break
    return sympy.Mul(*factors)
