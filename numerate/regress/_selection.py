"""Which of many features a target depends on.

Most laws use few of the columns that a table has. These are found by forward selection among ranks
and their products, so that the rest of the search has a small table.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from numerate.formula import Rows

MANY = 8  # features, above which they are selected
ROWS = 4000  # of which they are selected

_LEVEL = 1e-3  # of the test that ends a selection, for all columns together
_MOST_STEPS = 16


def columns_of(rows: Rows, kept: list[int]) -> Rows:
    """The same rows with the features at `kept` only."""
    symbols = tuple(rows.symbols[i] for i in kept)
    return replace(rows, symbols=symbols, features=rows.features[:, kept])


def related(rows: Rows, target: np.ndarray) -> list[int]:
    """The features that a column depends on, in the order of the table.

    Forward selection for the ranks of the target and of its size, among the ranks of the
    features and of their sizes, and products of two of them; until none is significant beside
    those that were selected.

    **Arguments:** the rows; the column `(rows,)`, the target or what a formula leaves of it.
    """
    found: set[int] = set()
    signed = np.any(rows.features < 0, axis=0) & np.any(rows.features > 0, axis=0)
    features = [_ranks(rows.features)]
    sources = list(range(len(rows.symbols)))
    if signed.any():
        features.append(_ranks(np.abs(rows.features[:, signed])))
        sources += np.flatnonzero(signed).tolist()
    columns = np.column_stack(features)
    targets = [target] + [np.abs(target)] * bool(np.any(target < 0) and np.any(target > 0))
    for one in targets:
        for chosen in _forward(columns, _ranks(one[:, None])[:, 0]):
            found |= {sources[i] for i in chosen}
    return sorted(found)


def _ranks(columns: np.ndarray) -> np.ndarray:
    """Ranks with mean 0 and variance 1; 0 for a constant."""
    from scipy.stats import rankdata

    ranks = rankdata(columns, axis=0)
    ranks = ranks - ranks.mean(axis=0)
    size = np.sqrt(np.mean(ranks**2, axis=0))
    return ranks / np.where(size > 0, size, 1.0)


def _forward(columns: np.ndarray, target: np.ndarray) -> Iterator[tuple[int, ...]]:
    """The columns, alone or two that are multiplied, that explain a target significantly."""
    count, width = columns.shape
    terms = width + width * (width + 1) // 2
    limit = -ndtri(_LEVEL / 2 / terms)
    mean = columns.T @ columns / count
    size = np.sqrt(np.maximum((columns**2).T @ columns**2 / count - mean**2, 1e-3))
    design, left = np.ones((count, 1)), target
    for _ in range(min(_MOST_STEPS, count // 8)):
        deviation = np.sqrt(np.mean(left**2)) * np.sqrt(count)
        if not deviation > 1e-9 * np.sqrt(count):
            return
        alone = np.abs(columns.T @ left) / deviation
        # The residual has the mean zero, so that the products need not be centred.
        both = np.abs((columns * left[:, None]).T @ columns) / size / deviation
        one = int(np.argmax(alone))
        two = np.unravel_index(int(np.argmax(both)), both.shape)
        if max(alone[one], both[two]) < limit:
            return
        # A product has to be clearly better than a column.
        chosen = (one,) if alone[one] > 0.8 * both[two] else tuple(int(i) for i in two)
        yield chosen
        design = np.column_stack([design, np.prod(columns[:, list(chosen)], axis=1)])
        basis = np.linalg.qr(design)[0]
        left = target - basis @ (basis.T @ target)
