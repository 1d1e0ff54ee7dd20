"""Least squares for the fitted constants (the `Float`s) of a formula, by MINPACK through SciPy."""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy
from scipy.optimize import leastsq

from numerate.formula._expression import BLOCK, blocks
from numerate.formula._tape import Tape

_DEPENDENT = 1e-10  # ratio of singular values below which constants are not independent
_MANY_ROWS = 20_000  # more are fitted by Gauss–Newton, from the solution for so many
_NEWTON_STEPS = 5
_HUGE = 1e100  # replaces residuals that are not finite, so that MINPACK rejects the step


@dataclass(frozen=True)
class Rows:
    """Rows of a table that formulas are fitted to.

    **Fields:** `symbols`, one for each column of `features` `(rows, n_features)`; `target`
    `(rows,)`; `scale` `(rows,)`, by which residuals are divided; `explained_error` `(rows,)`,
    the residual that the written precision of the row explains, 0 where it is full float64;
    `logarithmic`, whether a residual is log(value / target) instead of value − target.
    """

    symbols: tuple[sympy.Symbol, ...]
    features: np.ndarray
    target: np.ndarray
    scale: np.ndarray
    explained_error: np.ndarray
    logarithmic: bool = False

    @classmethod
    def of(cls, features: Mapping[str, np.ndarray], target: np.ndarray) -> "Rows":
        """Rows from named columns in full precision, scaled by the target's standard deviation.

        !!! example
            >>> len(Rows.of({"x": np.array([-1.0, 2.0])}, np.array([0.0, 1.0])))
            2
        """
        columns = np.stack(list(features.values()), axis=-1)
        symbols = tuple(symbol(n, c) for n, c in features.items())
        scale = np.full(len(target), np.std(target) or 1.0)
        return cls(symbols, columns, np.asarray(target, float), scale, np.zeros(len(target)))

    def __len__(self) -> int:
        return len(self.target)

    def columns(self) -> dict[str, np.ndarray]:
        """The features by name."""
        return {s.name: c for s, c in zip(self.symbols, self.features.T, strict=True)}

    def take(self, index: np.ndarray | slice) -> "Rows":
        """The rows at `index`; a slice copies nothing."""
        return replace(
            self,
            features=self.features[index],
            target=self.target[index],
            scale=self.scale[index],
            explained_error=self.explained_error[index],
        )


def symbol(name: str, column: np.ndarray) -> sympy.Symbol:
    """The symbol of a feature; positive if all values are, so that SymPy simplifies roots.

    !!! example
        >>> symbol("a", np.array([1.0, 2.0])).is_positive
        True
    """
    positive = bool(np.all(column > 0))
    return sympy.Symbol(name, positive=True) if positive else sympy.Symbol(name, real=True)


