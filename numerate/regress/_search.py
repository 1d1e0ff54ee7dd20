"""The search for formulas that describe a table.

1. Stacks that need no training are solved directly (`_closed`). The search ends if one is exact.
2. Sparse sums of monomials for powers of the target are compared under models of the error
   (`_sparse`, `_noise`).
3. Populations of stacks of depth 2 to 4 are trained from random starts (`_stacks`).
4. Formulas are snapped, pruned, refitted and simplified, described under their likeliest error
   model, and compared by description length (`_candidate`).

The search ends when a formula is verified, or when one leaves only noise. Only the rows of the
table are used; formulas are never evaluated outside their range.
"""

import atexit
import itertools
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial

import numpy as np
import sympy

from numerate.formula import (
    Rows,
    coefficients,
    complexity,
    evaluate,
    floats,
    into_denominator,
    simplify,
    snap,
    with_ratios,
)
from numerate.regress import _closed, _columns, _remainder, _scaling, _sparse
from numerate.regress._candidate import Candidate, symbol_cost
from numerate.regress._noise import errors, kinds, scale_of
from numerate.regress._problem import COMPARED_ROWS, SEARCH_ROWS, Problem
from numerate.regress._threads import one_thread
from numerate.regress._verify import (
    APPROXIMATE,
    EXACT,
    ONE_ROW,
    WITHIN_NOISE,
    WITHIN_PRECISION,
    fitted,
    gates,
    leftover,
)

Progress = Callable[[float, str], None]

# Threads in a step that could not be interrupted when their time was up.
_LEFT_BEHIND: weakref.WeakSet[threading.Thread] = weakref.WeakSet()

POPULATION_ROWS = 256
_SCALED_ROWS = 1000  # of which scalings are found
_KNOWN = "known forms"
_RARE = "Laurent"  # the first of the large libraries, which take longer than scalings
_PARTS = 2  # of the starts of each kind of stack
_POLISHED = 1  # formulas of a population that are snapped
_PROPOSED = 10  # sparse sums that are snapped
_MOST_SNAPPED = 24  # constants of a formula; each takes several fits
_FEW_FEATURES = 5
_WIDE = 4.0  # range of a target in which error models give different weights
_SAME = 0.05  # distance of two predictions, in units of their error, that says nothing
_CLOSE = 5.0  # nats
_HOPELESS = 15.0  # nats that snapping can hardly make up for
_LARGEST_POWER = 10
_UNDETERMINED = 1e3  # relative standard error of a constant that could be anything
_SMALLEST_POWER = 0.02  # a fitted power nearer to 0 acts as a step at 0
_DEPTHS = {2: ("PS", "SP"), 3: ("PSP", "SPS"), 4: ("PSPS", "SPSP")}
_POWERS = (1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2))
_ORDER = {EXACT: 0, WITHIN_PRECISION: 1, WITHIN_NOISE: 2, APPROXIMATE: 2}
_SMALL_NOISE = 3e-4  # of the target's spread: below, there may be an exact formula
_GRACE = 0.2  # seconds in which a search whose time is up may finish a step


@dataclass(frozen=True)
class Settings:
    """Limits of a search: seconds, depth of stacks, random starts of each population, whether
    stacks that need no training are solved directly, and whether rows far from the formula are
    left out."""

    budget: float = 60.0
    max_depth: int = 4
    n_starts: int = 64
    closed_forms: bool = True
    robust: bool = False


