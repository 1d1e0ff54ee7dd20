"""The formulas that a search tries, stage by stage, the cheap and likely ones first."""

import itertools
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial

import numpy as np
import sympy

from numerate.formula import Rows, complexity, evaluate, floats, terms
from numerate.regress import (
    _closed,
    _columns,
    _dominant,
    _factors,
    _reduce,
    _remainder,
    _scaling,
    _sparse,
)
from numerate.regress._candidate import symbol_cost
from numerate.regress._noise import kinds, scale_of
from numerate.regress._problem import SEARCH_ROWS, Problem
from numerate.regress._ranking import Ranking
from numerate.regress._selection import MANY, ROWS, columns_of, related
from numerate.regress._settings import Settings
from numerate.regress._threads import ahead

KNOWN = "known forms"
POPULATION_ROWS = 256
_SCALED_ROWS = 1000  # of which scalings are found
_RARE = "Laurent"  # the first of the large libraries, which take longer than scalings
MOST_SNAPPED = 24  # constants of a formula; each takes several fits
_PARTS = 2  # of the starts of each kind of stack
_POLISHED = 1  # formulas of a population that are snapped
_ROOTED = [library for library in _sparse.LIBRARIES if library.name in ("quadratic", "Laurent")]
_BESIDE = 2  # of which roots, beside a part of the best sum
_PROPOSED = 10  # sparse sums that are snapped
_FEW_FEATURES = 5
_WIDE = 4.0  # range of a target in which error models give different weights
_SAME = 0.05  # distance of two predictions, in units of their error, that says nothing
_CLOSE = 5.0  # nats
_AGREES = 5.0  # times the residuals that rounding explains
_NEARLY = 1e-9  # relative error of a fit that snapping may make exact
_HOPELESS = 15.0  # nats that snapping can hardly make up for
_DEPTHS = {2: ("PS", "SP"), 3: ("PSP", "SPS"), 4: ("PSPS", "SPSP")}
_POWERS = (1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2))

Formulas = Iterator[sympy.Expr]


