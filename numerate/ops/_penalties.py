"""Penalties on weights, and the schedules by which they grow."""

import math
from typing import Any

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace
from numerate.ops._numerics import magnitude


def sparsity(weight: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, ""]:
    """R = mean min(|W|, |1 - |W||): the mean distance of the weights from -1, 0 and 1.

    **Arguments:** `weight` (W), of any shape.

    **Returns:** R, a scalar; 0 for no weights.

    **Value:** 0 where all weights are -1, 0 or 1; at most 1/2 within [-1, 1].

    **Gradient:** ±1/size, towards the nearest of the three; 0 at each of them and, where two
    are equally near, at |W| = 1/2.

    !!! example
        >>> import jax.numpy as jnp
        >>> sparsity(jnp.array([0.0, -1.0, 0.75, 0.25]))
        Array(0.125, dtype=float32)

    Madsen & Johansen (2020), arXiv:2001.05016, equation 5.
    """
    xp = namespace(weight)
    if 0 in weight.shape:
        return xp.zeros((), weight)
    size = xp.abs(weight)
    return xp.mean(xp.minimum(size, xp.abs(1 - size)))


def saturation(parameter: Shaped[Tensor, "*shape"], t: float = 20.0) -> Shaped[Tensor, ""]:
    """R = (1/t) mean max(min(-v, v) + t, 0): how far parameters are from saturating.

    **Arguments:** `parameter` (v), of any shape: free parameters behind a tanh or a logistic
    function; `t`, the magnitude at which they count as saturated, 20 in the paper.

    **Returns:** R, a scalar; 0 for no parameters.

    **Value:** the mean of 1 - |v|/t, and 0 for |v| ≥ t. tanh(20) and σ(20) differ from their
    limits by 2e-9 at most, which float32 rounds away.

    **Gradient:** -sign(v)/(t · size), and 0 at v = 0 and for |v| ≥ t. Gradient descent moves v away
    from 0 at a constant rate, also where the gradient of tanh has vanished. v keeps its sign.

    !!! example
        >>> import jax.numpy as jnp
        >>> saturation(jnp.array([0.0, -10.0, 20.0, 100.0]))
        Array(0.375, dtype=float32)

    Schlör, Ring & Hotho (2020), Frontiers in Artificial Intelligence 3:71, section 3.
    """
    xp = namespace(parameter)
    if 0 in parameter.shape:
        return xp.zeros((), parameter)
    size = magnitude(parameter)
    # Not `maximum`, whose slope where both are equal differs between libraries.
    return xp.mean(xp.where(size < t, t - size, xp.zeros(parameter.shape, parameter))) / t


def squared_saturation(parameter: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, ""]:
    """R = mean max(S² - v², 0): how far parameters are from saturating, by their squares.

    **Arguments:** `parameter` (v), of any shape: free parameters behind a softmax or a logistic
    function.

    **Returns:** R, a scalar, at least 0; 0 for no parameters.

    **Value:** 0 for |v| ≥ S, where S = -log of the machine epsilon: 15.9 in float32, 36.0 in
    float64. There the logistic function equals its limits to rounding, and so does a softmax of
    logits S and -S. The paper's -mean v² is unbounded below: parameters grow throughout training
    with Adam, and exponentially until they overflow with plain gradient descent. For |v| < S, R is
    the paper's penalty plus a constant.

    **Gradient:** -2v/size for |v| < S, as in the paper, and 0 beyond. It grows with |v|, is 0 at
    v = 0, and drives a parameter further to the side that it is on.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> v = jnp.array([1.0, -2.0, 40.0, 40.0])
        >>> squared_saturation(v[2:]), jax.grad(squared_saturation)(v)
        (Array(0., dtype=float32), Array([-0.5,  1. , -0. , -0. ], dtype=float32))

    The code of Hoedt et al. (2021), arXiv:2101.05186; the bound is ours.
    """
    xp = namespace(parameter)
    if 0 in parameter.shape:
        return xp.zeros((), parameter)
    bound = math.log(xp.eps(parameter)) ** 2
    square = parameter * parameter
    return xp.mean(xp.where(square < bound, bound - square, xp.zeros(parameter.shape, parameter)))


