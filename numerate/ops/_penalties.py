"""Penalties on weights, and the schedules by which they grow."""

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
    function; `t`, where they count as saturated, 20 in the paper.

    **Returns:** R, a scalar; 0 for no parameters.

    **Value:** the mean of 1 - |v|/t, and 0 for |v| ≥ t. tanh(20) and σ(20) differ from their
    limits by 2e-9 at most, which float32 rounds away.

    **Gradient:** -sign(v)/(t · size), away from 0; 0 at v = 0 and for |v| ≥ t. It is the same
    for every v between, so that it also moves parameters whose own gradient has vanished, and
    drives apart those that started at opposite sides of 0: it decides nothing, it hardens.

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


def ramp(progress: Any, start: float, end: float) -> Any:
    """0 up to `start`, 1 from `end`, and linear between.

    **Arguments:** `progress`, the part of the training that is done, from 0 to 1, as a number
    or an array; `start` and `end`, parts of the training.

    !!! example
        >>> [ramp(progress, 0.4, 0.7) for progress in (0.0, 0.4, 0.55, 0.7, 1.0)]
        [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    share = (progress - start) / (end - start)
    if isinstance(share, int | float):
        return round(min(max(share, 0.0), 1.0), 12)
    return namespace(share).clip(share, 0.0, 1.0)
