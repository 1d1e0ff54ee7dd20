"""The primitives of the equations in SymPy, under JAX's names.

Evaluating an equation on symbols gives a formula. ε, including machine epsilon, is zero here: the
equations add it to avoid overflow, which formulas do not need.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import numpy as np
import sympy

from numerate.ops import _jax


class Symbolic(np.ndarray):
    """An array of expressions, or of numbers such as weights.

    Operations on numbers alone keep the dtype, so that weights are computed as in the unit. In
    operations with expressions, numbers become `exact`.
    """

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        arrays = [np.asarray(v) if isinstance(v, Symbolic) else v for v in inputs]
        if any(map(_has_expressions, arrays)):
            arrays = [_exact(v) for v in arrays]
            if ufunc in _COMPARISONS:  # NumPy would require truth values
                ufunc = np.frompyfunc(_COMPARISONS[ufunc], 2, 1)
        result = getattr(ufunc, method)(*arrays, **kwargs)
        return result.view(Symbolic) if isinstance(result, np.ndarray) else result


def symbolic(values: Any) -> Symbolic:
    """A sequence of expressions, or an array of numbers of any library, for the equations."""
    array = np.asarray(values)
    return array.view(Symbolic)


# Only the bounds with which equations keep 1/x finite are smaller: about √`tiny`.
_GUARD = 1e-100
# Tolerance for rounding in the bounds of sign polynomials.
_ROUNDING = 1e-12


def exact(value: Any) -> Any:
    """The exact number for a multiple of 1/2 or of π/2, otherwise a `Float`.

    !!! example
        >>> exact(-0.5), exact(np.float32(np.pi)), exact(0.3)
        (-1/2, pi, 0.300000000000000)
    """
    if isinstance(value, sympy.Basic):
        return value
    if isinstance(value, bool | np.bool_):
        return sympy.sympify(bool(value))
    number = float(value)
    if math.fabs(number) < _GUARD:
        return sympy.S.Zero
    if (2 * number).is_integer():
        return sympy.Rational(number)
    quarters = math.floor(2 * number / math.pi + 0.5) if math.isfinite(number) else 0
    if quarters and type(value)(quarters * math.pi / 2) == value:
        return quarters * sympy.pi / 2
    return sympy.Float(number)


def _has_expressions(values: Any) -> bool:
    of_objects = isinstance(values, np.ndarray) and values.dtype.kind == "O"
    return of_objects or isinstance(values, sympy.Basic)


def _exact(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return np.fromiter(map(exact, array.flat), object, array.size).reshape(array.shape)


def _either(numbers: Callable, expressions: Callable) -> Callable:
    """A primitive that uses JAX if all arguments are numbers, else SymPy."""

    def primitive(*arrays: Any, **kwargs: Any) -> Any:
        if any(map(_has_expressions, arrays)):
            return expressions(*map(_exact, arrays), **kwargs)
        with jax.enable_x64(True):  # keeps both float64 and float32 parameters
            return symbolic(numbers(*map(_plain, arrays), **kwargs))

    return primitive


def _plain(values: Any) -> Any:
    return np.asarray(values) if isinstance(values, np.ndarray) else values


def _elementwise(name: str, function: Callable) -> Callable:
    def expressions(*arrays: np.ndarray) -> Symbolic:
        result = np.frompyfunc(function, len(arrays), 1)(*arrays)
        return np.asarray(result, object).view(Symbolic)

    return _either(getattr(_jax, name), expressions)


def _reduction(name: str, function: Callable) -> Callable:
    def expressions(x: np.ndarray, axis: int | None = None) -> Symbolic:
        return _over_last(function, x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1))

    return _either(getattr(_jax, name), expressions)


def _over_last(function: Callable, x: np.ndarray) -> Symbolic:
    result = np.empty(x.shape[:-1], object)
    for index in np.ndindex(result.shape):
        result[index] = function(*x[index])
    return result.view(Symbolic)


def _cannot_exceed(a: Any, b: Any) -> bool:
    """Whether a ≤ b is certain, also for infinities and sign polynomials, which SymPy cannot
    compare."""
    if b is sympy.oo or a is -sympy.oo:
        return True
    # Infinity times 0 makes a range NaN, for which the comparison is false.
    return (a.is_number or b.is_number) and _range(a)[1] <= _range(b)[0] + _ROUNDING


def _range(x: Any) -> tuple[float, float]:
    """The lower and upper bound of a polynomial of signs; infinite for anything else."""
    if x.is_number and x.is_finite:
        return float(x), float(x)
    if isinstance(x, sympy.sign):
        return -1.0, 1.0
    if not isinstance(x, sympy.Add | sympy.Mul | sympy.Max):
        return -math.inf, math.inf
    return functools.reduce(_RANGES[type(x)], map(_range, x.args))


def _range_of_product(x: tuple[float, float], y: tuple[float, float]) -> tuple[float, float]:
    ends = [a * b for a in x for b in y]
    return min(ends), max(ends)


_RANGES: dict[Any, Callable] = {
    sympy.Add: lambda x, y: (x[0] + y[0], x[1] + y[1]),
    sympy.Mul: _range_of_product,
    sympy.Max: lambda x, y: (max(x[0], y[0]), max(x[1], y[1])),
}


_COMPARISONS = {
    np.less: lambda a, b: sympy.false if _cannot_exceed(b, a) else a < b,
    np.less_equal: lambda a, b: a <= b,
    np.greater: lambda a, b: sympy.false if _cannot_exceed(a, b) else a > b,
    np.greater_equal: lambda a, b: a >= b,
}


def _log(x: Any) -> Any:
    # The limit from above, as in floating point; SymPy's log(0) has no direction.
    return sympy.S.NegativeInfinity if x.is_zero else sympy.log(x)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + sympy.exp(-x))


def _sign(x: Any) -> Any:
    """The sign. sign(1/x) becomes sign(x), so that both combine with |x|."""
    over, under = x.as_numer_denom() if x.is_Mul or x.is_Pow else (x, sympy.S.One)
    return sympy.sign(over * under if over.is_number else x)


def _negative(x: Any) -> Any:
    """[x < 0], 1 for negative x, else 0."""
    return sympy.Max(0, -_sign(x))


def _cos(angle: Any) -> Any:
    """The cosine. cos(n π [x < 0]) becomes sign(x)^n for integer n."""
    signs, rest = [], []
    for term in sympy.Add.make_args(cast(sympy.Expr, sympy.expand_mul(angle))):
        times, step = (term / sympy.pi).as_coeff_Mul()
        sign = -sympy.Add(*step.args)
        if times.is_Integer and isinstance(sign, sympy.sign) and step == sympy.Max(0, -sign):
            signs.append(sign ** (times % 2))
        else:
            rest.append(term)
    return sympy.Mul(*signs, sympy.cos(sympy.Add(*rest)))


def _where(condition: Any, yes: Any, no: Any) -> Any:
    """A Piecewise; or, if it is a clipped x, Max and Min, which SymPy handles better."""
    bounded = no
    for part in sorted(sympy.Or.make_args(condition), key=lambda p: isinstance(p, _ABOVE)):
        if not isinstance(part, _BELOW + _ABOVE) or part.lhs != no:
            return _cases(condition, yes, no)
        bounded = (sympy.Max if isinstance(part, _BELOW) else sympy.Min)(bounded, part.rhs)
    is_bounded = yes == bounded or yes == getattr(condition, "rhs", None)
    return bounded if is_bounded else _cases(condition, yes, no)


def _cases(condition: Any, yes: Any, no: Any) -> Any:
    if condition.has(sympy.Piecewise) and isinstance(condition, _BELOW + _ABOVE):
        # SymPy would expand a nested Piecewise to twice as many cases at each level. The sign gives
        # the same except on the boundary, where it gives the mean of both cases.
        edge: Any = condition.gts - condition.lts  # pyright: ignore[reportOperatorIssue]
        return no + (yes - no) * (1 + sympy.sign(edge)) / 2
    return sympy.Piecewise((yes, condition), (no, True))


def _clip(x: Any, low: Any, high: Any) -> Any:
    x = x if _cannot_exceed(low, x) else sympy.Max(x, low)
    return x if _cannot_exceed(x, high) else sympy.Min(x, high)


_BELOW, _ABOVE = (sympy.Lt, sympy.Le), (sympy.Gt, sympy.Ge)


abs = _elementwise("abs", sympy.Abs)
clip = _elementwise("clip", _clip)
cos = _elementwise("cos", _cos)
exp = _elementwise("exp", sympy.exp)
expm1 = _elementwise("expm1", lambda x: sympy.exp(x) - 1)
floor = _elementwise("floor", sympy.floor)
log = _elementwise("log", _log)
log_sigmoid = _elementwise("log_sigmoid", lambda x: sympy.log(_sigmoid(x)))
magnitude = abs
maximum = _elementwise("maximum", sympy.Max)
minimum = _elementwise("minimum", sympy.Min)
negative = _elementwise("negative", _negative)
power = _elementwise("power", sympy.Pow)
round = _elementwise("round", lambda x: sympy.floor(x + sympy.S.Half))
sigmoid = _elementwise("sigmoid", _sigmoid)
sign = _elementwise("sign", _sign)
sin = _elementwise("sin", sympy.sin)
softplus = _elementwise("softplus", lambda x: sympy.log(1 + sympy.exp(x)))
square = _elementwise("square", lambda x: x**2)
tanh = _elementwise("tanh", sympy.tanh)
where = _elementwise("where", _where)

mean = _reduction("mean", lambda *terms: sympy.Add(*terms) / len(terms))
prod = _reduction("prod", sympy.Mul)
sum = _reduction("sum", sympy.Add)


def stop_gradient(x: Any) -> Any:
    return x


def concatenate(arrays: Any, axis: int = 0) -> Any:
    return np.concatenate(_alike(arrays), axis=axis).view(Symbolic)


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Symbolic:
    return np.broadcast_to(x, shape).view(Symbolic)


def stack(arrays: Any, axis: int = 0) -> Any:
    return np.stack(_alike(arrays), axis=axis).view(Symbolic)


def _alike(arrays: Any) -> list[np.ndarray]:
    """The arrays, all converted to numbers or all to expressions."""
    return [*map(_exact if any(map(_has_expressions, arrays)) else np.asarray, arrays)]


def _softmax(x: np.ndarray, axis: int = -1) -> Symbolic:
    powers = exp(x)
    return powers / np.expand_dims(sum(powers, axis=axis), axis)


softmax = _either(_jax.softmax, _softmax)


def _each_row(function: Callable) -> Callable:
    """Apply `function` to the pairs of weights and inputs of each row of the weights."""

    def expressions(weight: np.ndarray, x: np.ndarray) -> Symbolic:
        result = np.empty((*x.shape[:-1], len(weight)), object)
        for index in np.ndindex(result.shape):
            result[index] = function(zip(weight[index[-1]], x[index[:-1]], strict=True))
        return result.view(Symbolic)

    return expressions


def _matvec(pairs: Any) -> Any:
    # A weight of 0 excludes its input, even an infinite one.
    return sympy.Add(*(w * x for w, x in pairs if w != 0))


def _affine_product(pairs: Any) -> Any:
    return sympy.Mul(*(w * x + (1 - w) for w, x in pairs))


matvec = _either(_jax.matvec, _each_row(_matvec))
affine_product = _either(_jax.affine_product, _each_row(_affine_product))


def affine_quotient(weight: Symbolic, x: Symbolic, divisor: Symbolic) -> Symbolic:
    return affine_product(weight, x) / affine_product(weight, divisor)


def product(
    factor: Callable, x: Symbolic, *weights: Symbolic, constants: Sequence[float] = ()
) -> Symbolic:
    return prod(factor(x[..., None, :], *weights, *constants), axis=-1)


def ones(shape: Any, like: Any) -> Symbolic:
    return symbolic(np.ones(shape, like.dtype))


def zeros(shape: Any, like: Any) -> Symbolic:
    return symbolic(np.zeros(shape, like.dtype))


def eps(x: Any) -> sympy.Expr:
    return sympy.S.Zero


def known(x: Any) -> np.ndarray | None:
    """The values of x; None if it has expressions."""
    values = np.asarray(x)
    return None if _has_expressions(values) else values


def tiny(x: Any) -> float:
    return float(np.finfo(np.float64).tiny)
