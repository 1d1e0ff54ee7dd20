"""Is anything left in the residuals of a formula? A battery of tests on ranks.

Standardised residuals that are noise alone depend on nothing. Their ranks, and those of their
sizes, are regressed on each feature and on the prediction, on products of two features, and are
compared with those of the nearest row, and of the next rows in the order of a feature or of a part
of the formula, such as a + 2*b in a function of that sum. Ranks make the tests exact in level for
any distribution with one continuous value a row. The smallest p value, times the number of tests
(Bonferroni), is compared with `LEVEL`: so a correct formula with correctly described noise is
doubted once in a thousand tables, or in a hundred tables of fewer than 40 rows, where the tests see
less.
"""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
from scipy.spatial import KDTree
from scipy.special import erfc, fdtrc

LEVEL = 0.001
SIZES = "the size of the residuals"
_FEW, _FEW_LEVEL = 40, 0.01  # with fewer rows the tests see less, so that the level is higher
_LAGS = 4
_DEGREE = 3  # of the polynomials of a feature
_MOST = 2000  # rows that are tested
# Polynomials of two or more features, by degree, and for how many features: a smooth function that
# a formula only approximates leaves a smooth surface.
_SURFACES = {3: 4, 4: 3}
_PAIRS = 8  # features whose products are tested
_PARTS = 4  # of a formula whose orders are tested
_SAME_ORDER = 0.99  # correlation of ranks


def structure(
    residual: np.ndarray,
    features: Mapping[str, np.ndarray],
    prediction: np.ndarray,
    used: set[str],
    parts: Mapping[str, np.ndarray],
) -> str | None:
    """What the residuals still depend on, in words; None if the battery finds nothing.

    **Arguments:** standardised residuals `(rows,)`; the features by name, each `(rows,)`; the
    formula's prediction `(rows,)`; the names of the features in the formula; the values of its
    parts of two or more features by how they are written, each `(rows,)`, the simplest first.
    """
    count = len(residual)
    if count > _MOST:
        some = np.random.default_rng(0).choice(count, _MOST, replace=False)
        features = {name: column[some] for name, column in features.items()}
        parts = {name: column[some] for name, column in parts.items()}
        residual, prediction = residual[some], prediction[some]
    tests = list(_tests(residual, features, prediction, used, parts))
    if not tests:
        return None
    p, what = min(tests)
    level = _FEW_LEVEL if len(residual) < _FEW else LEVEL
    return what if p * len(tests) < level else None


