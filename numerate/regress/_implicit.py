"""A root beside other terms, y = b(x) ± √D(x): the quadratic equation that the target solves.

y² = 2·b(x)·y + D(x) − b(x)² is linear in the weights of y·mᵢ and of mⱼ for monomials m of b and D,
so that they are found like those of a sum, without knowing which part of the target is the root.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows
from numerate.regress import _closed, _sparse
from numerate.regress._closed import Library

_INSIDE = Library("quadratic", (1, 2), 2, 2)
_MOST_FEATURES = 5
_MOST = 8  # monomials of the equation
_LEAST = 1e-2  # of the median: smallest slope of a square
_NEGLIGIBLE = 1e-9  # of the largest weight: cancelled


def roots(rows: Rows, scales: Sequence[np.ndarray]) -> Iterator[sympy.Expr]:
    """Formulas b ± √D with a linear b and a quadratic D.

    **Arguments:** `scales`, standard deviations of the target under each error model, `(rows,)`.
    """
    count = len(rows.symbols)
    if not 0 < count <= _MOST_FEATURES or not np.any(rows.target):
        return
    found, values = _closed.monomials(rows, _INSIDE, 60)
    found, values = [(), *found], np.column_stack([np.ones(len(rows)), values])
    linear = [k for k, m in enumerate(found) if sum(p for _, p in m) == 1]
    columns = np.column_stack([rows.target[:, None] * values[:, linear], values])
    size = np.linalg.norm(columns, axis=0)
    square = rows.target**2
    if not np.all(np.isfinite(size) & (size > 0)) or columns.shape[1] * 1.5 > len(rows):
        return
    kept = _closed.eliminated(columns / size, square)
    if kept is not None:
        yield from _solved(rows, found, linear, values, columns, kept, np.ones(len(rows)))
        return
    for scale in scales:
        deviation = scale * np.maximum(np.abs(rows.target), _LEAST * np.median(np.abs(rows.target)))
        last = None
        for chosen in _sparse.beam(columns / size / deviation[:, None], square / deviation, _MOST):
            if any(k < len(linear) for k in chosen) and any(k >= len(linear) for k in chosen):
                if last is None or len(chosen) > len(last):
                    last = chosen
                    yield from _solved(rows, found, linear, values, columns, chosen, deviation)


def _solved(rows: Rows, found, linear, values, columns, chosen, deviation) -> Iterator[sympy.Expr]:
    chosen = sorted(chosen)
    size = np.linalg.norm(columns[:, chosen], axis=0)
    weights = (
        np.linalg.lstsq(
            columns[:, chosen] / size / deviation[:, None], rows.target**2 / deviation, rcond=None
        )[0]
        / size
    )
    beside, inside = {}, {}
    for k, weight in zip(chosen, weights, strict=True):
        if k < len(linear):
            beside[found[linear[k]]] = weight / 2
        else:
            inside[found[k - len(linear)]] = weight
    if not beside:
        return
    part = sum(w * values[:, found.index(m)] for m, w in beside.items())
    for one, first in beside.items():
        for two, second in beside.items():
            product: dict[int, Fraction | int] = {}
            for i, p in (*one, *two):
                product[i] = product.get(i, 0) + p
            key = tuple(sorted(product.items()))
            inside[key] = inside.get(key, 0.0) + first * second
    largest = max(
        abs(w) * float(np.mean(np.abs(values[:, found.index(m)]))) for m, w in inside.items()
    )
    terms = [
        sympy.Float(w) * _closed.written(rows, m)
        for m, w in inside.items()
        if abs(w) * np.mean(np.abs(values[:, found.index(m)])) > _NEGLIGIBLE * largest
    ]
    sign = 1 if np.median(rows.target - part) > 0 else -1
    outside = sympy.Add(*(sympy.Float(w) * _closed.written(rows, m) for m, w in beside.items()))
    yield outside + sign * sympy.sqrt(sympy.Add(*terms))
