"""Laws of sums over many features, each solved whole, in one least-squares problem:

| law, with affine forms a, b, c of the columns | solved by |
|---|---|
| a^p | least squares for y^(1/p) |
| (a/b)^p | the null vector of the columns and of −y^(1/p) times them |
| a², a·b, a·b·c, and their powers | Gauss–Newton from the spectrum of Σ yᵢ xᵢ xᵢᵀ |
| c·xᵢ^u·xⱼ^v | least squares in logarithms, for every pair and the best triples |

The start of a·b is that of phase retrieval and other low-rank problems (Netrapalli, Jain & Sanghavi
2013, arXiv:1306.0160): for features with mean zero, the covariance of y with the products xᵢ·xⱼ has
the factors' weights in its leading eigenvectors. Weights are then replaced by whole numbers with
one common factor, if the rows allow it.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import sympy

from numerate.formula import Rows
from numerate.regress._closed import inverse, product, raised
from numerate.regress._selection import columns_of
from numerate.regress._sparse import beam

_NEGLIGIBLE = 1e-9  # relative residual of a fit that is exact
_NULL = 1e-12  # ratio of singular values that is zero but for rounding
_TOLERANCES = (1e-6, 1e-9)  # of weights that are whole or zero, relative to the largest
_HALF = Fraction(1, 2)
_POWERS = (1, _HALF, 2, -1, -2, -_HALF)  # of the target
_FACTORS = ((2,), (1, 1), (1, 1, 1))  # exponents of affine forms
_STARTS = 6
_STEPS = 60
_LONGEST = 126  # whole weights; larger ones are written as decimals
_MULTIPLES = 60  # whole numbers that the smallest weight may be
_WORSE = 1.2  # residual with whole weights, relative to that with fitted ones


def monomials(rows: Rows) -> Iterator[sympy.Expr]:
    """Products of powers of one to three features that describe the target: all pairs are
    compared, also where there are more features than rows."""
    x, y = rows.features, rows.target
    usable = np.flatnonzero(np.all(x != 0, axis=0))
    if np.any(y == 0) or len(usable) < 2 or len(rows) < 6:
        return
    logs = np.log(np.abs(x[:, usable]))
    logs, target = logs - logs.mean(axis=0), np.log(np.abs(y))
    target = target - target.mean()
    best: dict[int, tuple[float, list[int]]] = {}
    for chosen in beam(logs, target, 3):
        weights = np.linalg.lstsq(logs[:, chosen], target, rcond=None)[0]
        left = float(np.linalg.norm(target - logs[:, chosen] @ weights))
        if left < best.get(len(chosen), (np.inf,))[0]:
            best[len(chosen)] = (left, chosen)
    size = np.linalg.norm(target)
    for left, chosen in (best[n] for n in sorted(best)):
        if left <= 0.2 * size:
            yield from product(columns_of(rows, sorted(usable[chosen].tolist())))
        if left <= _NEGLIGIBLE * size:
            return


class _Form(NamedTuple):
    """`number` times an affine form: `weights` `(1 + columns,)` of 1 and of the columns."""

    weights: np.ndarray
    number: float

    def of(self, features: np.ndarray) -> np.ndarray:
        """Its value without the number, `(rows,)`."""
        return features @ self.weights[1:] + self.weights[0]

    def written(self, rows: Rows) -> sympy.Expr:
        """Its expression without the number."""
        terms = zip(self.weights, (sympy.S.One, *rows.symbols), strict=True)
        return sympy.Add(*(_exact(w) * term for w, term in terms if w))


def _exact(weight: float) -> sympy.Expr:
    return sympy.Integer(int(weight)) if weight == int(weight) else sympy.Float(float(weight))


class _Standard:
    """All columns with mean 0 and variance 1, behind a column of ones."""

    def __init__(self, features: np.ndarray):
        self.mean = features.mean(axis=0)
        self.size = features.std(axis=0)
        self.size[self.size == 0] = 1.0
        self.table = np.column_stack([np.ones(len(features)), (features - self.mean) / self.size])

    def raw(self, weights: np.ndarray) -> np.ndarray:
        """Weights of 1 and of the columns as they are, from those of this table."""
        inner = weights[1:] / self.size
        return np.concatenate([[weights[0] - inner @ self.mean], inner])


def sums(rows: Rows) -> Iterator[sympy.Expr]:
    """A power of an affine form of all columns, or of a quotient of two, if the target is one."""
    columns = _Standard(rows.features)
    table = columns.table
    if len(rows) < table.shape[1] + 6:
        return
    basis = np.linalg.qr(table)[0]
    for power in _POWERS:
        target = raised(rows.target, power)
        if target is None:
            continue
        left = target - basis @ (basis.T @ target)
        if np.linalg.norm(left) <= _NEGLIGIBLE * np.linalg.norm(target - target.mean()):
            weights = np.linalg.lstsq(table, target, rcond=None)[0]
            value = _simplest(rows, target, [columns.raw(weights)], (1,))
            if value is not None:
                yield inverse(value, power, bool(rows.target[0] > 0))
                return
    yield from _quotients(rows, columns)


def _quotients(rows: Rows, columns: _Standard) -> Iterator[sympy.Expr]:
    table, half = columns.table, columns.table.shape[1]
    if len(rows) < 2 * half + 6:
        return
    for power in (1, _HALF, 2):
        target = raised(rows.target, power)
        if target is None:
            continue
        size = np.sqrt(np.mean(target**2))
        both = np.column_stack([table, -(target / size)[:, None] * table])
        both = both[: 4 * half + 100]
        scale = np.linalg.norm(both, axis=0)
        _, sizes, vectors = np.linalg.svd(both / scale, full_matrices=False)
        if not sizes[-1] <= _NULL * sizes[0] < sizes[-2]:
            continue
        weights = vectors[-1] / scale
        forms = [columns.raw(weights[:half] * size), columns.raw(weights[half:])]
        value = _simplest(rows, target, forms, (1, -1))
        if value is not None:
            yield inverse(value, power, bool(rows.target[0] > 0))
            return


def products(rows: Rows, rng: np.random.Generator) -> Iterator[sympy.Expr]:
    """Squares and products of affine forms of all columns, and powers of these.

    With noise only those with whole weights: hundreds of fitted ones are no law.
    """
    columns = _Standard(rows.features)
    found = []
    for exponents in _FACTORS:
        if len(rows) < 1.5 * len(exponents) * columns.table.shape[1]:
            break
        for power in (1, -1, 2):
            target = raised(rows.target, power)
            if target is None:
                continue
            weights, loss = _factors(columns.table, target, exponents, rng)
            forms = [columns.raw(w) for w in weights]
            if loss <= _NEGLIGIBLE:
                value = _simplest(rows, target, forms, exponents)
                if value is not None:
                    yield inverse(value, power, bool(rows.target[0] > 0))
                    return
            elif power == 1:
                found.append((loss * (1 + 0.02 * len(exponents)), forms, exponents))
    if found:
        _, forms, exponents = min(found, key=lambda f: f[0])
        value = _whole_product(rows, forms, exponents)
        if value is not None:
            yield value


def _factors(table, target, exponents, rng) -> tuple[np.ndarray, float]:
    """Weights `(factors, columns)` of affine forms whose product is the target, and the root
    mean squared residual relative to the target's spread."""
    unit = np.sqrt(np.mean(target**2))
    target = target / unit
    spread = float(np.std(target))
    loss, weights = np.inf, np.zeros((len(exponents), table.shape[1]))
    # No more rows than make the weights certain.
    some = slice(0, 8 * len(exponents) * table.shape[1])
    for start in _starts(table, target, exponents, rng):
        trial, new = _fitted(table[some], target[some], exponents, start)
        if new < loss:
            loss, weights = new, trial
        if loss < 1e-6 * spread:
            break
    if loss < 1e-6 * spread:
        for _ in range(3):  # without damping, for the last digits
            value, jacobian = _derivatives(table, weights, exponents)
            step = np.linalg.lstsq(jacobian, target - value, rcond=1e-13)[0]
            trial = weights + step.reshape(weights.shape)
            new = float(np.sqrt(np.mean((_value(table, trial, exponents) - target) ** 2)))
            if new < loss:
                loss, weights = new, trial
    loss = float(np.sqrt(np.mean((_value(table, weights, exponents) - target) ** 2)))
    weights[0] = weights[0] * unit ** (1 / exponents[0])
    return weights, loss / spread


