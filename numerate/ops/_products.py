"""Products of inputs, or of their powers."""

import math

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace
from numerate.ops._numerics import bounded, magnitude
from numerate.ops._sums import linear

# Up to so many inputs two products are divided, which is faster; beyond, their factors are.
FEW = 16


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
    which grows to y_o W_oi/ε beside x_i = 0 and is 0 at x_i = 0 itself, where the two one-sided
    slopes are opposite. Both are finite if y_o log(|x_i| + ε) and y_o/(|x_i| + ε) do not overflow.
    With ε = 0 the gradient at x_i = 0 is NaN.

    !!! example
        >>> import jax.numpy as jnp
        >>> log_space_product(jnp.array([[1.0, -1.0]]), jnp.array([-8.0, 2.0])).round(5)
        Array([4.], dtype=float32)

    Trask et al. (2018), arXiv:1808.00508, section 2.
    """
    xp = namespace(x)
    return xp.exp(linear(weight, xp.log(magnitude(x) + (xp.eps(x) if eps is None else eps))))


def clamped_log_space_product(
    weight: Shaped[Tensor, "out in"],
    x: Shaped[Tensor, "*batch in"],
    eps: float = 1e-7,
    omega: float = 20.0,
) -> Shaped[Tensor, "*batch out"]:
    """y = exp(min(W log max(|x|, ε), ω)), which is y_o = Π_i max(|x_i|, ε)^W_oi, at most e^ω.

    **Arguments:** `weight` (W), the exponents, `(out, in)`; `x`, `(*batch, in)`; `eps` (ε), the
    lower bound of |x|; `omega` (ω), the upper bound of log y.

    **Returns:** y, `(*batch, out)`, never negative; ones where there are no inputs.

    **Value:** the sign of `x` is lost. Unlike |x| + ε, the maximum does not change |x| ≥ ε. y is
    finite for all finite W and x if the dtype can represent e^ω. Larger products return e^ω, 4.9e8
    for ω = 20.

    **Gradient:** ∂y_o/∂W_oi = y_o log max(|x_i|, ε); ∂y_o/∂x_i = y_o W_oi/x_i where |x_i| ≥ ε, else
    0. All are 0 where the product exceeds e^ω.

    !!! example
        >>> import jax.numpy as jnp
        >>> weight = jnp.array([[1.0, -1.0], [1.0, 1.0]])
        >>> clamped_log_space_product(weight, jnp.array([-8.0, 2.0])).round(4)
        Array([ 4., 16.], dtype=float32)
        >>> clamped_log_space_product(weight, jnp.array([1e6, 1e6])) < 4.9e8
        Array([ True,  True], dtype=bool)

    Schlör, Ring & Hotho (2020), Frontiers in Artificial Intelligence 3:71, section 3.
    """
    xp = namespace(x)
    size = magnitude(x)
    # These comparisons are false for NaN, which is therefore not clamped.
    exponent = linear(weight, xp.log(xp.where(size < eps, eps, size)))
    return xp.exp(xp.where(exponent > omega, omega, exponent))


def mixed_sign(
    weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out"]:
    """s_o = Π_i (|W_oi| sign(x_i) + 1 - |W_oi|), clipped to [-1, 1]: a sign for a power of |x|.

    **Arguments:** `weight` (W), the exponents, `(out, in)`; `x`, `(*batch, in)`.

    **Returns:** s, `(*batch, out)`, in [-1, 1]; ones where there are no inputs.

    **Value:** for W in {-1, 0, 1}, exactly the sign of Π_i x_i^W_oi, and 0 where a selected input
    is 0, also in a denominator. For other W, every factor is a mixture of the sign of x_i and 1; at
    |W_oi| = 1/2 the factor of a negative input is 0. The clip acts for |W| > 1 only.

    **Gradient:** ∂s_o/∂W_oi = sign(W_oi) (sign(x_i) - 1) Π_{j≠i} (…), which is 0 for positive
    inputs and for weights of 0; none with respect to x.

    !!! example
        >>> import jax.numpy as jnp
        >>> weight = jnp.array([[1.0, -1.0, 0.0], [0.0, 1.0, 1.0]])
        >>> mixed_sign(weight, jnp.array([-3.0, 5.0, -2.0]))
        Array([-1., -1.], dtype=float32)
        >>> mixed_sign(weight, jnp.array([-3.0, -5.0, 2.0]))
        Array([ 1., -1.], dtype=float32)

    Schlör, Ring & Hotho (2020), Frontiers in Artificial Intelligence 3:71, section 3.
    """
    return bounded(affine_product(magnitude(weight), namespace(x).sign(x)), -1.0, 1.0)


def sign_product(x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch 1"]:
    """s = Π_i sign(x_i), over all inputs, selected or not.

    **Arguments:** `x`, `(*batch, in)`.

    **Returns:** s, `(*batch, 1)`: -1, 0 or 1; 1 where there are no inputs.

    **Value:** 0 if any input is 0.

    **Gradient:** none.

    !!! example
        >>> import jax.numpy as jnp
        >>> sign_product(jnp.array([[-3.0, 5.0], [-3.0, -5.0]]))
        Array([[-1.],
               [ 1.]], dtype=float32)

    github.com/FlorianWilhelm/snalu.pytorch.
    """
    xp = namespace(x)
    return xp.prod(xp.sign(x), axis=-1)[..., None]


def retrieved_sign(
    weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out"]:
    """s_o = cos(π Σ_i W_oi [x_i < 0]), the real part of the signs that a power of |x| loses.

    **Arguments:** `weight` (W), the exponents, `(out, in)`; `x`, `(*batch, in)`.

    **Returns:** s, `(*batch, out)`, in [-1, 1].

    **Value:** for integer exponents, the sign of Π_i x_i^W_oi, to rounding; 0 counts as positive.
    For others, the real part of the principal power of the sign.

    **Gradient:** ∂s/∂W_oi = -π [x_i < 0] sin(π Σ…), zero at integer exponents; none with respect to
    x.

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

    **Value:** for W in {0, 1}, the exact product of the selected inputs, with their signs and
    zeros. For other W, every factor is a mixture of x_i and 1.

    **Gradient:** ∂y_o/∂W_oi = (x_i - 1) Π_{j≠i} (…) and ∂y_o/∂x_i = W_oi Π_{j≠i} (…), also where
    factors are zero. Value and gradient are finite if they and the partial products do not
    overflow. The `batch` x `out` x `in` factors are never all in memory, not even for the gradient.
    In PyTorch, the second derivative of a large product raises an error.

    !!! example
        >>> import jax.numpy as jnp
        >>> affine_product(jnp.array([[1.0, 0.0, 1.0]]), jnp.array([-3.0, 5.0, 2.0]))
        Array([-6.], dtype=float32)

    Madsen & Johansen (2020), arXiv:2001.05016, equation 8.
    """
    return namespace(x).affine_product(weight, x)


def noisy_product(
    weight: Shaped[Tensor, "out in"],
    x: Shaped[Tensor, "*batch in"],
    noise: Shaped[Tensor, "*batch in"],
) -> Shaped[Tensor, "*batch out"]:
    """y_o = Π_i (W_oi N_i x_i + 1 - W_oi) / Π_i (W_oi N_i + 1 - W_oi): noise that W can cancel.

    **Arguments:** `weight` (W), `(out, in)`; `x`, `(*batch, in)`; `noise` (N), positive,
    `(*batch, in)`.

    **Returns:** y, `(*batch, out)`; ones where there are no inputs.

    **Value:** with W in {0, 1} that of `affine_product`, to rounding, whatever the noise. For more
    than 16 inputs it is a product of quotients, each of up to 16 inputs. The product of all
    factors N x + … would overflow where y does not, in float32 already with 100 inputs of 1 and
    N of 3.

    **Gradient:** ∂y_o/∂W_oi = N_i (x_i - 1) / b_i² Π_{j≠i} q_j and ∂y_o/∂x_i = W_oi N_i / b_i
    Π_{j≠i} q_j, with b_i = W_oi N_i + 1 - W_oi and the quotients q, also where factors are zero.
    Take none by the noise: it is drawn, and large products of PyTorch have none. The factors are
    never all in memory, as in `affine_product`.

    !!! example
        >>> import jax.numpy as jnp
        >>> x, noise = jnp.array([-3.0, 5.0, 2.0]), jnp.array([2.0, 4.0, 3.0])
        >>> noisy_product(jnp.array([[1.0, 0.0, 1.0], [0.5, 0.0, 0.0]]), x, noise).round(4)
        Array([-6.    , -1.6667], dtype=float32)

    Mistry, Farrahi & Hare (2022), arXiv:2211.05624.
    """
    if x.shape[-1] <= FEW:
        return affine_product(weight, x * noise) / affine_product(weight, noise)
    return namespace(x).affine_quotient(weight, x * noise, noise)
