"""A formula as a list of NumPy operations, with slopes by reverse accumulation.

SymPy's `lambdify` compiles for seconds what a search evaluates for milliseconds, and `diff`
leaves |x|**c unresolved where it cannot prove it real. A tape costs nothing to build, and
the number it gives is the number the printed formula has.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

from collections.abc import Mapping, Sequence

import numpy as np
import sympy

_KINDS = {sympy.Add: "add", sympy.Mul: "mul", sympy.Pow: "pow", sympy.Abs: "abs"}
_KINDS[sympy.sign] = "sign"


class Tape:
    """The operations of a formula in the order they are computed.

    **Raises:** `ValueError` for an operation that formulas do not have.
    """

    def __init__(self, formula: sympy.Expr):
        self._steps: list[tuple[str, tuple]] = []  # (kind, leaf or indices of the arguments)
        self._found: dict[sympy.Expr, int] = {}
        self._visit(formula)

    def _visit(self, node: sympy.Expr) -> int:
        if node in self._found:
            return self._found[node]
        if node.is_Symbol:
            step = ("symbol", (node,))
        elif node.is_number:
            step = ("number", (float(node),))
        elif node.func in _KINDS:
            step = (_KINDS[node.func], tuple(self._visit(a) for a in self._in_order(node)))
        else:
            raise ValueError(
                f"a formula has + - * / powers, Abs and sign; found {node.func.__name__}"
            )
        self._steps.append(step)
        self._found[node] = len(self._steps) - 1
        return self._found[node]

    @staticmethod
    def _in_order(node: sympy.Expr) -> Sequence[sympy.Expr]:
        """Factors before divisors, so that a*b/c is rounded as it is written."""
        if not node.is_Mul:
            return node.args
        return sorted(node.args, key=lambda f: f.is_Pow and f.exp == -1)

    def forward(self, values: Mapping) -> list:
        """The value of every step; `values` maps symbols to numbers or columns."""
        done: list = []
        with np.errstate(all="ignore"):
            for kind, inputs in self._steps:
                done.append(self._compute(kind, inputs, values, done))
        return done

    def _compute(self, kind: str, inputs: tuple, values: Mapping, done: list):
        if kind == "symbol":
            return values[inputs[0]]
        if kind == "number":
            return inputs[0]
        arguments = [done[i] for i in inputs]
        if kind == "pow":
            return _power(*arguments)
        if kind == "mul":
            return self._multiply(inputs, arguments, done)
        return {"add": sum, "abs": lambda a: np.abs(a[0]), "sign": lambda a: np.sign(a[0])}[kind](
            arguments
        )

    def _multiply(self, inputs: tuple, arguments: list, done: list):
        total = 1.0
        for index, argument in zip(inputs, arguments, strict=True):
            kind, inner = self._steps[index]
            reciprocal = kind == "pow" and self._steps[inner[1]] == ("number", (-1.0,))
            total = total / done[inner[0]] if reciprocal else total * argument
        return total

    def slopes(self, done: list, wanted: Sequence[sympy.Symbol], rows: int) -> np.ndarray:
        """∂formula/∂symbol for each wanted symbol, `(rows, len(wanted))`, after `forward`."""
        adjoint: list = [0.0] * len(done)
        adjoint[-1] = 1.0
        with np.errstate(all="ignore"):
            for index in range(len(done) - 1, -1, -1):
                kind, inputs = self._steps[index]
                for at, slope in _slopes(kind, inputs, done, done[index]):
                    if self._steps[at][0] != "number":
                        adjoint[at] = adjoint[at] + adjoint[index] * slope
        columns = [adjoint[self._found[s]] if s in self._found else 0.0 for s in wanted]
        slopes = np.empty((rows, len(wanted)))
        for column, slope in enumerate(columns):
            slopes[:, column] = slope
        return slopes


def _power(base, exponent):
    if np.ndim(exponent) == 0:
        if exponent == 0.5:
            return np.sqrt(base)
        if exponent == 2.0:
            return base * base
    return np.power(base, exponent)


def _slopes(kind: str, inputs: tuple, done: list, value):
    """(argument, ∂value/∂argument) for one step. sign has slope 0, |f| has slope sign(f)."""
    if kind == "add":
        yield from ((i, 1.0) for i in inputs)
    elif kind == "mul":
        for position, index in enumerate(inputs):
            others = inputs[:position] + inputs[position + 1 :]
            yield index, _product(others, done)
    elif kind == "pow":
        base, exponent = (done[i] for i in inputs)
        yield inputs[0], exponent * np.power(base, exponent - 1.0)
        yield inputs[1], value * np.log(base)
    elif kind == "abs":
        yield inputs[0], np.sign(done[inputs[0]])


def _product(indices: tuple, done: list):
    total = 1.0
    for index in indices:
        total = total * done[index]
    return total
