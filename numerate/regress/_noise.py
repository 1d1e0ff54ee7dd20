"""Models of the error of a target: which one describes the residuals of a formula, and its size.

A formula f is fitted under each model by weighted least squares, and the models are compared by
their likelihood, with half of log n for each of their parameters (Schwarz 1978, Annals of
Statistics 6(2)):

| kind | standard deviation of row i |
|---|---|
| `written` | what rounding to the written digits causes, in the target and through the features |
| `additive` | σ |
| `proportional` | σ·abs(fᵢ) |
| `mixed` | √(σ² + τ²·fᵢ²) |
| `factor` | σ of log(yᵢ / fᵢ) |
| `given` | σ·sᵢ with the standard errors sᵢ of the user |

Sample weights w multiply each variance by 1/w. Student's t distribution with few degrees of
freedom stands beside the normal one, so that a few wild rows do not make a wrong formula likely.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sympy
from scipy.special import gammaln

from numerate.formula import Parametric, Rows, floats

WRITTEN, ADDITIVE, PROPORTIONAL = "written", "additive", "proportional"
MIXED, FACTOR, GIVEN = "mixed", "factor", "given"
KINDS = (WRITTEN, ADDITIVE, PROPORTIONAL, MIXED, FACTOR, GIVEN)

_ROUNDS = 3  # of a fit whose weights depend on the formula
_LARGE = 0.1  # relative scatter from which a factor describes it better than a percentage
_SMALLEST = 1e-3  # of the median: a prediction nearer to zero does not lower its error further
_CLOSE = 0.2  # nats a row between two models, within which their sum may be better
_WORTH = 2.0  # nats that it has to save
_SOME_ROWS = 50_000  # of which the size of an error is found where there are more
_FREEDOMS = (1.0, 2.0, 4.0)  # of Student's t
_SMALL, _PROFILED = 100, 4  # rows and constants of tables whose errors are profiled
_SECANTS = 5
_AT_BEST = 0.1  # standard errors from the best fit, within which it is one
_FLOOR = 8 * np.finfo(float).eps


@dataclass(frozen=True)
class Noise:
    """An error model with its size.

    **Fields:** `kind`; `additive`, in units of the target; `proportional`, relative to the
    value (for `factor` the standard deviation of the logarithm, for `given` the factor of the
    given errors); `heavy_tailed`, whether a few rows deviate more than a normal error explains.
    """

    kind: str
    additive: float = 0.0
    proportional: float = 0.0
    heavy_tailed: bool = False

    def standardised(self, value: np.ndarray, target: np.ndarray, base: np.ndarray) -> np.ndarray:
        """Residuals in standard deviations, `(rows,)`, of a formula's values."""
        with np.errstate(all="ignore"):
            if self.kind == FACTOR:
                return np.log(value / target) / (self.proportional * base)
            if self.kind == GIVEN:
                return (value - target) / (self.proportional * base)
            deviation = np.hypot(self.additive, self.proportional * value)
            return (value - target) / (deviation * base)

    def sentence(self) -> str:
        """The model in words.

        !!! example
            >>> Noise("proportional", proportional=0.0104).sentence()
            'noise 1 % of the value'
        """
        percent = f"{100 * self.proportional:.2g} % of the value"
        with np.errstate(over="ignore"):  # A stranger's model may say anything.
            factor = np.exp(self.proportional)
        words = {
            WRITTEN: "none beyond the written digits",
            ADDITIVE: f"noise ±{self.additive:.2g}",
            PROPORTIONAL: f"noise {percent}",
            MIXED: f"noise ±{self.additive:.2g} and {percent}",
            FACTOR: f"scatter by a factor of {factor:.3g}",
            GIVEN: f"noise {self.proportional:.2g} times the given standard errors",
        }
        return words[self.kind] + (", with heavy tails" if self.heavy_tailed else "")

    def report(self) -> dict:
        """The model as plain data."""
        return {
            "kind": self.kind,
            "additive": self.additive,
            "proportional": self.proportional,
            "heavy_tailed": self.heavy_tailed,
            "sentence": self.sentence(),
        }


@dataclass(frozen=True)
class Described:
    """A formula fitted under one error model.

    **Fields:** `formula`; `noise`; `nll`, the negative log-likelihood of the rows; `cost`, half
    of log n for each parameter of the model; `rows`, scaled by the standard deviations.
    """

    formula: sympy.Expr
    noise: Noise
    nll: float
    cost: float
    rows: Rows

    @property
    def length(self) -> float:
        """Nats that describe the rows, the formula not counted."""
        return self.nll + self.cost


