"""Stacks that are solved by linear least squares: one layer, or exponents from a list.

The weights of a single sum layer are a linear least-squares problem, and so are those of a single
product layer, in logarithms. A product layer with exponents from a short list, followed by a sum
layer, is a sparse linear regression on monomials. It is also solved for powers of the target
(y² = a² + b², 1/y = b/a + c/a). All of this is done before populations are trained.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows, signed_power

# Features, by their index, with the exponents of a monomial.
Monomial = tuple[tuple[int, Fraction | int], ...]

_HALF = Fraction(1, 2)
_MAX_TERMS = 160
_MAX_FEATURES = 8
_MOST_KNOWN = 5  # features of known forms
_SIMPLE = 4  # largest denominator of a simple exponent
_SPARE_ROWS = 8  # equations beyond the unknowns that must hold to rounding
_NULL = 1e-13  # ratio of singular values that is zero but for rounding
_AGREES = 1e-11  # relative error of each row at or below which a quotient is right
_NEGLIGIBLE = 1e-9  # relative residual at or below which a least-squares fit is exact


@dataclass(frozen=True)
class Library:
    """A set of monomials: the exponents of a factor and the largest number of factors."""

    name: str
    exponents: tuple[Fraction | int, ...]
    factors: int
    total: int  # largest Σ|exponent|


LIBRARIES = (
    Library("linear", (1,), 1, 1),
    Library("quadratic", (1, 2), 2, 2),
    Library("ratios", (-1, 1), 2, 2),
    Library("Laurent", (-2, -1, 1, 2), 3, 3),
    Library("roots", (-1, -_HALF, _HALF, 1), 2, 2),
    Library("cubic", (1, 2, 3), 3, 3),
    Library("quartic", (1, 2, 3, 4), 4, 4),
    Library("powers", tuple(range(1, 9)), 1, 8),
)
QUOTIENTS = (LIBRARIES[0], Library("products", (1,), 2, 2), LIBRARIES[1])
TARGET_POWERS = (1, 2, -1, _HALF, -2)
_DEGREES = {1: 6, 2: 6, 3: 3}  # largest, of polynomials in so many features


def terms(rows: Rows, library: Library) -> list[tuple[sympy.Expr, np.ndarray]]:
    """The monomials of a library that are defined on all rows, with their values."""
    found, columns = monomials(rows, library, _MAX_TERMS)
    return [(written(rows, m), c) for m, c in zip(found, columns.T, strict=True)]


def monomials(rows: Rows, library: Library, most: int) -> tuple[list[Monomial], np.ndarray]:
    """At most `most` monomials of a library that are defined on all rows, and their values
    `(rows, monomials)`."""
    kept = most_related(rows, _MAX_FEATURES) if library.factors > 1 else range(len(rows.symbols))
    powers = {(i, p): _power(rows.features[:, i], p) for i in kept for p in library.exponents}
    powers = {key: column for key, column in powers.items() if column is not None}
    found, columns = [], []
    for factors in range(1, library.factors + 1):
        for chosen in itertools.combinations(kept, factors):
            for exponents in itertools.product(library.exponents, repeat=factors):
                keys = tuple(zip(chosen, exponents, strict=True))
                small = sum(map(abs, exponents)) <= library.total
                if small and all(k in powers for k in keys) and len(found) < most:
                    found.append(keys)
                    with np.errstate(all="ignore"):
                        columns.append(math.prod(powers[k] for k in keys))
    return found, np.stack(columns, axis=-1) if columns else np.empty((len(rows), 0))


def _power(column: np.ndarray, power: Fraction | int) -> np.ndarray | None:
    if (power < 0 and np.any(column == 0)) or (power % 1 != 0 and np.any(column < 0)):
        return None
    with np.errstate(all="ignore"):
        return column ** float(power)


def written(rows: Rows, monomial: Monomial) -> sympy.Expr:
    """A monomial as an expression."""
    return sympy.Mul(*(rows.symbols[i] ** sympy.Rational(p) for i, p in monomial))


def most_related(rows: Rows, most: int) -> list[int]:
    """The features most related to the target, alone, squared or times another, in column order.

    By rank correlation, so that single large values have no influence.
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
    """Ranks with mean 0 and, without ties, variance 1. Ties have the mean of their ranks."""
    # Not at the top, because most tables have few features and SciPy's statistics load slowly.
    from scipy.stats import rankdata

    ranks = rankdata(columns, axis=0) - 0.5
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
        # Clipped against overflow; a fit that needs it is ranked last anyway.
        scale = float(np.exp(np.clip(constant, -690, 690)))
        yield sympy.Float(-scale if odd[-1] else scale) * sympy.Mul(*factors)


def _sign_patterns(negative: np.ndarray, target: np.ndarray) -> Iterator[tuple[bool, ...]]:
    """The patterns of features (and, last, the constant) that flip the sign and fit every row."""
    mixed = [i for i in range(negative.shape[1]) if negative[:, i].any()][:10]
    for flips in itertools.product((False, True), repeat=len(mixed) + 1):
        odd = np.zeros(negative.shape[1], bool)
        odd[mixed] = flips[:-1]
        if np.array_equal((negative @ odd.astype(int) + flips[-1]) % 2 == 1, target):
            yield (*odd.tolist(), flips[-1])


