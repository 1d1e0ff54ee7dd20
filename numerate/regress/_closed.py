"""Stacks whose weights need no training: one layer, or exponents taken from a list.

A single sum layer is a linear least squares; a single product layer is one in logarithms; a
product layer with exponents from a short list followed by a sum layer is a sparse linear
regression on monomials, and stays one when a power of the target takes the target's place
(y² = a² + b², 1/y = b/a + c/a). These are solved outright, before any population is trained.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows, signed_power

_HALF = Fraction(1, 2)
_MOST_TERMS = 160
_MOST_FEATURES = 8
_NEGLIGIBLE = 1e-9  # relative residual of a least squares that met the target


@dataclass(frozen=True)
class Library:
    """Monomials: exponent choices for each factor, and how many factors a term may have."""

    name: str
    exponents: tuple[Fraction | int, ...]
    factors: int
    total: int  # most of Σ|exponent|


LIBRARIES = (
    Library("linear", (1,), 1, 1),
    Library("quadratic", (1, 2), 2, 2),
    Library("ratios", (-1, 1), 2, 2),
    Library("Laurent", (-2, -1, 1, 2), 3, 3),
    Library("roots", (-1, -_HALF, _HALF, 1), 2, 2),
    Library("cubic", (1, 2, 3), 3, 3),
    Library("quartic", (1, 2, 3, 4), 4, 4),
)
TARGET_POWERS = (1, 2, -1, _HALF, -2)


def terms(rows: Rows, library: Library) -> list[tuple[sympy.Expr, np.ndarray]]:
    """The monomials of a library that are defined on all rows, each with its column."""
    kept = most_related(rows, _MOST_FEATURES) if library.factors > 1 else range(len(rows.symbols))
    found = []
    for factors in range(1, library.factors + 1):
        for chosen in itertools.combinations(kept, factors):
            for powers in itertools.product(library.exponents, repeat=factors):
                if sum(map(abs, powers)) <= library.total:
                    found.append((chosen, powers))
    found = [(c, p) for c, p in found if all(map(_defined, rows.features[:, c].T, p))]
    return [_monomial(rows, c, p) for c, p in found[:_MOST_TERMS]]


def _defined(column: np.ndarray, power: Fraction | int) -> bool:
    return (power > 0 or not np.any(column == 0)) and (power % 1 == 0 or not np.any(column < 0))


def _monomial(rows: Rows, chosen: Sequence[int], powers: Sequence) -> tuple:
    factors = list(zip(chosen, powers, strict=True))
    with np.errstate(all="ignore"):
        column = np.prod([rows.features[:, i] ** float(p) for i, p in factors], axis=0)
    return sympy.Mul(*(rows.symbols[i] ** sympy.Rational(p) for i, p in factors)), column


def most_related(rows: Rows, most: int) -> list[int]:
    """The features that matter most, alone, squared or times another, in column order.

    Judged by correlations of ranks, so that one huge value does not decide.
    """
    if len(rows.symbols) <= most:
        return list(range(len(rows.symbols)))
    ranks = _unit_ranks(rows.features)
    target = _unit_ranks(rows.target[:, None])[:, 0]
    alone = np.abs(ranks.T @ target) / len(rows)
    together = np.abs((ranks * target[:, None]).T @ ranks) / len(rows)
    related = np.maximum(alone, together.max(axis=1))
    return sorted(np.argsort(-related, kind="stable")[:most].tolist())


def _unit_ranks(columns: np.ndarray) -> np.ndarray:
    """Ranks with mean 0 and variance 1."""
    ranks = np.argsort(np.argsort(columns, axis=0), axis=0) + 0.5
    return (ranks / len(columns) - 0.5) * np.sqrt(12)


def product(rows: Rows) -> Iterator[sympy.Expr]:
    """A single product layer, c·∏ xᵢ^{wᵢ}, by least squares in logarithms."""
    y, x = rows.target, rows.features
    usable = np.all(x != 0, axis=0) & np.all(np.isfinite(x), axis=0)
    if np.any(y == 0) or not usable.any() or usable.sum() >= len(rows):
        return
    logs = np.column_stack([np.log(np.abs(x[:, usable])), np.ones(len(rows))])
    *powers, constant = np.linalg.lstsq(logs, np.log(np.abs(y)), rcond=None)[0]
    used = np.flatnonzero(usable)
    for odd in _sign_patterns(x[:, used] < 0, y < 0):
        factors = [
            signed_power(rows.symbols[i], sympy.Float(w), s)
            for i, w, s in zip(used, powers, odd, strict=False)
        ]
        # Clipped so that an absurd fit cannot overflow; it is ranked last all the same.
        scale = float(np.exp(np.clip(constant, -690, 690)))
        yield sympy.Float(-scale if odd[-1] else scale) * sympy.Mul(*factors)


def _sign_patterns(negative: np.ndarray, target: np.ndarray) -> Iterator[tuple[bool, ...]]:
    """Which features (and, last, the constant) flip the sign: the patterns that fit every row."""
    mixed = [i for i in range(negative.shape[1]) if negative[:, i].any()][:10]
    for flips in itertools.product((False, True), repeat=len(mixed) + 1):
        odd = np.zeros(negative.shape[1], bool)
        odd[mixed] = flips[:-1]
        if np.array_equal((negative @ odd.astype(int) + flips[-1]) % 2 == 1, target):
            yield (*odd.tolist(), flips[-1])


def sums(rows: Rows, library: Library, power) -> Iterator[sympy.Expr]:
    """A sum of the library's monomials that meets the target's power on every row, if one does."""
    target = _raised(rows.target, power)
    found = terms(rows, library)
    if target is None or not 0 < len(found) < 0.6 * len(rows):
        return
    columns = np.column_stack([c for _, c in found] + [np.ones(len(rows))])
    expressions = [e for e, _ in found] + [sympy.S.One]
    kept = _fewest(columns, target)
    if kept is not None:
        yield _inverse(_combination(expressions, columns, target, kept), power, rows)


def _raised(target: np.ndarray, power) -> np.ndarray | None:
    """target**power where that can be undone, else None."""
    one_sign = np.all(target > 0) or np.all(target < 0)
    if power == 1:
        return target
    if (power == -1 and np.any(target == 0)) or (power != -1 and not one_sign):
        return None
    with np.errstate(all="ignore"):
        raised = 1 / target if power == -1 else np.abs(target) ** float(power)
    return raised if np.all(np.isfinite(raised)) else None


def _inverse(value: sympy.Expr, power, rows: Rows) -> sympy.Expr:
    if power in (1, -1):
        return value**power
    sign = 1 if rows.target[0] > 0 else -1
    return sign * value ** (1 / sympy.Rational(power))


def _combination(expressions, columns, target, kept) -> sympy.Expr:
    weights = _solve(columns[:, kept], target)[0]
    return sympy.Add(*(sympy.Float(w) * expressions[i] for w, i in zip(weights, kept, strict=True)))


def _solve(columns: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Least squares with columns scaled to one: weights and relative residual."""
    size = np.linalg.norm(columns, axis=0)
    if not np.all(np.isfinite(columns)) or np.any(size == 0):
        return np.zeros(columns.shape[1]), np.inf
    weights = np.linalg.lstsq(columns / size, target, rcond=None)[0] / size
    residual = np.linalg.norm(columns @ weights - target)
    spread = np.linalg.norm(target - target.mean())
    return weights, float(residual / spread) if spread else np.inf