@dataclass
class Search:
    """A search over one problem. `candidates` can be read at any time, also after Ctrl-C."""

    problem: Problem
    settings: Settings
    on_progress: Progress = lambda fraction, message: None
    candidates: dict[str, Candidate] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    interrupted: bool = False

    def run(self) -> "Search":
        """Search until a formula is verified, only noise is left, or the time is up.

        The search has a thread of its own, so that a slow step of SymPy or of a compiler does
        not delay the answer.
        """
        self._started = time.monotonic()
        self._until = self._started + self.settings.budget
        self._failure: BaseException | None = None
        self._compared = False
        with np.errstate(all="ignore"):
            self._add_mean()
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            thread.join(self.settings.budget)
        except KeyboardInterrupt:
            self.interrupted = True
        self._until = 0.0
        thread.join(_GRACE)
        if thread.is_alive():  # a slow step is left behind; its thread ends after it
            _LEFT_BEHIND.add(thread)
        self.candidates = dict(self.candidates)
        if isinstance(self._failure, KeyboardInterrupt):
            self.interrupted = True
        elif self._failure is not None:
            raise self._failure
        if self.interrupted and not any(c.formula.free_symbols for c in self.candidates.values()):
            raise KeyboardInterrupt  # nothing was found but the mean
        return self

    def _add_mean(self) -> None:
        """The mean can always be reported, whatever error model describes it."""
        rows = self.problem.rows(SEARCH_ROWS)
        mean = sympy.Float(np.mean(rows.target))
        found = self.problem.described(mean, self.problem.some(SEARCH_ROWS))[0]
        self.candidates[str(mean)] = Candidate(replace(found, formula=mean), self.problem)

    def _work(self) -> None:
        try:
            # Trial formulas often overflow or divide by zero; they are ranked last.
            with np.errstate(all="ignore"), one_thread():
                self.on_progress(0.0, "starting")
                self._try_stages(self._stages())
            self.on_progress(1.0, str(self.chosen().formula))
        except BaseException as failure:
            self._failure = failure

    def _try_stages(self, stages) -> None:
        for name, formulas in stages:
            self._report(name)
            for formula in formulas():
                found = self.consider(formula)
                if found is not None and name == _KNOWN:
                    self.known.add(str(found.formula))
                exact = found is not None and found.exact_status == EXACT
                if exact or time.monotonic() > self._until:
                    return
            # Noise is no reason to end before all sums of monomials were compared.
            if self._is_verified() or (self._compared and self._leaves_noise()):
                return

    def _report(self, name: str) -> None:
        spent = (time.monotonic() - self._started) / self.settings.budget
        self.on_progress(min(1.0, spent), f"{name}: {self.chosen().formula}")

    def _stages(self) -> Iterator[tuple[str, Callable[[], Iterator[sympy.Expr]]]]:
        if self.settings.closed_forms:
            if len(self.problem.everything.symbols) > _columns.MANY:
                yield "many columns", self._many_columns
            yield from self._direct()
            if self._more_columns():
                yield from self._direct()
        # All kinds have some of their starts before any has more, the cheap kinds first.
        for part in range(_PARTS):
            for layers, power, kind in self._populations():
                yield f"{layers} stacks", partial(self._population, layers, power, kind, part)

    def _direct(self) -> Iterator[tuple[str, Callable[[], Iterator[sympy.Expr]]]]:
        """Stacks that are solved without training, of the columns that matter."""
        rows, deep = self._rows(SEARCH_ROWS), self.settings.max_depth > 1
        yield "one layer", lambda: self._one_layer(rows)
        for library in _closed.LIBRARIES:
            if library.name == _RARE and deep:
                yield "scalings", self._scaled
            if deep or library.total == 1:
                yield (
                    f"{library.name} sums",
                    lambda library=library: _closed.sums(rows, library),
                )
        if deep:
            yield "quotients", lambda: _closed.quotients(rows)
        yield _KNOWN, lambda: _closed.known_forms(rows)
        yield "sparse sums", lambda: self._sparse_sums(rows, deep)

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
        if len(rows.symbols) <= _columns.MANY:
            return rows
        return _columns.columns_of(rows, self._kept)

    @cached_property
    def _kept(self) -> list[int]:
        """At most eight columns that matter, where there are more."""
        found = self._related
        if 0 < len(found) <= _columns.MANY:
            return found
        return _closed.most_related(self.problem.rows(SEARCH_ROWS), _columns.MANY)

    @cached_property
    def _related(self) -> list[int]:
        rows = self.problem.rows(_columns.ROWS)
        return _columns.related(rows, rows.target)

    def _many_columns(self) -> Iterator[sympy.Expr]:
        """Laws of many columns, and of few where the rows are few."""
        rows = self.problem.rows(_columns.ROWS)
        yield from _columns.sums(rows)
        yield from _columns.monomials(rows)
        if len(self._related) > _columns.MANY:
            yield from _columns.noisy_sums(rows)
            yield from _columns.products(rows, np.random.default_rng(self.problem.seed))
            if len(rows.symbols) <= _MOST_SNAPPED:
                yield from self._one_layer(self.problem.rows(SEARCH_ROWS))

    def _more_columns(self) -> bool:
        """Whether the residuals of the best formula depend on further columns; these are added."""
        problem, chosen = self.problem, self.chosen()
        if len(problem.everything.symbols) <= _columns.MANY or not chosen.formula.free_symbols:
            return False
        index = problem.some(_columns.ROWS)
        rows = problem.everything.take(index)
        value = evaluate(chosen.formula, rows.columns())
        residual = chosen.found.noise.standardised(value, rows.target, problem.base[index])
        if not np.all(np.isfinite(residual)):
            return False
        both = sorted({*self._kept, *_columns.related(rows, residual)})
        if len(both) == len(self._kept) or len(both) > _columns.MANY:
            return False
        self._kept = both
        return True

    def _one_layer(self, rows) -> Iterator[sympy.Expr]:
        yield from _closed.product(rows)
        size = np.abs(rows.target)
        if np.quantile(size, 0.9) > _WIDE * np.quantile(size, 0.1):
            # Noise of one size for all rows hides the law in the small ones.
            yield from _closed.product(rows.take(np.flatnonzero(size >= np.median(size))))
        yield from _closed.sums(rows, _closed.LIBRARIES[0])
        yield from _closed.linear(rows)

    def _scaled(self) -> Iterator[sympy.Expr]:
        yield from _scaling.formulas(self._reducible(_SCALED_ROWS))
        rows = self._reducible(SEARCH_ROWS)
        yield from _remainder.exact(rows, self._scales(SEARCH_ROWS), self._reductions)

    def _scales(self, most: int) -> list[np.ndarray]:
        """Standard deviations of some rows under each possible error model."""
        rows, base = self.problem.rows(most), self.problem.base[self.problem.some(most)]
        return [scale_of(k, rows.target, base) for k in kinds(rows, self.problem.given)]

    def _reducible(self, most: int) -> Rows:
        """At most `most` training rows, of all columns whose symmetries can be found."""
        rows = self.problem.rows(most)
        return rows if len(rows.symbols) <= _remainder.MOST_FEATURES else self._rows(most)

    @cached_property
    def _reductions(self) -> list:
        """Views of the table in fewer variables."""
        return _remainder.reductions(self._reducible(_SCALED_ROWS), self._scales(_SCALED_ROWS))

    def _sparse_sums(self, rows: Rows, deep: bool) -> Iterator[sympy.Expr]:
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
            reduced = partial(_remainder.proposals, path=self._reductions)
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
            if time.monotonic() > self._until:
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
            # Where the best formula leaves noise alone, others have to be better once snapped.
            snapped = proposal.length - 0.5 * np.log(len(rows)) * (proposal.terms - 1)
            if snapped > found[0].length + _CLOSE and seen and self._leaves_noise():
                continue
            formula = proposal.formula(rows)
            value, size = evaluate(formula, table.columns()), complexity(formula)
            if not any(size >= other and _is_near(value, v, rows) for v, other in seen):
                seen.append((value, size))
                yield formula
        self._compared = True

    def _population(self, layers: str, power, kind: str, part: int) -> Iterator[sympy.Expr]:
        # Not at the top, because it imports JAX, and most formulas are found without it.
        from numerate.regress._stacks import stack, train_population

        rows = self._rows(POPULATION_ROWS)
        base = self.problem.base[self.problem.some(POPULATION_ROWS)]
        target = _closed.raised(rows.target, power)
        if target is None:
            return
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
        for formula in itertools.islice(trained, _POLISHED):
            yield _closed.inverse(formula, power, bool(rows.target[0] > 0))
        self._compared = True

    def consider(self, formula: sympy.Expr) -> Candidate | None:
        """Snap, simplify, refit and describe a formula; keep it if it is new, and return what
        is kept."""
        if not is_plausible(formula):
            return None
        problem, index = self.problem, self.problem.some(SEARCH_ROWS)
        described = problem.described(formula, index)
        for _ in range(2):  # what was simplified may be snapped further
            if not described:
                return None
            snapped = self._snapped(described[0].formula, problem.weighted_rows(described[0]))
            if not is_plausible(snapped):
                return None
            formula = simplify(snapped, described[0].rows)
            described = problem.described(formula, index)
            if formula == snapped or not floats(formula):
                break
        few = 2 * fitted(formula) > self._distinct and bool(floats(formula))
        if not described or few or has_steps(formula):
            return None
        if str(formula) in self.candidates:
            return self.candidates[str(formula)]
        if gates(formula) or (self.candidates and not formula.free_symbols):
            return None
        # A formula that agrees to rounding keeps its constants as they are.
        found = Candidate(replace(described[0], formula=formula), problem)
        if found.exact_status == APPROXIMATE and problem.written and floats(formula):
            within = replace(described[0], formula=problem.within(formula))
            if Candidate(within, problem).exact_status != APPROXIMATE:
                found = Candidate(within, problem)
        if found.exact_status == APPROXIMATE:
            kept = described[0].formula
            if len(problem.train) > SEARCH_ROWS and floats(formula):
                more = problem.described(formula, problem.some(COMPARED_ROWS))
                kept = (more or described)[0].formula
            # All formulas are compared on the same rows, also where their constants have more.
            found = Candidate(replace(described[0], formula=kept), problem)
        self.candidates.setdefault(str(found.formula), found)
        return found

    def _snapped(self, formula: sympy.Expr, rows: Rows) -> sympy.Expr:
        """The formula snapped, by its coefficients, by their ratios, or by those of a denominator:
        whichever leaves the fewest numbers that are not simple. One of very many constants stays
        as it is."""
        if len(floats(formula)) > _MOST_SNAPPED:
            return formula
        best = snap(formula, rows)
        for rewrite in (with_ratios, into_denominator):
            other = rewrite(best)
            if other != best and is_plausible(other):
                other = snap(other, rows)
                best = other if _numbers(other) < _numbers(best) else best
        return best

    @cached_property
    def _distinct(self) -> int:
        return len(self.problem.distinct)

    def _leaves_noise(self) -> bool:
        """Whether nothing is left in the residuals of the best formula, be it a constant."""
        chosen = self.chosen()
        if chosen.agrees:
            return True
        if chosen.formula.free_symbols:
            # A few wild rows are no reason to look for a formula that goes through them.
            noise = chosen.status == WITHIN_NOISE or chosen.judged[1].startswith(ONE_ROW)
            return noise and chosen.relative_rmse > _SMALL_NOISE
        return leftover(chosen.found, self.problem) is None

    def _is_verified(self) -> bool:
        return any(c.exact_status != APPROXIMATE for c in self.candidates.values())

    def chosen(self) -> Candidate:
        """The formula to report: a verified one, else the one of the shortest description."""
        candidates = list(self.candidates.values())
        verified = [c for c in candidates if c.exact_status != APPROXIMATE]
        if verified:
            return min(
                verified,
                key=lambda c: (
                    _ORDER[c.status],
                    c.total_price,
                    c.formula.has(sympy.Abs, sympy.sign),
                    c.relative_rmse,
                ),
            )
        return min(candidates, key=lambda c: (c.length, str(c.formula)))

    def ranked(self) -> list[Candidate]:
        """The chosen formula, then from simple to accurate: the Pareto front of complexity and
        held-out error, and the known forms, a line, power laws and a saturation curve, even if a
        shorter formula is better."""
        chosen = self.chosen()
        front, best = [], np.inf
        for candidate in self._best_of_each():
            known = str(candidate.formula) in self.known and not is_degenerate(candidate)
            if candidate.holdout_relative_rmse < best or (known and candidate.relative_rmse < 1):
                best = min(best, candidate.holdout_relative_rmse)
                front.append(candidate)
        return [chosen, *(c for c in front if c is not chosen)]

    def _best_of_each(self) -> list[Candidate]:
        """The candidates that are better on the training rows than all simpler ones, the simplest
        first, and the known forms."""
        found, best = [], np.inf
        for c in sorted(self.candidates.values(), key=lambda c: (c.complexity, c.relative_rmse)):
            if c.relative_rmse < best or str(c.formula) in self.known:
                found.append(c)
            best = min(best, c.relative_rmse)
        return found


