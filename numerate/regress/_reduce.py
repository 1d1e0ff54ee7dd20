"""Fewer variables under noise: the symmetries of a smooth model of the target.

A law in many features is often one in few products, quotients and differences of them, times a
product of powers. Such a reduction is a symmetry of the target (Buckingham 1914; Lie):

| symmetry | what is left |
|---|---|
| y is x_i^k times what does not depend on x_i | one feature less |
| a scaling of two or three features only scales y | their products and quotients, one less |
| y does not change if two features move together, or against each other | their difference or sum |

Each is seen in the slopes of a polynomial that is fitted to the rows (`_smooth`), which are only
nearly right. So the clearest few are tried: the reduced table is fitted by a polynomial of its own,
and the symmetry is accepted if that describes the rows in fewer nats. With noise, this is what
makes the difference: a model of one variable instead of five needs no interactions, can have a
higher degree, and is far more certain.
"""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows, evaluate
from numerate.regress import _smooth

_TRIED = 8  # reductions of each kind that are compared by their models
_LARGEST = 6  # exponent
_NEAR = 0.35  # largest distance of an exponent from a fraction
_OFF = 0.6  # largest scatter of a symmetry, relative to the smallest of its terms
# Ratios of the weights of a scaling that are always tried.
_USUAL = tuple(Fraction(n, q) for n, q in ((1, 1), (-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2)))
_FEW, _HIGHEST = 4, 8  # variables, degree
_SLACK = 3.0  # nats
_OTHER_POWERS = tuple(Fraction(n, 2) for n in (-2, -1, 1, 2))


@dataclass(frozen=True, eq=False)
class View:
    """A table in other variables: y = `factor` · target.

    **Fields:** `variables`, an expression of the table's features for each column of `features`;
    `factor`; `target`, `scale` `(rows,)`, the target and its standard deviation, up to a common
    factor; `ratio` `(rows,)`, the value of the factor.
    """

    variables: tuple[sympy.Expr, ...]
    features: np.ndarray
    factor: sympy.Expr
    target: np.ndarray
    scale: np.ndarray
    ratio: np.ndarray

    def divided(self, exponents: dict[int, Fraction]) -> "View | None":
        """With a product of powers of the variables taken out of the target."""
        factor, ratio = self.factor, np.ones(len(self.target))
        for i, power in exponents.items():
            if power:
                factor = factor * _raised(self.variables[i], power)
                with np.errstate(all="ignore"):
                    ratio = ratio * self.features[:, i] ** float(power)
        with np.errstate(all="ignore"):
            target, scale = self.target / ratio, self.scale / np.abs(ratio)
        if not (np.all(np.isfinite(target)) and np.all(np.isfinite(scale) & (scale > 0))):
            return None
        return View(self.variables, self.features, factor, target, scale, self.ratio * ratio)

    def with_columns(self, variables, columns) -> "View | None":
        """With other variables."""
        features = np.column_stack(columns) if columns else np.empty((len(self.target), 0))
        if not np.all(np.isfinite(features)) or np.any(np.ptp(features, axis=0) == 0):
            return None
        return View(tuple(variables), features, self.factor, self.target, self.scale, self.ratio)

    def model(
        self, slopes: bool = True, highest: int = _HIGHEST, links: Sequence[int] = _smooth.LINKS
    ) -> _smooth.Smooth | None:
        """The smooth model of the view, up to a degree."""
        if not self.variables:
            return _constant(self)
        return _smooth.best(
            self.features, self.target, self.scale, links, slopes=slopes, highest=highest
        )

    def on(self, rows: Rows, scale: np.ndarray) -> "View | None":
        """The same view of other rows of the table, with their standard deviations."""
        columns = rows.columns()
        ratio = evaluate(self.factor, columns) * np.ones(len(rows))
        with np.errstate(all="ignore"):
            target, scale = rows.target / ratio, scale / np.abs(ratio)
        found = [evaluate(v, columns) * np.ones(len(rows)) for v in self.variables]
        if not (np.all(np.isfinite(target)) and np.all(np.isfinite(scale) & (scale > 0))):
            return None
        start = View((), np.empty((len(rows), 0)), self.factor, target, scale, ratio)
        return start.with_columns(self.variables, found)


def _constant(view: View) -> _smooth.Smooth:
    weight = 1 / view.scale**2
    value = np.full(len(view.target), float(weight @ view.target / weight.sum()))
    loss = float(np.mean(((value - view.target) / view.scale) ** 2))
    count = len(value)
    length = 0.5 * count * np.log(loss + 1e-300) + float(np.log(view.scale).sum())
    return _smooth.Smooth(length + 0.5 * np.log(count), value, np.empty((count, 0)), 1, (), 0)


def in_table_units(model: _smooth.Smooth, view: View) -> float:
    """The length of a model of a view, as one of the table that the view was made of."""
    return model.length + float(np.log(np.abs(view.ratio)).sum())


