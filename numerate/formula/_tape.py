"""A formula as a list of NumPy operations, with slopes by reverse accumulation.

SymPy's `lambdify` compiles for seconds what a search evaluates for milliseconds, and `diff`
leaves |x|**c unresolved where it cannot prove it real. A tape costs nothing to build, and
the number it gives is the number the printed formula has.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import sympy


class Tape:
    """The operations of a formula in the order they are computed.

    Each step is a function of what was computed before, and for each of its arguments one
    that gives the slope.

    **Raises:** `ValueError` for an operation that formulas do not have.
    """

    def __init__(self, formula: sympy.Expr):
        self._steps: list[Callable] = []
        self._slopes: list[list[tuple[int, Callable]]] = []
        self._found: dict = {}
        self._visit(formula)

    def _visit(self, node) -> int:
        if node in self._found:
            return self._found[node]
        step, slopes = self._operation(node)
        self._steps.append(step)
        self._slopes.append(slopes)
        self._found[node] = len(self._steps) - 1
        return self._found[node]

    def _operation(self, node) -> tuple[Callable, list]:
        if node.is_Symbol:
            return lambda done, values: values[node], []
        if node.is_number:
            number = float(node)
            return lambda done, values: number, []
        if node.func not in _OPERATIONS:
            raise ValueError(
                f"a formula has + - * / powers, Abs and sign; found {node.func.__name__}"
            )
        arguments = [self._visit(a) for a in node.args]
        step, slopes = _OPERATIONS[node.func](node, arguments, self._found)
        moving = [not a.is_number for a in node.args]
        return step, [s for s, m in zip(slopes, moving, strict=False) if m]

    def forward(self, values: Mapping) -> list:
        """The value of every step; `values` maps symbols to numbers or columns."""
        done: list = []
        with np.errstate(all="ignore"):
            for step in self._steps:
                done.append(step(done, values))
        return done

    def slopes(self, done: list, wanted: Sequence[sympy.Symbol], rows: int) -> np.ndarray:
        """∂formula/∂symbol for each wanted symbol, `(rows, len(wanted))`, after `forward`."""
        adjoint: list = [0.0] * len(done)
        adjoint[-1] = 1.0
        with np.errstate(all="ignore"):
            for index in range(len(done) - 1, -1, -1):
                for at, slope in self._slopes[index]:
                    adjoint[at] = adjoint[at] + adjoint[index] * slope(done)
        columns = np.empty((rows, len(wanted)))
        for column, name in enumerate(wanted):
            columns[:, column] = adjoint[self._found[name]] if name in self._found else 0.0
        return columns


def _add(node, at: list[int], found: dict):
    return (
        lambda done, values: sum([done[i] for i in at]),
        [(i, lambda done: 1.0) for i in at],
    )


def _multiply(node, at: list[int], found: dict):
    """Divisors are divided by, so that a*b/c is rounded as it is written."""
    divides = [a.is_Pow and a.exp == -1 and not a.is_number for a in node.args]
    over = [i for i, d in zip(at, divides, strict=True) if not d]
    under = [found[a.base] for a, d in zip(node.args, divides, strict=True) if d]

    slopes = [
        (i, lambda done, rest=at[:k] + at[k + 1 :]: math.prod([done[j] for j in rest]))
        for k, i in enumerate(at)
    ]
    if not under:
        return lambda done, values: math.prod([done[i] for i in over]), slopes
    return (
        lambda done, values: (
            math.prod([done[i] for i in over]) / math.prod([done[i] for i in under])
        ),
        slopes,
    )


def _power(node, at: list[int], found: dict):
    base, exponent = at
    steps = {
        0.5: lambda done, values: np.sqrt(done[base]),
        2: lambda done, values: done[base] * done[base],
    }
    known = node.exp.is_number and float(node.exp)
    return (
        steps.get(known, lambda done, values: np.power(done[base], done[exponent])),
        [
            (base, lambda done: done[exponent] * np.power(done[base], done[exponent] - 1.0)),
            (exponent, lambda done: np.power(done[base], done[exponent]) * np.log(done[base])),
        ],
    )


def _abs(node, at: list[int], found: dict):
    return (
        lambda done, values: np.abs(done[at[0]]),
        [(at[0], lambda done: np.sign(done[at[0]]))],
    )


def _sign(node, at: list[int], found: dict):
    return lambda done, values: np.sign(done[at[0]]), []


_OPERATIONS = {
    sympy.Add: _add,
    sympy.Mul: _multiply,
    sympy.Pow: _power,
    sympy.Abs: _abs,
    sympy.sign: _sign,
}