def distance_from_units(weight: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, ""]:
    """R = mean |1 - |W||: the mean distance of the weights from -1 and 1.

    **Arguments:** `weight` (W), of any shape.

    **Returns:** R, a scalar; 0 for no weights.

    **Value:** 0 where all weights are -1 or 1, and 1 where they are 0: a gate, not a weight,
    excludes inputs.

    **Gradient:** ±1/size, away from 0 for |W| < 1 and towards it beyond; 0 at -1, 0 and 1.

    !!! example
        >>> import jax.numpy as jnp
        >>> distance_from_units(jnp.array([1.0, -1.0, 0.0, 0.5]))
        Array(0.375, dtype=float32)

    Mistry et al. (2022), arXiv:2110.05177.
    """
    xp = namespace(weight)
    if 0 in weight.shape:
        return xp.zeros((), weight)
    return xp.mean(magnitude(1 - magnitude(weight)))


def absolute_sum(parameter: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, ""]:
    """R = Σ |θ|: the L1 norm of parameters.

    **Arguments:** `parameter` (θ), of any shape.

    **Returns:** R, a scalar; 0 for no parameters.

    **Gradient:** sign(θ), 0 at θ = 0: it does not move a parameter that starts at zero.

    !!! example
        >>> import jax.numpy as jnp
        >>> absolute_sum(jnp.array([1.0, -2.0, 0.0]))
        Array(3., dtype=float32)
    """
    return namespace(parameter).sum(magnitude(parameter))


def ramp(progress: Any, start: float, end: float) -> Any:
    """0 until `start`, 1 from `end`, and linear between; a step function if both are equal.

    **Arguments:** `progress`, the completed fraction of the training, from 0 to 1, as a number or
    an array; `start` and `end`, fractions of the training.

    **Raises:** `ValueError` for a progress outside [0, 1], unless it is traced.

    !!! example
        >>> [ramp(progress, 0.4, 0.7) for progress in (0.0, 0.4, 0.55, 0.7, 1.0)]
        [0.0, 0.0, 0.5, 1.0, 1.0]
        >>> [ramp(progress, 0.5, 0.5) for progress in (0.0, 0.49, 0.5)]
        [0.0, 0.0, 1.0]
    """
    _check_progress(progress)
    if start == end:
        if isinstance(progress, int | float):
            return float(progress >= end)
        xp = namespace(progress)
        zero = xp.zeros(progress.shape, progress)
        return xp.where(progress >= end, zero + 1, zero)
    share = (progress - start) / (end - start)
    if isinstance(share, int | float):
        return round(min(max(share, 0.0), 1.0), 12)
    return namespace(share).clip(share, 0.0, 1.0)


def staircase(progress: Any, first: float, last: float, length: float) -> Any:
    """`first`, multiplied by 10 after every `length` of the training, and at most `last`.

    **Arguments:** `progress`, the completed fraction of the training, from 0 to 1, as a number or
    an array; `first` and `last`, the values at the start and at the end; `length`, the fraction of
    the training that a step lasts.

    **Raises:** `ValueError` for a progress outside [0, 1], unless it is traced.

    !!! example
        >>> [f"{staircase(p, 1e-7, 1e-5, 0.2):.0e}" for p in (0.0, 0.19, 0.2, 0.4, 1.0)]
        ['1e-07', '1e-07', '1e-06', '1e-05', '1e-05']
    """
    _check_progress(progress)
    # A small offset, because 0.6 / 0.2 is 2.9999999999999996 in floating point.
    steps = progress / length + 1e-6
    if isinstance(steps, int | float):
        return min(first * 10 ** math.floor(steps), last)
    xp = namespace(steps)
    return xp.clip(first * xp.power(10.0, xp.floor(steps)), 0.0, last)


def _check_progress(progress: Any) -> None:
    """Reject a step number passed as progress, with which every schedule would be at its end."""
    number = isinstance(progress, int | float)
    known: Any = progress if number else namespace(progress).known(progress)
    if known is None:
        return
    # A sum of many fractions may exceed 1 by rounding.
    low, high = (known, known) if number else (known.min(), known.max())
    if not (low >= -1e-4 and high <= 1 + 1e-4):
        raise ValueError(
            "progress must be the completed fraction of the training, between 0 and 1, "
            f"such as step/steps; got {float(high if low >= 0 else low):g}"
        )