def _raised(expression: sympy.Expr, power: Fraction) -> sympy.Expr:
    return expression ** sympy.Rational(power.numerator, power.denominator)


def reduced(view: View, model: _smooth.Smooth | None = None) -> list[View]:
    """The views that accepted symmetries lead to, the last with the fewest variables."""
    model = view.model() if model is None else model
    path = [view]
    if model is None:
        return path
    while path[-1].variables and np.all(np.isfinite(model.slopes)):
        further = _step(path[-1], model)
        if further is None:
            break
        path.append(further)
        model = further.model()
        if model is None:
            break
    return corrected(path)


def corrected(path: list[View]) -> list[View]:
    """The views with other powers of the features that only multiply the target, if these describe
    the rows of the last one in fewer nats: the model of many variables, by which the powers were
    chosen, is coarse."""
    start, last = path[0], path[-1]
    kept = set().union(*(v.free_symbols for v in last.variables))
    gone = [i for i, s in enumerate(start.variables) if s not in kept]
    model = last.model(slopes=False) if gone and last.variables else None
    if model is None:
        return path
    length = in_table_units(model, last) - _SLACK
    for i in gone:
        best, nearer = None, last
        for power in _OTHER_POWERS:
            further = _multiplied(start, last, i, power)
            found = None if further is None else further.model(slopes=False, links=(model.link,))
            if further is None or found is None:
                continue
            nats = in_table_units(found, further)
            if nats < length:
                length, best = nats - _SLACK, power
                nearer = further
        if best is not None:
            last = nearer
            path = [path[0], *(v for v in (_multiplied(start, v, i, best) for v in path[1:]) if v)]
    return path


def _multiplied(start: View, view: View, i: int, power: Fraction) -> View | None:
    """A view with a power of a feature of the table taken out of the target."""
    column = start.features[:, i]
    if np.any(column == 0) or (power.denominator > 1 and np.any(column < 0)):
        return None
    with np.errstate(all="ignore"):
        ratio = column ** float(power)
        target, scale = view.target / ratio, view.scale / np.abs(ratio)
    if not (np.all(np.isfinite(target)) and np.all(np.isfinite(scale) & (scale > 0))):
        return None
    factor = view.factor * _raised(start.variables[i], power)
    return replace(view, factor=factor, target=target, scale=scale, ratio=view.ratio * ratio)


def _step(view: View, model: _smooth.Smooth) -> View | None:
    """The best symmetry of a view, if it describes the rows in fewer nats.

    Compared are polynomials of one degree. With fewer variables a higher one can be fitted, which
    would make up for a symmetry that is only nearly one.
    """
    length = in_table_units(model, view) + _SLACK
    # A polynomial of few variables is near enough to any law.
    highest = model.degree if len(view.variables) > _FEW else _HIGHEST
    for kinds in ((_factors,), (_pairs, _moved, _triples)):
        best = None
        trials = [(k, t) for k in kinds for t in itertools.islice(k(view, model), _TRIED)]
        for kind, trial in trials:
            # The square of a distance is a polynomial of differences, whatever was one before.
            links = _smooth.LINKS if kind is _moved else (model.link,)
            found = trial.model(slopes=False, highest=highest, links=links)
            if found is None:
                continue
            nats = in_table_units(found, trial)
            if nats < length and (best is None or nats < best[0]):
                best = nats, trial
        if best is not None:
            return best[1]
    return None


def _relative(view: View, model: _smooth.Smooth) -> tuple[np.ndarray, np.ndarray]:
    """xⱼ·∂μ/∂xⱼ and μ, in units of the error or, if that is smaller, of the value."""
    weight = 1 / (np.abs(model.value) + np.median(np.abs(model.value)))
    return model.slopes * view.features * weight[:, None], model.value * weight


def _factors(view: View, model: _smooth.Smooth) -> Iterator[View]:
    """Without features that only multiply the target: all of them, then each."""
    slopes, value = _relative(view, model)
    found = []
    for i in range(slopes.shape[1]):
        exponent = float(slopes[:, i] @ value / (value @ value))
        off = float(np.linalg.norm(slopes[:, i] - exponent * value) / np.linalg.norm(value))
        found.append((off, i, exponent))
    found.sort()
    views = []
    for count, (_, i, exponent) in enumerate(found):
        if count < 4:
            for power in _nearest(exponent, view.features[:, i]):
                views.append(_without(view, i, power))
    yield from (v for v in views if v is not None)


def _without(view: View, i: int, power: Fraction) -> View | None:
    divided = view.divided({i: power})
    if divided is None:
        return None
    others = [j for j in range(len(view.variables)) if j != i]
    return divided.with_columns(
        [view.variables[j] for j in others], [view.features[:, j] for j in others]
    )


def _nearest(number: float, column: np.ndarray) -> list[Fraction]:
    """The simple exponents next to a number, whole ones first; of a signed column only those."""
    if not abs(number) < _LARGEST + 0.5:
        return []
    found = []
    for q in (1, 2) if np.all(column > 0) else (1,):
        near = Fraction(round(number * q), q)
        if abs(float(near) - number) < _NEAR / q and near not in found:
            found.append(near)
    return found