class Parametric:
    """A formula as a function of its fitted constants, with its exact Jacobian.

    **Fields:** `values`, the constants `(n,)`; `in_exponent`, which of them are exponents.
    """

    def __init__(self, formula: sympy.Expr, symbols: tuple[sympy.Symbol, ...]):
        formula, names, values = _name_each_float(formula)
        self.formula, self.names = formula, names
        self.values = np.array(values, float)
        exponents = {s for power in formula.atoms(sympy.Pow) for s in power.exp.free_symbols}
        self.in_exponent = np.array([n in exponents for n in names], bool)
        self._symbols, self._tape = symbols, Tape(formula)

    def residual(self, values: np.ndarray, rows: Rows) -> np.ndarray:
        """Residuals in units of `rows.scale`, `(rows,)`."""
        return _residual(self.value(values, rows), rows)

    def jacobian(self, values: np.ndarray, rows: Rows) -> np.ndarray:
        """The Jacobian of `residual`, `(rows, n)`."""
        return self._jacobian(self._forward(values, rows), rows)

    def _jacobian(self, results: list, rows: Rows) -> np.ndarray:
        scale = rows.scale * results[-1] if rows.logarithmic else rows.scale
        with np.errstate(all="ignore"):
            jacobian = self._tape.derivatives(results, self.names, len(rows))
            jacobian = jacobian / np.broadcast_to(scale, len(rows))[:, None]
        return _finite(jacobian, 0.0)

    def _forward(self, values: np.ndarray, rows: Rows) -> list:
        columns = dict(zip(self._symbols, rows.features.T, strict=True))
        return self._tape.forward(columns | dict(zip(self.names, values, strict=True)))

    def value(self, values: np.ndarray, rows: Rows) -> np.ndarray:
        """The formula's value for each row, `(rows,)`."""
        if len(rows) <= BLOCK:
            return self._forward(values, rows)[-1] * np.ones(len(rows))
        found = np.empty(len(rows))
        for part in blocks(len(rows)):
            found[part] = self._forward(values, rows.take(part))[-1]
        return found

    def loss(self, values: np.ndarray, rows: Rows) -> float:
        """Mean squared residual."""
        return float(np.mean(np.minimum(np.abs(self.residual(values, rows)), _HUGE) ** 2))

    def fit(self, values: np.ndarray, free: np.ndarray, rows: Rows) -> tuple[np.ndarray, float]:
        """The least-squares solution for the constants marked `free`: `(values, loss)`."""
        start = np.asarray(values, float)
        if not free.any() or len(rows) < free.sum():
            return start, self.loss(start, rows)
        if len(rows) > _MANY_ROWS:
            return self._fit_many(start, free, rows)

        def full(some):
            values = start.copy()
            values[free] = some
            return values

        # MINPACK asks for the Jacobian where it has just asked for the residuals.
        last: tuple[np.ndarray, list] = (np.empty(0), [])

        def results(some) -> list:
            nonlocal last
            if not np.array_equal(some, last[0]):
                last = some.copy(), self._forward(full(some), rows)
            return last[1]

        # Not `least_squares`, whose bookkeeping takes longer than the residuals of a small table.
        solved = leastsq(
            lambda some: _residual(results(some)[-1] * np.ones(len(rows)), rows),
            start[free],
            Dfun=lambda some: self._jacobian(results(some), rows)[:, free],
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            maxfev=30,
            full_output=True,
        )
        values = full(solved[0])
        return values, self.loss(values, rows)

    def _fit_many(self, values, free: np.ndarray, rows: Rows) -> tuple[np.ndarray, float]:
        """`fit` by Gauss–Newton for many rows: from the solution for some of them, with normal
        equations that are summed over blocks."""
        some = rows.take(np.arange(0, len(rows), -(-len(rows) // _MANY_ROWS)))
        values = self.fit(values, free, some)[0]
        loss = self.loss(values, rows)
        for _ in range(_NEWTON_STEPS):
            normal, gradient = np.zeros((free.sum(), free.sum())), np.zeros(free.sum())
            for part in blocks(len(rows)):
                block = rows.take(part)
                jacobian = self.jacobian(values, block)[:, free]
                normal += jacobian.T @ jacobian
                gradient += jacobian.T @ self.residual(values, block)
            step = (
                np.linalg.lstsq(normal, gradient, rcond=None)[0]
                if np.all(np.isfinite(normal))
                else 0
            )
            trial = values.copy()
            trial[free] -= step
            new = self.loss(trial, rows)
            if not new < loss:
                break
            small = loss - new < 1e-12 * loss
            values, loss = trial, new
            if small:
                break
        return values, loss

    def covariance(self, values: np.ndarray, rows: Rows) -> np.ndarray:
        """The covariance of the constants, `(n, n)`, if `rows.scale` is the standard deviation.

        The inverse of JᵀJ with the Jacobian J at the least-squares solution. Infinite for
        constants that the rows do not determine.
        """
        return inverse(self.jacobian(values, rows))

    def with_values(self, values: list[sympy.Expr]) -> sympy.Expr:
        """The formula with its constants replaced, `Float` or exact."""
        return self.formula.xreplace(dict(zip(self.names, values, strict=True)))


def _residual(value: np.ndarray, rows: Rows) -> np.ndarray:
    with np.errstate(all="ignore"):
        error = np.log(value / rows.target) if rows.logarithmic else value - rows.target
        residual = error / rows.scale
    return _finite(residual, _HUGE)


def _finite(values: np.ndarray, undefined: float) -> np.ndarray:
    if np.isfinite(values).all():
        return values
    return np.nan_to_num(values, nan=undefined, posinf=_HUGE, neginf=-_HUGE)


def inverse(jacobian: np.ndarray) -> np.ndarray:
    """The inverse of JᵀJ, `(n, n)`; infinite if its columns are dependent."""
    size, count = np.linalg.norm(jacobian, axis=0), jacobian.shape[1]
    if not np.all(np.isfinite(size)) or np.any(size == 0):
        return np.full((count, count), np.inf)
    scaled = np.linalg.svd(jacobian / size, full_matrices=False)
    if scaled.S[-1] < _DEPENDENT * scaled.S[0]:
        return np.full((count, count), np.inf)
    inverse = (scaled.Vh.T / scaled.S**2) @ scaled.Vh
    return inverse / np.outer(size, size)


def _name_each_float(formula: sympy.Expr):
    """Replace every `Float` by a symbol.

    Equal constants have one symbol, also with opposite signs: SymPy writes 5.67 (a − b) as
    5.67 a − 5.67 b. Those of one or two digits, from which a fit starts, may be equal by chance.
    """
    names: list[sympy.Symbol] = []
    values: list[float] = []
    known: dict[float, sympy.Expr] = {}

    def visit(node):
        if node.is_Float:
            value = float(node)
            if value not in known:
                names.append(sympy.Dummy(f"c{len(names)}", real=True))
                values.append(value)
                if float(f"{value:.2g}") == value:
                    return names[-1]
                known[value], known[-value] = names[-1], -names[-1]
            return known[value]
        return node.func(*map(visit, node.args)) if node.args else node

    return visit(formula), names, values


def refit(formula: sympy.Expr, rows: Rows) -> tuple[sympy.Expr, float]:
    """Fit all constants by least squares: the formula and its loss.

    !!! example
        >>> x = np.linspace(1, 2, 9)
        >>> rows = Rows.of({"x": x}, 3 * x)
        >>> refit(1.5 * rows.symbols[0], rows)[0]
        3.0*x
    """
    view = Parametric(formula, rows.symbols)
    values, loss = view.fit(view.values, np.ones(len(view.values), bool), rows)
    return view.with_values([sympy.Float(v) for v in values]), loss
