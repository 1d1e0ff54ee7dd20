"""A root or quotient of polynomials in few features, times powers of the others.

Symmetries (`_scaling`) are seen in a polynomial that is fitted to the rows, and a polynomial is
poor where columns span decades, or the target has a pole. Here the few features are assumed, all
subsets in turn; the exponents of the others are those of least squares in logarithms, rounded.
Both are only guesses: they are right if y or y² of the few is a quotient P/Q on every row, which
is a null vector of monomials, and so hardly ever by chance. y² also has the roots of one minus a
ratio, which is small on most rows: a null vector does not depend on how much it contributes.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import sympy

from numerate.formula import Rows, evaluate
from numerate.regress import _closed
from numerate.regress._scaling import Reduced

_MOST = 8  # features of the table
# Degree of the polynomials in so many features: of all of them, and of a subset.
_DEGREES = {1: 8, 2: 6, 3: 4, 4: 4, 5: 4, 6: 3, 7: 2, 8: 2}
_SUBSET = 3
_SMOOTH = 3  # degree of a subset's part in the logarithm of the target
_NULL = 1e-12  # ratio of singular values that is zero but for rounding
_AGREES = 1e-11  # of the sum of the sizes of an equation's terms
_TYPICAL = 4e-15  # the same, in the median row: rounding
_MOST_TERMS = 8  # of an equation; with more, it approximates any smooth function
_CLOSE = 1e-8  # relative error of most rows of a formula that is right
_MOST_NEAR = 0.9  # share of the rows
_SHARES = (1e-3, 1e-5, 1e-7, 1e-9, 1e-11)  # of the largest weight: rounding
_ROUNDING = 1e-13  # of a difference of numbers near one
_MUCH = 10.0  # nats by which it describes the rows better
_MARGIN = 10  # rows more than weights
_STEADY = 0.1  # standard error of an exponent that may be a half
_LARGEST = 8  # exponent
_POWERS = (1, 2)  # of the target
_PRECISE = 0.01  # of known terms: what is left of the target has enough digits
_HUGE = 1e6  # beside one
_NEAR = 1e-4  # distance of an exponent from a fraction
_ONE = (1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2))


def formulas(rows: Rows) -> Iterator[sympy.Expr]:
    """Formulas that describe the table exactly."""
    if len(rows.symbols) > _MOST or not np.all(np.isfinite(rows.features)):
        return
    yield from one_and_monomial(rows)
    for reduced in guesses(rows):
        table = reduced.rows(rows)
        if table is not None:
            for h in quotients(table):
                yield reduced.formula(h, table, rows)


def beside(rows: Rows, known: sympy.Expr) -> Iterator[sympy.Expr]:
    """The same for a sum of which some terms are `known`: these, and what describes the rest."""
    value = evaluate(known, rows.columns())
    left = rows.target - value
    precise = np.flatnonzero(np.abs(left) > _PRECISE * np.maximum(np.abs(value), np.abs(left)))
    if len(precise) > _MARGIN:
        for formula in formulas(replace(rows, target=left).take(precise)):
            yield known + formula


def guesses(rows: Rows) -> Iterator[Reduced]:
    """The target divided by powers of all features but a few, the fewest first; then as it is."""
    count = len(rows.symbols)
    units = Reduced.none(count).variables
    if np.all(rows.features != 0) and np.all(rows.target != 0):
        logs = np.log(np.abs(rows.features))
        logs = logs - logs.mean(axis=0)
        size = np.abs(logs).max(axis=0)
        logs = logs / np.where(size > 0, size, 1.0)
        known = np.log(np.abs(rows.target))
        for few in range(1, min(_SUBSET, count - 1) + 1):
            for own in itertools.combinations(range(count), few):
                powers = _exponents(rows, logs, size, known, own)
                if powers is not None and any(powers):
                    yield Reduced(powers, tuple(units[i] for i in own))
    yield Reduced.none(count)


def _exponents(rows: Rows, logs, size, known, own) -> tuple[Fraction, ...] | None:
    """The exponents of all features but some, by least squares, rounded."""
    count = logs.shape[1]
    others = [i for i in range(count) if i not in own]
    parts = [
        np.prod(logs[:, list(own)] ** np.array(p), axis=1) for p in _degrees(len(own), _SMOOTH)
    ]
    columns = np.column_stack([logs[:, others], *parts])
    if 2 * columns.shape[1] > len(rows):
        return None
    weights = np.linalg.lstsq(columns, known, rcond=None)[0]
    left = known - columns @ weights
    spread = np.sqrt(left @ left / (len(rows) - columns.shape[1]))
    powers = [Fraction(0)] * count
    for i, weight in zip(others, weights, strict=False):
        exponent = weight / size[i]
        error = spread / (np.linalg.norm(logs[:, i]) * size[i])
        halves = error < _STEADY and np.all(rows.features[:, i] > 0)
        powers[i] = Fraction(round(2 * exponent), 2) if halves else Fraction(round(exponent))
        if abs(powers[i]) > _LARGEST:
            return None
    return tuple(powers)


@lru_cache(maxsize=64)
def _degrees(count: int, degree: int) -> list[tuple[int, ...]]:
    """The exponents of the monomials up to a total degree."""
    return [p for p in itertools.product(range(degree + 1), repeat=count) if sum(p) <= degree]


def quotients(rows: Rows) -> Iterator[sympy.Expr]:
    """y or √(y²) as a quotient of two polynomials, if it is one on every row."""
    count = len(rows.symbols)
    if count not in _DEGREES or np.any(rows.target == 0) or np.ptp(rows.target) == 0:
        return
    # Of size one, so that neither powers nor the condition of the equations is extreme.
    unit = np.array([_size(column) for column in rows.features.T])
    features, scale = rows.features / unit, _size(rows.target)
    for power in _POWERS:
        target = (rows.target / scale) ** power
        highest = next(
            (
                degree
                for degree in range(_DEGREES[count], 0, -1)
                if 2 * len(_degrees(count, degree)) + _MARGIN <= len(rows)
            ),
            0,
        )
        # Of the smallest degree, so that the two have no factor in common.
        if not highest or not _vanishing(features, target, _degrees(count, highest), short=True):
            continue
        for degree in range(1, highest + 1):
            powers = _degrees(count, degree)
            found = _vanishing(features, target, powers)
            if found is not None:
                yield from _written(rows, unit, scale, power, powers, *found)
                return


def _size(values: np.ndarray) -> float:
    values = np.abs(values[values != 0])
    return float(np.exp(np.mean(np.log(values)))) if len(values) else 1.0


def _values(features: np.ndarray, powers: list[tuple[int, ...]]) -> np.ndarray:
    """`(rows, monomials)`."""
    highest = max(map(max, powers))
    table = np.stack([features**k for k in range(highest + 1)], axis=-1)
    columns = np.arange(features.shape[1])
    return np.prod(table[:, columns[None, :], np.array(powers)], axis=2)


def _vanishing(features: np.ndarray, target: np.ndarray, powers, short: bool = False):
    """The weights of P and of Q with P − y·Q = 0, of few monomials: which are used, the first half
    in P, and their weights. Of `short`, only whether there are such, by as few rows as suffice."""
    if short:
        few = 2 * len(powers) + _MARGIN
        some = np.linspace(0, len(target) - 1, few).astype(int)
        features, target = features[some], target[some]
    values = _values(features, powers)
    columns = np.column_stack([values, -target[:, None] * values])
    columns = columns / np.linalg.norm(columns, axis=1, keepdims=True)
    size = np.linalg.norm(columns, axis=0)
    if not np.all(np.isfinite(size) & (size > 0)):
        return None
    columns = columns / size
    weights = _null_vector(columns)
    if weights is None or short:
        return None if weights is None else (np.arange(len(size)), weights)
    for share in _SHARES:
        kept = np.flatnonzero(np.abs(weights) > share * np.abs(weights).max())
        used = kept < len(powers)
        if used.all() or not used.any() or len(kept) > _MOST_TERMS:
            continue
        # On some rows all of these are small beside the others.
        fewer = columns[:, kept] / np.linalg.norm(columns[:, kept], axis=1, keepdims=True)
        found = _null_vector(fewer)
        if found is None:
            continue
        away = np.abs(fewer @ found) / np.abs(fewer * found).sum(axis=1)
        if np.median(away) <= _TYPICAL and np.max(away) <= _AGREES:
            return kept, found / size[kept]
    return None


def _null_vector(columns: np.ndarray) -> np.ndarray | None:
    """The unit vector that the columns map to zero, up to rounding, or None."""
    if not np.all(np.isfinite(columns)):  # a row of zeros has no size
        return None
    _, sizes, vectors = np.linalg.svd(np.linalg.qr(columns)[1])
    return vectors[-1] if sizes[-1] <= _NULL * sizes[0] else None


def _written(rows: Rows, unit, scale, power, powers, kept, weights) -> Iterator[sympy.Expr]:
    """The formula of an equation P − y·Q = 0, if most rows agree."""
    half = len(powers)
    monomials = [_closed.written(rows, tuple((i, p) for i, p in enumerate(q) if p)) for q in powers]
    inverse = np.prod(unit ** -np.array(powers, float), axis=1)
    values = _values(rows.features / unit, powers)
    over, under = kept[kept < half], kept[kept >= half] - half
    above, below = weights[: len(over)], weights[len(over) :]
    upper, lower = values[:, over] @ above, values[:, under] @ below
    sign = np.sign(lower[0])
    above, below, upper, lower = above * sign, below * sign, upper * sign, lower * sign
    target = rows.target / scale
    near = np.abs(upper / lower - target**power) <= _CLOSE * np.abs(target**power)
    if np.mean(near) < _MOST_NEAR or np.any(lower <= 0) and power == 2:
        return
    first = int(np.argmax(np.abs(below)))
    unity = below[first] * inverse[under[first]]
    divisor = _sum(monomials, under, below * inverse[under] / unity)
    divisor = _closed.inverse(divisor, power, True)
    number = scale / abs(unity) ** (1 / power)
    if power == 2:
        known = target * np.sqrt(lower)
        root = _polynomial(values, known)
        if root is not None:  # also where the target has both signs
            chosen, fitted = root
            fitted = fitted * inverse[chosen] * number
            yield _sum(monomials, chosen, fitted) / divisor
            return
    elif unity < 0:
        above = -above
    whole = _sum(monomials, over, above * inverse[over] * number**power)
    yield np.sign(target[0]) ** (power - 1) * _closed.inverse(whole, power, True) / divisor


def _sum(monomials: list, kept, weights) -> sympy.Expr:
    return sympy.Add(*(sympy.Float(w) * monomials[k] for w, k in zip(weights, kept, strict=True)))


def _polynomial(values: np.ndarray, target: np.ndarray):
    """The monomials whose sum is the target on every row, and their weights, or None."""
    columns = values / np.abs(target)[:, None]
    columns = columns / np.linalg.norm(columns, axis=0)
    sides = np.sign(target)

    def solved(kept: np.ndarray) -> np.ndarray | None:
        weights = np.linalg.lstsq(columns[:, kept], sides, rcond=None)[0]
        near = np.abs(columns[:, kept] @ weights - sides) <= _CLOSE
        return weights if np.mean(near) >= _MOST_NEAR else None

    everything = solved(np.arange(values.shape[1]))
    if everything is None:
        return None
    for share in _SHARES:
        kept = np.flatnonzero(np.abs(everything) > share * np.abs(everything).max())
        weights = solved(kept)
        if weights is not None:
            return kept, weights / np.linalg.norm(values[:, kept] / np.abs(target)[:, None], axis=0)
    return None


def one_and_monomial(rows: Rows) -> Iterator[sympy.Expr]:
    """(1 ± c·∏xᵢ^wᵢ)^p, also where the monomial is far below one on most rows."""
    y, x = rows.target, rows.features
    if np.any(x == 0) or not np.all(y > 0) or len(rows) < 2 * x.shape[1] + _MARGIN:
        return
    logs = np.column_stack([np.log(np.abs(x)), np.ones(len(rows))])
    for power in _ONE:
        away = y ** float(power) - 1
        if not (np.all(away >= 0) or np.all(away <= 0)):
            continue
        # Where nearly nothing is left of the digits, it counts little.
        share = np.abs(away) / np.maximum(1, y ** float(power))
        some = share > _ROUNDING
        if np.sum(some) < 2 * logs.shape[1] or np.min(np.abs(away)) > _HUGE:
            continue
        root = np.minimum(share[some], _ROUNDING * 1e4)
        known = np.log(np.abs(away[some]))
        weights = np.linalg.lstsq(logs[some] * root[:, None], known * root, rcond=None)[0]
        error = np.abs(logs[some] @ weights - known) * share[some]
        if np.any(error > _NEAR * share[some] + 10 * _ROUNDING):
            continue
        powers = [Fraction(float(w)).limit_denominator(4) for w in weights[:-1]]
        off = max(abs(float(p) - w) for p, w in zip(powers, weights, strict=False))
        if off > _NEAR or not any(powers):
            continue
        rest = known - logs[some][:, :-1] @ np.array(powers, float)
        constant = float(np.average(rest, weights=root**2))
        factors = (
            s ** sympy.Rational(p)
            if np.all(c > 0)
            else sympy.Abs(s) ** sympy.Rational(p)
            if p % 2
            else s ** sympy.Rational(p)
            for s, p, c in zip(rows.symbols, powers, x.T, strict=True)
        )
        number = np.exp(constant) * np.sign(away[some][0])
        inner = 1 + sympy.Float(number) * sympy.Mul(*factors)
        yield _closed.inverse(inner, power, True)
        return


def shifted_product(rows: Rows) -> Iterator[sympy.Expr]:
    """The product of powers of the features, one of which is replaced by its distance from one,
    or that of its square, such as P·(1 + r)⁵; if that describes the logarithms much better."""
    x, size = rows.features, np.log(np.abs(rows.target))
    if not (np.all(x != 0) and np.all(np.isfinite(size)) and _has_one_sign(rows.target)):
        return
    logs = np.column_stack([np.log(np.abs(x)), np.ones(len(x))])
    if len(rows) < logs.shape[1] + 3:
        return
    least, found = _left(logs, size)[0], None
    for i, power, sign in itertools.product(range(x.shape[1]), (1, 2), (1, -1)):
        inside = 1 + sign * x[:, i] ** power
        if np.all(inside > 0):
            columns = logs.copy()
            columns[:, i] = np.log(inside)
            left, weights = _left(columns, size)
            if left < least:
                least, found = left, (weights, i, 1 + sign * rows.symbols[i] ** power)
    if found is None or len(rows) * np.log(_left(logs, size)[0] / least) < _MUCH:
        return
    (*powers, constant), index, shifted = found
    bases = [shifted if i == index else sympy.Abs(s) for i, s in enumerate(rows.symbols)]
    scale = np.sign(rows.target[0]) * np.exp(np.clip(constant, -690, 690))
    factors = (base ** sympy.Float(w) for base, w in zip(bases, powers, strict=True))
    yield sympy.Float(scale) * sympy.Mul(*factors)


def _has_one_sign(values: np.ndarray) -> bool:
    return bool(np.all(values > 0) or np.all(values < 0))


def _left(columns: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """The norm of what least squares leave, and the weights."""
    weights = np.linalg.lstsq(columns, target, rcond=None)[0]
    return float(np.linalg.norm(target - columns @ weights)) + np.finfo(float).tiny, weights