def kinds(rows: Rows, given: bool) -> tuple[str, ...]:
    """The error models that are possible for these rows, before any formula is known."""
    if given:
        return (GIVEN,)
    positive = np.all(rows.target > 0) or np.all(rows.target < 0)
    return (ADDITIVE, PROPORTIONAL) if positive or np.all(rows.target != 0) else (ADDITIVE,)


def scale_of(kind: str, value: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Standard deviations of the rows `(rows,)` under a model, up to a common factor.

    Of the magnitude of the values, so that residuals in this unit neither under- nor overflow.
    """
    if kind == ADDITIVE:
        return base * (np.abs(value).max() or 1.0)
    if kind in (GIVEN, FACTOR):
        return base
    size = np.abs(value)
    return base * np.maximum(size, _SMALLEST * np.median(size))


def described(formula: sympy.Expr, rows: Rows, base: np.ndarray, given: bool) -> list[Described]:
    """The formula fitted under each simple error model, the most likely first.

    **Arguments:** `rows`; `base` `(rows,)`, 1 or the given standard errors (sample weights
    included); `given`, whether these are the user's.
    """
    found = [_fitted(formula, rows, base, kind) for kind in kinds(rows, given)]
    found = [f for f in found if f is not None]
    large = [f for f in found if f.noise.kind == PROPORTIONAL and f.noise.proportional > _LARGE]
    if large:
        found += [f for f in [_fitted(large[0].formula, rows, base, FACTOR)] if f is not None]
    return sorted(found, key=lambda f: f.length)


def with_mixed(found: Sequence[Described], rows: Rows, base: np.ndarray) -> Described:
    """The likeliest of several fits, or its formula under additive and proportional noise at once
    if that is likelier still."""
    best = found[0]
    both = [f for f in found if f.noise.kind in (ADDITIVE, PROPORTIONAL)]
    if len(both) < 2 or best not in both or not floats(best.formula):
        return best
    if both[1].length - both[0].length > _CLOSE * len(rows):
        return best
    mixed = _mixed(best, rows, base)
    return mixed if mixed.length < best.length - _WORTH else best


def _fitted(formula, rows: Rows, base, kind: str) -> Described | None:
    view = Parametric(formula, rows.symbols)
    free, values = np.ones(len(view.values), bool), view.values
    own = replace(rows, scale=scale_of(kind, rows.target, base), logarithmic=kind == FACTOR)
    for _ in range(_ROUNDS if kind == PROPORTIONAL else 1):
        values, _ = view.fit(values, free, own)
        if kind == PROPORTIONAL:
            value = view.value(values, rows)
            if not np.all(np.isfinite(value)) or np.any(np.sign(value) != np.sign(rows.target)):
                return None
            own = replace(own, scale=scale_of(kind, value, base))
            if not free.any():
                break
    residual = view.residual(values, own)
    if not np.all(np.abs(residual) < 1e90):
        return None
    unit = float(own.scale[0] / base[0])
    return _judged(view.with_values([sympy.Float(v) for v in values]), residual, own, kind, unit)


def _judged(formula, residual: np.ndarray, rows: Rows, kind: str, unit: float) -> Described:
    """The likelihood of residuals, in units of `rows.scale`, with the best common factor."""
    count = len(rows)
    least = _FLOOR * (1.0 if rows.logarithmic else float(np.mean(np.abs(rows.target) / rows.scale)))
    sigma = max(float(np.sqrt(np.mean(residual**2))), least, np.finfo(float).tiny)
    sizes = np.log(np.abs(rows.target)) if rows.logarithmic else 0.0
    units = float(np.sum(np.log(rows.scale) + sizes))
    normal = count * (np.log(sigma) + 0.5 * np.log(2 * np.pi) + 0.5) + units
    heavy = min(_student(residual, least, nu) for nu in _FREEDOMS) + units + 0.5 * np.log(count)
    tails = heavy < normal
    tailed = bool(heavy < normal - 5)
    noise = (
        Noise(kind, additive=sigma * unit, heavy_tailed=tailed)
        if kind == ADDITIVE
        else Noise(kind, proportional=sigma, heavy_tailed=tailed)
    )
    own = replace(rows, scale=rows.scale * sigma)
    nll = float(heavy if tails else normal)
    return Described(formula, noise, nll, 0.5 * np.log(count), own)


def _student(residual: np.ndarray, least: float, nu: float) -> float:
    """The negative log-likelihood under Student's t with its best scale, by fixed-point steps."""
    count = len(residual)
    residual = residual[:: -(-count // _SOME_ROWS)]
    sigma = max(float(np.median(np.abs(residual))), least)
    for _ in range(20):
        weight = (nu + 1) / (nu + (residual / sigma) ** 2)
        sigma = max(float(np.sqrt(np.mean(weight * residual**2))), least)
    constant = gammaln(nu / 2) - gammaln((nu + 1) / 2) + 0.5 * np.log(nu * np.pi) + np.log(sigma)
    mean = np.mean(constant + (nu + 1) / 2 * np.log1p((residual / sigma) ** 2 / nu))
    return count * float(mean)


def _mixed(best: Described, rows: Rows, base: np.ndarray) -> Described:
    """The formula of a fit under additive and proportional noise at once."""
    from scipy.optimize import minimize

    view = Parametric(best.formula, rows.symbols)
    free, values = np.ones(len(view.values), bool), view.values
    value = view.value(values, rows)
    size = np.std(value - rows.target)
    logs = np.log([size / 2, size / 2 / np.median(np.abs(value))])

    every = slice(None)
    some = slice(None, None, -(-len(rows) // _SOME_ROWS))  # enough for two numbers

    def deviation(logs: np.ndarray, part: slice = every) -> np.ndarray:
        additive, proportional = np.exp(logs)
        return base[part] * np.hypot(additive, proportional * value[part])

    def nll(logs: np.ndarray, part: slice = every) -> float:
        scale = deviation(logs, part)
        return float(np.sum(np.log(scale) + 0.5 * (error[part] / scale) ** 2))

    for _ in range(2):
        value = view.value(values, rows)
        error = value - rows.target
        logs = minimize(nll, logs, args=(some,), method="Nelder-Mead", options={"maxiter": 100}).x
        values, _ = view.fit(values, free, replace(rows, scale=deviation(logs)))
    value = view.value(values, rows)
    error = value - rows.target
    additive, proportional = (float(size) for size in np.exp(logs))
    return Described(
        view.with_values([sympy.Float(v) for v in values]),
        Noise(MIXED, additive=additive, proportional=proportional),
        nll(logs) + 0.5 * np.log(2 * np.pi) * len(rows),
        float(np.log(len(rows))),
        replace(rows, scale=deviation(logs)),
    )


def errors(formula: sympy.Expr, rows: Rows) -> Iterator[tuple[sympy.Float, float]]:
    """Each fitted constant of a formula with its standard error.

    From the covariance of the fit with n − k degrees of freedom; in small tables from the profile
    of the likelihood, which sees curvature. Infinite for constants that the rows do not determine.
    """
    view = Parametric(formula, rows.symbols)
    count, constants = len(rows), len(view.values)
    if not constants:
        return
    if count <= constants:
        deviations = np.full(constants, np.inf)
    else:
        variance = view.loss(view.values, rows) * count / (count - constants)
        with np.errstate(invalid="ignore"):
            deviations = np.sqrt(variance * np.diag(view.covariance(view.values, rows)))
        if count <= _SMALL and constants <= _PROFILED and np.all(np.isfinite(deviations)):
            deviations = _profiled(view, rows, deviations)
    for value, deviation in zip(view.values, deviations, strict=True):
        yield sympy.Float(value), float(deviation)


def _profiled(view: Parametric, rows: Rows, deviations: np.ndarray) -> np.ndarray:
    """The standard errors of constants by their profiles (Bates & Watts 1988, section 6.1).

    The mean of the two distances at which the best fit of the other constants has a profile t
    of 1, by the secant method from `deviations`, which they are for a linear model.
    """
    everything = np.ones(len(view.values), bool)
    best, loss = view.fit(view.values, everything, rows)
    if not loss > 0 or np.any(np.abs(best - view.values) > _AT_BEST * deviations):
        return deviations
    found = deviations.copy()
    for index, deviation in enumerate(deviations):
        free, distances = np.arange(len(best)) != index, []
        for side in (-1.0, 1.0):
            distance = deviation
            for _ in range(_SECANTS):
                values = best.copy()
                values[index] += side * distance
                growth = view.fit(values, free, rows)[1] / loss - 1
                squared = growth * (len(rows) - len(best))
                if not 0.1 < squared < 10:  # another minimum, or the edge of what is defined
                    break
                distance /= np.sqrt(squared)
            else:
                distances.append(distance)
        if len(distances) == 2:
            found[index] = np.mean(distances)
    return found
