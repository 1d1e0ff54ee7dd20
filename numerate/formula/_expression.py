"""Formulas: SymPy expressions whose `Float`s were fitted and whose `Rational`s are exact.

All functions on formulas rely on this distinction: snapping replaces a `Float` by a `Rational`,
refitting changes only the `Float`s, and the number of `Float`s is the number of fitted constants.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import math
from collections.abc import Iterator, Mapping

import numpy as np
import sympy

from numerate._names import quoted
from numerate.formula._tape import Tape

BLOCK = 1 << 14


def terms(formula: sympy.Expr, most: int = 100) -> tuple[sympy.Expr, ...] | None:
    """The terms of a formula with its products multiplied out; None if there may be more than
    `most`, because SymPy takes minutes for a few hundred.

    !!! example
        >>> terms(sympy.sympify("k*(a - b)"))
        (a*k, -b*k)
        >>> terms(sympy.sympify("(a + b + c)**20"))
    """
    if _most_terms(formula) > most:
        return None
    return sympy.Add.make_args(sympy.expand(formula))


def _most_terms(formula: sympy.Expr) -> int:
    """How many terms there are if none cancel."""
    inner = [_most_terms(arg) for arg in formula.args]
    if formula.is_Add:
        return sum(inner)
    if formula.is_Mul:
        return math.prod(inner)
    if formula.is_Pow and formula.exp.is_Integer and formula.exp > 0:
        return math.comb(inner[0] + int(formula.exp) - 1, int(formula.exp))
    return 1


def complexity(formula: sympy.Expr) -> int:
    """The length of a formula in standard notation: its variables, constants and operations.

    `a - b`, `a*b` and `a/b` have complexity 3 and `sqrt(a)` has 2; a sign counts nothing.

    !!! example
        >>> import sympy
        >>> [complexity(sympy.sympify(f)) for f in ("a", "a/b", "-sqrt(a)", "a**2 + 3*b")]
        [1, 3, 2, 7]
    """
    if formula.is_Symbol:
        return 1
    if formula.is_Number or formula.is_NumberSymbol:
        return 1 + 2 * (isinstance(formula, sympy.Rational) and formula.q != 1 and _long(formula))
    if formula.is_Add:
        return sum(complexity(a) for a in formula.args) + len(formula.args) - 1
    if formula.is_Mul:
        return _product_complexity(formula)
    if formula.is_Pow:
        return _power_complexity(*formula.args)
    return 1 + sum(complexity(a) for a in formula.args)


def _long(number: sympy.Rational) -> bool:
    """Whether a fraction has no short decimal: true for 2/3, false for 0.5 and 1.25."""
    return decimal_text(number) is None


def _product_complexity(product: sympy.Expr) -> int:
    over, under = [], []
    for factor in product.args:
        base, exponent = factor.as_base_exp()
        if factor.is_Rational:
            # 2*a/3 is one division, not the product of a fraction and a.
            over += [abs(factor.p)] * (abs(factor.p) != 1)
            under += [factor.q] * (factor.q != 1)
        elif exponent.is_number and exponent.is_negative:
            under.append(1 / factor)
        else:
            over.append(factor)
    factors = [sympy.sympify(f) for f in over + under]
    return sum(complexity(f) for f in factors) + len(factors) - 1 + 2 * (not over)


def _power_complexity(base: sympy.Expr, exponent: sympy.Expr) -> int:
    if exponent.is_negative:  # 1/base: the numerator and the division
        return 2 + complexity(1 / sympy.Pow(base, exponent))
    if exponent == sympy.S.Half:
        return 1 + complexity(base)
    return 1 + complexity(base) + complexity(exponent)


def decimal_text(number: sympy.Rational) -> str | None:
    """The finite decimal of at most six decimals that equals a rational, or None.

    !!! example
        >>> import sympy
        >>> decimal_text(sympy.Rational(981, 100)), decimal_text(sympy.Rational(1, 3))
        ('9.81', None)
    """
    for decimals in range(7):
        if (number * 10**decimals).is_Integer:
            return f"{float(number):.{decimals}f}"
    return None


def floats(formula: sympy.Expr) -> list[sympy.Float]:
    """The fitted constants of a formula, each once, in a fixed order.

    !!! example
        >>> import sympy
        >>> floats(sympy.sympify("2.5*a + b**1.25 + 3"))
        [1.25000000000000, 2.50000000000000]
    """
    return sorted(formula.atoms(sympy.Float), key=float)


def constants(formula: sympy.Expr) -> int:
    """The number of fitted constants; those that differ in their sign alone are one.

    !!! example
        >>> import sympy
        >>> constants(sympy.sympify("2.5*a - 2.5*b + b**1.25 + 3"))
        2
    """
    return len({abs(number) for number in floats(formula)})


def evaluate(formula: sympy.Expr, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of a formula on columns of numbers, in float64.

    **Arguments:**

    - `formula`: an expression of + × powers, absolute values and signs.
    - `values`: a column `(rows,)` for every symbol's name.

    **Returns:** `(rows,)`; NaN or infinity where the formula is not defined.

    **Raises:** `ValueError` for an operation other than + × powers, absolute values and signs.

    !!! example
        >>> import numpy as np, sympy
        >>> a, b = np.array([1.0, 3.0]), np.array([2.0, 2.0])
        >>> evaluate(sympy.sympify("a/b + 1"), {"a": a, "b": b})
        array([1.5, 2.5])
    """
    rows = next(iter(values.values())).shape if values else ()
    columns = {s: values[s.name] for s in formula.free_symbols}
    tape, found = Tape(formula), np.empty(rows)
    for part in blocks(rows[0]) if rows else ((),):
        found[part] = tape.forward({s: c[part] for s, c in columns.items()})[-1]
    return found


