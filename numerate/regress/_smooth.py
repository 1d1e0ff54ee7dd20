"""Smooth models of a target: a polynomial of the features for a power of it, or its logarithm.

g(E y) = P(x) with g(μ) = μ^p or log μ is a generalized linear model (Nelder and Wedderburn 1972,
Journal of the Royal Statistical Society A 135(3)), fitted by iteratively reweighted least squares
with the standard deviations of y. So rows near zero, whose powers or logarithms noise makes wild,
have their proper small weight. Models of different variables are compared by their likelihood with
half of log n for each coefficient (Schwarz 1978).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import comb

import numpy as np

_ROUNDS = 5
_HIGHEST = 8  # degree
_MOST = 130  # coefficients, of a degree above 2
_FEW = 100  # rows
_ROWS_EACH = {True: 2, False: 5}  # at least, for a coefficient, of few rows and of many
_SMALL = 1e-3  # of the median: smallest value of a target of one sign
LOG = 0  # the link that is a logarithm
LINKS = (LOG, 1, -1, 2, -2)
_OTHER_SIGN = 0.02  # share of the sum of squares
_EPS = 1e-13  # relative error that is rounding


@dataclass(frozen=True)
class Smooth:
    """A fitted smooth model.

    **Fields:** `length`, nats of the rows with it; `value` `(rows,)`; `slopes` `(rows, n)`, the
    derivative of the value by each feature; `link`; `logs`, which features enter as logarithms;
    `degree`.
    """

    length: float
    value: np.ndarray
    slopes: np.ndarray
    link: int
    logs: tuple[bool, ...]
    degree: int


@lru_cache(maxsize=256)
def _powers(count: int, degree: int, groups: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Exponents of the monomials up to a total degree whose features are all in one group."""
    found = {(0,) * count}
    for group in groups or (tuple(range(count)),):
        own = [(0,) * count]
        for _ in range(degree):
            own += [(*p[:i], p[i] + 1, *p[i + 1 :]) for p in set(own) for i in group]
        found |= set(own)
    return np.array(sorted(found, key=lambda p: (sum(p), p)))


def size_of(count: int, degree: int, groups: tuple[tuple[int, ...], ...] = ()) -> int:
    """The number of coefficients of such a polynomial, without building it."""
    if not groups:
        return comb(count + degree, degree)
    return 1 + sum(comb(len(g) + degree, degree) - 1 for g in groups)