def _tests(residual, features, prediction, used, parts) -> Iterator[tuple[float, str]]:
    rank, size = _ranks(residual), _ranks(np.abs(residual))
    columns = {name: _ranks(column) for name, column in features.items()}
    value = "the predicted value"
    for name, column in [*columns.items(), (value, _ranks(prediction))]:
        degree = min(_DEGREE, len(np.unique(column)) - 1, (len(rank) - 2) // 3)
        if degree > 0:
            design = np.polynomial.legendre.legvander(column, degree)
            yield _regression(rank, design), f"residuals still depend on {name}"
            yield (
                _regression(size, design[:, :2]),
                f"{SIZES} still depends on {name}",
            )
    for one, two in itertools.combinations(list(columns)[:_PAIRS], 2):
        design = np.column_stack(
            [np.ones(len(rank)), columns[one], columns[two], columns[one] * columns[two]]
        )
        yield _regression(rank, design), f"residuals still depend on {one} together with {two}"
    for name, column in [*columns.items(), *_orders(parts, columns.values())]:
        if len(rank) >= 16 and len(np.unique(column)) > len(column) / 2:
            yield _lags(rank, column), f"residuals in the order of {name} are no noise"
    lack = _lack_of_fit(residual, np.stack(list(columns.values()), axis=-1))
    if lack is not None:
        yield lack, "rows with equal features agree better with each other than with the formula"
    own = [column for name, column in columns.items() if name in used]
    design = _quadratic(own)
    if len(own) > 1 and len(rank) > 4 * design.shape[1]:
        yield _regression(rank, design), "residuals still depend on the features together"
    for degree, most in _SURFACES.items():
        if 1 < len(own) <= most:
            design = _polynomials(own, degree)
            if len(rank) > 3 * design.shape[1]:
                yield _regression(rank, design), "residuals still depend on the features together"
    near = [column for name, column in columns.items() if name in used or len(columns) <= 4]
    if near and len(rank) >= 8:
        yield _neighbours(rank, np.stack(near, axis=-1)), "residuals of neighbouring rows are alike"


def _orders(parts: Mapping[str, np.ndarray], known) -> list[tuple[str, np.ndarray]]:
    """The ranks of the first parts whose orders differ from those that are known."""
    seen, found = list(known), []
    for name, values in parts.items():
        column = _ranks(values)
        unit = column / (np.linalg.norm(column) or 1.0)
        if all(abs(unit @ c) < _SAME_ORDER * np.linalg.norm(c) for c in seen):
            seen.append(column)
            found.append((name, column))
            if len(found) == _PARTS:
                break
    return found


def _lags(rank: np.ndarray, column: np.ndarray) -> float:
    """The p value of the correlations of rows one to four apart in the order of a feature."""
    unit = rank[np.argsort(column, kind="stable")]
    unit = (unit - unit.mean()) / (unit.std() or 1.0)
    sums = [
        float(unit[lag:] @ unit[:-lag]) / np.sqrt(len(unit) - lag) for lag in range(1, _LAGS + 1)
    ]
    return float(min(1.0, _LAGS * erfc(max(map(abs, sums)) / np.sqrt(2))))


def _lack_of_fit(residual: np.ndarray, features: np.ndarray) -> float | None:
    """The p value of the F test of replicates: groups of rows with equal features."""
    groups, which = np.unique(features, axis=0, return_inverse=True)
    which = which.ravel()
    free = len(residual) - len(groups)
    if free < _LAGS or len(groups) < 3:
        return None
    means = np.bincount(which, residual) / np.bincount(which)
    pure = float(np.sum((residual - means[which]) ** 2)) / free
    lack = float(np.bincount(which) @ means**2) / len(groups)
    return float(fdtrc(len(groups), free, lack / max(pure, 1e-300)))


def _quadratic(columns: list[np.ndarray]) -> np.ndarray:
    """All polynomials of the second degree, and cubes."""
    products = itertools.combinations_with_replacement(columns, 2)
    terms = [*columns, *(a * b for a, b in products), *(c**3 for c in columns)]
    return np.stack([np.ones_like(terms[0]), *terms], axis=-1) if terms else np.ones((1, 1))


def _polynomials(columns: list[np.ndarray], degree: int) -> np.ndarray:
    """All monomials up to a degree."""
    powers = itertools.product(range(degree + 1), repeat=len(columns))
    some = [p for p in powers if sum(p) <= degree]
    return np.stack([np.prod([c**k for c, k in zip(columns, p, strict=True)], 0) for p in some], -1)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from −1 to 1; equal values have the mean of their ranks."""
    order, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2
    return (2 * (middle[where] + 0.5) / len(values)) - 1 if len(order) > 1 else 0.0 * values


def _regression(target: np.ndarray, design: np.ndarray) -> float:
    """The p value of the F test that the design explains nothing beyond the mean."""
    count, rank = len(target), int(np.linalg.matrix_rank(design))
    total = float(np.sum((target - target.mean()) ** 2))
    free = count - rank
    if total == 0 or rank < 2 or free < 1:
        return 1.0
    left = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    unexplained = max(float(left @ left), 1e-300)
    ratio = (total - unexplained) / (rank - 1) / (unexplained / free)
    return float(fdtrc(rank - 1, free, max(ratio, 0.0)))


def _neighbours(rank: np.ndarray, points: np.ndarray) -> float:
    """The p value of the correlation between each row and the one nearest to it."""
    unit = (rank - rank.mean()) / (rank.std() or 1.0)
    nearest = np.asarray(KDTree(points).query(points, k=2)[1])[:, 1]
    ends = np.sort(np.stack([np.arange(len(rank)), nearest], axis=-1), axis=1)
    ends, times = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0, return_counts=True)
    sum_of = float(np.sum(times * unit[ends[:, 0]] * unit[ends[:, 1]]))
    return float(0.5 * erfc(sum_of / np.sqrt(2.0 * np.sum(times**2))))
