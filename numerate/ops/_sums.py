"""Sums: outputs that are linear in the inputs."""

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace


def linear(
    weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out"]:
    """y = W x, without bias.

    **Arguments:** `weight` (W), `(out, in)`; `x`, `(*batch, in)`.

    **Returns:** y, `(*batch, out)`; zeros where there are no inputs.

    **Value:** rounded as a sum of at most `in` products in the dtype of the arguments, also
    on accelerators whose matmuls would otherwise round the factors to 10 or 7 bits.

    **Gradient:** ∂y/∂W = x and ∂y/∂x = W. An infinite `x` makes y NaN where its weight is 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> linear(jnp.array([[1.0, -1.0]]), jnp.array([5.0, 3.0]))
        Array([2.], dtype=float32)
    """
    return namespace(x).matvec(weight, x)
