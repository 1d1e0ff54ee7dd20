"""The table of a search: its training rows, held-out rows, written precision and weights."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import sympy

from numerate.formula import (
    Parametric,
    Rows,
    blocks,
    constants,
    evaluate,
    explained_error,
    gradient,
    refit,
    released,
    symbol,
)
from numerate.regress._noise import Described, described

HOLDOUT_FROM = 100  # with fewer rows, all are used to fit, and errors are cross-validated
SEARCH_ROWS = 400  # more rows change only the last digits of constants
REFIT_ROWS = 100_000
COMPARED_ROWS = 20_000  # to which the constants of formulas are fitted that are compared
_SORTED = 10_000  # rows, above which they are not compared as a whole

_ULPS = 32
_LAWSON = 40  # rounds of a fit of the largest residual
_NEAR = 2.0  # largest residual, in units of the limit, that such a fit may bring below it


@dataclass(frozen=True)
class Problem:
    """The rows of a table, split for a search.

    **Fields:** `everything`, all rows; `resolution`, half a unit in the last written digit of
    each value, `(rows, n_features + 1)` with the target last, 0 where a value is exact; `train`
    and `holdout`, indices of rows (the same object if errors are cross-validated); `seed`;
    `base` `(rows,)`, relative standard deviations of the target; `given`, whether these are
    standard errors that the user gave; `numbers` `(rows,)`, of the rows in the user's table.
    """

    everything: Rows
    resolution: np.ndarray
    train: np.ndarray
    holdout: np.ndarray
    seed: int
    base: np.ndarray
    given: bool
    numbers: np.ndarray

    @classmethod
    def of(
        cls, names, features, target, resolution, seed: int, base=None, given=False, numbers=None
    ):
        """Split a table: with 100 rows or more, a random quarter is held out, else none.

        Of each four rows that follow each other in the order of the target's size, one is held
        out, so that large and small values are in both parts.
        """
        symbols = tuple(symbol(n, c) for n, c in zip(names, features.T, strict=True))
        count = len(target)
        rng = np.random.default_rng(seed)
        train = holdout = np.arange(count)
        if count >= HOLDOUT_FROM:
            order = rng.permutation(count)
            order = order[np.argsort(np.abs(target[order]), kind="stable")]
            fours = order[: count // 4 * 4].reshape(-1, 4)
            holdout = np.sort(rng.permuted(fours, axis=1)[:, 0])
            train = np.setdiff1d(train, holdout)
        spread = np.full(count, _spread(target))
        rows = Rows(symbols, features, target, spread, np.zeros(count))
        base = np.ones(count) if base is None else base
        numbers = np.arange(1, count + 1) if numbers is None else numbers
        return cls(rows, resolution, train, holdout, seed, base, given, numbers)

    @property
    def cross_validated(self) -> bool:
        """Whether held-out errors come from cross-validation, for lack of rows."""
        return self.holdout is self.train

    @cached_property
    def written(self) -> bool:
        """Whether the digits of any value were rounded."""
        return bool(self.resolution.any())

    @cached_property
    def distinct(self) -> np.ndarray:
        """The indices of different rows, the first of those that are alike."""
        return first_of_each([*self.everything.features.T, self.everything.target])

    @cached_property
    def _samples(self) -> dict[int, np.ndarray]:
        return {}

    def rows(self, most: int) -> Rows:
        """At most `most` training rows, the same ones each time."""
        return self.everything.take(self.some(most))

    def some(self, most: int) -> np.ndarray:
        """The indices of at most `most` training rows, the same ones each time."""
        if len(self.train) <= most:
            return self.train
        if most not in self._samples:
            pick = np.random.default_rng(self.seed + 1).choice(self.train, most, replace=False)
            self._samples[most] = np.sort(pick)
        return self._samples[most]

    def described(self, formula: sympy.Expr, index: np.ndarray) -> list[Described]:
        """The formula fitted to the rows at `index` under each error model, likeliest first."""
        return described(formula, self.everything.take(index), self.base[index], self.given)

    def weighted_rows(self, found: Described) -> Rows:
        """The rows of a fit, scaled by the error of the formula that rounding explains: rounding
        to the written digits, and of the arithmetic.

        If the formula's residuals are far larger, they stay scaled by the error model.
        """
        rows, formula = found.rows, found.formula
        limit = self.allowed(formula, self.some(len(rows)))
        floor = np.median(limit) * 1e-3
        with np.errstate(all="ignore"):
            residual = np.abs(evaluate(formula, rows.columns()) - rows.target)
            worst = np.median(residual / np.maximum(limit, floor))
        explained = np.nan_to_num(limit)
        if np.all(np.isfinite(limit)) and floor > 0 and worst <= 10:
            scale = np.maximum(limit, floor)
            return replace(rows, scale=scale, explained_error=explained, logarithmic=False)
        return replace(rows, explained_error=explained)

    def allowed(self, formula: sympy.Expr, index: np.ndarray | slice) -> np.ndarray:
        """The largest residual that rounding explains, `(rows,)`; NaN where none is known."""
        rows = self.everything.take(index)
        if not self.written:
            return rounding(formula, rows)
        written = explained_error(formula, rows.columns(), self.resolution[index])
        return rounding(formula, rows) + written

    def within(self, formula: sympy.Expr) -> sympy.Expr:
        """The formula with constants for which the largest residual, in units of what rounding
        explains, is smallest: least squares with weights that grow where it is large (Lawson
        1961). Judged are all rows, at most 100,000."""
        rows = self.everything.take(np.arange(len(self.everything))[:REFIT_ROWS])
        limit = self.allowed(formula, np.arange(len(rows)))
        if not np.all(limit > 0):
            return formula
        view = Parametric(formula, rows.symbols)
        free, weight = np.ones(len(view.values), bool), np.ones(len(rows))
        best, values = (np.inf, view.values), view.values
        for _ in range(_LAWSON):
            with np.errstate(all="ignore"):
                ratio = np.abs(view.value(values, rows) - rows.target) / limit
            worst = float(np.max(ratio))
            if worst < best[0]:
                best = (worst, values)
            if not worst < _NEAR or worst < 1:
                break
            weight = weight * ratio / np.sum(weight * ratio)
            scale = limit / np.sqrt(weight * len(rows) + 1e-9)
            values, _ = view.fit(values, free, replace(rows, scale=scale))
        return view.with_values([sympy.Float(v) for v in best[1]])

    def folds(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Indices of rows to fit and to test: leave-one-out up to 20 rows, else ten folds."""
        count = len(self.train)
        parts = np.random.default_rng(self.seed).permutation(count) % min(count, 20)
        parts = parts if count <= 20 else parts % 10
        for part in np.unique(parts):
            yield self.train[parts != part], self.train[parts == part]

    def train_error(self, formula: sympy.Expr) -> float:
        """Root mean squared error on the training rows, relative to the target's spread."""
        return self._relative_error(formula, self.train)

    def _relative_error(self, formula: sympy.Expr, index: np.ndarray) -> float:
        """`relative_error` of the rows at `index`, without copies of their features."""
        rows = self.everything
        value = evaluate(formula, rows.columns())[index]
        return _relative((value - rows.target[index]) / rows.scale[index])

    def holdout_error(self, found: Described) -> float:
        """The same on held-out rows, or by cross-validation.

        Cross-validation fits every coefficient again, also those that were replaced by whole
        numbers.
        """
        if not self.cross_validated:
            return self._relative_error(found.formula, self.holdout)
        free = released(found.formula)
        squared = []
        for fit, test in self.folds():
            if constants(free) >= len(fit):
                # The fold has too few rows to fit the constants: no error can be known.
                return float("inf")
            rows = self.everything.take(fit)
            if len(found.rows) == len(self.train):
                inside = np.searchsorted(self.train, fit)
                scale, log = found.rows.scale[inside], found.rows.logarithmic
                rows = replace(rows, scale=scale, logarithmic=log)
            tested = self.everything.take(test)
            squared.append(relative_error(refit(free, rows)[0], tested) ** 2 * len(test))
        return float(np.sqrt(np.sum(squared) / len(self.train)))


