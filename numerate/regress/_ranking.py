"""The candidates of a search: the one to report, and those to show beside it."""

from dataclasses import dataclass, field

import numpy as np
import sympy

from numerate.formula import constants
from numerate.regress._candidate import Candidate
from numerate.regress._noise import errors
from numerate.regress._verify import (
    APPROXIMATE,
    EXACT,
    ONE_ROW,
    WITHIN_NOISE,
    WITHIN_PRECISION,
    leftover,
)

_ORDER = {EXACT: 0, WITHIN_PRECISION: 1, WITHIN_NOISE: 2, APPROXIMATE: 2}
_SMALL_NOISE = 3e-4  # of the target's spread: below, there may be an exact formula
_CLEAR = 5.0  # nats by which a formula is shorter than a verified one, to be reported instead
_UNDETERMINED = 1e3  # relative standard error of a constant that could be anything


@dataclass
class Ranking:
    """Candidates by their formula, and which of them are known forms, by name."""

    candidates: dict[str, Candidate] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)

    def chosen(self) -> Candidate:
        """The formula to report: a verified one, else the one of the shortest description.

        Of formulas that agree to rounding of the arithmetic, the one with the fewest digits;
        rounding to the written digits leaves residuals, of which the description takes part. A
        power law with a fitted exponent, which is never verified, is reported instead of a longer
        sum of as many constants, such as of a root and a square: few digits agree with both.
        """
        candidates = list(self.candidates.values())
        verified = [c for c in candidates if c.exact_status != APPROXIMATE]
        if not verified:
            return min(candidates, key=_by_length)
        best = min(
            verified,
            key=lambda c: (
                _ORDER[c.status],
                c.total_price if c.exact_status == EXACT else c.length,
                c.formula.has(sympy.Abs, sympy.sign),
                c.relative_rmse,
            ),
        )
        most = constants(best.formula)
        if best.exact_status == EXACT or not most:
            return best
        shorter = [c for c in candidates if c.length < best.length - _CLEAR]
        shorter = [c for c in shorter if constants(c.formula) <= most]
        shorter = [c for c in shorter if c.agrees_as_written]
        return min(shorter, key=_by_length, default=best)

    def is_verified(self) -> bool:
        return self.chosen().exact_status != APPROXIMATE

    def leaves_noise(self) -> bool:
        """Whether nothing is left in the residuals of the best formula, be it a constant."""
        chosen = self.chosen()
        if chosen.agrees:
            return True
        if chosen.formula.free_symbols:
            # A few wild rows are no reason to look for a formula that goes through them.
            noise = chosen.status == WITHIN_NOISE or chosen.judged[1].startswith(ONE_ROW)
            return noise and chosen.relative_rmse > _SMALL_NOISE
        return leftover(chosen.found, chosen.problem) is None

    def ranked(self) -> list[Candidate]:
        """The chosen formula, then from simple to accurate: the Pareto front of complexity and
        held-out error, and the known forms, a line, power laws and a saturation curve, even if a
        shorter formula is better."""
        chosen = self.chosen()
        front, best = [], np.inf
        for candidate in self._best_of_each():
            known = candidate.text in self.known and not is_degenerate(candidate)
            if candidate.holdout_relative_rmse < best or (known and candidate.relative_rmse < 1):
                best = min(best, candidate.holdout_relative_rmse)
                front.append(candidate)
        return [chosen, *(c for c in front if c is not chosen)]

    def _best_of_each(self) -> list[Candidate]:
        """The candidates that are better on the training rows than all simpler ones, the simplest
        first, and the known forms."""
        found, best = [], np.inf
        for c in sorted(self.candidates.values(), key=lambda c: (c.complexity, c.relative_rmse)):
            if c.relative_rmse < best or c.text in self.known:
                found.append(c)
            best = min(best, c.relative_rmse)
        return found


def _by_length(candidate: Candidate) -> tuple[float, str]:
    return candidate.length, candidate.text


def is_degenerate(candidate: Candidate) -> bool:
    """Whether the rows do not determine a constant, as those of a line do not determine a and b
    of a*x/(x + b)."""
    found = errors(candidate.formula, candidate.found.rows)
    return not all(error < _UNDETERMINED * abs(value) for value, error in found)
