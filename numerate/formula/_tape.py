"""A formula as a list of NumPy operations, with derivatives by reverse-mode differentiation.

SymPy's `lambdify` compiles for seconds what a search evaluates in milliseconds, and `diff`
leaves the derivative of |x|**c unevaluated where x may be complex. A tape is quick to build.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import sympy


class Tape:
    """The operations of a formula in the order in which they are computed.

    Each step is a function of the earlier results. For each of its arguments there is a function
    that gives the local derivative, `None` for a derivative of 1.

    **Raises:** `ValueError` for an operation other than + × powers, absolute values and signs.
    """

    def __init__(self, formula: sympy.Expr):
        self._steps: list[Callable] = []
        self._derivatives: list[list[tuple[int, Callable | None]]] = []
        self._found: dict = {}
        self._towards: dict[tuple, list] = {}
        self._visit(formula)

    def _visit(self, node) -> int:
        if node in self._found:
            return self._found[node]
        step, derivatives = self._operation(node)
        self._steps.append(step)
        self._derivatives.append(derivatives)
        self._found[node] = len(self._steps) - 1
        return self._found[node]

    def _operation(self, node) -> tuple[Callable, list]:
        if node.is_Symbol:
            return lambda results, values: values[node], []
        if node.is_number:
            number = float(node)
            return lambda results, values: number, []
        if node.func not in _OPERATIONS:
            raise ValueError(
                f"a formula has + - * / powers, Abs and sign; found {node.func.__name__}"
            )
        arguments = [self._visit(a) for a in node.args]
        step, derivatives = _OPERATIONS[node.func](node, arguments, self._found)
        moving = [not a.is_number for a in node.args]
        return step, [s for s, m in zip(derivatives, moving, strict=False) if m]

    def forward(self, values: Mapping) -> list:
        """The result of every step; `values` maps symbols to numbers or columns."""
        results: list = []
        with np.errstate(all="ignore"):
            for step in self._steps:
                results.append(step(results, values))
        return results

    def derivatives(self, results: list, wanted: Sequence[sympy.Symbol], rows: int) -> np.ndarray:
        """∂formula/∂symbol for each wanted symbol, `(rows, len(wanted))`, after `forward`."""
        adjoint: list = [None] * len(results)
        adjoint[-1] = 1.0
        with np.errstate(all="ignore"):
            for index, arguments in self._needed(tuple(wanted)):
                own = adjoint[index]
                if own is None:  # under a sign
                    continue
                for at, derivative in arguments:
                    part = own if derivative is None else own * derivative(results)
                    adjoint[at] = part if adjoint[at] is None else adjoint[at] + part
        columns = np.zeros((rows, len(wanted)))
        for column, name in enumerate(wanted):
            at = self._found.get(name)
            if at is not None and adjoint[at] is not None:
                columns[:, column] = adjoint[at]
        return columns

    def _needed(self, wanted: tuple) -> list[tuple[int, list]]:
        """The steps that depend on wanted symbols, the last first, with the derivatives by those
        of their arguments that do: powers of features alone, say, are left out."""
        if wanted not in self._towards:
            depends = {self._found[name] for name in wanted if name in self._found}
            steps = []
            for index, arguments in enumerate(self._derivatives):
                needed = [(at, derivative) for at, derivative in arguments if at in depends]
                if needed:
                    depends.add(index)
                    steps.append((index, needed))
            self._towards[wanted] = steps[::-1]
        return self._towards[wanted]


def _add(node, at: list[int], found: dict):
    return (
        lambda results, values: sum([results[i] for i in at]),
        [(i, None) for i in at],
    )


def _multiply(node, at: list[int], found: dict):
    """Divisors are divided by, so that a*b/c is rounded as it is written."""
    divides = [a.is_Pow and a.exp == -1 and not a.is_number for a in node.args]
    over = [i for i, d in zip(at, divides, strict=True) if not d]
    under = [found[a.base] for a, d in zip(node.args, divides, strict=True) if d]

    derivatives = [
        (i, lambda results, rest=at[:k] + at[k + 1 :]: math.prod([results[j] for j in rest]))
        for k, i in enumerate(at)
    ]
    if not under:
        return lambda results, values: math.prod([results[i] for i in over]), derivatives
    return (
        lambda results, values: (
            math.prod([results[i] for i in over]) / math.prod([results[i] for i in under])
        ),
        derivatives,
    )


def _power(node, at: list[int], found: dict):
    base, exponent = at
    steps = {
        0.5: lambda results, values: np.sqrt(results[base]),
        2: lambda results, values: results[base] * results[base],
    }
    known = node.exp.is_number and float(node.exp)

    def by_base(results):
        return results[exponent] * np.power(results[base], results[exponent] - 1.0)

    def by_exponent(results):
        return np.power(results[base], results[exponent]) * np.log(results[base])

    return (
        steps.get(known, lambda results, values: np.power(results[base], results[exponent])),
        [(base, by_base), (exponent, by_exponent)],
    )


def _abs(node, at: list[int], found: dict):
    return (
        lambda results, values: np.abs(results[at[0]]),
        [(at[0], lambda results: np.sign(results[at[0]]))],
    )


def _sign(node, at: list[int], found: dict):
    return lambda results, values: np.sign(results[at[0]]), []


_OPERATIONS = {
    sympy.Add: _add,
    sympy.Mul: _multiply,
    sympy.Pow: _power,
    sympy.Abs: _abs,
    sympy.sign: _sign,
}
