"""Sums of products of powers over many decades.

Where columns span decades, one term of a sum is all that counts on part of the rows, and the target
is a product of powers there. The exponents of such a term are those of small samples of rows that
many others agree with (Fischler and Bolles 1981, Communications of the ACM 24(6)). The term is
subtracted, and the next is found in what is left where that matters. What is left at last may also
be a root or quotient times powers (`_factors`).
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows
from numerate.regress import _factors

_MOST = 8  # features
_DECADES = 100.0  # ratio of large and small targets
_SAMPLES = 6000
_LARGEST = 6.0  # exponent
_NEAR = 0.12  # distance of the exponents of a sample from halves
_WINDOW = 0.05  # of logarithms: rows that agree
_NARROWER = 4.0
_FEWEST = 12  # rows that agree
_SHARE = 0.05  # of the rows that agree
_CLEAR = 1.5  # as many rows as for any other product
_MATTERS = 0.05  # of the target: where what is left is searched
_MOST_TERMS = 5
_SIMPLE = 1e-5  # relative distance of a weight from a fraction
_EXACT = 1e-12  # of the sum of the terms' sizes
_USEFUL = 0.2  # relative error of a sum that is worth a fit


@dataclass(frozen=True)
class Term:
    """c · ∏ xᵢ^{eᵢ}."""

    weight: float
    exponents: tuple[Fraction, ...]

    def value(self, features: np.ndarray) -> np.ndarray:
        """The product without its weight, `(rows,)`."""
        powers = [column ** float(e) for column, e in zip(features.T, self.exponents, strict=True)]
        return np.prod(powers, axis=0)

    def formula(self, rows: Rows, weight: sympy.Expr) -> sympy.Expr:
        return weight * sympy.Mul(
            *(s ** sympy.Rational(e) for s, e in zip(rows.symbols, self.exponents, strict=True))
        )


def formulas(rows: Rows, rng: np.random.Generator) -> Iterator[sympy.Expr]:
    """Sums of products whose terms dominate on some rows each."""
    size, count = np.abs(rows.target), len(rows.symbols)
    wide = np.quantile(size, 0.9) > _DECADES * np.quantile(size, 0.1)
    if not (wide and 2 <= count <= _MOST and np.all(rows.features) and np.all(size > 0)):
        return
    terms, left = [], rows.target
    while len(terms) < _MOST_TERMS:
        term = dominant(rows.features, left, np.abs(left) > _MATTERS * size, rng)
        if term is None or any(term.exponents == t.exponents for t in terms):
            break
        terms.append(term)
        left = left - term.weight * term.value(rows.features)
        values = np.column_stack([t.value(rows.features) for t in terms])
        if not np.all(np.isfinite(values / size[:, None])):
            return  # it overflows on other rows
        weights = np.linalg.lstsq(values / size[:, None], rows.target / size, rcond=None)[0]
        parts = values * weights
        error = np.abs(rows.target - parts.sum(axis=1))
        exact = np.all(error <= _EXACT * np.abs(parts).sum(axis=1))
        if exact or (len(terms) > 1 and np.median(error / size) < _USEFUL):
            weighted = zip(terms, weights, strict=True)
            yield sympy.Add(*(t.formula(rows, sympy.Float(w)) for t, w in weighted))
        if exact:
            return
        yield from _rest(rows, terms)


def dominant(
    features: np.ndarray, target: np.ndarray, some: np.ndarray, rng: np.random.Generator
) -> Term | None:
    """The product of powers that most of `some` rows agree with, if no other comes near it."""
    features, target = features[some], target[some]
    count = features.shape[1] + 1
    if len(target) < _FEWEST + count:
        return None
    logs, known = np.log(np.abs(features)), np.log(np.abs(target))
    columns = np.column_stack([logs, np.ones(len(logs))])
    pick = rng.integers(0, len(logs), (_SAMPLES, count))
    regular = np.abs(np.linalg.det(columns[pick])) > 1e-6
    solved = np.linalg.solve(columns[pick[regular]], known[pick[regular]][..., None])[:, :-1, 0]
    # Halves only of features without a sign.
    steps = np.where(np.all(features > 0, axis=0), 2.0, 1.0)
    exponents = np.round(solved * steps) / steps + 0.0  # no negative zeros
    near = np.abs(solved - exponents) < _NEAR
    plausible = np.all(near & (np.abs(exponents) <= _LARGEST), axis=1)
    found = []
    for own in np.unique(exponents[plausible], axis=0):
        term = Term(1.0, tuple(Fraction(float(e)) for e in own))
        ratio = target / term.value(features)
        ratio = ratio[np.isfinite(ratio)]
        for sign in (1, -1):
            agreeing, middle = _densest(np.sort(np.log(ratio[ratio * sign > 0] * sign)))
            found.append((agreeing, replace(term, weight=sign * float(np.exp(middle)))))
    found.sort(key=lambda f: -f[0])
    if not found or found[0][0] < max(_FEWEST, _SHARE * len(target)):
        return None
    if len(found) > 1 and found[0][0] < _CLEAR * found[1][0]:
        return None
    return found[0][1]


def _densest(logs: np.ndarray) -> tuple[int, float]:
    """How many sorted numbers lie in the fullest window, and where the fullest part of it is."""
    width, most = _WINDOW, 0
    while len(logs) > 1:
        inside = np.searchsorted(logs, logs + width) - np.arange(len(logs))
        at = int(np.argmax(inside))
        if most and inside[at] < _FEWEST:
            break
        most = most or int(inside[at])
        logs = logs[at : at + inside[at]]
        if logs[0] == logs[-1] or width < np.finfo(float).eps:
            break
        width /= _NARROWER
    return most, float(np.median(logs)) if len(logs) else 0.0


def _rest(rows: Rows, terms: list[Term]) -> Iterator[sympy.Expr]:
    """The terms with simple weights, and a root or quotient of what they leave."""
    simple = [Fraction(t.weight).limit_denominator(12) for t in terms]
    if any(abs(s - t.weight) > _SIMPLE * abs(t.weight) for s, t in zip(simple, terms, strict=True)):
        return
    weighted = zip(terms, simple, strict=True)
    yield from _factors.beside(
        rows, sympy.Add(*(t.formula(rows, sympy.Rational(s)) for t, s in weighted))
    )
