"""What a table in fewer variables is: sparse sums and quotients of what its symmetries leave."""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import sympy

from numerate.formula import Rows, complexity, constants, evaluate, refit
from numerate.regress import _closed, _factors, _implicit, _reduce, _smooth, _sparse
from numerate.regress._closed import Library

MOST_FEATURES = 12
_MOST_SPLIT = 6
_FEWEST_ROWS = 30
_MOST_ROOTS = 4
_KEPT = 3  # formulas of a part
_ERROR_MODELS = 2  # under which variables are reduced
_HALF = Fraction(1, 2)
_WHOLE = (-4, -3, -2, -1, 1, 2, 3, 4)
# By the number of variables: sums, and quotients.
_SUMS = {
    1: (Library("one", (*range(-6, 0), -3 * _HALF, -_HALF, _HALF, 3 * _HALF, *range(1, 7)), 1, 6),),
    2: (Library("two", _WHOLE, 2, 6),),
    3: (Library("three", (-2, -1, 1, 2), 3, 4),),
}
_MORE = (Library("quadratic", (1, 2), 2, 2), Library("Laurent", (-2, -1, 1, 2), 2, 3))
_QUOTIENTS = {
    1: (Library("powers", (1, 2, 3, 4), 1, 4),),
    2: (Library("squares", (1, 2), 2, 4),),
    3: (Library("bilinear", (1,), 2, 2), Library("quadratic", (1, 2), 2, 2)),
}


@dataclass(frozen=True)
class Found:
    """A proposal for a view, as one for the table."""

    length: float
    proposal: _sparse.Proposal | _sparse.Quotient
    view: _reduce.View
    rows: Rows

    @property
    def exact(self) -> bool:
        """Whether every row agrees."""
        return self.proposal.exact

    @property
    def power(self) -> str:
        """The kind of the proposal, and how many variables the table was reduced to."""
        return f"reduced to {len(self.view.variables)}: {self.proposal.power}"

    @property
    def terms(self) -> int:
        """The number of monomials."""
        return self.proposal.terms

    def formula(self, rows: Rows) -> sympy.Expr:
        """The proposal in the features of the table."""
        substitution = zip(self.rows.symbols, self.view.variables, strict=True)
        return self.view.factor * self.proposal.formula(self.rows).xreplace(dict(substitution))


@dataclass(frozen=True)
class Fitted:
    """A formula that is fitted to the rows."""

    length: float
    exact: bool
    expression: sympy.Expr
    terms: int
    power: str

    def formula(self, rows: Rows) -> sympy.Expr:
        """The proposal in the features of the table."""
        return self.expression


def reductions(rows: Rows, scales: Sequence[np.ndarray]) -> Iterator[list[_reduce.View]]:
    """The views of a table with fewer and fewer variables, under each of the likeliest error
    models, one after the other."""
    if not 1 < len(rows.symbols) <= MOST_FEATURES or len(rows) < _FEWEST_ROWS:
        return
    ones = np.ones(len(rows))
    views = [
        _reduce.View(rows.symbols, rows.features, sympy.S.One, rows.target, scale, ones)
        for scale in scales
    ]
    found = [(view, view.model()) for view in views]
    found = [(view, model) for view, model in found if model is not None]
    found.sort(key=lambda pair: pair[1].length)
    for pair in found[:_ERROR_MODELS]:
        yield _reduce.reduced(*pair)


def likeliest(paths: Sequence[list[_reduce.View]]) -> list[_reduce.View]:
    """The path whose end describes the rows in the fewest nats: a model of many variables is
    coarse, those of few say more about the errors."""
    return min(paths, key=lambda path: _smooth_length(path[-1])) if paths else []


