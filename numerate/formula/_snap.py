"""Replaces fitted constants by exact ones: prune, snap, refit.

A constant is replaced by 0, ±1, an integer or a small fraction (or, if the residuals are at
rounding level, by a multiple of pi or a square root), and the others are refitted. The change is
kept if the residuals stay at rounding level, stay within the written precision of every row, or
grow no more than the Bayesian information criterion allows for one parameter less (Schwarz 1978,
Annals of Statistics 6(2)). The allowance is doubled for exponents, 0 and ±1, because laws tend to
have them. Other coefficients have to pay for their digits, and with those that the rows determine.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import cast

import numpy as np
import sympy

from numerate.formula._expression import floats
from numerate.formula._fit import Parametric, Rows, inverse, refit

# Mean squared residuals relative to the target's variance: at or below, they are rounding errors.
ROUNDING = 1e-24
_SLACK = 1e-29
# Factor of the criterion. With 25 rows, a factor of 1 accepts a simple constant up to 1.9 standard
# errors from the fitted one, and a factor of 2 up to 2.7.
_PRIOR = 2.0
_UNLIKELY = 2.2  # nats of a coefficient being simple at all
_NEARLY_EQUAL = 0.2  # relative difference of constants that may be the same one
_LARGEST_POWER = 12  # larger exact exponents overfit, and their constants have very many digits


@dataclass
class _Snapping:
    """The state while a formula is snapped: current values, and those that are already exact."""

    view: Parametric
    rows: Rows
    spread: float
    values: np.ndarray
    loss: float  # of the fit without exact constants
    current: float  # of the last change, with which the next is compared
    exact: dict[int, sympy.Expr]
    agrees: bool  # whether the free fit differs on no row by more than rounding explains

    @property
    def free(self) -> np.ndarray:
        return np.array([i not in self.exact for i in range(len(self.values))], bool)

    @property
    def noiseless(self) -> bool:
        return self.loss <= ROUNDING * self.spread

    def tolerates(self, loss: float, values: np.ndarray, changes: dict[int, sympy.Expr]) -> bool:
        """Whether `values`, with these changes to exact ones, describe the rows as well."""
        errors = np.abs(self.view.value(values, self.rows) - self.rows.target)
        explained = bool(np.all(errors <= self.rows.explained_error))
        if self.noiseless:
            if self.agrees and not explained:
                return False
            return loss <= max(9 * self.loss, _SLACK * self.spread)
        if self.agrees and not explained:
            return False
        if explained and all(self._is_simple(i, v) for i, v in changes.items()):
            return True  # rounding errors are as likely at one end of their range as at the other
        allowed = sum(self._allowance(index, value) for index, value in changes.items())
        return 0.5 * len(self.rows) * self.growth(loss, self.current) <= allowed

    def growth(self, loss: float, before: float) -> float:
        """The logarithm of the ratio of two losses. Either may be zero, because an exact constant
        may leave nothing of what the free fit left."""
        least = max(ROUNDING * self.spread, np.finfo(float).tiny)
        return float(np.log(max(loss, least) / max(before, least)))

    def _is_simple(self, index: int, value: sympy.Expr) -> bool:
        if self.view.in_exponent[index] or value == 0:
            return True
        return isinstance(value, sympy.Rational) and abs(value.p) <= 4 and value.q <= 2

    def _allowance(self, index: int, value: sympy.Expr) -> float:
        """Nats that the likelihood may lose for an exact value: twice those of a constant by the
        Bayesian information criterion for exponents, 0 and ±1. For another coefficient they are
        those of its digits that the rows determine, at most as many, less its own digits: a whole
        number near a constant that is hardly known says nothing."""
        most = _PRIOR * 0.5 * np.log(len(self.rows))
        if self.view.in_exponent[index] or value in (0, 1, -1):
            return most
        if not isinstance(value, sympy.Rational):
            return 0.0
        digits = np.log((1 + abs(int(value.p))) * int(value.q) ** 1.5 / 2) + _UNLIKELY
        return max(0.0, min(most, self._known_digits(index)) - digits)

    def _known_digits(self, index: int) -> float:
        """The logarithm of a constant over its standard error."""
        free = self.free
        free[index] = True
        jacobian = self.view.jacobian(self.values, self.rows)[:, free]
        covariance = inverse(jacobian)
        position = int(np.sum(free[:index]))
        variance = self.current * len(self.rows) / max(len(self.rows) - free.sum(), 1)
        error = np.sqrt(variance * covariance[position, position])
        return float(np.log(abs(self.values[index]) / error)) if 0 < error < np.inf else 0.0

    def try_values(self, changes: dict[int, sympy.Expr]) -> bool:
        """Fix some constants and refit the others; keep the result if it is tolerated."""
        values = self.values.copy()
        for index, value in changes.items():
            values[index] = float(value)
        free = self.free & ~np.isin(np.arange(len(values)), list(changes))
        values, loss = self.view.fit(values, free, self.rows)
        if not self.tolerates(loss, values, changes):
            return False
        self.current = loss
        self.values = values
        self.exact |= changes
        return True


def snap(formula: sympy.Expr, rows: Rows) -> sympy.Expr:
    """A formula with as few and as simple constants as the rows allow.

    **Arguments:**

    - `formula`: its `Float`s may change; everything else is kept.
    - `rows`: the rows that it is fitted to.

    **Returns:** an expression whose `Rational`s were snapped and whose `Float`s were not.

    !!! example
        >>> x = np.linspace(1, 2, 30)
        >>> rows = Rows.of({"x": x}, 3 * np.sqrt(x))
        >>> snap(2.9 * rows.symbols[0]**0.51 + 0.01, rows)
        3*sqrt(x)
    """
    view = Parametric(formula, rows.symbols)
    everything = np.ones(len(view.values), bool)
    values, loss = view.fit(view.values, everything, rows)
    spread = float(np.mean(((rows.target - rows.target.mean()) / rows.scale) ** 2)) or 1.0
    if not loss < 1e6 * spread:  # it overflows on these rows: there is no fit to start from
        return formula
    with np.errstate(invalid="ignore"):
        agrees = np.abs(view.value(values, rows) - rows.target) <= rows.explained_error
    state = _Snapping(
        view,
        rows,
        spread,
        values,
        loss,
        loss,
        {},
        bool(rows.explained_error.any() and np.all(agrees)),
    )
    if formula.free_symbols:  # a constant formula stays the mean: snapping would only add error
        _prune(state)
        for exponents in (True, False):
            _snap_some(state, exponents)
    return view.with_values(_results(state))


def tied(formula: sympy.Expr, rows: Rows) -> Iterator[sympy.Expr]:
    """The formula with two coefficients of about the same size as one, where the rows allow it.

    The likelihood may lose what the Bayesian information criterion gives for a constant less.

    !!! example
        >>> x = np.linspace(1, 2, 30)
        >>> rows = Rows.of({"x": x}, (343 + x) / (343 - x) + 1e-4 * np.sin(9 * x))
        >>> (x,) = rows.symbols
        >>> [len(floats(f)) for f in tied((344.1 + x) / (343.2 - x), rows)]
        [1]
    """
    exponents = {f for power in formula.atoms(sympy.Pow) for f in power.exp.atoms(sympy.Float)}
    found = [f for f in floats(formula) if f not in exponents]
    for one, two in combinations(found, 2):
        if not 0 < abs(abs(one / two) - 1) < _NEARLY_EQUAL:
            continue
        loss = refit(formula, rows)[1]
        equal = cast(sympy.Expr, formula.xreplace({two: abs(one) * sympy.sign(two)}))
        fitted, more = refit(equal, rows)
        if more < loss * np.exp(np.log(len(rows)) / len(rows)):
            yield fitted


def _prune(state: _Snapping) -> None:
    """Set constants to zero, the least influential first."""
    jacobian = np.abs(state.view.jacobian(state.values, state.rows))
    influence = np.abs(state.values) * jacobian.mean(axis=0)
    for index in np.argsort(influence):
        if state.free[index]:
            state.try_values({int(index): sympy.Integer(0)})


def _snap_some(state: _Snapping, exponents: bool) -> None:
    chosen = [i for i in np.flatnonzero(state.view.in_exponent == exponents) if state.free[i]]
    chosen.sort(key=lambda i: abs(state.values[i] - round(state.values[i])))
    for index in chosen:
        for value in _simple_numbers(state.values[index], exponents, state.noiseless, state.agrees):
            if state.try_values({int(index): value}):
                break


def _simple_numbers(
    value: float, exponent: bool, noiseless: bool, agrees: bool
) -> Iterator[sympy.Expr]:
    """Exact numbers near a fitted value, the simplest first."""
    if not abs(value) <= (_LARGEST_POWER if exponent else 1e9):
        return
    if not exponent:
        yield sympy.Integer(1 if value > 0 else -1)
    seen = set()
    for bound in (1, 2, 3, 4, 12) if noiseless and not exponent else (1, 2, 3, 4):
        fraction = Fraction(value).limit_denominator(bound)
        # With noise there is always some number nearby; only small ones are worth a trial.
        most = 4 if bound == 3 and not exponent else 12
        small = noiseless or (agrees and bound < 3) or abs(fraction.numerator) <= most
        if fraction not in seen and small:
            seen.add(fraction)
            yield sympy.Rational(fraction.numerator, fraction.denominator)
    if noiseless and not exponent:
        yield from _recognised(value)


def _recognised(value: float) -> Iterator[sympy.Expr]:
    """Decimals, multiples of powers of pi, and square roots that agree in 11 digits."""
    units = [sympy.Integer(1), sympy.pi, 1 / sympy.pi, sympy.pi**2, 1 / sympy.pi**2]
    for unit in units:
        ratio = value / float(unit)
        fraction = Fraction(ratio).limit_denominator(10_000 if unit == 1 else 100)
        if fraction and abs(ratio / fraction - 1) < 1e-11:
            yield sympy.Rational(fraction.numerator, fraction.denominator) * unit
    whole = round(1 / value) if value and abs(1 / value) < 1e15 else 0
    if abs(whole) > 100 and len(str(abs(whole)).rstrip("0")) < 7 and abs(whole * value - 1) < 1e-11:
        yield sympy.Rational(1, whole)
    square = Fraction(value**2).limit_denominator(100)
    if square and abs(value**2 / square - 1) < 1e-11:
        root = sympy.sqrt(sympy.Rational(square.numerator, square.denominator))
        yield root if value > 0 else -root


def _results(state: _Snapping) -> list[sympy.Expr]:
    """The exact values that were accepted, else the shortest decimals that fit as well."""
    values = state.values.copy()
    for index in np.flatnonzero(state.free):
        values[index] = _shortest(state, values, int(index))
    return [state.exact.get(i, sympy.Float(v)) for i, v in enumerate(values)]


def _shortest(state: _Snapping, values: np.ndarray, index: int) -> float:
    """The value rounded to the fewest digits that describe the rows as well."""
    loss = state.view.loss(values, state.rows)
    for digits in range(1 if state.noiseless else 3, 16):
        trial = values.copy()
        trial[index] = float(f"{values[index]:.{digits}g}")
        if state.noiseless:
            same = abs(trial[index] - values[index]) <= 4e-13 * abs(values[index])
        else:
            more = state.growth(state.view.loss(trial, state.rows), loss)
            same = len(state.rows) * more < 0.02
        if same:
            return trial[index]
    return values[index]
