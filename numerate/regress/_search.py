"""The search for formulas that describe a table.

1. Stacks that need no training are solved directly (`_closed`). The search ends if one is exact.
2. Populations of stacks of depth 2 to 4 are trained from random starts (`_stacks`).
3. The best stacks are read out, snapped, pruned, refitted and simplified.
4. Formulas are evaluated on held-out rows and verified on all rows (`_verify`).

Only the rows of the table are used; formulas are never evaluated outside their range.
"""

import itertools
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import sympy

from numerate.formula import complexity, floats, refit, simplify, snap
from numerate.regress import _closed
from numerate.regress._problem import REFIT_ROWS, SEARCH_ROWS, Problem
from numerate.regress._verify import APPROXIMATE, EXACT, WITHIN_PRECISION, status

Progress = Callable[[float, str], None]

POPULATION_ROWS = 256
_POLISHED = 2  # formulas of a population that are snapped
# Each further symbol of an approximate formula must reduce the log of the held-out error by this.
_WORTH = 0.1
_LARGEST_POWER = 10
_DEPTHS = {2: ("PS", "SP"), 3: ("PSP", "SPS"), 4: ("PSPS", "SPSP")}
_ORDER = {EXACT: 0, WITHIN_PRECISION: 1, APPROXIMATE: 2}


@dataclass(frozen=True)
class Candidate:
    """A formula with its complexity, errors and status."""

    formula: sympy.Expr
    complexity: int
    relative_rmse: float
    holdout_relative_rmse: float
    status: str


@dataclass(frozen=True)
class Settings:
    """Limits of a search: seconds, depth of stacks, random starts of each population, and whether
    stacks that need no training are solved directly."""

    budget: float = 60.0
    max_depth: int = 4
    n_starts: int = 64
    closed_forms: bool = True


@dataclass
class Search:
    """A search over one problem. `candidates` can be read at any time, also after Ctrl-C."""

    problem: Problem
    settings: Settings
    on_progress: Progress = lambda fraction, message: None
    candidates: dict[str, Candidate] = field(default_factory=dict)
    interrupted: bool = False

    def run(self) -> "Search":
        """Search until a formula is verified, all stages are done, or the time is up."""
        self._until = time.monotonic() + self.settings.budget
        try:
            # Trial formulas often overflow or divide by zero; they are ranked last.
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                self._try_stages(list(self._stages()))
            self.on_progress(1.0, self._best_so_far())
        except KeyboardInterrupt:
            if not self.candidates:
                raise
            self.interrupted = True
        return self

    def _try_stages(self, stages) -> None:
        for index, (name, formulas) in enumerate(stages):
            self.on_progress(index / len(stages), f"{name}: {self._best_so_far()}")
            for formula in formulas():
                self.consider(formula)
                if time.monotonic() > self._until:
                    return
            if self._is_verified():
                return

    def _stages(self) -> Iterator[tuple[str, Callable[[], Iterator[sympy.Expr]]]]:
        rows = self.problem.rows(SEARCH_ROWS)
        yield "a constant", lambda: iter([sympy.Float(np.mean(rows.target))])
        if self.settings.closed_forms:
            yield "one layer", lambda: self._one_layer(rows)
            for library in _closed.LIBRARIES:
                if self.settings.max_depth > 1 or library.factors == 1:
                    yield f"{library.name} sums", lambda library=library: self._sums(rows, library)
        for depth in range(2, self.settings.max_depth + 1):
            for kinds in _DEPTHS[depth]:
                yield f"{kinds} stacks", lambda kinds=kinds: self._population(kinds)
        if self.settings.max_depth > 1 and self.settings.closed_forms:
            yield "sparse sums", lambda: self._approximations(rows)

    def _one_layer(self, rows) -> Iterator[sympy.Expr]:
        yield from _closed.product(rows)
        yield from _closed.sparse_sums(rows, _closed.LIBRARIES[0])

    def _sums(self, rows, library) -> Iterator[sympy.Expr]:
        for power in _closed.TARGET_POWERS:
            yield from _closed.sums(rows, library, power)

    def _approximations(self, rows) -> Iterator[sympy.Expr]:
        for library in _closed.LIBRARIES[1:4]:
            yield from _closed.sparse_sums(rows, library)

    def _population(self, kinds: str) -> Iterator[sympy.Expr]:
        # Not at the top, because it imports JAX, and most formulas are found without it.
        from numerate.regress._stacks import stack, train_population

        rows = self.problem.rows(POPULATION_ROWS)
        kept = _closed.most_related(rows, 8)
        rows = replace(
            rows,
            symbols=tuple(rows.symbols[i] for i in kept),
            features=rows.features[:, kept],
        )
        rng = np.random.default_rng((self.problem.seed, *kinds.encode()))
        trained = train_population(stack(kinds, len(kept)), rows, self.settings.n_starts, rng)
        yield from itertools.islice(trained, _POLISHED)

    def consider(self, formula: sympy.Expr) -> None:
        """Snap, simplify, refit and evaluate a formula; keep it if it is new."""
        problem = self.problem
        if not is_plausible(formula):
            return
        rows = problem.weighted_rows(formula, SEARCH_ROWS)
        formula = snap(formula, rows)
        if not is_plausible(formula):
            return
        formula = simplify(formula, rows)
        if floats(formula) and len(problem.train) > SEARCH_ROWS:
            formula = refit(formula, problem.weighted_rows(formula, REFIT_ROWS))[0]
        key = str(formula)
        if key not in self.candidates:
            self.candidates[key] = self._evaluated(formula)

    def _evaluated(self, formula: sympy.Expr) -> Candidate:
        problem = self.problem
        return Candidate(
            formula,
            complexity(formula),
            problem.train_error(formula),
            problem.holdout_error(formula),
            status(formula, problem),
        )

    def _is_verified(self) -> bool:
        return any(c.status != APPROXIMATE for c in self.candidates.values())

    def _best_so_far(self) -> str:
        return str(self.chosen().formula) if self.candidates else "…"

    def chosen(self) -> Candidate:
        """The formula to report: a verified one, else a compromise of length and error.

        Of two approximations, the longer one is chosen if each further symbol reduces the
        held-out error by a tenth.
        """
        candidates = list(self.candidates.values())
        verified = [c for c in candidates if c.status != APPROXIMATE]
        if verified:
            return min(verified, key=lambda c: (_ORDER[c.status], c.complexity, _error(c)))
        return min(
            candidates, key=lambda c: (np.log(_error(c)) + _WORTH * c.complexity, str(c.formula))
        )

    def ranked(self) -> list[Candidate]:
        """The chosen formula, then the Pareto front from simple to accurate."""
        chosen = self.chosen()
        front, best = [], np.inf
        for candidate in sorted(self.candidates.values(), key=lambda c: (c.complexity, _error(c))):
            if _error(candidate) < best:
                best = _error(candidate)
                front.append(candidate)
        return [chosen, *(c for c in front if c is not chosen)]


def is_plausible(formula: sympy.Expr) -> bool:
    """Whether all numbers are real and finite and no exponent is so large that it overfits."""
    powers = (p.exp for p in formula.atoms(sympy.Pow) if p.exp.is_number)
    return not formula.has(sympy.nan, sympy.zoo, sympy.oo, sympy.I) and all(
        abs(p) <= _LARGEST_POWER for p in powers
    )


def _error(candidate: Candidate) -> float:
    return candidate.holdout_relative_rmse
