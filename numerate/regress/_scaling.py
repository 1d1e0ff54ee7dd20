"""Fewer variables: the scalings under which a target only changes its scale.

If y(λ^w₁x₁, …, λ^wₙxₙ) = λ^k·y(x), then y = M(x)·h(t(x)) with a monomial M and one variable t
less than there are features, each a product of powers (Buckingham 1914, Physical Review 4(4)).
Such scalings are found in the table itself: Σ wⱼ·xⱼ·∂y/∂xⱼ = k·y is linear in w and k. The
derivatives are those of a polynomial that is fitted to the rows, so that w and k are only nearly
right, but for a law they are small fractions. What is left, h, is solved by `_closed`.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows
from numerate.regress import _closed

_COLUMNS = (70, 260)  # at most, of the polynomial: first with few, then with more
_HIGHEST = 14  # degree
_STEADY = 0.06  # largest scatter, relative to the size of what should be equal
_CLEAR = 0.15  # the same, relative to the smallest term of a sum that should be zero
_SCATTER = (2e-3, 12.0)  # that is expected, and in units of the error of the polynomial
_NEAR = 0.12  # largest distance of a weight from a fraction, times its denominator
_LARGEST = 6  # weight
_RESPONSES = (1, 2, -1, -2)  # powers of the target that the polynomial may describe


@dataclass(frozen=True)
class Reduced:
    """y = `factor` · h(`variables`): exponents of the features in each, one for each feature."""

    factor: tuple[Fraction, ...]
    variables: tuple[tuple[Fraction, ...], ...]

    @classmethod
    def none(cls, count: int) -> "Reduced":
        """The features as they are."""
        units = [tuple(Fraction(i == j) for j in range(count)) for i in range(count)]
        return cls((Fraction(0),) * count, tuple(units))

    def rows(self, rows: Rows) -> Rows | None:
        """The table of h, or None where it is not defined."""
        factor = _product(rows.features, self.factor)
        columns = [_product(rows.features, v) for v in self.variables]
        with np.errstate(all="ignore"):
            table = np.column_stack([*columns, rows.target / factor])
            scale = np.abs(rows.scale / factor)
        if not np.all(np.isfinite(table)) or not np.all(np.isfinite(scale) & (scale > 0)):
            return None
        symbols = tuple(
            sympy.Symbol(f"t{i}", positive=True)
            if np.all(c > 0)
            else sympy.Symbol(f"t{i}", real=True)
            for i, c in enumerate(columns)
        )
        return replace(
            rows, symbols=symbols, features=table[:, :-1], target=table[:, -1], scale=scale
        )

    def formula(self, h: sympy.Expr, reduced: Rows, rows: Rows) -> sympy.Expr:
        """The formula of the table from that of h."""
        substitution = zip(reduced.symbols, self.variables, strict=True)
        return _written(rows, self.factor) * h.xreplace(
            {t: _written(rows, v) for t, v in substitution}
        )

    def without(self, generators: list[np.ndarray]) -> "Reduced | None":
        """With the variables that scalings of these variables leave as they are.

        A scaling is the weights of the variables, and last that of the target.
        """
        count = len(self.variables)
        matrix = sympy.Matrix([[sympy.Rational(v) for v in g] for g in generators])
        echelon, pivots = matrix.rref()
        if count in pivots:
            return None
        factor = np.array(self.factor, object)
        own = np.array(self.variables, object)
        for row, pivot in enumerate(pivots):
            factor = factor + _fraction(echelon[row, count]) * own[pivot]
        variables = []
        for vector in matrix[:, :count].nullspace():
            vector = vector * sympy.ilcm(1, *(v.q for v in vector))
            weights = np.array([_fraction(v) for v in vector], object)
            variables.append(tuple(weights @ own))
        return Reduced(tuple(factor), tuple(variables))


def _fraction(number: sympy.Rational) -> Fraction:
    return Fraction(int(number.p), int(number.q))


def _product(features: np.ndarray, exponents) -> np.ndarray:
    with np.errstate(all="ignore"):
        parts = [features[:, i] ** float(p) for i, p in enumerate(exponents) if p]
    return np.prod(parts, axis=0) if parts else np.ones(len(features))


def _written(rows: Rows, exponents) -> sympy.Expr:
    parts = zip(rows.symbols, exponents, strict=True)
    return sympy.Mul(*(s ** sympy.Rational(p.numerator, p.denominator) for s, p in parts))


def formulas(rows: Rows) -> Iterator[sympy.Expr]:
    """Formulas that describe the table exactly, in products of the features."""
    for reduced in reductions(rows):
        table = reduced.rows(rows)
        if table is not None:
            for h in _closed.roots_of_quotients(table):
                yield reduced.formula(h, table, rows)


def reductions(rows: Rows) -> Iterator[Reduced]:
    """Ways to write the target with fewer variables, the fewest first."""
    path, last = [Reduced.none(len(rows.symbols))], []
    while len(path[-1].variables) > 1:
        table = path[-1].rows(rows)
        further = None
        for columns in _COLUMNS:
            found = None if table is None else _derivatives(table, columns)
            if table is None or found is None:
                break
            generators = list(_steady(*found, table))[:1]
            further = path[-1].without(generators) if generators else None
            if further is not None and further.rows(rows) is not None:
                break
            last = list(_several(*found, path[-1]))
        else:
            break
        if further is None:
            break
        path.append(further)
    seen = set()
    for reduced in sorted([*last, *path[1:]], key=lambda r: len(r.variables)):
        if reduced not in seen and reduced.variables:
            seen.add(reduced)
            yield reduced


def _steady(
    derivatives: np.ndarray, value: np.ndarray, limit: float, table: Rows
) -> Iterator[np.ndarray]:
    """Scalings of one feature, else of two, the clearest first."""
    count, size = derivatives.shape[1], np.linalg.norm(value)
    found = []
    for i in range(count):
        exponent = _rounded(float(derivatives[:, i] @ value) / size**2)
        if exponent is not None:
            off = np.linalg.norm(derivatives[:, i] - float(exponent) * value) / size
            found.append((float(off), _scaling(count, {i: Fraction(1), count: exponent})))
    if not any(off < limit for off, _ in found):
        for i, j in itertools.permutations(range(count), 2):
            columns = np.column_stack([derivatives[:, j], value])
            ratio, exponent = np.linalg.lstsq(columns, derivatives[:, i], rcond=None)[0]
            ratio, exponent = _rounded(ratio), _rounded(exponent)
            if ratio is None or exponent is None or not ratio:
                continue
            signed = np.any(table.features[:, i] < 0)
            if signed and (ratio.denominator > 1 or exponent.denominator > 1):
                continue
            left = derivatives[:, i] - columns @ [float(ratio), float(exponent)]
            least = min(np.linalg.norm(derivatives[:, k]) for k in (i, j))
            if np.linalg.norm(left) < _CLEAR * least:
                scaling = _scaling(count, {i: Fraction(1), j: -ratio, count: exponent})
                found.append((float(np.linalg.norm(left) / size), scaling))
    found.sort(key=lambda f: f[0])
    yield from (scaling for off, scaling in found if off < limit)


def _scaling(count: int, weights: dict[int, Fraction]) -> np.ndarray:
    scaling = np.full(count + 1, Fraction(0), object)
    for index, weight in weights.items():
        scaling[index] = weight
    return scaling


def _several(
    derivatives: np.ndarray, value: np.ndarray, limit: float, start: Reduced
) -> Iterator[Reduced]:
    """What scalings of three features or more leave, by how many of them there may be."""
    matrix = np.column_stack([derivatives, -value])
    size = np.linalg.norm(matrix, axis=0)
    if not np.all(np.isfinite(size)) or np.any(size == 0):
        return
    vectors = np.linalg.svd(matrix / size.max(), full_matrices=False)[2]
    for count in range(matrix.shape[1] - 2, 0, -1):
        basis = _simple_basis(vectors[len(vectors) - count :])
        if basis is None or not all(_vanishes(matrix, vector, limit) for vector in basis):
            continue
        reduced = start.without(basis)
        if reduced is not None:
            yield reduced


def _vanishes(matrix: np.ndarray, vector: np.ndarray, limit: float) -> bool:
    """Whether a sum is small relative to the target, the last column, and to its smallest term."""
    parts = matrix * vector.astype(float)
    left = np.linalg.norm(parts.sum(axis=1))
    least = min(np.linalg.norm(c) for c in parts.T if np.any(c))
    return bool(left < limit * np.linalg.norm(matrix[:, -1]) and left < _CLEAR * least)


def _simple_basis(vectors: np.ndarray) -> list[np.ndarray] | None:
    """A basis of small fractions of about the space of these vectors, or None."""
    basis, done = vectors.copy(), []
    for row in range(len(basis)):
        rest = np.abs(basis[row:, :-1])
        rest[:, done] = 0
        at, pivot = np.unravel_index(np.argmax(rest), rest.shape)
        basis[[row, row + at]] = basis[[row + at, row]]
        basis[row] /= basis[row, pivot]
        for other in range(len(basis)):
            if other != row:
                basis[other] -= basis[other, pivot] * basis[row]
        done.append(int(pivot))
    found = []
    for vector in basis:
        simple = [_rounded(v) for v in vector]
        if any(s is None for s in simple):
            return None
        found.append(np.array(simple, object))
    return found


def _rounded(number: float) -> Fraction | None:
    """The simple fraction next to a number, if it is near enough."""
    if not abs(number) < _LARGEST + 0.5:
        return None
    for q in (1, 2, 3, 4):
        near = Fraction(round(number * q), q)
        if abs(float(near) - number) < _NEAR / q:
            return near
    return None


def _derivatives(table: Rows, most: int) -> tuple[np.ndarray, np.ndarray, float] | None:
    """xⱼ·∂Y/∂xⱼ `(rows, n_features)` and p·Y `(rows,)` for a power Y = y^p, or 1 for log y, which
    a polynomial of the features or of their logarithms describes best; and the scatter that its
    error explains."""
    x, y = table.features, table.target
    best: tuple[float, tuple] = (np.inf, ())
    for logs in (True, False):
        if logs and np.any(x == 0):
            continue
        u = np.log(np.abs(x)) if logs else x
        middle, half = (u.max(axis=0) + u.min(axis=0)) / 2, np.ptp(u, axis=0) / 2
        if np.any(half == 0):
            return None
        z = (u - middle) / half
        powers = _powers(z.shape[1], min(most, len(x) // 3))
        if powers is None:
            return None
        tables, slopes = _chebyshev(z, int(powers.max()))
        design = np.prod(tables[:, np.arange(z.shape[1])[None, :], powers], axis=2)
        basis = np.linalg.qr(design)
        for power, value in _responses(y):
            weights = basis[0].T @ value
            left = np.linalg.norm(value - basis[0] @ weights) / np.linalg.norm(value - value.mean())
            if float(left) < best[0]:
                solved = np.linalg.lstsq(basis[1], weights, rcond=None)[0]
                best = (float(left), (logs, power, value, powers, tables, slopes, solved, half))
    if not best[1]:
        return None
    logs, power, value, powers, tables, slopes, weights, half = best[1]
    found = np.empty(x.shape)
    for j in range(x.shape[1]):
        parts = tables[:, np.arange(x.shape[1])[None, :], powers]
        parts[:, :, j] = slopes[:, j, powers[:, j]]
        found[:, j] = np.prod(parts, axis=2) @ weights / half[j]
    found = found if logs else found * x
    steady = _STEADY if most == _COLUMNS[-1] else _STEADY / 4
    limit = min(steady, _SCATTER[0] + _SCATTER[1] * best[0])
    return found, (np.ones(len(y)) if power == 0 else power * value), limit


def _responses(y: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Powers of the target, and 0 for its logarithm, with their values."""
    one_sign = bool(np.all(y > 0) or np.all(y < 0))
    for power in (0, *_RESPONSES) if one_sign else _RESPONSES[:2]:
        value = np.log(np.abs(y)) if power == 0 else y ** float(power)
        if np.all(np.isfinite(value)) and np.ptp(value) > 0:
            yield power, value


def _powers(count: int, most: int) -> np.ndarray | None:
    """Exponents of all monomials up to the largest total degree with at most `most` of them."""
    best = None
    for degree in range(1, _HIGHEST + 1):
        found = list(itertools.islice(_up_to(count, degree), most + 1))
        if len(found) > most:
            break
        best = np.array(found)
    return best


def _up_to(count: int, degree: int) -> Iterator[tuple[int, ...]]:
    if count == 0:
        yield ()
        return
    for power in range(degree + 1):
        yield from ((power, *others) for others in _up_to(count - 1, degree - power))


def _chebyshev(z: np.ndarray, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Chebyshev polynomials and their slopes, each `(rows, n_features, degree + 1)`."""
    tables, slopes = np.ones((*z.shape, degree + 1)), np.zeros((*z.shape, degree + 1))
    tables[..., 1], slopes[..., 1] = z, 1.0
    for n in range(2, degree + 1):
        tables[..., n] = 2 * z * tables[..., n - 1] - tables[..., n - 2]
        slopes[..., n] = 2 * tables[..., n - 1] + 2 * z * slopes[..., n - 1] - slopes[..., n - 2]
    return tables, slopes
