"""Primitives whose value or gradient needs care at a point."""

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace


def magnitude(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """|x|, with gradient 0 at x = 0.

    **Arguments:** `x`, of any shape.

    **Returns:** |x|, of that shape.

    **Value:** that of `jnp.abs`.

    **Gradient:** sign(x), which is 0 at x = 0, as in PyTorch and so in most public code. That of
    `jnp.abs` at 0 is 1, the right-hand derivative, which a logarithm applied to |x| + ε multiplies
    by 1/ε.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> x = jnp.array([-2.0, 0.0, 3.0])
        >>> magnitude(x), jax.grad(lambda x: magnitude(x).sum())(x)
        (Array([2., 0., 3.], dtype=float32), Array([-1.,  0.,  1.], dtype=float32))
    """
    return namespace(x).magnitude(x)


def reciprocal(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """1/x, but linear in x so close to zero that its derivative would overflow.

    **Arguments:** `x`, of any shape.

    **Returns:** 1/x, of that shape; x/f² where |x| < f, with f = 2 √t and t the smallest
    normal number of the dtype: 2e-19 in float32, 3e-154 in float64.

    **Value:** 1/x to rounding where |x| ≥ f; below f it falls linearly from its maximum 1/f to 0 at
    x = 0. It is odd and continuous. Published code adds ε to x instead, which has a relative error
    of ε/x everywhere and a pole at x = -ε.

    **Gradient:** -1/x² where |x| ≥ f and 1/f² below; it never overflows.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> x = jnp.array([4.0, -0.5, 0.0])
        >>> reciprocal(x)
        Array([ 0.25, -2.  ,  0.  ], dtype=float32)
        >>> jax.grad(lambda x: reciprocal(x).sum())(x).round(4)[:2]
        Array([-0.0625, -4.    ], dtype=float32)
    """
    xp = namespace(x)
    floor = 2 * xp.tiny(x) ** 0.5
    near = xp.abs(x) < floor
    # Twice `where`: the branch not taken must not divide by zero, or its gradient is NaN.
    far = 1 / xp.where(near, xp.ones(x.shape, x), x)
    return xp.where(near, x * (1 / floor) * (1 / floor), far)


def bounded(x: Shaped[Tensor, "*shape"], low: float, high: float) -> Shaped[Tensor, "*shape"]:
    """x clipped to [low, high], with gradient 1 at both ends.

    **Arguments:** `x`, of any shape; `low`, `high`.

    **Returns:** the clipped x, of that shape.

    **Value:** that of `jnp.clip`.

    **Gradient:** 1 in the closed interval, so that a weight projected to an end can leave it; 0
    outside. That of `jnp.clip` is 1/2 at the ends, PyTorch's is 1.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> x = jnp.array([-2.0, -1.0, 0.5, 1.0, 3.0])
        >>> bounded(x, -1.0, 1.0)
        Array([-1. , -1. ,  0.5,  1. ,  1. ], dtype=float32)
        >>> jax.grad(lambda x: bounded(x, -1.0, 1.0).sum())(x)
        Array([0., 1., 1., 1., 0.], dtype=float32)
    """
    xp = namespace(x)
    return xp.where((x < low) | (x > high), xp.stop_gradient(xp.clip(x, low, high)), x)


def straight_through_clip(
    x: Shaped[Tensor, "*shape"], low: float, high: float
) -> Shaped[Tensor, "*shape"]:
    """x clipped to [low, high], with the gradient of x itself.

    **Arguments:** `x`, of any shape; `low`, `high`.

    **Returns:** the clipped x, of that shape.

    **Value:** that of `jnp.clip`.

    **Gradient:** 1 everywhere. That of `jnp.clip` is 0 outside [low, high], so that a parameter
    which has left the interval never returns.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> x = jnp.array([-1.0, 0.5, 2.0])
        >>> straight_through_clip(x, 0.0, 1.0)
        Array([0. , 0.5, 1. ], dtype=float32)
        >>> jax.grad(lambda x: straight_through_clip(x, 0.0, 1.0).sum())(x)
        Array([1., 1., 1.], dtype=float32)
    """
    xp = namespace(x)
    return xp.stop_gradient(xp.clip(x, low, high)) + (x - xp.stop_gradient(x))


def odd(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """1 where x rounds to an odd number, else 0.

    **Arguments:** `x`, of any shape.

    **Returns:** zeros and ones, of that shape.

    **Value:** halves round to the nearest even number.

    **Gradient:** 0 everywhere.

    !!! example
        >>> import jax.numpy as jnp
        >>> odd(jnp.array([0.4, 0.9, 1.4, 2.0, -3.0]))
        Array([0., 1., 1., 0., 1.], dtype=float32)
    """
    xp = namespace(x)
    whole = xp.round(x)
    return whole - 2 * xp.floor(whole / 2)