def _fewest(columns: np.ndarray, target: np.ndarray) -> list[int] | None:
    """Columns left when all that can go without loss have gone; None where they do not meet it."""
    kept = list(range(columns.shape[1]))
    weights, residual = _solve(columns, target)
    if residual > _NEGLIGIBLE:
        return None
    cut = len(kept) // 2
    while cut and len(kept) > 1:
        influence = np.abs(weights) * np.linalg.norm(columns[:, kept], axis=0)
        fewer = [kept[i] for i in np.sort(np.argsort(influence)[cut:])]
        trial, loss = _solve(columns[:, fewer], target)
        if loss <= _NEGLIGIBLE:
            kept, weights = fewer, trial
        else:
            cut //= 2
        cut = min(cut, len(kept) - 1)
    return kept


def sparse_sums(rows: Rows, library: Library, most: int = 5) -> Iterator[sympy.Expr]:
    """Sums of one, two, … monomials that come closest: for targets that nothing meets exactly.

    The best single monomial, the best of all pairs, and from there one more at a time.
    """
    found = terms(rows, library)
    columns = [c - c.mean() for _, c in found]
    norms = [np.linalg.norm(c) for c in columns]
    usable = [i for i, n in enumerate(norms) if np.isfinite(n) and n > 0]
    if not usable:
        return
    unit = np.stack([columns[i] / norms[i] for i in usable], axis=-1)
    target = rows.target - rows.target.mean()
    expressions = [found[i][0] for i in usable] + [sympy.S.One]
    everything = np.column_stack([np.stack([found[i][1] for i in usable], -1), np.ones(len(rows))])
    constant = everything.shape[1] - 1
    for chosen in _forward(unit, target, min(most, len(rows) // 3)):
        yield _combination(expressions, everything, rows.target, [*chosen, constant])


def _forward(unit: np.ndarray, target: np.ndarray, most: int) -> Iterator[list[int]]:
    related = unit.T @ target
    yield [int(np.argmax(np.abs(related)))]
    if most < 2 or unit.shape[1] < 2:
        return
    chosen = _best_pair(unit, related)
    yield chosen
    while len(chosen) < min(most, unit.shape[1]):
        basis = np.linalg.qr(unit[:, chosen])[0]
        left = unit - basis @ (basis.T @ unit)
        size = np.linalg.norm(left, axis=0)
        gain = np.where(size > 1e-6, np.abs(left.T @ target) / np.maximum(size, 1e-6), 0)
        chosen = [*chosen, int(np.argmax(gain))]
        yield chosen


def _best_pair(unit: np.ndarray, related: np.ndarray) -> list[int]:
    overlap = unit.T @ unit
    free = np.maximum(1 - overlap**2, 1e-10)
    explained = related[:, None] ** 2 + related[None, :] ** 2
    explained = (explained - 2 * overlap * np.outer(related, related)) / free
    np.fill_diagonal(explained, -np.inf)
    return [int(i) for i in np.unravel_index(np.argmax(explained), explained.shape)]
