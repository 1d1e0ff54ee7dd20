"""Primitives whose value or gradient needs care at a point."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def magnitude(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """|x|, with gradient 0 at x = 0.

    **Arguments:** `x`, of any shape.

    **Returns:** |x|, of that shape.

    **Value:** that of `jnp.abs`.

    **Gradient:** sign(x). That of `jnp.abs` at 0 is 1, the slope from the right, which a
    logarithm behind it multiplies by 1/ε; between the two opposite slopes lies 0, which is
    also what PyTorch uses and with it most public codes.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> x = jnp.array([-2.0, 0.0, 3.0])
        >>> magnitude(x), jax.grad(lambda x: magnitude(x).sum())(x)
        (Array([2., 0., 3.], dtype=float32), Array([-1.,  0.,  1.], dtype=float32))
    """
    return x * jnp.sign(x)