def left_behind() -> list[threading.Thread]:
    """The threads of earlier searches that still finish a step."""
    return [thread for thread in _LEFT_BEHIND if thread.is_alive()]


@atexit.register
def _wait() -> None:
    """A compilation that is under way when the interpreter ends would abort the process."""
    for thread in left_behind():
        thread.join()


def _is_near(one: np.ndarray, two: np.ndarray, rows: Rows) -> bool:
    """Whether two predictions differ by so little, compared with their errors, that no likelihood
    tells them apart."""
    difference, error = np.mean((one - two) ** 2), np.mean((two - rows.target) ** 2)
    return bool(difference <= (_SAME * _SAME) * error)


def _numbers(formula: sympy.Expr) -> tuple[int, float]:
    """How many long numbers a formula has, and its digits."""
    numbers = coefficients(formula)
    short = [n for n in numbers if isinstance(n, sympy.Rational) and n.q <= 12 and abs(n.p) < 1000]
    return len(numbers) - len(short), complexity(formula)


def is_plausible(formula: sympy.Expr) -> bool:
    """Whether all numbers are real and finite and no exponent is so large that it overfits."""
    found = formula.atoms(sympy.Pow)
    powers = (p.exp for p in found if p.exp.is_number)
    if any(p.is_number and not p.is_real for p in found):
        return False
    return not formula.has(sympy.nan, sympy.zoo, sympy.oo, sympy.I) and all(
        abs(p) <= _LARGEST_POWER for p in powers
    )


def is_degenerate(candidate: Candidate) -> bool:
    """Whether the rows do not determine a constant, as those of a line do not determine a and b
    of a*x/(x + b)."""
    found = errors(candidate.formula, candidate.found.rows)
    return not all(error < _UNDETERMINED * abs(value) for value, error in found)


def has_steps(formula: sympy.Expr) -> bool:
    """Whether a fitted power is so near to 0 that it acts as a step at 0."""
    return any(abs(p.exp) < _SMALLEST_POWER for p in formula.atoms(sympy.Pow) if p.exp.is_Float)
