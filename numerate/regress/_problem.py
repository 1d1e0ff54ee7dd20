"""The table as the formula search sees it: which rows train, which are held out, how precise."""

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

HOLDOUT_FROM = 40  # with fewer rows every one is needed to fit; errors are cross-validated
SEARCH_ROWS = 400  # more rows change no structure, only the last digits of constants
REFIT_ROWS = 100_000


@dataclass(frozen=True)
class Problem:
    """One fit: rows to search on, rows held out, and all of them with their written precision.

    **Fields:** `everything`, all rows; `resolution`, half a unit in the last written place,
    `(rows, n_features + 1)`, the target last; `train` and `holdout`, indices into the rows
    (the same ones where errors are cross-validated); `seed`.
    """

    everything: Rows
    resolution: np.ndarray
    train: np.ndarray
    holdout: np.ndarray
    seed: int

    @classmethod
    def of(cls, names, features, target, resolution, seed: int) -> "Problem":
        """Split a table: a quarter held out at random from 40 rows on, none below."""
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
        """Whether held-out errors come from refits without a few rows at a time."""
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
        """Training rows weighted by the error that the written precision explains.

        Where the formula's residuals are far larger than that, the decimals are not what
        limits it, and every row weighs the same.
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
        """(fit, test) pairs: leave one out up to 20 rows, else ten folds."""
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
        """The same on rows that were not fitted."""
        if not self.cross_validated:
            return relative_error(formula, self.everything.take(self.holdout))
        if any(len(floats(formula)) >= len(fit) for fit, _ in self.folds()):
            # Too few rows to fit it without the ones it is tested on: nothing was held out.
            return float("inf")
        squared = [
            relative_error(refit(formula, fit)[0], test) ** 2 * len(test)
            for fit, test in self.folds()
        ]
        return float(np.sqrt(np.sum(squared) / len(self.train)))


def _spread(target: np.ndarray) -> float:
    """Standard deviation, in a scale where tiny and huge targets neither vanish nor overflow."""
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