@dataclass
class Proposals:
    """Formulas for one problem. What comes next depends on `ranking`, the candidates so far.

    A long stage ends early once `is_over()`; `compared` says whether sums of monomials, or a
    population of stacks, were compared.
    """

    problem: Problem
    settings: Settings
    ranking: Ranking
    is_over: Callable[[], bool]
    compared: bool = False
    _paths: list[list[_reduce.View]] = field(default_factory=list)  # views in fewer variables

    def stages(self) -> Generator[tuple[str, Callable[[], Formulas]], None, None]:
        if self.settings.closed_forms:
            if len(self.problem.everything.symbols) > MANY:
                yield "many columns", self._many_columns
            yield from self._direct()
            if self._more_columns():
                yield from self._direct()
        # All kinds have some of their starts before any has more, the cheap kinds first.
        planned = [(p, *kind) for p in range(_PARTS) for kind in self._populations()]
        names = [f"{layers} stacks" for _, layers, _, _ in planned]
        # The first of each kind may have to be compiled, for seconds, which no one may need.
        early = [name in names[:at] for at, name in enumerate(names)]
        trained = ahead([partial(self._trained, *plan) for plan in planned], early)
        for name, formulas in zip(names, trained, strict=True):
            yield name, partial(self._population, formulas)

    def _direct(self) -> Iterator[tuple[str, Callable[[], Formulas]]]:
        """Stacks that are solved without training, of the columns that matter."""
        rows, deep = self._rows(SEARCH_ROWS), self.settings.max_depth > 1
        # Snapping what one layer only approximates takes longer than most exact closed forms.
        rough: list[sympy.Expr] = []
        yield "one layer", lambda: self._nearly_exact(self._one_layer(rows), rough)
        for library in _closed.LIBRARIES:
            if library.name == _RARE:
                if deep:
                    yield "factors", lambda: _factors.formulas(self._reducible(_SCALED_ROWS))
                    yield "dominant terms", self._dominant_terms
                yield "one layer, roughly", lambda: iter(rough)
                if deep:
                    yield "scalings", self._scaled
            if deep or library.total == 1:
                yield (
                    f"{library.name} sums",
                    lambda library=library: _closed.sums(rows, library),
                )
        if deep:
            yield "quotients", lambda: _closed.quotients(rows)
        yield KNOWN, lambda: _closed.known_forms(rows)
        yield "sparse sums", lambda: self._sparse_sums(rows, deep)
        if deep:
            yield "beside terms", self._beside_terms

    def _populations(self) -> Iterator[tuple[str, Fraction | int, str]]:
        """Kinds of stacks, powers of the target and error models, the cheap and likely first."""
        target = self.problem.rows(SEARCH_ROWS).target
        models = kinds(self.problem.rows(SEARCH_ROWS), self.problem.given)[::-1]
        size = np.abs(target)
        if len(models) > 1 and np.quantile(size, 0.9) < _WIDE * np.quantile(size, 0.1):
            models = models[:1]  # both give similar weights
        if self.settings.max_depth > 1:
            for power, kind in itertools.product(_POWERS, models):
                yield "PS", power, kind
        for depth in range(2, self.settings.max_depth + 1):
            for layers in _DEPTHS[depth]:
                if layers != "PS":
                    yield from ((layers, 1, kind) for kind in models)

    def _rows(self, most: int) -> Rows:
        """At most `most` training rows, of the columns that matter."""
        rows = self.problem.rows(most)
        if len(rows.symbols) <= MANY:
            return rows
        return columns_of(rows, self._kept)

    @cached_property
    def _kept(self) -> list[int]:
        """At most eight columns that matter, where there are more."""
        found = self._related
        if 0 < len(found) <= MANY:
            return found
        return _closed.most_related(self.problem.rows(SEARCH_ROWS), MANY)

    @cached_property
    def _related(self) -> list[int]:
        rows = self.problem.rows(ROWS)
        return related(rows, rows.target)

    def _many_columns(self) -> Formulas:
        """Laws of many columns, and of few where the rows are few."""
        rows = self.problem.rows(ROWS)
        yield from _columns.sums(rows)
        yield from _columns.monomials(rows)
        if len(self._related) > MANY:
            yield from _columns.noisy_sums(rows)
            yield from _columns.products(rows, np.random.default_rng(self.problem.seed))
            if len(rows.symbols) <= MOST_SNAPPED:
                yield from self._one_layer(self.problem.rows(SEARCH_ROWS))

    def _more_columns(self) -> bool:
        """Whether the residuals of the best formula depend on further columns; these are added."""
        problem, chosen = self.problem, self.ranking.chosen()
        if len(problem.everything.symbols) <= MANY or not chosen.formula.free_symbols:
            return False
        index = problem.some(ROWS)
        rows = problem.everything.take(index)
        value = evaluate(chosen.formula, rows.columns())
        residual = chosen.found.noise.standardised(value, rows.target, problem.base[index])
        if not np.all(np.isfinite(residual)):
            return False
        both = sorted({*self._kept, *related(rows, residual)})
        if len(both) == len(self._kept) or len(both) > MANY:
            return False
        self._kept = both
        return True

    def _nearly_exact(self, formulas: Formulas, others: list[sympy.Expr]) -> Formulas:
        """The formulas that most rows agree with to about their rounding; `others` get the rest."""
        index = self.problem.some(SEARCH_ROWS)
        rows = self.problem.everything.take(index)
        for formula in formulas:
            error = np.abs(evaluate(formula, rows.columns()) - rows.target)
            limit = self.problem.allowed(formula, index) + _NEARLY * np.abs(rows.target)
            if np.median(error / limit) < _AGREES:
                yield formula
            else:
                others.append(formula)

    def _one_layer(self, rows) -> Formulas:
        yield from _closed.product(rows)
        yield from _factors.shifted_product(rows)
        size = np.abs(rows.target)
        if np.quantile(size, 0.9) > _WIDE * np.quantile(size, 0.1):
            # Noise of one size for all rows hides the law in the small ones.
            yield from _closed.product(rows.take(np.flatnonzero(size >= np.median(size))))
        yield from _closed.sums(rows, _closed.LIBRARIES[0])
        yield from _closed.linear(rows)

    def _dominant_terms(self) -> Formulas:
        rng = np.random.default_rng(self.problem.seed)
        yield from _dominant.formulas(self._reducible(_SCALED_ROWS), rng)

    def _scaled(self) -> Formulas:
        yield from _scaling.formulas(self._reducible(_SCALED_ROWS))
        rows = self._reducible(SEARCH_ROWS)
        scales, wide = self._scales(SEARCH_ROWS), self._scales(_SCALED_ROWS)
        self._paths = []
        for path in _remainder.reductions(self._reducible(_SCALED_ROWS), wide):
            self._paths.append(path)
            yield from _remainder.exact(rows, scales, path)

    def _beside_terms(self) -> Formulas:
        """A term of the best sum whose numbers are exact, and what describes the rest exactly."""
        rows = self._reducible(_SCALED_ROWS)
        for term in terms(self.ranking.chosen().formula) or ():
            if term.free_symbols and not floats(term):
                yield from _factors.beside(rows, term)

    def _scales(self, most: int) -> list[np.ndarray]:
        """Standard deviations of some rows under each possible error model."""
        rows, base = self.problem.rows(most), self.problem.base[self.problem.some(most)]
        return [scale_of(k, rows.target, base) for k in kinds(rows, self.problem.given)]

    def _reducible(self, most: int) -> Rows:
        """At most `most` training rows, of all columns whose symmetries can be found."""
        rows = self.problem.rows(most)
        return rows if len(rows.symbols) <= _remainder.MOST_FEATURES else self._rows(most)

    def _sparse_sums(self, rows: Rows, deep: bool) -> Formulas:
        """The best sums of monomials by description length, and the best of each size."""
        scales = self._scales(SEARCH_ROWS)
        libraries = _sparse.LIBRARIES if deep else _sparse.LIBRARIES[:1]
        if deep and len(rows.symbols) == 1:
            libraries = (*libraries, _sparse.ONE_FEATURE)
        cost = symbol_cost(self.problem)
        sizes = np.full(len(scales), np.inf)
        sizes[:] = np.median([np.abs(rows.target) / scale for scale in scales], axis=1)
        stages = [
            partial(_sparse.proposals, rows, library, scales, cost, sizes) for library in libraries
        ]
        if deep:
            path = _remainder.likeliest(self._paths)
            reduced = partial(_remainder.proposals, path=path)
            whole = self._reducible(SEARCH_ROWS)
            stages = [partial(reduced, whole, scales, cost, sizes), *stages]
            few = len(rows.symbols) <= _FEW_FEATURES
            shapes = _sparse.QUOTIENTS if few else _sparse.QUOTIENTS[:1]
            stages += [partial(_sparse.quotients, rows, shape, scales, cost) for shape in shapes]
        found = []
        for stage in stages:
            new = sorted(stage(), key=lambda p: p.length)
            found += new
            if new and new[0].exact:
                yield new[0].formula(rows)
            if self.is_over():
                break
        found.sort(key=lambda p: p.length)
        # The best of each power and number of terms, and of those the most likely ones.
        best = {(p.power, p.terms): p for p in reversed(found)}
        limit = found[0].length + _HOPELESS if found else np.inf
        likely = sorted((p for p in best.values() if p.length < limit), key=lambda p: p.length)
        fewest = [p for p in best.values() if p.power == 1 and p.terms < likely[0].terms]
        table = self.problem.rows(SEARCH_ROWS)
        seen: list[tuple[np.ndarray, int]] = []
        for proposal in [*likely[:_PROPOSED], *fewest]:
            # Where the best formula leaves noise alone, others have to be better once snapped. The
            # weights of a quotient are often all ±1, as in (a - b)/(a + b).
            weight = 0.5 * np.log(len(rows)) + cost * ("quotient" in str(proposal.power))
            snapped = proposal.length - weight * (proposal.terms - 1)
            if snapped > found[0].length + _CLOSE and seen and self.ranking.leaves_noise():
                continue
            formula = proposal.formula(rows)
            value, size = evaluate(formula, table.columns()), complexity(formula)
            if not any(size >= other and _is_near(value, v, rows) for v, other in seen):
                seen.append((value, size))
                yield formula
        yield from self._beside_parts(rows, scales, cost)
        self.compared = True

    def _beside_parts(self, rows: Rows, scales: list[np.ndarray], cost: float) -> Formulas:
        """A part of the best sum whose features no other part has, and roots of sums or their
        reciprocals for the rest: 2.5·c + √(a² + b²) is about 2.5·c + 1.2·a + 1.2·b − √(a·b)."""
        parts = terms(self.ranking.chosen().formula) or ()
        found = []
        for part in parts if len(parts) > 2 else ():
            others = set().union(*(p.free_symbols for p in parts if p is not part))
            if not part.free_symbols or part.free_symbols & others or len(others) < 2:
                continue
            table = columns_of(rows, [i for i, s in enumerate(rows.symbols) if s in others])
            table = replace(table, target=rows.target - evaluate(part, rows.columns()))
            for library in _ROOTED:
                sizes = np.full(len(scales), np.inf)
                for proposal in _sparse.proposals(table, library, scales, cost, sizes):
                    if proposal.power != 1:
                        found.append((proposal.length, part, proposal, table))
        found.sort(key=lambda f: f[0])
        for _, part, proposal, table in found[:_BESIDE]:
            yield part + proposal.formula(table)

    def _population(self, formulas: Callable[[], list[sympy.Expr]]) -> Formulas:
        found = formulas()
        yield from found
        self.compared |= bool(found)

    def _trained(self, part: int, layers: str, power, kind: str) -> list[sympy.Expr]:
        """The best formulas of a population of stacks, trained on a power of the target."""
        # Not at the top, because it imports JAX, and most formulas are found without it.
        from numerate.regress._stacks import stack, train_population

        rows = self._rows(POPULATION_ROWS)
        base = self.problem.base[self.problem.some(POPULATION_ROWS)]
        with np.errstate(all="ignore"):
            target = _closed.raised(rows.target, power)
            if target is None:
                return []
            kept = _closed.most_related(rows, 8)
            scale = scale_of(kind, rows.target, base)
            scale = scale * np.abs(rows.target) ** (float(power) - 1) if power != 1 else scale
            transformed = replace(
                rows,
                symbols=tuple(rows.symbols[i] for i in kept),
                features=rows.features[:, kept],
                target=target,
                scale=scale,
            )
            rng = np.random.default_rng((self.problem.seed, part, *layers.encode()))
            starts = -(-self.settings.n_starts // _PARTS)
            trained = train_population(stack(layers, len(kept)), transformed, starts, rng)
            found = list(itertools.islice(trained, _POLISHED))
        return [_closed.inverse(formula, power, bool(rows.target[0] > 0)) for formula in found]


def _is_near(one: np.ndarray, two: np.ndarray, rows: Rows) -> bool:
    """Whether two predictions differ by so little, compared with their errors, that no likelihood
    tells them apart."""
    difference, error = np.mean((one - two) ** 2), np.mean((two - rows.target) ** 2)
    return bool(difference <= (_SAME * _SAME) * error)
