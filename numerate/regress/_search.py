"""The search for formulas that describe a table.

`_proposals` says what is tried:

1. Stacks that need no training are solved directly (`_closed`). The search ends if one is exact.
2. Sparse sums of monomials for powers of the target are compared under models of the error
   (`_sparse`, `_noise`).
3. Populations of stacks of depth 2 to 4 are trained from random starts (`_stacks`).
4. Formulas are snapped, pruned, refitted and simplified, described under their likeliest error
   model, and compared by description length (`_candidate`, `_ranking`).

The search ends when a formula is verified, or when one leaves only noise. Only the rows of the
table are used; formulas are never evaluated outside their range.
"""

import atexit
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import sympy

from numerate.formula import (
    Rows,
    coefficients,
    complexity,
    floats,
    into_denominator,
    simplify,
    snap,
    tied,
    with_ratios,
)
from numerate.regress._candidate import Candidate
from numerate.regress._problem import COMPARED_ROWS, SEARCH_ROWS, Problem
from numerate.regress._programs import searching
from numerate.regress._proposals import KNOWN, MOST_SNAPPED, Proposals
from numerate.regress._ranking import Ranking
from numerate.regress._settings import Settings
from numerate.regress._threads import one_thread
from numerate.regress._verify import APPROXIMATE, EXACT, fitted, gates

Progress = Callable[[float, str], None]

# Threads in a step that could not be interrupted when their time was up.
_LEFT_BEHIND: weakref.WeakSet[threading.Thread] = weakref.WeakSet()

_LARGEST_POWER = 10
_SMALLEST_POWER = 0.02  # a fitted power nearer to 0 acts as a step at 0
_GRACE = 0.2  # seconds in which a search whose time is up may finish a step
_TO_DESCRIBE = 0.03  # of the budget, for the statuses and errors of what was found
_AHEAD = 0.9  # of the time, after which what was found until then is described beside the search


@dataclass
class Search:
    """A search over one problem. `ranking` can be read at any time, also after Ctrl-C."""

    problem: Problem
    settings: Settings
    on_progress: Progress = lambda fraction, message: None
    ranking: Ranking = field(default_factory=Ranking)
    interrupted: bool = False

    def run(self) -> "Search":
        """Search until a formula is verified, only noise is left, or the time is up.

        The search has a thread of its own, so that a slow step of SymPy or of a compiler does
        not delay the answer.
        """
        self._started = time.monotonic()
        seconds = self.settings.budget * (1 - _TO_DESCRIBE)
        self._until = self._started + seconds
        self._failure: BaseException | None = None
        with np.errstate(all="ignore"):
            self._add_mean()
        with searching():  # JAX is not imported for laws in closed form
            self._wait_for(threading.Thread(target=self._work, daemon=True), seconds)
        self.ranking = self._so_far()
        if isinstance(self._failure, KeyboardInterrupt):
            self.interrupted = True
        elif self._failure is not None:
            raise self._failure
        if self.interrupted and not any(
            c.formula.free_symbols for c in self.ranking.candidates.values()
        ):
            raise KeyboardInterrupt  # nothing was found but the mean
        return self

    def _wait_for(self, thread: threading.Thread, seconds: float) -> None:
        thread.start()
        try:
            thread.join(min(_AHEAD * seconds, threading.TIMEOUT_MAX))
            if thread.is_alive():
                self._describe()
            thread.join(min(max(0.0, self._until - time.monotonic()), threading.TIMEOUT_MAX))
        except KeyboardInterrupt:
            self.interrupted = True
        self._until = 0.0
        thread.join(_GRACE)
        if thread.is_alive():  # a slow step is left behind; its thread ends after it
            _LEFT_BEHIND.add(thread)

    def _add_mean(self) -> None:
        """The mean can always be reported, whatever error model describes it."""
        rows = self.problem.rows(SEARCH_ROWS)
        mean = sympy.Float(np.mean(rows.target))
        found = self.problem.described(mean, self.problem.some(SEARCH_ROWS))[0]
        self.ranking.candidates[str(mean)] = Candidate(replace(found, formula=mean), self.problem)

    def _so_far(self) -> Ranking:
        return Ranking(dict(self.ranking.candidates), set(self.ranking.known))

    def _describe(self) -> None:
        """Candidates keep their status, so that few are left to judge when the time is up."""
        with np.errstate(all="ignore"):
            for candidate in self._so_far().ranked():
                if self._is_over():
                    return
                _ = candidate.status

    def _work(self) -> None:
        try:
            # Trial formulas often overflow or divide by zero; they are ranked last.
            with np.errstate(all="ignore"), one_thread():
                self.on_progress(0.0, "starting")
                self._try_stages()
            self.on_progress(1.0, self.ranking.chosen().text)
        except BaseException as failure:
            self._failure = failure

    def _try_stages(self) -> None:
        proposals = Proposals(self.problem, self.settings, self.ranking, self._is_over)
        with closing(proposals.stages()) as stages:
            for name, formulas in stages:
                self._report(name)
                for formula in formulas():
                    found = self.consider(formula)
                    if found is not None and name == KNOWN:
                        self.ranking.known.add(found.text)
                    exact = found is not None and found.exact_status == EXACT
                    if exact or self._is_over():
                        return
                if self._is_answered(proposals.compared):
                    return

    def _is_answered(self, compared: bool) -> bool:
        """Whether a formula is verified or leaves only noise. Before all sums of monomials were
        `compared`, noise is no reason to end, nor are fitted constants that agree with rounded
        values: with few digits, 0.75*a + 0.70*b may agree with sqrt(a**2 + b**2)."""
        if self.ranking.is_verified():
            return compared or not floats(self.ranking.chosen().formula)
        return compared and self.ranking.leaves_noise()

    def _is_over(self) -> bool:
        return time.monotonic() > self._until

    def _report(self, name: str) -> None:
        spent = (time.monotonic() - self._started) / self.settings.budget
        self.on_progress(min(1.0, spent), f"{name}: {self.ranking.chosen().text}")

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
        if str(formula) in self.ranking.candidates:
            return self.ranking.candidates[str(formula)]
        if gates(formula) or (self.ranking.candidates and not formula.free_symbols):
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
        self.ranking.candidates.setdefault(found.text, found)
        return found

    def _snapped(self, formula: sympy.Expr, rows: Rows) -> sympy.Expr:
        """The formula snapped, by its coefficients, by their ratios, by those of a denominator, or
        with equal ones: whichever leaves the fewest numbers that are not simple. One of very many
        constants stays as it is."""
        if len(floats(formula)) > MOST_SNAPPED:
            return formula
        best = snap(formula, rows)
        for rewrite in (with_ratios, into_denominator):
            other = rewrite(best)
            if other != best and is_plausible(other):
                other = snap(other, rows)
                best = other if _numbers(other) < _numbers(best) else best
        for other in tied(best, rows):
            other = snap(other, rows)
            best = other if _numbers(other) < _numbers(best) else best
        return best

    @cached_property
    def _distinct(self) -> int:
        return len(self.problem.distinct)


def left_behind() -> list[threading.Thread]:
    """The threads of earlier searches that still finish a step."""
    return [thread for thread in _LEFT_BEHIND if thread.is_alive()]


@atexit.register
def _wait() -> None:
    """A compilation that is under way when the interpreter ends would abort the process."""
    for thread in left_behind():
        thread.join()


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


def has_steps(formula: sympy.Expr) -> bool:
    """Whether a fitted power is so near to 0 that it acts as a step at 0."""
    return any(abs(p.exp) < _SMALLEST_POWER for p in formula.atoms(sympy.Pow) if p.exp.is_Float)
