"""A formula of a search, with what is known of it."""

# SymPy types the arguments of every node as Basic, which hides what expressions can do.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportReturnType=false
# pyright: reportOperatorIssue=false

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import sympy

from numerate.formula import coefficients, complexity, constants, evaluate, terms
from numerate.regress._noise import Described, with_mixed
from numerate.regress._problem import Problem, rounding
from numerate.regress._structure import SIZES
from numerate.regress._verify import APPROXIMATE, OPERATIONS, noise_status, status

_LINEAR = 3  # symbols: all columns in a sum are one choice among few


@dataclass(frozen=True, eq=False)
class Candidate:
    """A formula, fitted to the training rows under its likeliest error model.

    **Fields:** `found`, the fit; `problem`; `held_out`, the error on held-out rows if it is known
    already.
    """

    found: Described
    problem: Problem = field(repr=False)
    held_out: float | None = None

    @property
    def formula(self) -> sympy.Expr:
        """The formula."""
        return self.found.formula

    @cached_property
    def text(self) -> str:
        """The formula as text, which takes SymPy long to write."""
        return str(self.formula)

    @cached_property
    def complexity(self) -> int:
        """Variables, constants and operations."""
        return complexity(self.formula)

    @cached_property
    def length(self) -> float:
        """Nats that describe the rows with this formula: the criterion of the search.

        The negative log-likelihood, half of log n for each fitted constant and parameter of the
        error model (Schwarz 1978), the digits of other numbers, and for each symbol the logarithm
        of the number of symbols that could stand there (Rissanen 1978).
        """
        return self.found.length + self.total_price

    @cached_property
    def price(self) -> float:
        """Nats of the formula without its fitted constants."""
        numbers = [n for n in coefficients(self.formula) if isinstance(n, sympy.Rational)]
        digits = sum(np.log(abs(int(n.p)) + 1.0) + np.log(int(n.q)) for n in numbers)
        symbols = self.complexity
        if _adds_all(self.formula, len(self.problem.everything.symbols)):
            symbols = min(symbols, _LINEAR)
        return symbol_cost(self.problem) * symbols + float(digits)

    @property
    def total_price(self) -> float:
        """Nats of the formula with its fitted constants."""
        return self.price + 0.5 * constants(self.formula) * np.log(len(self.found.rows))

    @cached_property
    def relative_rmse(self) -> float:
        """Error on the training rows."""
        return self.problem.train_error(self.formula)

    @cached_property
    def holdout_relative_rmse(self) -> float:
        """Error on held-out rows, or by cross-validation."""
        return self.problem.holdout_error(self.found) if self.held_out is None else self.held_out

    @cached_property
    def exact_status(self) -> str:
        """`exact`, `within_precision` or `approximate`."""
        return status(self.formula, self.problem)

    @cached_property
    def judged(self) -> tuple[str, str]:
        """The status, and what is left in the residuals."""
        if self.exact_status != APPROXIMATE:
            return self.exact_status, ""
        status, left = noise_status(self.found, self.problem)
        if left.startswith(SIZES):
            index = self.problem.some(len(self.found.rows))
            rows, base = self.problem.everything.take(index), self.problem.base[index]
            found = self.problem.described(self.formula, index)
            mixed = with_mixed(found, rows, base) if found else self.found
            status, left = noise_status(mixed, self.problem)
        return status, left

    @cached_property
    def agrees(self) -> bool:
        """Whether every row agrees to rounding, proven or not."""
        rows = self.problem.everything
        error = np.abs(evaluate(self.formula, rows.columns()) - rows.target)
        return bool(np.all(error <= rounding(self.formula, rows)))

    @cached_property
    def agrees_as_written(self) -> bool:
        """Whether every row agrees within the digits in which it is written, proven or not, with
        these constants or with others."""
        formula, rows = self.problem.within(self.formula), self.problem.everything
        limit = self.problem.allowed(formula, slice(None)) * (1 + 1e-6)
        return bool(np.all(np.abs(evaluate(formula, rows.columns()) - rows.target) <= limit))

    @property
    def status(self) -> str:
        """The status."""
        return self.judged[0]


def on_all_rows(candidate: Candidate) -> Candidate:
    """The candidate with its constants fitted to all rows, held-out ones included.

    One that agrees to rounding keeps its constants, which were chosen for every row.
    """
    problem = candidate.problem
    if candidate.exact_status != APPROXIMATE or not candidate.formula.free_symbols:
        return candidate
    found = problem.described(candidate.formula, np.arange(len(problem.everything)))
    if not found:
        return candidate
    best = with_mixed(found, problem.everything, problem.base)
    return Candidate(best, problem, candidate.holdout_relative_rmse)


def _adds_all(formula: sympy.Expr, features: int) -> bool:
    """Whether the formula is a sum of all features, alike or with a fitted weight each."""
    if len(formula.free_symbols) < max(features, 2):
        return False
    parts = [term.as_coeff_Mul() for term in terms(formula, 2 * features) or ()]
    weights = [number for number, rest in parts if rest.is_Symbol]
    linear = len(weights) == features and all(r.is_Symbol or r == 1 for _, r in parts)
    return linear and (len(set(weights)) == 1 or all(n.is_Float for n in weights))


def symbol_cost(problem: Problem) -> float:
    """Nats of a symbol in a formula."""
    return float(np.log(len(problem.everything.symbols) + OPERATIONS))
