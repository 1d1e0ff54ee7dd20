"""Tests whether a formula is a known law with free constants, and the error of these.

A formula found in a table is rarely written like the law: 1/(0.0047 + 3e-4/c) is 213*c/(c + 0.064).
It is therefore not compared as text. Its constants are fitted to many rows of the law without
noise. If it then equals the law, to rounding, it has the form of the law, and the fitted values are
the true values of *its* constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from laws import Law, Simulated
from scipy.optimize import least_squares

ROWS = 300
EQUAL = 1e-9  # root mean square of the relative deviations from the law
NEAR = 4.0  # standard errors
_STEP = 1e-5  # of central differences, relative
_REDUNDANT = 1e-7  # smallest singular value of the Jacobian, relative to the largest
_MOST_FREED = 3  # exact numbers in a formula that may stand for constants of the law
_MOST_TRIALS = 300  # choices of them in a long formula


@dataclass(frozen=True)
class Verdict:
    """`form`: the law is the formula with constants free, as many as the law has, none redundant.
    `right`: they also lie within four standard errors of the truth; `contained`: some constants
    make the formula the law, however many there are; `near`: and they too lie within four standard
    errors, such as the powers of a*b**1.002. `redundant`: an exact number could be left out, as
    could one of the three in 128/(0.601 + 0.039/c). `why` says what is not so.

    `constants`, `truth`, `errors`: those that were freed, their true values and standard errors.
    """

    form: bool
    right: bool
    contained: bool
    near: bool
    redundant: bool = False
    why: str = ""
    constants: tuple[float, ...] = ()
    truth: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()


def judge(
    formula: sympy.Expr,
    law: Law,
    table: Simulated,
    reported: Sequence[dict] = (),
) -> Verdict:
    """Compare a formula found in `table` with the law that the table was drawn from.

    `reported`: the constants of the formula with standard errors, as dictionaries of `value` and
    `standard_error`. For others the error is the least possible one: that of least squares with
    the true size of the noise.
    """
    columns = law.draw(ROWS, np.random.default_rng(2018))
    truth = law.value(columns)
    most = len(law.constants)
    fitted = sorted(formula.atoms(sympy.Float), key=float)
    free = _free_floats(formula, fitted)
    values = solve(free[0], free[1], free[2], columns, truth)
    if values is None:
        found = _with_exact_numbers_freed(free, most - len(fitted), columns, truth)
        if found is None:
            return Verdict(False, False, False, False, why="another form")
        free, values = found
    expression, names, ours = free
    *written, target = table.columns
    written = {n: table.columns[n] for n in written}
    sigma = np.maximum(table.sigma, np.finfo(float).eps * np.abs(table.columns[target]))
    errors = _standard_errors(expression, names, values, written, sigma)
    errors = np.array([_reported(o, reported, e) for o, e in zip(ours, errors, strict=True)])
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.abs(np.array(ours) - values) / errors
    near = bool(np.all((away <= NEAR) | np.isclose(ours, values, rtol=1e-12, atol=0)))
    why = "" if near else f"a constant is {np.nanmax(away):.1f} standard errors from the truth"
    form = len(names) <= most
    if not form:
        why = f"{len(names)} constants for a law of {most}"
    elif len(names) and _conditioning(expression, names, values, columns) < _REDUNDANT:
        form, why = False, "constants that can be changed without effect"
    redundant = _has_redundant_number(*_free_floats(formula, fitted), columns)
    found = tuple(ours), tuple(map(float, values)), tuple(map(float, errors))
    return Verdict(form, form and near, True, near, redundant, why, *found)


def _free_floats(formula: sympy.Expr, fitted: list) -> tuple[sympy.Basic, list, list[float]]:
    """`(expression, names, values)`: equal fitted constants are one."""
    names = [sympy.Dummy(f"c{i}") for i in range(len(fitted))]
    freed = formula.xreplace(dict(zip(fitted, names, strict=True)))
    return freed, names, [float(f) for f in fitted]


def _with_exact_numbers_freed(free: tuple, most: int, columns, truth):
    """The fewest whole numbers or fractions that must be free for the formula to be the law."""
    expression, names, values = free
    # The 1 of c/(1 + 2*x) last: freeing the 2 says more.
    places = sorted(_exact_numbers(expression), key=lambda p: abs(_at(expression, p)) == 1)
    counts = range(1, min(most, _MOST_FREED) + 1)
    choices = itertools.chain.from_iterable(itertools.combinations(places, n) for n in counts)
    for chosen in itertools.islice(choices, _MOST_TRIALS):
        more = [sympy.Dummy(f"d{i}") for i in range(len(chosen))]
        trial = expression
        for path, name in zip(chosen, more, strict=True):
            trial = _replaced(trial, path, name)
        start = [*values, *(float(_at(expression, path)) for path in chosen)]
        solved = solve(trial, names + more, start, columns, truth)
        if solved is not None:
            return (trial, names + more, start), solved
    return None


def _exact_numbers(node, path: tuple[int, ...] = ()):
    """The positions of numbers that may be constants: not signs, and not the power of a divisor."""
    for index, argument in enumerate(node.args):
        if argument.is_Rational:
            if argument not in (-1, 0) and not (argument == 1 and node.is_Mul):
                yield (*path, index)
        else:
            yield from _exact_numbers(argument, (*path, index))


def _at(node, path):
    for index in path:
        node = node.args[index]
    return node


def _replaced(node, path, value):
    if not path:
        return value
    arguments = list(node.args)
    arguments[path[0]] = _replaced(arguments[path[0]], path[1:], value)
    # Without evaluation, so that the places of other numbers stay as they were.
    return node.func(*arguments, evaluate=False)


def solve(expression, names, start, columns, truth) -> np.ndarray | None:
    """The constants with which the expression equals the truth on these rows; None if none do."""
    function = sympy.lambdify([*map(sympy.Symbol, columns), *names], expression, "numpy")
    scale = np.abs(truth) + 1e-3 * np.sqrt(np.mean(truth**2))
    start = np.asarray(start, float)

    def residual(step):
        with np.errstate(all="ignore"):
            value = function(*columns.values(), *(start * (1 + step)))
            away = (np.asarray(value) - truth) / scale * np.ones(len(truth))
        usable = np.isrealobj(away) and np.all(np.isfinite(away))
        return np.clip(away, -1e6, 1e6) if usable else np.full(len(truth), 1e6)

    step = np.zeros(len(start))
    if len(start):
        options = {"method": "lm", "xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 3000}
        for _ in range(2):  # once more from where the first one stopped
            step = least_squares(residual, step, **options).x
    equal = float(np.sqrt(np.mean(residual(step) ** 2))) <= EQUAL
    return start * (1 + step) if equal else None


def _jacobian(expression, names, values, columns) -> np.ndarray:
    """By the logarithms of the constants, `(rows, constants)`; by central differences, because
    SymPy does not differentiate powers of absolute values."""
    function = sympy.lambdify([*map(sympy.Symbol, columns), *names], expression, "numpy")
    rows, parts = len(next(iter(columns.values()))), []
    for index in range(len(names)):
        change = np.zeros(len(names))
        change[index] = _STEP
        ends = [function(*columns.values(), *(values * (1 + c))) for c in (change, -change)]
        parts.append((ends[0] - ends[1]) / (2 * _STEP) * np.ones(rows))
    return np.stack(parts, axis=-1)


def _has_redundant_number(expression, names, values, columns) -> bool:
    """Whether an exact number can be changed together with constants without effect: the 128 of
    128/(0.601 + 0.039/c), but not the 1 of 213/(1 + 0.064/c)."""
    if not len(names):
        return False
    for path in _exact_numbers(expression):
        number = _at(expression, path)
        if abs(number) != 1:
            name = sympy.Dummy("d")
            trial, more = _replaced(expression, path, name), [*values, float(number)]
            if _conditioning(trial, [*names, name], np.array(more), columns) < _REDUNDANT:
                return True
    return False


def _conditioning(expression, names, values, columns) -> float:
    jacobian = _jacobian(expression, names, values, columns)
    size = np.linalg.norm(jacobian, axis=0)
    if not np.all(np.isfinite(jacobian)) or np.any(size == 0):
        return 0.0
    singular = np.linalg.svd(jacobian / size, compute_uv=False)
    return float(singular[-1] / singular[0])


def _standard_errors(expression, names, values, columns, sigma) -> np.ndarray:
    if not names:
        return np.zeros(0)
    jacobian = _jacobian(expression, names, values, columns) / sigma[:, None]
    size = np.linalg.norm(jacobian, axis=0)
    if not np.all(np.isfinite(size)):
        return np.full(len(names), np.inf)
    size[size == 0] = 1  # a constant without effect, such as one that should be zero
    covariance = np.linalg.pinv((jacobian / size).T @ (jacobian / size)) / np.outer(size, size)
    return np.abs(values) * np.sqrt(np.diag(covariance))


def _reported(value: float, reported: Sequence[dict], otherwise: float) -> float:
    for row in reported:
        error = row.get("standard_error")
        if error and np.isclose(row["value"], value, rtol=1e-6, atol=0):
            return float(error)
    return float(otherwise)
