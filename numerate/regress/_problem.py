"""The table of a search: its training rows, held-out rows and written precision."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sympy

from numerate.formula import (
    Rows,
    evaluate,
    explained_error,
    floats,
    refit,
    symbol,
    without_counts,
)

HOLDOUT_FROM = 40  # with fewer rows, all are used to fit, and errors are cross-validated
SEARCH_ROWS = 400  # more rows change only the last digits of constants
REFIT_ROWS = 100_000


@dataclass(frozen=True)
class Problem:
    """The rows of a table, split for a search.

    **Fields:** `everything`, all rows; `resolution`, half a unit in the last written digit of
    each value, `(rows, n_features + 1)` with the target last; `train` and `holdout`, indices
    of rows (the same object if errors are cross-validated); `seed`.
    """

    everything: Rows
    resolution: np.ndarray
    train: np.ndarray
    holdout: np.ndarray
    seed: int

    @classmethod
    def of(cls, names, features, target, resolution, seed: int) -> "Problem":
        """Split a table: with 40 rows or more, a random quarter is held out, else none."""
        symbols = tuple(symbol(n, c) for n, c in zip(names, features.T, strict=True))
        count = len(target)
        order = np.random.default_rng(seed).permutation(count)
        held = count // 4 if count >= HOLDOUT_FROM else 0
        train = np.sort(order[held:])
        holdout = np.sort(order[:held]) if held else train
        spread = np.full(count, _spread(target))
        rows = Rows(symbols, features, target, spread, np.zeros(count))
        return cls(rows, without_counts(features, resolution), train, holdout, seed)

    @property
    def cross_validated(self) -> bool:
        """Whether held-out errors come from cross-validation, for lack of rows."""
        return self.holdout is self.train

    def rows(self, most: int) -> Rows:
        """At most `most` training rows, the same ones each time."""
        return self.everything.take(self._some(most))

    def _some(self, most: int) -> np.ndarray:
        if len(self.train) <= most:
            return self.train
        pick = np.random.default_rng(self.seed + 1).choice(self.train, most, replace=False)
        return np.sort(pick)

    def weighted_rows(self, formula: sympy.Expr, most: int) -> Rows:
        """Training rows scaled by the error that the written precision explains.

        If the formula's residuals are far larger, the written precision does not limit it, and
        all rows have the same scale.
        """
        index = self._some(most)
        rows = self.everything.take(index)
        explained = explained_error(formula, rows.columns(), self.resolution[index])
        floor = np.median(explained) * 1e-3
        with np.errstate(invalid="ignore", divide="ignore"):
            residual = np.abs(evaluate(formula, rows.columns()) - rows.target)
            worst = np.median(residual / np.maximum(explained, floor))
        usable = np.all(np.isfinite(explained)) and floor > 0 and worst <= 10
        scale = np.maximum(explained, floor) if usable else rows.scale
        return Rows(rows.symbols, rows.features, rows.target, scale, explained)

    def folds(self) -> Iterator[tuple[Rows, Rows]]:
        """Pairs of rows to fit and to test: leave-one-out up to 20 rows, else ten folds."""
        count = len(self.train)
        parts = np.random.default_rng(self.seed).permutation(count) % min(count, 20)
        parts = parts if count <= 20 else parts % 10
        for part in np.unique(parts):
            yield (
                self.everything.take(self.train[parts != part]),
                self.everything.take(self.train[parts == part]),
            )

    def train_error(self, formula: sympy.Expr) -> float:
        """Root mean squared error on the training rows, relative to the target's spread."""
        return relative_error(formula, self.everything.take(self.train))

    def holdout_error(self, formula: sympy.Expr) -> float:
        """The same on held-out rows, or by cross-validation."""
        if not self.cross_validated:
            return relative_error(formula, self.everything.take(self.holdout))
        if any(len(floats(formula)) >= len(fit) for fit, _ in self.folds()):
            # A fold has too few rows to fit the constants: no error can be cross-validated.
            return float("inf")
        squared = [
            relative_error(refit(formula, fit)[0], test) ** 2 * len(test)
            for fit, test in self.folds()
        ]
        return float(np.sqrt(np.sum(squared) / len(self.train)))


def _spread(target: np.ndarray) -> float:
    """Standard deviation, computed so that tiny and huge targets do not under- or overflow."""
    size = np.abs(target).max()
    if size == 0:
        return 1.0
    return float(np.std(target / size) * size) or size


def relative_error(formula: sympy.Expr, rows: Rows) -> float:
    """Root mean squared residual in units of `rows.scale`; infinite where undefined."""
    residual = (evaluate(formula, rows.columns()) - rows.target) / rows.scale
    with np.errstate(over="ignore"):
        value = float(np.sqrt(np.mean(residual**2)))
    return value if np.isfinite(value) else float("inf")