def sums(rows: Rows, library: Library) -> Iterator[sympy.Expr]:
    """For each power of the target, the sum of a library's monomials that equals it on every row,
    if any."""
    found = terms(rows, library)
    if not 0 < len(found) < 0.6 * len(rows):
        return
    columns = np.column_stack([c for _, c in found] + [np.ones(len(rows))])
    size = np.linalg.norm(columns, axis=0)
    if not np.all(np.isfinite(size)) or np.any(size == 0):
        return
    expressions = [e for e, _ in found] + [sympy.S.One]
    basis = np.linalg.qr(columns / size)[0]  # once for all powers
    for power in TARGET_POWERS:
        target = raised(rows.target, power)
        if target is None or not _reaches(basis, target):
            continue
        kept = eliminated(columns, target)
        if kept is not None:
            value = _combination(expressions, columns, target, kept)
            yield inverse(value, power, bool(rows.target[0] > 0))


def _reaches(basis: np.ndarray, target: np.ndarray) -> bool:
    """Whether a target lies in the space of an orthonormal basis, up to rounding."""
    left = target - basis @ (basis.T @ target)
    left = left - basis @ (basis.T @ left)  # once more, against rounding
    spread = np.linalg.norm(target - target.mean())
    return bool(np.linalg.norm(left) <= 10 * _NEGLIGIBLE * spread)


def raised(target: np.ndarray, power) -> np.ndarray | None:
    """target**power if that is invertible on these rows, else None."""
    one_sign = np.all(target > 0) or np.all(target < 0)
    if power == 1:
        return target
    if (power == -1 and np.any(target == 0)) or (power != -1 and not one_sign):
        return None
    with np.errstate(all="ignore"):
        found = 1 / target if power == -1 else np.abs(target) ** float(power)
    return found if np.all(np.isfinite(found)) else None


def inverse(value: sympy.Expr, power, positive: bool) -> sympy.Expr:
    """The target if `value` is its power: the inverse of `raised`."""
    if power in (1, -1):
        return value**power
    return (1 if positive else -1) * value ** (1 / sympy.Rational(power))


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


def linear(rows: Rows) -> Iterator[sympy.Expr]:
    """Sums and differences of all features: plain, with a constant, and with a coefficient for
    each, by least squares."""
    count = len(rows.symbols)
    if count < 2 or len(rows) < count + 3:
        return
    weights = _solve(np.column_stack([rows.features, np.ones(len(rows))]), rows.target)[0]
    signs = np.sign(weights[:-1]).astype(int)
    plain = sympy.Add(*(int(n) * s for n, s in zip(signs, rows.symbols, strict=True)))
    yield plain
    yield plain + sympy.Float(np.mean(rows.target - rows.features @ signs))
    parts = zip(weights, (*rows.symbols, sympy.S.One), strict=True)
    yield sympy.Add(*(sympy.Float(w) * s for w, s in parts))


def known_forms(rows: Rows) -> Iterator[sympy.Expr]:
    """What a person tries first, by least squares: a line; of values above 0 a power law with
    fitted exponents and one with simple exponents; of one feature a saturation curve."""
    count, (x, y) = len(rows.symbols), (rows.features, rows.target)
    if count > _MOST_KNOWN or len(rows) < count + 3:
        return
    slopes, _ = _solve(np.column_stack([x, np.ones(len(rows))]), y)
    parts = zip(slopes, (*rows.symbols, sympy.S.One), strict=True)
    yield sympy.Add(*(sympy.Float(w) * s for w, s in parts))
    if np.any(x <= 0) or np.any(y <= 0):
        return
    logs = np.log(x)
    fitted = np.linalg.lstsq(np.column_stack([logs, np.ones(len(rows))]), np.log(y), rcond=None)[0]
    simple = [Fraction(float(w)).limit_denominator(_SIMPLE) for w in fitted[:-1]]
    for powers in ([sympy.Float(w) for w in fitted[:-1]], [sympy.Rational(w) for w in simple]):
        constant = float(np.mean(np.log(y) - logs @ np.array(powers, float)))
        monomial = sympy.Mul(*(s**w for s, w in zip(rows.symbols, powers, strict=True)))
        yield sympy.Float(np.exp(np.clip(constant, -690, 690))) * monomial
    if count == 1:
        middle = sympy.Float(np.median(x))
        yield sympy.Float(2 * np.median(y)) * rows.symbols[0] / (rows.symbols[0] + middle)