def rounding(formula: sympy.Expr, rows: Rows) -> np.ndarray:
    """A bound for the rounding error of the formula on each row, `(rows,)`.

    The unit in the last place of each input, propagated through the formula's derivatives, so
    that cancellation is accounted for.
    """
    used = {str(s) for s in formula.free_symbols}
    columns = {name: c for name, c in rows.columns().items() if name in used}
    bound = np.empty(len(rows))
    for part in blocks(len(rows)):
        carried = np.zeros(part.stop - part.start)
        own = {name: c[part] for name, c in columns.items()}
        with np.errstate(all="ignore"):
            if own:
                derivatives = np.abs(gradient(formula, own))
                carried = np.sum(derivatives * np.abs(np.stack(list(own.values()), -1)), axis=1)
        # Where a derivative is not finite, only the rounding of the target is taken into account.
        carried = np.where(np.isfinite(carried), carried, 0.0)
        bound[part] = _ULPS * np.finfo(float).eps * (np.abs(rows.target[part]) + carried)
    return bound


def first_of_each(columns: list[np.ndarray]) -> np.ndarray:
    """The indices of different rows of a table of columns, the first of those that are alike."""
    count = len(columns[0])
    if count > _SORTED:
        for column in columns[::-1]:  # the target most often has no value twice
            ordered = np.sort(column)
            if np.all(ordered[1:] != ordered[:-1]):
                return np.arange(count)
        order = np.lexsort(columns)  # 20 times as fast as comparing rows
        new = np.zeros(count, bool)
        new[0] = True
        for column in columns:
            new[1:] |= column[order[1:]] != column[order[:-1]]
        return order[new]
    return np.unique(np.column_stack(columns), axis=0, return_index=True)[1]


def _spread(target: np.ndarray) -> float:
    """Standard deviation, computed so that tiny and huge targets do not under- or overflow."""
    size = np.abs(target).max()
    if size == 0:
        return 1.0
    return float(np.std(target / size) * size) or size


def relative_error(formula: sympy.Expr, rows: Rows) -> float:
    """Root mean squared residual in units of `rows.scale`; infinite where undefined."""
    return _relative((evaluate(formula, rows.columns()) - rows.target) / rows.scale)


def _relative(residual: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        value = float(np.sqrt(np.mean(residual**2)))
    return value if np.isfinite(value) else float("inf")
