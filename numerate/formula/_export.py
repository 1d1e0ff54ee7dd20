"""Formulas for other programs. Names of columns are data there: quoted, escaped or renamed."""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false

import json
import re
from collections.abc import Sequence

import sympy
from sympy import preorder_traversal
from sympy.printing.latex import LatexPrinter
from sympy.printing.numpy import NumPyPrinter

from numerate._names import identifiers, visible

# Names that SymPy's printer knows how to write: x, mass_1, alpha, alpha_max.
_PLAIN = re.compile("[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*")
_IN_MATHS = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\wedge ", "~": r"\sim ", " ": r"\ ", '"': "''", "`": "'",
}  # fmt: skip


def python_source(formula: sympy.Expr, features: Sequence[str], target: str) -> str:
    """A Python function of NumPy arrays that computes a formula.

    Names that are not identifiers are changed, and a comment says which is which.

    **Raises:** `ValueError` if the formula has a symbol that is not among the features.

    !!! example
        >>> import sympy
        >>> print(python_source(sympy.Symbol("semi-major axis") ** 1.5, ["semi-major axis"], "T"))
        import numpy
        <BLANKLINE>
        <BLANKLINE>
        # semi_major_axis is the column "semi-major axis".
        def T(semi_major_axis):
            return semi_major_axis**1.5
    """
    function, *arguments = identifiers([target, *features], taken=("numpy",))
    names = dict(zip(features, arguments, strict=True))
    for symbol in formula.free_symbols:
        if symbol.name not in names:
            raise ValueError(f"the formula has the symbol {symbol.name!r}, which is no feature")
    renamed = [
        # In ASCII, so that no name ends the comment.
        f"# {word} is the column {json.dumps(name)}.\n"
        for name, word in [(target, function), *names.items()]
        if name != word
    ]
    body = _SourcePrinter(names).doprint(formula)
    head = f"def {function}({', '.join(arguments)}):\n    return {body}"
    return f"import numpy\n\n\n{''.join(renamed)}{head}"


class _SourcePrinter(NumPyPrinter):
    def __init__(self, names: dict[str, str]):
        super().__init__({"fully_qualified_modules": True})
        self._names = names

    def _print(self, expr, **kwargs):
        # As predictions compute it: NumPy has no such integers, and floats would round its parts.
        if getattr(expr, "is_number", False) and any(map(_is_extreme, preorder_traversal(expr))):
            number = float(expr)
            # A divisor may be infinite, of a quotient that is 0.
            text = repr(number).replace("inf", "numpy.inf")
            return f"({text})" if number < 0 else text
        return super()._print(expr, **kwargs)

    def _print_Symbol(self, expr):
        return self._names[expr.name]

    def _print_Float(self, expr):
        return repr(float(expr))  # SymPy writes 15 digits.


def _is_extreme(number: sympy.Expr) -> bool:
    return number != 0 and not 2.0**-53 < abs(float(number)) < 2.0**53


def latex_source(formula: sympy.Expr, target: str, **options) -> str:
    """A formula as an equation in LaTeX; names that are no symbols stand in upright letters.

    **Arguments:** the formula, the name of its value, and options of `sympy.latex`.

    !!! example
        >>> import sympy
        >>> print(latex_source(sympy.Symbol("alpha") / sympy.Symbol("50% of {x}"), "y_1"))
        y_{1} = \\frac{\\alpha}{\\mathrm{50\\%\\ of\\ \\{x\\}}}
    """
    names = {symbol: latex_name(symbol.name) for symbol in formula.free_symbols}
    printer = _LatexPrinter({"symbol_names": names, **options})
    return f"{latex_name(target)} = {printer.doprint(formula)}"


class _LatexPrinter(LatexPrinter):
    def _print_Pow(self, expr):
        # SymPy computes the inverse of a number to print it as a fraction, and may be given the
        # number itself again.
        if expr.is_number and expr.exp.is_Rational and expr.exp < 0:
            inverse = sympy.Pow(expr.base, -expr.exp, evaluate=False)
            return rf"\frac{{1}}{{{self._print(expr.base if expr.exp == -1 else inverse)}}}"
        return super()._print_Pow(expr)


def latex_name(name: str) -> str:
    """A name in LaTeX's mathematical mode, in which no character of it is a command.

    !!! example
        >>> print(latex_name("alpha_max"), latex_name("50 $"))
        \\alpha_{max} \\mathrm{50\\ \\$}
    """
    if _PLAIN.fullmatch(name):
        return sympy.latex(sympy.Symbol(name))
    return rf"\mathrm{{{''.join(_IN_MATHS.get(c, c) for c in visible(name))}}}"