class Basis:
    """Chebyshev polynomials of features, or of their logarithms, scaled to [−1, 1]."""

    def __init__(self, features: np.ndarray, logs: Sequence[bool]):
        self.features, self.logs = features, tuple(logs)
        u = np.where(self.logs, np.log(np.where(self.logs, np.abs(features), 1.0)), features)
        low, high = u.min(axis=0), u.max(axis=0)
        self.half = np.where(high > low, (high - low) / 2, 1.0)
        z = (u - (high + low) / 2) / self.half
        self.tables = np.ones((*z.shape, _HIGHEST + 1))
        self.steps = np.zeros_like(self.tables)
        self.tables[..., 1], self.steps[..., 1] = z, 1.0
        for n in range(2, _HIGHEST + 1):
            self.tables[..., n] = 2 * z * self.tables[..., n - 1] - self.tables[..., n - 2]
            self.steps[..., n] = (
                2 * self.tables[..., n - 1]
                + 2 * z * self.steps[..., n - 1]
                - self.steps[..., n - 2]
            )

    def design(self, powers: np.ndarray) -> np.ndarray:
        """`(rows, monomials)`."""
        found = np.ones((len(self.tables), len(powers)))
        for j in range(powers.shape[1]):
            found *= self.tables[:, j, powers[:, j]]
        return found

    def slopes(self, powers: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The derivatives of a polynomial by the features, `(rows, n)`."""
        count = powers.shape[1]
        found = np.empty((len(self.tables), count))
        for j in range(count):
            parts = self.steps[:, j, powers[:, j]]
            for i in range(count):
                if i != j:
                    parts = parts * self.tables[:, i, powers[:, i]]
            found[:, j] = parts @ weights / self.half[j]
        return np.where(self.logs, found / np.where(self.logs, self.features, 1.0), found)


def fit(
    basis: Basis,
    target: np.ndarray,
    scale: np.ndarray,
    link: int,
    degree: int,
    groups: tuple[tuple[int, ...], ...] = (),
    slopes: bool = True,
) -> Smooth | None:
    """The polynomial of a degree for g(E y), by iteratively reweighted least squares."""
    powers = _powers(basis.features.shape[1], degree, groups)
    if len(powers) * _ROWS_EACH[len(target) < _FEW] > len(target) and degree > 1:
        return None
    design = basis.design(powers)
    sign = 1.0 if np.sum(target) >= 0 else -1.0
    own = sign * target if link != 1 else target
    least = _SMALL * np.median(np.abs(own))
    value, weights = (np.maximum(own, 30 * least) if link != 1 else own), np.zeros(len(powers))
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    with np.errstate(all="ignore"):
        for _ in range(_ROUNDS if link != 1 else 1):
            eta = np.log(value) if link == LOG else value**link
            step = 1 / value if link == LOG else link * value ** (link - 1)
            work = eta + (own - value) * step
            root = 1 / (np.abs(step) * scale)
            root = root / root.max()
            if not (np.all(np.isfinite(work)) and np.all(np.isfinite(root))):
                break
            weights = _solved(design * root[:, None], work * root)
            eta = design @ weights
            if link == LOG:
                value = np.exp(np.clip(eta, -300, 300))
            elif link != 1:
                value = np.where(eta > 0, eta, np.nan) ** (1 / link)
                value = np.where(np.isfinite(value), value, least)
            else:
                value = eta
            value = np.maximum(value, least) if link != 1 else value
            loss = float(np.mean(((value - own) / scale) ** 2))
            if best is not None and loss > best[0] * (1 - 1e-4):
                break
            if np.isfinite(loss):
                best = (loss, weights, value)
    if best is None:
        return None
    loss, weights, value = best
    count = len(target)
    floor = (_EPS * float(np.mean(np.abs(own) / scale))) ** 2
    length = 0.5 * count * np.log(loss + floor) + float(np.log(scale).sum())
    length += 0.5 * np.log(count) * len(powers)
    found = np.empty((0, 0))
    if slopes:
        found = basis.slopes(powers, weights)
        with np.errstate(all="ignore"):
            if link == LOG:
                found = found * value[:, None]
            elif link != 1:
                found = found / (link * value[:, None] ** (link - 1))
        found = sign * found if link != 1 else found
    return Smooth(
        float(length), sign * value if link != 1 else value, found, link, basis.logs, degree
    )


def has_one_sign(target: np.ndarray) -> bool:
    """Whether all values have one sign but for a few that are small."""
    other = target[target * np.sum(target) < 0]
    return float(np.sum(other**2)) < _OTHER_SIGN * float(np.sum(target**2))


def _solved(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least squares by the normal equations of columns of size one, slightly regularised."""
    size = np.linalg.norm(columns, axis=0)
    size = np.where(size > 0, size, 1.0)
    unit = columns / size
    gram = unit.T @ unit
    gram[np.diag_indices_from(gram)] += 1e-12
    try:
        return np.linalg.solve(gram, unit.T @ target) / size
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(columns, target, rcond=None)[0]


def best(
    features: np.ndarray,
    target: np.ndarray,
    scale: np.ndarray,
    links: Sequence[int] = LINKS,
    groups: tuple[tuple[int, ...], ...] = (),
    most: int = _MOST,
    slopes: bool = True,
    highest: int = _HIGHEST,
) -> Smooth | None:
    """The likeliest of the links, of features or their logarithms, and of degrees."""
    unit = float(np.median(np.abs(target))) or 1.0  # so that no power of it overflows
    target, scale = target / unit, scale / unit
    positive = np.all(features > 0, axis=0)
    one_sign = has_one_sign(target)
    found: Smooth | None = None
    count = features.shape[1]
    choices = [tuple(positive.tolist()), (False,) * count] if positive.any() else [(False,) * count]
    bases = [Basis(features, logs) for logs in choices]
    for basis in bases:
        for link in links if one_sign else [k for k in links if k == 1]:
            worse = 0
            for degree in range(1, highest + 1):
                size = size_of(count, degree, groups)
                if (
                    size > most
                    and degree > 2
                    or size * _ROWS_EACH[len(target) < _FEW] > len(target)
                ):
                    break
                model = fit(basis, target, scale, link, degree, groups, slopes=False)
                if model is None:
                    break
                if found is None or model.length < found.length:
                    found, worse = model, 0
                else:
                    worse += 1
                    if worse > 2:
                        break
    if found is not None and slopes:
        basis = bases[choices.index(found.logs)]
        found = fit(basis, target, scale, found.link, found.degree, groups)
    if found is None:
        return None
    length = found.length + len(target) * float(np.log(unit))
    return replace(found, length=length, value=found.value * unit, slopes=found.slopes * unit)


def parts(
    features: np.ndarray,
    target: np.ndarray,
    scale: np.ndarray,
    model: Smooth,
    groups: tuple[tuple[int, ...], ...],
) -> list[np.ndarray] | None:
    """The values of a model's groups, each `(rows,)`: they add up to the value, or multiply to it
    if the link is the logarithm, with the constant in the first."""
    basis = Basis(features, model.logs)
    powers = _powers(features.shape[1], model.degree, groups)
    design = basis.design(powers)
    eta = np.log(np.abs(model.value)) if model.link == LOG else model.value
    weights = np.linalg.lstsq(design, eta, rcond=None)[0]
    found = []
    for number, group in enumerate(groups):
        own = powers[:, list(group)].any(axis=1)
        own |= (number == 0) & ~powers.any(axis=1)
        value = design[:, own] @ weights[own]
        found.append(np.exp(value) if model.link == LOG else value)
    return found
