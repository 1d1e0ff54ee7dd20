"""Products: outputs that multiply the inputs, or powers of them."""

import math

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace
from numerate.ops._numerics import magnitude
from numerate.ops._sums import linear


def log_space_product(
    weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"], eps: float | None = None
) -> Shaped[Tensor, "*batch out"]:
    """y = exp(W log(|x| + ε)), which is y_o = Π_i (|x_i| + ε)^W_oi.

    **Arguments:**

    - `weight`: W, the exponents, `(out, in)`.
    - `x`: `(*batch, in)`.
    - `eps`: ε, which keeps the logarithm finite at zero. `None` is the machine epsilon of
        `x`, the largest ε that leaves |x| ≥ 1 correct to rounding. ε = 0 gives the exact
        power, with log 0 = -∞.

    **Returns:** y, `(*batch, out)`, never negative; ones where there are no inputs.

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
    xp = namespace(x)
    return xp.exp(linear(weight, xp.log(magnitude(x) + (xp.eps(x) if eps is None else eps))))


def retrieved_sign(
    weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out"]:
    """s_o = cos(π Σ_i W_oi [x_i < 0]), the real part of the signs that a power of |x| loses.

    **Arguments:** `weight` (W), the exponents, `(out, in)`; `x`, `(*batch, in)`.

    **Returns:** s, `(*batch, out)`, in [-1, 1].

    **Value:** for whole exponents the sign of Π_i x_i^W_oi, to rounding; 0 is not negative.
    For others the real part of the principal complex power.

    **Gradient:** ∂s/∂W_oi = -π [x_i < 0] sin(π Σ…), zero at whole exponents; none by x.

    !!! example
        >>> import jax.numpy as jnp
        >>> retrieved_sign(jnp.array([[1.0, 1.0], [2.0, -1.0]]), jnp.array([-3.0, 5.0]))
        Array([-1.,  1.], dtype=float32)

    Heim et al. (2020), arXiv:2006.01681; Mistry et al. (2023), arXiv:2110.05177.
    """
    xp = namespace(x)
    return xp.cos(math.pi * linear(weight, xp.negative(x)))


def affine_product(
    weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out"]:
    """y_o = Π_i (W_oi x_i + 1 - W_oi): the product of the inputs that W selects.

    **Arguments:** `weight` (W), `(out, in)`; `x`, `(*batch, in)`.

    **Returns:** y, `(*batch, out)`; ones where there are no inputs.

    **Value:** with W in {0, 1} the exact product of the selected inputs, with their signs
    and zeros. In between, every factor is a mixture of x_i and 1.

    **Gradient:** ∂y_o/∂W_oi = (x_i - 1) Π_{j≠i} (…) and ∂y_o/∂x_i = W_oi Π_{j≠i} (…), also
    where factors are zero.

    !!! example
        >>> import jax.numpy as jnp
        >>> affine_product(jnp.array([[1.0, 0.0, 1.0]]), jnp.array([-3.0, 5.0, 2.0]))
        Array([-6.], dtype=float32)

    Madsen & Johansen (2020), arXiv:2001.05016, equation 8.
    """
    return namespace(x).affine_product(weight, x)