def exact(
    rows: Rows, scales: Sequence[np.ndarray], path: Sequence[_reduce.View]
) -> Iterator[sympy.Expr]:
    """Formulas that describe every row, in the variables that symmetries leave.

    **Arguments:** `rows`; `scales`, their standard deviations under each error model; `path`,
    one of `reductions`, also of other rows of the table.
    """
    for view in path[:0:-1]:
        view = view.on(rows, scales[0])
        if view is None or not 0 < len(view.variables) <= _MOST_ROOTS:
            continue
        own, _ = _table(view, rows, scales)
        substitution = dict(zip(own.symbols, view.variables, strict=True))
        for formula in itertools.chain(
            _closed.roots_of_quotients(own), _factors.quotients(own), _implicit.roots(own, ())
        ):
            yield view.factor * formula.xreplace(substitution)


def proposals(
    rows: Rows,
    scales: Sequence[np.ndarray],
    cost: float,
    sizes: np.ndarray,
    path: Sequence[_reduce.View],
) -> Iterator[Found | Fitted]:
    """The best sums and quotients of the variables that symmetries of the table leave.

    **Arguments:** as of `_sparse.proposals`; `path`, one of `reductions`.
    """
    best = np.inf
    path = [v for v in (view.on(rows, scales[0]) for view in path) if v is not None]
    if not path:
        return
    for further in path[:0:-1][:2]:
        for found in _described(further, rows, scales, cost, sizes):
            best = min(best, found.length)
            yield found
    smooth = min(_smooth_length(v) for v in path[-2:])
    if 1 < len(path[-1].variables) <= _MOST_ROOTS and len(path) > 1:
        own, divided = _table(path[-1], rows, scales)
        substitution = dict(zip(own.symbols, path[-1].variables, strict=True))
        for part in splits(own, divided, cost, sizes):
            formula = path[-1].factor * part.expression.xreplace(substitution)
            yield from _fitted(rows, scales, cost, formula, part.power)
    if best > smooth:
        yield from splits(rows, scales, cost, sizes)
        if len(path[-1].variables) <= _MOST_ROOTS:
            yield from _roots(path[-1], rows, scales, cost)


def _smooth_length(view: _reduce.View) -> float:
    """The nats of the rows with a smooth model of a view."""
    model = view.model(slopes=False)
    return np.inf if model is None else _reduce.in_table_units(model, view)


def _roots(view, rows: Rows, scales, cost) -> Iterator[Fitted]:
    own, divided = _table(view, rows, scales)
    substitution = dict(zip(own.symbols, view.variables, strict=True))
    for formula in _implicit.roots(own, divided):
        yield from _fitted(
            rows, scales, cost, view.factor * formula.xreplace(substitution), "root of an equation"
        )


def _table(view: _reduce.View, rows: Rows, scales) -> tuple[Rows, list[np.ndarray]]:
    """The rows of a view, and their standard deviations."""
    symbols = tuple(
        sympy.Symbol(f"t{i}", positive=True) if np.all(c > 0) else sympy.Symbol(f"t{i}", real=True)
        for i, c in enumerate(view.features.T)
    )
    size = np.abs(view.ratio)
    own = replace(
        rows,
        symbols=symbols,
        features=view.features,
        target=view.target,
        scale=rows.scale / size,
        explained_error=rows.explained_error / size,
    )
    return own, [scale / size for scale in scales]


def _described(view, rows, scales, cost, sizes) -> Iterator[Found]:
    count = len(view.variables)
    own, divided = _table(view, rows, scales)
    units = float(np.log(np.abs(view.ratio)).sum())
    price = cost * sum(2 * len(v.free_symbols) - 2 for v in view.variables)
    price += cost * 2 * len(view.factor.free_symbols)
    if not count:
        return
    for library in _SUMS.get(count, _MORE):
        for found in _sparse.proposals(own, library, divided, cost, sizes.copy()):
            yield Found(found.length + units + price, found, view, own)
    for library in _QUOTIENTS.get(count, ()):
        for power in (1, 2):
            for found in _sparse.quotients(own, library, divided, cost, power):
                yield Found(found.length + units + price, found, view, own)


