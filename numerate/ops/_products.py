"""Products: outputs that multiply, divide and raise the inputs to powers."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from numerate.ops._numerics import magnitude
from numerate.ops._sums import linear


def log_space_product(
    weight: Float[Array, "out in"], x: Float[Array, "in"], eps: float | None = None
) -> Float[Array, "out"]:
    """y = exp(W log(|x| + ε)), which is y_o = Π_i (|x_i| + ε)^W_oi.

    **Arguments:**

    - `weight`: W, the exponents, `(out, in)`.
    - `x`: `(in,)`.
    - `eps`: ε, which keeps the logarithm finite at zero. `None` is the machine epsilon of
        `x`, the largest ε that leaves |x| ≥ 1 correct to rounding. ε = 0 gives the exact
        power, with log 0 = -∞.

    **Returns:** y, `(out,)`, never negative; ones where there are no inputs.

    **Value:** the sign of `x` is lost. At x_i = 0 the factor is ε^W_oi, not 0 or ∞: small for
    W_oi > 0, large for W_oi < 0. The relative error is about |log y| roundings, and
    y overflows to ∞ beyond the largest number of the dtype.

    **Gradient:** ∂y_o/∂W_oi = y_o log(|x_i| + ε) and ∂y_o/∂x_i = y_o W_oi sign(x_i)/(|x_i| + ε),
    which grows to y_o W_oi/ε beside x_i = 0 and is 0 at x_i = 0 itself, where the two
    one-sided slopes are opposite. Both are finite as long as y_o/ε is. With ε = 0 the
    gradient at x_i = 0 is NaN.

    !!! example
        >>> import jax.numpy as jnp
        >>> log_space_product(jnp.array([[1.0, -1.0]]), jnp.array([-8.0, 2.0])).round(5)
        Array([4.], dtype=float32)

    Trask et al. (2018), arXiv:1808.00508, section 2.
    """
    if eps is None:
        eps = float(jnp.finfo(x.dtype).eps)
    return jnp.exp(linear(weight, jnp.log(magnitude(x) + eps)))