def _starts(table, target, exponents, rng) -> Iterator[np.ndarray]:
    """Weights `(factors, columns)` near those of the factors.

    The best affine form is divided among them, with parts along the leading eigenvectors of the
    covariance of what it leaves with the products of two columns. αβᵀ + βαᵀ has the eigenvectors
    α + β and α − β.
    """
    factors, width = len(exponents), table.shape[1]
    linear = np.linalg.lstsq(table, target, rcond=None)[0]
    left, z = target - table @ linear, table[:, 1:]
    values, vectors = np.linalg.eigh((z * left[:, None]).T @ z / len(z))
    plus = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
    minus = vectors[:, 0] * np.sqrt(max(-values[0], 0.0))
    middle = max(abs(linear[0]), 1e-6) ** (1 / sum(exponents))
    share = np.tile(linear / (sum(exponents) * middle ** (sum(exponents) - 1)), (factors, 1))
    share[:, 0] = middle
    share[0] *= -1 if linear[0] < 0 else 1
    if exponents == (2,):
        alone = np.concatenate([[0.0], plus / np.sqrt(2)])
        yield from (share, alone[None, :], share + alone, share - alone)
        return
    parts = np.zeros((factors, width))
    parts[:, 1:] = np.linspace(-1, 1, factors)[:, None] * minus / np.sqrt(2)
    yield share + parts
    if factors == 2:
        parts[0, 1:], parts[1, 1:] = (plus + minus) / np.sqrt(2), (plus - minus) / np.sqrt(2)
        yield parts
    size = max(float(np.linalg.norm(minus)), float(np.linalg.norm(plus)), 0.1)
    for attempt in range(_STARTS):
        parts = rng.normal(size=(factors, width)) * size / np.sqrt(width)
        parts[:, 0] = 0
        yield share + parts - parts.mean(axis=0) * (attempt % 2)


