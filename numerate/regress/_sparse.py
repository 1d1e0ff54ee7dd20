"""Sparse sums of monomials for a power of the target, when rows have noise.

y^p = Σ wₖ mₖ(x) is linear in w for every p, so that the best few monomials mₖ are found by a
beam search over subsets, with weights by the delta method: an error σ of y is an error
abs(p)·abs(y)^(p−1)·σ of y^p. The subsets of all powers, libraries and error models are then
compared by the likelihood of y itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows
from numerate.regress._closed import Library, Monomial, inverse, monomials, raised, written
from numerate.regress._smooth import has_one_sign

_HALF, _THIRD = Fraction(1, 2), Fraction(1, 3)
_MOST = 6  # monomials of a sum
_MOST_COLUMNS = 700
_MOST_QUOTIENT = 24  # monomials that may stand above and below the line
_MOST_TERMS = 4  # weights of a quotient that are fitted
_BEAM = 12
_FEW_COLUMNS = 40  # up to which all triples are compared
_KEPT = 3  # subsets of each size that are compared further
_DEPENDENT = 1e-9
_CLEAR = 4.0  # standard deviations from zero of a target whose powers have a linear error
_FEWEST = 8  # such rows
_NEGLIGIBLE = 1e-9  # relative error at or below which a row agrees
_LEAST = 1e-2  # of the median: smallest slope of a square of the target
_RIDGE = 1e-13  # keeps nearly dependent columns apart

LIBRARIES = (
    Library("linear", (1,), 1, 1),
    Library("quadratic", (1, 2), 2, 2),
    Library("ratios", (-1, 1), 2, 2),
    Library("roots", (-1, -_HALF, _HALF, 1), 2, 2),
    Library("squares", (-2, 2), 3, 6),
    Library("Laurent", (-2, -1, 1, 2), 3, 4),
    Library("wide", (-3, -2, -1, 1, 2, 3), 2, 5),
    Library("quartic", (1, 2, 3, 4), 4, 4),
    Library("products", (-1, 1, 2), 4, 5),
)
_SIXTHS = [Fraction(n, 6) for n in range(-24, 25)]
# For a table of one feature: all halves and thirds.
ONE_FEATURE = Library("powers", tuple(p for p in _SIXTHS if p and p.denominator < 6), 1, 4)
QUOTIENTS = (LIBRARIES[0], Library("bilinear", (1,), 2, 2), LIBRARIES[1])
TARGET_POWERS = (1, -1, 2, _HALF, -2, -_HALF)
_CUBES = (_THIRD, 3, -_THIRD)  # for tables of few features, whose sums take little time
_FEW_FEATURES = 2


@dataclass(frozen=True)
class Proposal:
    """A sum of monomials for a power of the target.

    **Fields:** `length`, nats that describe the rows with it; `exact`, whether every row agrees;
    `power`; `monomials`, an empty
    one for a constant, and their `weights`; `positive`, the sign of the target.
    """

    length: float
    exact: bool
    power: Fraction | int
    monomials: tuple[Monomial, ...]
    weights: tuple[float, ...]
    positive: bool

    @property
    def terms(self) -> int:
        """The number of monomials."""
        return len(self.monomials)

    def formula(self, rows: Rows) -> sympy.Expr:
        """The proposal with a `Float` for each weight."""
        parts = zip(self.weights, self.monomials, strict=True)
        value = sympy.Add(*(sympy.Float(w) * written(rows, m) for w, m in parts))
        return inverse(value, self.power, self.positive)


def proposals(
    rows: Rows, library: Library, scales: Sequence[np.ndarray], cost: float, sizes: np.ndarray
) -> Iterator[Proposal]:
    """The best sums of up to six monomials of a library, for each power of the target.

    **Arguments:** `scales`, relative standard deviations of the target under each error model,
    each `(rows,)`; `cost`, nats for each symbol of a formula; `sizes`, `(scales,)`, what to
    multiply the scales by, as far as is known. Better sizes that are found are written there.
    """
    found, columns = monomials(rows, library, _MOST_COLUMNS)
    found, columns = [(), *found], np.column_stack([np.ones(len(rows)), columns])
    size = np.linalg.norm(columns, axis=0)
    usable = np.flatnonzero(np.isfinite(size) & (size > 0))
    if len(usable) < 2:
        return
    matrix = columns[:, usable] / size[usable]
    prices = cost * np.array([_symbols(found[i]) for i in usable])
    positive = bool(np.sum(rows.target) > 0)
    few = len(rows.symbols) <= _FEW_FEATURES
    for power in (*TARGET_POWERS, *_CUBES) if few else TARGET_POWERS:
        for scale, noise in zip(scales, sizes, strict=True):
            some = _linear(rows, scale * noise, power)
            known, inner = raised(rows.target[some], power), matrix[some]
            if known is None:
                continue
            deviation = abs(float(power)) * np.abs(rows.target[some]) ** (float(power) - 1)
            deviation = deviation * scale[some]
            if not (np.all(np.isfinite(deviation)) and np.all(deviation > 0)):
                continue
            for chosen in beam(inner / deviation[:, None], known / deviation):
                weights = _solved(inner[:, chosen], known, deviation)
                value = matrix[:, chosen] @ weights
                length, exact, errors = _length(value, power, rows, scales, positive)
                np.minimum(sizes, errors, out=sizes)
                length += float(prices[chosen].sum()) + 2 * cost * (power != 1)
                length += 0.5 * np.log(len(rows)) * len(chosen)
                if np.isfinite(length):
                    yield Proposal(
                        length,
                        exact,
                        power,
                        tuple(found[usable[i]] for i in chosen),
                        tuple((weights / size[usable[chosen]]).tolist()),
                        positive,
                    )


def _linear(rows: Rows, deviation: np.ndarray, power) -> np.ndarray:
    """The rows whose error is small enough that an error of y^p is proportional to it."""
    everything = np.arange(len(rows))
    if power == 1:
        return everything
    clear = np.abs(rows.target) > _CLEAR * deviation
    if power != -1 and not np.any(np.sum(rows.target) * rows.target[clear] < 0):
        clear &= np.sum(rows.target) * rows.target > 0
    some = np.flatnonzero(clear)
    return some if len(some) >= max(_FEWEST, len(rows) // 4) else everything


def _symbols(monomial: Monomial) -> float:
    """About the length of a monomial and the sign before it; its weight, which snapping may
    remove, counts half."""
    return 1.0 + sum(2 + 2 * (abs(power) != 1) for _, power in monomial)


def _solved(columns, target, deviation) -> np.ndarray:
    return np.linalg.lstsq(columns / deviation[:, None], target / deviation, rcond=None)[0]


def _length(value, power, rows: Rows, scales: Sequence[np.ndarray], positive: bool):
    """Nats that describe the target if `value` is its power, under the best error model; whether
    it agrees on every row but for rounding; and the size of the error under each model."""
    with np.errstate(all="ignore"):
        if power == 1:
            prediction = value
        elif power == -1:
            prediction = 1 / value
        else:
            # A power that noise made negative is near zero, or near infinity.
            value = np.where(value > 0, value, np.min(value, where=value > 0, initial=np.inf))
            prediction = (1 if positive else -1) * np.abs(value) ** (1 / float(power))
        error = prediction - rows.target
    if not np.all(np.isfinite(error)):
        return np.inf, False, np.full(len(scales), np.inf)
    exact = bool(np.all(np.abs(error) <= _NEGLIGIBLE * np.abs(rows.target)))
    floor = 1e-14 * np.abs(rows.target).mean()
    errors = np.array([np.sqrt(np.mean((error / s) ** 2)) for s in scales])
    lengths = [
        len(error) * np.log(size + floor / s.max()) + np.log(s).sum()
        for size, s in zip(errors, scales, strict=True)
    ]
    return min(lengths), exact, errors


def likelihood(value, rows: Rows, scales: Sequence[np.ndarray]) -> tuple[float, bool]:
    """Nats that describe the target with these values, and whether they agree on every row."""
    length, exact, _ = _length(value, 1, rows, scales, True)
    return float(length), exact


def beam(columns: np.ndarray, target: np.ndarray, most: int = _MOST) -> Iterator[list[int]]:
    """The best subsets of one, two, … columns for a linear least-squares fit.

    Pairs, and triples of few columns, are compared exhaustively; larger subsets grow from the
    best smaller ones.
    """
    size = np.linalg.norm(columns, axis=0)
    unit = columns / np.where(size > 0, size, 1.0)
    gram, related = unit.T @ unit, unit.T @ target
    yield from ([int(i)] for i in np.argsort(-np.abs(related), kind="stable")[:_KEPT])
    count = len(target)
    most = min(most, count // 3 if count > 12 else count // 2 + 1, len(related))
    wide = len(related) ** 2 if len(related) <= _FEW_COLUMNS else _BEAM
    subsets = _pairs(gram, related, wide) if most > 1 else []
    while subsets:
        yield from (list(s) for s in subsets[:_KEPT])
        if len(subsets[0]) >= most:
            return
        subsets = _grown(gram, related, subsets)


def _pairs(gram: np.ndarray, related: np.ndarray, most: int) -> list[tuple[int, ...]]:
    free = 1 - gram**2
    gain = related[:, None] ** 2 + related[None, :] ** 2 - 2 * gram * np.outer(related, related)
    gain = np.where(free > _DEPENDENT, gain / np.maximum(free, _DEPENDENT), -np.inf)
    gain[np.tril_indices(len(related))] = -np.inf
    best = np.argsort(-gain, axis=None, kind="stable")[:most]
    pairs = zip(*np.unravel_index(best, gain.shape), strict=True)
    return [(int(i), int(j)) for i, j in pairs if np.isfinite(gain[i, j])]


def _grown(gram, related, subsets) -> list[tuple[int, ...]]:
    """The best subsets with one column more, all subsets at once."""
    some = np.array(subsets)
    size = some.shape[1]
    inner = gram[some[:, :, None], some[:, None, :]] + _RIDGE * np.eye(size)
    sides = np.concatenate([gram[some], related[some][:, :, None]], axis=2)
    solved = np.linalg.solve(inner, sides)
    free = 1 - np.einsum("bsm,bsm->bm", gram[some], solved[:, :, :-1])
    left = related - np.einsum("bsm,bs->bm", gram[some], solved[:, :, -1])
    gain = np.where(free > _DEPENDENT, left**2 / np.maximum(free, _DEPENDENT), -np.inf)
    np.put_along_axis(gain, some, -np.inf, axis=1)
    total = np.sum(related[some] * solved[:, :, -1], axis=1)[:, None] + gain
    found: dict[tuple[int, ...], float] = {}
    for at in np.argsort(-total, axis=None, kind="stable")[: _BEAM * (size + 1)]:
        row, column = divmod(int(at), total.shape[1])
        if np.isfinite(total[row, column]):
            found.setdefault(tuple(sorted((*subsets[row], column))), float(total[row, column]))
        if len(found) == _BEAM:
            break
    return list(found)


@dataclass(frozen=True)
class Quotient:
    """A quotient of two sums of monomials, the first in the denominator with the weight 1, or its
    square root, if `root` is 2."""

    length: float
    exact: bool
    over: tuple[tuple[float, Monomial], ...]
    under: tuple[tuple[float, Monomial], ...]
    root: int = 1
    positive: bool = True

    @property
    def power(self) -> str:
        """Of which kind it is, beside the powers of the target."""
        return f"quotient {self.root}"

    @property
    def terms(self) -> int:
        """The number of monomials."""
        return len(self.over) + len(self.under)

    def formula(self, rows: Rows) -> sympy.Expr:
        """The proposal with a `Float` for each weight but the first of the denominator."""
        (_, first), *others = self.under
        under = [written(rows, first)] + [sympy.Float(w) * written(rows, m) for w, m in others]
        over = [sympy.Float(w) * written(rows, m) for w, m in self.over]
        return inverse(sympy.Add(*over) / sympy.Add(*under), self.root, self.positive)


def quotients(
    rows: Rows, library: Library, scales: Sequence[np.ndarray], cost: float, power: int = 1
) -> Iterator[Quotient]:
    """The best quotients y = P(x) / Q(x) of sums of few monomials, or y² = P(x) / Q(x).

    y·m = P(x) − y·(Q(x) − m) is linear in the weights for each monomial m of Q, which has the
    weight 1; an error σ of y is about m·σ there. That y stands on both sides biases the weights,
    which are fitted again for y itself if the quotient is chosen.
    """
    found, columns = monomials(rows, library, _MOST_QUOTIENT)
    found, columns = [(), *found], np.column_stack([np.ones(len(rows)), columns])
    if len(rows) < 8 or len(found) < 3:
        return
    half = len(found)
    known, steep = rows.target, np.ones(len(rows))
    if power == 2:
        if not has_one_sign(rows.target):
            return
        known, steep = rows.target**2, 2 * np.abs(rows.target)
        steep = np.maximum(steep, _LEAST * np.median(steep))
    positive = bool(np.sum(rows.target) > 0)
    both = np.column_stack([columns, -known[:, None] * columns])
    size = np.linalg.norm(both, axis=0)
    if not np.all(np.isfinite(size)) or np.any(size == 0):
        return
    prices = cost * np.array([_symbols(m) for m in found * 2])
    for first in range(1, half):
        for scale in scales:
            deviation = scale * steep * np.abs(columns[:, first])
            if not np.all(deviation > 0):
                continue
            usable = np.delete(np.arange(2 * half), half + first)
            matrix = both[:, usable] / size[usable]
            target = known * columns[:, first]
            for chosen in beam(matrix / deviation[:, None], target / deviation, _MOST_TERMS):
                own = usable[chosen]
                if not (np.any(own < half) and np.any(own >= half)):
                    continue  # a sum, or nothing above the line
                weights = _solved(matrix[:, chosen], target, deviation) / size[own]
                above, below = own < half, own >= half
                with np.errstate(all="ignore"):
                    value = (columns[:, own[above]] @ weights[above]) / (
                        columns[:, first] + columns[:, own[below] - half] @ weights[below]
                    )
                length, exact, _ = _length(value, power, rows, scales, positive)
                length += (
                    float(prices[own].sum())
                    + prices[first]
                    + 2 * cost
                    + 0.5 * np.log(len(rows)) * len(own)
                )
                if np.isfinite(length):
                    parts = [(float(w), found[i % half]) for w, i in zip(weights, own, strict=True)]
                    yield Quotient(
                        length,
                        exact,
                        tuple(p for p, a in zip(parts, above, strict=True) if a),
                        ((1.0, found[first]), *(p for p, b in zip(parts, below, strict=True) if b)),
                        power,
                        positive,
                    )