def splits(
    rows: Rows, scales: Sequence[np.ndarray], cost: float, sizes: np.ndarray
) -> Iterator[Fitted]:
    """Sums f(u) + g(v) and products f(u)·g(v) of disjoint features u and v.

    A smooth model without terms in features of both parts describes the rows as well as one with
    all. The target less the smooth g, or divided by it, is then a table of f, and so is that of g.
    """
    if not 1 < len(rows.symbols) <= _MOST_SPLIT or len(rows) < _FEWEST_ROWS:
        return
    for link in (1, _smooth.LOG):
        whole = _smooth.best(rows.features, rows.target, scales[0], (link,), slopes=False)
        if whole is None or (link == _smooth.LOG and not _smooth.has_one_sign(rows.target)):
            continue
        parts = _partition(rows, scales[0], link, whole.length)
        if parts is None:
            continue
        found = [_part(rows, scales, cost, sizes, link, own, rest) for own, rest in parts]
        if not all(found):
            continue
        for order, (one, two) in enumerate(itertools.product(*found)):
            if order in (0, 1, len(found[1]), len(found[1]) + 1, 2, 2 * len(found[1])):
                yield from _joined(rows, scales, cost, link, one, two)


def _partition(rows: Rows, scale: np.ndarray, link: int, length: float):
    """The features of two parts, each with the smooth model of the other; None if all interact."""
    count = len(rows.symbols)
    some = [c for k in range(1, count // 2 + 1) for c in itertools.combinations(range(count), k)]
    best = None
    for own in some:
        rest = tuple(i for i in range(count) if i not in own)
        model = _smooth.best(
            rows.features, rows.target, scale, (link,), groups=(own, rest), slopes=False
        )
        if model is not None and model.length < min(length, best[0] if best else np.inf):
            best = model.length, own, rest, model
    if best is None:
        return None
    _, own, rest, model = best
    values = _smooth.parts(rows.features, rows.target, scale, model, (own, rest))
    if values is None:
        return None
    return (own, values[1]), (rest, values[0])


def _part(rows: Rows, scales, cost, sizes, link, own, other: np.ndarray) -> list[sympy.Expr]:
    """The best formulas of a part of the features, given the smooth model of the other."""
    divisor = other if link == _smooth.LOG else np.ones(len(rows))
    table = replace(
        rows,
        symbols=tuple(rows.symbols[i] for i in own),
        features=rows.features[:, list(own)],
        target=rows.target / divisor if link == _smooth.LOG else rows.target - other,
        scale=rows.scale / np.abs(divisor),
    )
    divided = [scale / np.abs(divisor) for scale in scales]
    found: list = []
    if len(own) > 1:
        for view in next(reductions(table, divided), [])[:0:-1][:1]:
            found += _described(view, table, divided, cost, sizes)
        found += _sparse.quotients(table, _QUOTIENTS[3][1], divided, cost)
        libraries = _MORE
    else:
        libraries = _SUMS[1]
        for power in (1, 2):
            found += _sparse.quotients(table, _QUOTIENTS[1][0], divided, cost, power)
    for library in libraries:
        found += _sparse.proposals(table, library, divided, cost, sizes.copy())
    found.sort(key=lambda p: p.length)
    best = {(p.power, p.terms): p for p in reversed(found)}
    chosen = sorted(best.values(), key=lambda p: p.length)[:_KEPT]
    return [p.formula(table) for p in chosen]


def _joined(rows: Rows, scales, cost: float, link: int, one, two) -> Iterator[Fitted]:
    if link == _smooth.LOG:
        yield from _fitted(rows, scales, cost, one * two, "product of parts")
    else:
        yield from _fitted(rows, scales, cost, one + two, "sum of parts")


def _fitted(rows: Rows, scales, cost: float, formula, kind: str) -> Iterator[Fitted]:
    if formula.has(sympy.nan, sympy.zoo, sympy.oo, sympy.I):
        return
    formula, _ = refit(formula, replace(rows, scale=scales[0]))
    numbers = constants(formula)
    length, exact = _sparse.likelihood(evaluate(formula, rows.columns()), rows, scales)
    length += 0.5 * np.log(len(rows)) * numbers + cost * complexity(formula)
    if np.isfinite(length):
        yield Fitted(float(length), exact, formula, numbers, kind)
