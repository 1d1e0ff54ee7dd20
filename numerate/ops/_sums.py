"""Sums: outputs that are linear in the inputs."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# Up to this fan-in a sum is written out term by term. Under `vmap` over seeds a product of
# tiny matrices becomes a batched matmul, which no backend does well; written out, the whole
# unit is elementwise and XLA fuses it into one loop.
UNROLLED_FAN_IN = 8


def linear(weight: Float[Array, "out in"], x: Float[Array, "in"]) -> Float[Array, "out"]:
    """y = W x, without bias.

    **Arguments:** `weight` (W), `(out, in)`; `x`, `(in,)`.

    **Returns:** y, `(out,)`; zeros where there are no inputs.

    **Value:** rounded as a sum of at most `in` products in the dtype of the arguments, also
    on accelerators whose matmuls would otherwise round the factors to 10 or 7 bits.

    **Gradient:** ∂y/∂W = x and ∂y/∂x = W. An infinite `x` makes y NaN where its weight is 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> linear(jnp.array([[1.0, -1.0]]), jnp.array([5.0, 3.0]))
        Array([2.], dtype=float32)
    """
    if weight.shape[1] > UNROLLED_FAN_IN:
        return jnp.matmul(weight, x, precision=jax.lax.Precision.HIGHEST)
    terms = [weight[:, i] * x[i] for i in range(weight.shape[1])]
    return sum(terms[1:], start=terms[0]) if terms else jnp.zeros(weight.shape[0], weight.dtype)