def quotients(rows: Rows) -> Iterator[sympy.Expr]:
    """The quotient of two sums of monomials that equals the target on every row, if any.

    P(x) − y·Q(x) = 0 is linear in the weights of P and Q: they are the null vector of the
    monomials and of the monomials times −y. Of several, one with few monomials is found by
    leaving out one after the other as long as there is a null vector.
    """
    for library in QUOTIENTS:
        found, values = monomials(rows, library, _MAX_TERMS)
        found, values = [(), *found], np.column_stack([np.ones(len(rows)), values])
        columns = np.column_stack([values, -rows.target[:, None] * values])
        size = np.linalg.norm(columns, axis=0)
        if columns.shape[1] + _SPARE_ROWS > len(rows) or not np.all(np.isfinite(size)):
            continue
        kept = np.flatnonzero(size > 0)
        weights = _null_vector(columns[:, kept] / size[kept])
        if weights is None:
            continue
        kept, weights = _fewest(columns / np.where(size > 0, size, 1), kept, weights)
        weights = weights / size[kept]
        half = len(found)
        over = [
            sympy.Float(w) * written(rows, found[i])
            for w, i in zip(weights, kept, strict=True)
            if i < half
        ]
        under = [
            sympy.Float(w) * written(rows, found[i - half])
            for w, i in zip(weights, kept, strict=True)
            if i >= half
        ]
        if over and under:
            yield sympy.Add(*over) / sympy.Add(*under)
            return


def roots_of_quotients(rows: Rows) -> Iterator[sympy.Expr]:
    """y or √(y²) as a quotient of two polynomials in at most three features, if it is one on every
    row; with more features, as a quadratic or what the target is a power of."""
    count = len(rows.symbols)
    if count > max(_DEGREES):
        yield from sums(rows, LIBRARIES[1])
        return
    # Of the smallest degree, so that the two have no factor in common.
    for degree, power in itertools.product(range(1, _DEGREES[count] + 1), (2, 1)):
        target = rows.target if power == 1 else rows.target**2
        powers = [p for p in itertools.product(range(degree + 1), repeat=count) if sum(p) <= degree]
        half = len(powers)
        if 2 * half + _SPARE_ROWS > len(rows):
            return
        with np.errstate(all="ignore"):
            values = [np.prod(rows.features**p, axis=1) for p in np.array(powers, float)]
        values = np.stack(values, axis=-1)
        columns = np.column_stack([values, -target[:, None] * values])
        columns = columns / np.linalg.norm(columns, axis=1, keepdims=True)
        size = np.linalg.norm(columns, axis=0)
        if not np.all(np.isfinite(size) & (size > 0)):
            continue
        weights = _null_vector(columns / size)
        if weights is None:
            continue
        kept, weights = _fewest(columns / size, np.arange(2 * half), weights)
        over, under = kept[kept < half], kept[kept >= half] - half
        if not (len(over) and len(under)):
            continue
        weights = weights / size[kept]
        above, below = weights[: len(over)], weights[len(over) :]
        scale = above[0] / below[0]
        above, below = above / above[0], below / below[0]
        upper, lower = values[:, over] @ above, values[:, under] @ below
        if not np.all(np.abs(scale * upper / lower - target) <= _AGREES * np.abs(target)):
            continue  # a sum of powers that is nearly zero
        monomial = [written(rows, _sparse_powers(p)) for p in powers]
        below, lower = below * np.sign(lower[0]), lower * np.sign(lower[0])
        divisor = inverse(_sum(monomial, under, below), power, True)
        known = rows.target * lower ** (1 / power)
        root = eliminated(values, known) if power == 2 else None
        if root is not None:  # also where the target has both signs
            yield _combination(monomial, values, known, root) / divisor
            return
        above, upper = above * np.sign(upper[0]), upper * np.sign(upper[0])
        sign = np.sign(known[0] / upper[0])
        number = sympy.Float(sign * abs(scale) ** (1 / power))
        yield number * inverse(_sum(monomial, over, above), power, True) / divisor
        return


def _sum(monomial: list, kept: np.ndarray, weights: np.ndarray) -> sympy.Expr:
    return sympy.Add(*(sympy.Float(w) * monomial[k] for w, k in zip(weights, kept, strict=True)))


def _sparse_powers(powers: tuple[int, ...]) -> Monomial:
    return tuple((i, p) for i, p in enumerate(powers) if p)


def _null_vector(columns: np.ndarray) -> np.ndarray | None:
    """The unit vector that the columns map to zero, up to rounding, or None."""
    _, sizes, vectors = np.linalg.svd(columns, full_matrices=False)
    return vectors[-1] if sizes[-1] <= _NULL * sizes[0] else None


def _fewest(columns: np.ndarray, kept: np.ndarray, weights: np.ndarray):
    """A null vector of few columns."""
    for column in kept[np.argsort(np.abs(weights), kind="stable")]:
        fewer = kept[kept != column]
        found = _null_vector(columns[:, fewer]) if len(fewer) > 1 else None
        if found is not None:
            kept, weights = fewer, found
    return kept, weights


def eliminated(columns: np.ndarray, target: np.ndarray) -> list[int] | None:
    """The columns left after backward elimination; None if all columns do not fit the target."""
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