def _pairs(view: View, model: _smooth.Smooth) -> Iterator[View]:
    yield from _scaled(view, model, 1)


def _triples(view: View, model: _smooth.Smooth) -> Iterator[View]:
    if len(view.variables) <= 7:
        yield from _scaled(view, model, 2)


def _scaled(view: View, model: _smooth.Smooth, others: int) -> Iterator[View]:
    """With the products that a scaling of `others` + 1 features leaves, the clearest first."""
    slopes, value = _relative(view, model)
    count, found = slopes.shape[1], []
    size = np.linalg.norm(slopes, axis=0)
    for i in range(count):
        partners = [j for j in range(count) if (j > i if others > 1 else j != i)]
        for chosen in itertools.combinations(partners, others):
            columns = np.column_stack([slopes[:, list(chosen)], value])
            *ratios, _ = np.linalg.lstsq(columns, slopes[:, i], rcond=None)[0]
            # Where a slope is nearly a multiple of the value, the ratios are hardly determined.
            choices = [{*_nearest(r, np.ones(1)), *_USUAL} for r in ratios]
            least = min(size[j] for j in (i, *chosen))
            for rounded in itertools.product(*choices):
                if not all(rounded):
                    continue
                rest = slopes[:, i] - columns[:, :-1] @ [float(r) for r in rounded]
                for k in _nearest(float(rest @ value / (value @ value)), np.ones(1)):
                    left = float(np.linalg.norm(rest - float(k) * value))
                    if left < _OFF * least:
                        scaling = {i: Fraction(1)}
                        scaling |= {j: -r for j, r in zip(chosen, rounded, strict=True)}
                        found.append((left / least, tuple(sorted(scaling.items())), k))
    seen = set()
    for _, items, k in sorted(found, key=lambda f: f[0]):
        key = _primitive(dict(items), k)
        if key not in seen:
            seen.add(key)
            left_over = _products(view, dict(key[0]), key[1])
            if left_over is not None:
                yield left_over


def _primitive(scaling: dict[int, Fraction], k: Fraction):
    """A scaling with whole weights without a common factor, the first positive."""
    lcm = int(np.lcm.reduce([w.denominator for w in scaling.values()]))
    whole = {i: int(w * lcm) for i, w in scaling.items()}
    divisor = int(np.gcd.reduce(list(whole.values())))
    first = next(iter(sorted(whole)))
    factor = Fraction(lcm, divisor) * (1 if whole[first] > 0 else -1)
    return tuple(sorted((i, w * factor) for i, w in scaling.items())), k * factor


def _products(view: View, scaling: dict[int, Fraction], k: Fraction) -> View | None:
    """The view in the products that a scaling leaves as they are."""
    signed = {i for i in scaling if np.any(view.features[:, i] <= 0)}
    # The pivot appears in every product: one of weight ±1, positive if any is.
    pivot = min(scaling, key=lambda i: (i in signed, abs(scaling[i]), i))
    power = k / scaling[pivot]
    if pivot in signed and (power.denominator > 1 or np.any(view.features[:, pivot] == 0)):
        return None
    divided = view.divided({pivot: power})
    if divided is None:
        return None
    variables, columns = [], []
    for i in range(len(view.variables)):
        if i == pivot:
            continue
        variable, column = view.variables[i], view.features[:, i]
        if i in scaling:
            other = -scaling[i] / scaling[pivot]
            own, other = Fraction(other.denominator), other * other.denominator
            if own > 1 and np.any(column <= 0) and own % 2 == 0:
                return None
            variable = variable ** int(own) * view.variables[pivot] ** int(other)
            with np.errstate(all="ignore"):
                column = column ** int(own) * view.features[:, pivot] ** float(other)
        variables.append(variable)
        columns.append(column)
    return divided.with_columns(variables, columns)


def _moved(view: View, model: _smooth.Smooth) -> Iterator[View]:
    """With the difference or the sum of two variables in place of both."""
    weight = 1 / (np.abs(model.value) + np.median(np.abs(model.value)))
    slopes = model.slopes * weight[:, None]
    found = []
    for i, j in itertools.combinations(range(slopes.shape[1]), 2):
        least = min(np.linalg.norm(slopes[:, i]), np.linalg.norm(slopes[:, j]))
        for sign in (-1, 1):
            left = float(np.linalg.norm(slopes[:, i] - sign * slopes[:, j]))
            if left < _OFF * least:
                found.append((left / least, i, j, sign))
    for _, i, j, sign in sorted(found):
        others = [m for m in range(len(view.variables)) if m not in (i, j)]
        variables = [view.variables[m] for m in others]
        columns = [view.features[:, m] for m in others]
        variables.append(view.variables[i] + sign * view.variables[j])
        columns.append(view.features[:, i] + sign * view.features[:, j])
        trial = view.with_columns(variables, columns)
        if trial is not None:
            yield trial