def _value(table, weights, exponents) -> np.ndarray:
    return np.prod((table @ weights.T) ** np.array(exponents), axis=1)


def _derivatives(table, weights, exponents) -> tuple[np.ndarray, np.ndarray]:
    """The product of the forms `(rows,)` and its Jacobian `(rows, factors * columns)`."""
    forms = table @ weights.T
    powers = forms ** np.array(exponents)
    parts = []
    for k, exponent in enumerate(exponents):
        others = np.prod(np.delete(powers, k, axis=1), axis=1)
        parts.append((others * exponent * forms[:, k] ** (exponent - 1))[:, None] * table)
    return np.prod(powers, axis=1), np.concatenate(parts, axis=1)


def _fitted(table, target, exponents, start) -> tuple[np.ndarray, float]:
    """Levenberg–Marquardt with the damping of Nielsen (1999), IMM-REP-1999-05."""
    weights, damping, growth = start, 1e-3, 2.0
    value, jacobian = _derivatives(table, weights, exponents)
    first = loss = float(np.mean((value - target) ** 2))
    inner, gradient = jacobian.T @ jacobian, jacobian.T @ (target - value)
    for iteration in range(_STEPS):
        size = np.maximum(np.diag(inner), 1e-12 * np.trace(inner) / len(inner))
        try:
            step = np.linalg.solve(inner + np.diag(damping * size), gradient)
        except np.linalg.LinAlgError:
            break
        trial = weights + step.reshape(weights.shape)
        new = float(np.mean((_value(table, trial, exponents) - target) ** 2))
        if not new < loss:
            damping, growth = damping * growth, growth * 2
            if damping > 1e8:
                break
            continue
        gain = (loss - new) * len(target) / (step @ (damping * size * step + gradient))
        damping, growth = max(damping * max(0.2, 1 - (2 * gain - 1) ** 3), 1e-14), 2.0
        slow = new > 0.999 * loss and iteration > 10
        weights, loss = trial, new
        if slow or loss < 1e-20 * first or loss < 1e-26:
            break
        value, jacobian = _derivatives(table, weights, exponents)
        inner, gradient = jacobian.T @ jacobian, jacobian.T @ (target - value)
    return weights, float(np.sqrt(loss))


def _simplest(rows: Rows, target, forms: list[np.ndarray], exponents) -> sympy.Expr | None:
    """A product of powers of affine forms with weights as simple as the rows allow; None if it is
    not the target on every row."""
    for tolerance in (*_TOLERANCES, 0.0):
        simple = [_simple(weights, tolerance) for weights in forms]
        number = np.prod([f.number ** float(e) for f, e in zip(simple, exponents, strict=True)])
        with np.errstate(all="ignore"):
            parts = [
                f.of(rows.features) ** float(e) for f, e in zip(simple, exponents, strict=True)
            ]
            left = number * np.prod(parts, axis=0) - target
        if np.max(np.abs(left)) <= 10 * _NEGLIGIBLE * np.std(target):
            factors = zip(simple, exponents, strict=True)
            return _number(float(number)) * sympy.Mul(*(f.written(rows) ** e for f, e in factors))
    return None