def blocks(count: int) -> Iterator[slice]:
    """Slices of `BLOCK` rows, within which the steps of a formula stay in the cache.

    !!! example
        >>> [s.stop for s in blocks(2 * BLOCK + 1)] == [BLOCK, 2 * BLOCK, 2 * BLOCK + 1]
        True
    """
    for start in range(0, count, BLOCK):
        yield slice(start, min(start + BLOCK, count))


def gradient(formula: sympy.Expr, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The exact partial derivatives of a formula by each column of numbers, in float64.

    **Arguments:** as for `evaluate`; columns that the formula does not use may be among them.

    **Returns:** `(rows, columns)` in the order of `values`; NaN or infinity where the formula
    is not defined or not differentiable, and 0 by the convention sign(0) = 0 at a kink of |x|.

    **Raises:** `ValueError` for an operation other than + × powers, absolute values and signs.

    !!! example
        >>> import numpy as np, sympy
        >>> a, b = np.array([1.0, 3.0]), np.array([2.0, 2.0])
        >>> gradient(sympy.sympify("a**2/b"), {"a": a, "b": b})
        array([[ 1.  , -0.25],
               [ 3.  , -2.25]])
    """
    symbols = {s.name: s for s in formula.free_symbols}
    tape, count = Tape(formula), len(next(iter(values.values())))
    wanted = [symbols.get(name, sympy.Symbol(name)) for name in values]
    found = np.empty((count, len(wanted)))
    for part in blocks(count):
        results = tape.forward({s: values[name][part] for name, s in symbols.items()})
        found[part] = tape.derivatives(results, wanted, part.stop - part.start)
    return found


def formula_text(formula: sympy.Expr, digits: int | None = None) -> str:
    """A formula on one line, with fitted constants to `digits` significant digits.

    Without `digits`, constants are written with as many digits as float64 needs to be read back
    unchanged. Exact decimals such as 981/100 are written as 9.81. Names that are not identifiers
    stand in backquotes.

    !!! example
        >>> import sympy
        >>> formula_text(sympy.sympify("a*0.123456789 + b*Rational(981, 100)"), digits=4)
        '0.1235*a + 9.81*b'
    """
    return _TextPrinter(digits).doprint(formula)


class _TextPrinter(sympy.printing.str.StrPrinter):
    def __init__(self, digits: int | None):
        super().__init__()
        self._digits = digits

    def _print_Symbol(self, expr):
        return quoted(expr.name)

    def _print_Float(self, expr):
        return repr(float(expr)) if self._digits is None else f"{float(expr):.{self._digits}g}"

    def _as_ordered_terms(self, expr, order=None):
        # 3 - a instead of -a + 3.
        terms = super()._as_ordered_terms(expr, order)
        plus = [term for term in terms if not term.could_extract_minus_sign()]
        first = plus[0] if plus and terms[0].could_extract_minus_sign() else terms[0]
        return [first, *(term for term in terms if term is not first)]

    def _print_Add(self, expr, order=None):
        # 5.67*(a - b) instead of SymPy's 5.67*a - 5.67*b.
        parts = [term.as_coeff_Mul() for term in expr.args]
        size = abs(parts[0][0])
        if not (size.is_Float and all(abs(number) == size for number, _ in parts)):
            return super()._print_Add(expr, order)
        inner = sympy.Add(*(sympy.sign(number) * rest for number, rest in parts))
        return f"{self._print(size)}*({self._print(inner)})"

    def _print_Pow(self, expr, rational=False):
        # 1/a**2 instead of a**(-2).
        if expr.exp.is_Rational and expr.exp < 0 and expr.exp != -1 and not expr.base.is_Rational:
            # Not evaluated, which would make a product of the power of a product.
            inverse = sympy.Pow(expr.base, -expr.exp, evaluate=False)
            return f"1/{super()._print_Pow(inverse, rational)}"
        return super()._print_Pow(expr, rational)

    def _print_Mul(self, expr):
        # 1.25*b instead of SymPy's 5*b/4.
        coefficient, rest = expr.as_coeff_Mul()
        if coefficient.is_Rational and coefficient.q > 4 and not _long(coefficient):
            text = self.parenthesize(rest, sympy.printing.precedence.PRECEDENCE["Mul"])
            return f"{decimal_text(coefficient)}*{text}"
        return super()._print_Mul(expr)

    def _print_Rational(self, expr):
        text = decimal_text(expr) if expr.q > 4 else None
        return text or super()._print_Rational(expr)
