"""Formulas as plain data: nested lists of strings, in files that a stranger may have written.

A formula is built only after its structure, its depth and the sizes of its numbers were checked,
and as it is written: SymPy would otherwise multiply 9**9**9 out, or sort 20,000 terms.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false

import math
import re
from collections.abc import Collection
from typing import Any, NamedTuple

import sympy

# Far above what a search finds, and far below what SymPy takes seconds for.
_MOST_NODES, _MOST_DEPTH = 1000, 40
_MOST_DIGITS = 1000  # of the integers that a formula would have if it were multiplied out
_LARGEST_EXPONENT = 256.0
_MOST_NUMBERS = 2  # in a product of which a root is taken: SymPy may draw it from each without end
_FLOAT = re.compile("[-+.0-9a-z]{1,39}", re.ASCII)
_RATIONAL = re.compile(r"(-?[0-9]{1,400})(?:/([0-9]{1,400}))?", re.ASCII)

_OPERATIONS = {
    "+": sympy.Add,
    "*": sympy.Mul,
    "**": sympy.Pow,
    "Abs": sympy.Abs,
    "sign": sympy.sign,
}
_ARGUMENTS = {"+": (2, _MOST_NODES), "*": (2, _MOST_NODES), "**": (2, 2), "Abs": (1, 1)}
_ARGUMENTS["sign"] = (1, 1)
_HEADS = {operation: head for head, operation in _OPERATIONS.items()}


def to_data(formula: sympy.Expr) -> list | str:
    """A formula as nested lists of strings, to be stored; `from_data` is the inverse.

    !!! example
        >>> import sympy
        >>> to_data(sympy.sympify("a/2 + 0.5"))
        ['+', ['float', '0.5'], ['*', ['rational', '1/2'], ['symbol', 'a']]]
    """
    if formula.is_Symbol:
        return ["symbol", formula.name]
    if formula.is_Float:
        return ["float", repr(float(formula))]
    if formula.is_Rational:
        return ["rational", str(formula)]
    if formula is sympy.pi:
        return ["pi"]
    return [_HEADS[formula.func], *(to_data(a) for a in formula.args)]


def from_data(data: Any, symbols: Collection[str] | None = None) -> sympy.Expr:
    """The formula that `to_data` converted. No part of the data is executed.

    **Arguments:** `data`; `symbols`, the names that the formula may use, by default all.

    **Raises:** `ValueError` for data that `to_data` cannot have written: another structure, a
    name that is not among the symbols, a number that is not finite, more than 1000 nodes or 40
    levels, integers of more than 1000 digits when they are multiplied out, an exponent
    beyond 256, a root of a product of more than two numbers.

    !!! example
        >>> from_data(["*", ["rational", "1/2"], ["symbol", "a"]])
        a/2
    """
    return _Builder(symbols).built(data).formula


class _Part(NamedTuple):
    """A part of a formula; its `value` if it has no symbol; how many `digits` its exact numbers
    would have if they were multiplied out; of how many `numbers` it is a product."""

    formula: sympy.Expr
    value: float | None
    digits: float
    numbers: int = 0


class _Builder:
    def __init__(self, symbols: Collection[str] | None):
        self._symbols = symbols
        self._nodes = 0

    def built(self, data: Any, depth: int = 0) -> _Part:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ValueError(f"a formula has at most {_MOST_NODES} nodes")
        if depth > _MOST_DEPTH:
            raise ValueError(f"a formula has at most {_MOST_DEPTH} levels")
        if not (isinstance(data, list) and data and isinstance(data[0], str)):
            raise _other(data)
        head, *arguments = data
        if head in _OPERATIONS:
            least, most = _ARGUMENTS[head]
            if not least <= len(arguments) <= most:
                raise _other(data)
            return _operation(head, [self.built(a, depth + 1) for a in arguments])
        if not all(isinstance(a, str) for a in arguments):
            raise _other(data)
        return self._leaf(head, arguments, data)

    def _leaf(self, head: str, texts: list[str], data: Any) -> _Part:
        match head, texts:
            case "symbol", [name]:
                if self._symbols is not None and name not in self._symbols:
                    raise ValueError(f"{name[:80]!r} is no feature of the model")
                return _Part(sympy.Symbol(name), None, 0)
            case "float", [text] if _FLOAT.fullmatch(text):
                return _finite(sympy.Float(_float(text, data)), float(text), 0, 1)
            case "rational", [text] if found := _RATIONAL.fullmatch(text):
                over, under = int(found[1]), int(found[2] or 1)
                try:
                    value = over / under
                except (OverflowError, ZeroDivisionError):
                    raise ValueError(f"the number {text[:80]} is not finite") from None
                if over and not value:
                    raise ValueError(f"the number {text[:80]} is too small")
                return _finite(sympy.Rational(over, under), value, len(text), 1)
            case "pi", []:
                return _Part(sympy.pi, math.pi, 0)
        raise _other(data)


def _operation(head: str, parts: list[_Part]) -> _Part:
    values = [part.value for part in parts]
    digits = sum(part.digits for part in parts)
    is_known = all(value is not None for value in values)
    numbers = sum(part.numbers for part in parts) if head == "*" else int(is_known)
    if head == "**":
        exponent, numbers = values[1], parts[0].numbers
        if numbers > _MOST_NUMBERS and not (exponent is not None and exponent.is_integer()):
            raise ValueError(f"a root is of a product of more than {_MOST_NUMBERS} numbers")
        if exponent is not None and not abs(exponent) <= _LARGEST_EXPONENT:
            raise ValueError(f"an exponent is beyond {_LARGEST_EXPONENT:g}")
        largest = _LARGEST_EXPONENT if exponent is None else max(1.0, abs(exponent))
        digits = parts[0].digits * largest + parts[1].digits
    if digits > _MOST_DIGITS:
        raise ValueError(f"its integers would have more than {_MOST_DIGITS} digits")
    formula = _OPERATIONS[head](*(part.formula for part in parts), evaluate=False)
    known = [value for value in values if value is not None]
    value = _value(head, known) if is_known else None
    if value is not None and head == "**" and known[0] < 0:
        _check_is_real(formula)
    return _finite(formula, value, digits, numbers)


def _value(head: str, numbers: list[float]) -> float:
    if head == "**" and not any(numbers):
        raise ValueError("0 to the power of 0 has no value")
    try:
        match head:
            case "+":
                return math.fsum(numbers)
            case "*":
                return math.prod(numbers)
            case "**":
                # `math.pow` and not `**`, which makes complex numbers of roots of negative ones.
                return math.pow(*numbers)
            case "Abs":
                return abs(numbers[0])
        return math.copysign(1.0, numbers[0]) if numbers[0] else 0.0
    except (OverflowError, ValueError):
        raise ValueError("a number in it is not finite and real") from None


def _check_is_real(power: sympy.Pow) -> None:
    """Raises `ValueError` where SymPy does not see that an exponent is whole, as in (-2)**(3 - 1):
    such a power of a negative number has no value there."""
    try:
        float(power)
    except TypeError:
        raise ValueError("a number in it is not finite and real") from None


def _finite(formula: sympy.Expr, value: float | None, digits: float, numbers: int) -> _Part:
    if value is not None and not math.isfinite(value):
        raise ValueError("a number in it is not finite")
    return _Part(formula, value, digits, numbers)


def _float(text: str, data: Any) -> float:
    try:
        return float(text)
    except ValueError:
        raise _other(data) from None


def _other(data: Any) -> ValueError:
    return ValueError(f"not a formula written by numerate: {_cut(data)}")


def _cut(data: Any) -> str:
    """The beginning of data of any size and depth."""
    if isinstance(data, list):
        return f"[{', '.join(_cut(d) if not isinstance(d, list) else '[…' for d in data[:3])}"[:80]
    return repr(data[:80] if isinstance(data, str) else type(data).__name__)[:80]