def _simple(weights: np.ndarray, tolerance: float) -> _Form:
    """An affine form with whole weights, to the relative tolerance, or those of 15 digits."""
    sizes = np.abs(weights)
    largest = float(sizes[1:].max())
    if largest <= 1e-12 * sizes[0]:
        return _Form(np.concatenate([[1.0], 0 * weights[1:]]), float(weights[0]))
    kept = sizes > tolerance * max(largest, 1e-2 * sizes[0])
    numbers = np.zeros(len(weights))
    whole = _whole(weights[kept], tolerance) if tolerance else None
    if whole is not None:
        numbers[kept] = whole
        return _Form(numbers, float(whole @ weights[kept] / (whole @ whole)))
    numbers[kept] = [float(f"{w:.15g}") for w in weights[kept] / largest]
    return _Form(numbers, largest)


def _whole(weights: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Whole numbers with a common factor, to the relative tolerance, the smallest there are."""
    smallest, largest = float(np.abs(weights).min()), float(np.abs(weights).max())
    for multiple in range(1, _MULTIPLES + 1):
        unit = smallest / multiple
        if largest > (_LONGEST + 0.5) * unit:
            return None
        numbers = np.round(weights / unit)
        if np.all(np.abs(weights - unit * numbers) <= tolerance * largest):
            return numbers
    return None


def _number(value: float) -> sympy.Expr:
    """A number as a small fraction or decimal, if it is one but for rounding."""
    for bound in (12, 1000):
        near = Fraction(value).limit_denominator(bound)
        if near and abs(value / float(near) - 1) < _NEGLIGIBLE:
            return sympy.Rational(near.numerator, near.denominator)
    return sympy.Float(value)


def noisy_sums(rows: Rows) -> Iterator[sympy.Expr]:
    """An affine form of many columns, whose weights are whole multiples of one number but for
    their errors."""
    columns = _Standard(rows.features)
    free = len(rows) - columns.table.shape[1]
    if free < 8:
        return
    weights = np.linalg.lstsq(columns.table, rows.target, rcond=None)[0]
    variance = np.sum((rows.target - columns.table @ weights) ** 2) / free
    inner = np.linalg.pinv(columns.table.T @ columns.table)
    error = np.sqrt(variance * np.diag(inner)[1:]) / columns.size
    whole = _whole_within(columns.raw(weights)[1:], error)
    if whole is not None:
        slope, start = np.polyfit(rows.features @ whole, rows.target, 1)
        form = _Form(np.concatenate([[0.0], whole]), 1.0).written(rows)
        yield sympy.Float(slope) * form + sympy.Float(start)


def _whole_within(weights: np.ndarray, error: np.ndarray) -> np.ndarray | None:
    """Whole numbers that are the weights but for their errors and a common factor."""
    clear = np.abs(weights) > 5 * error
    for divisor in (1, 2, 3) if clear.any() else ():
        unit = float(np.median(np.abs(weights[clear]))) / divisor
        for _ in range(2):
            whole = np.round(weights / unit)
            unit = float(whole @ weights / max(whole @ whole, 1.0)) or unit
        if np.all(np.abs(weights - unit * whole) < 4.5 * error) and np.median(error) < 0.2 * unit:
            return whole
    return None


def _whole_product(rows: Rows, forms: list[np.ndarray], exponents) -> sympy.Expr | None:
    """A product of affine forms with small whole weights that is nearly as good, with noise."""
    fitted = np.prod(
        [_Form(w, 1).of(rows.features) ** e for w, e in zip(forms, exponents, strict=True)], axis=0
    )
    loss, factors, values = np.std(fitted - rows.target), [], []
    for weights in forms:
        best: tuple[float, np.ndarray] = (np.inf, weights)
        for unit in np.unique(np.abs(weights[1:]))[-10:] if len(weights) > 10 else ():
            whole = np.round(weights / unit)
            off = float(np.sqrt(np.mean((weights[1:] / unit - whole[1:]) ** 2)))
            best = min(best, (off, whole), key=lambda b: b[0])
        form = _Form(best[1], 1.0)
        factors.append(form.written(rows))
        values.append(form.of(rows.features))
    value = np.prod([v**e for v, e in zip(values, exponents, strict=True)], axis=0)
    number = float(value @ rows.target / (value @ value))
    if not np.std(number * value - rows.target) < _WORSE * loss:
        return None
    parts = zip(factors, exponents, strict=True)
    return sympy.Float(number) * sympy.Mul(*(form**e for form, e in parts))
