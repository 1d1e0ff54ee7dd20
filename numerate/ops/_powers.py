"""Powers that keep what powers of |x| lose: signs, zeros and irrelevant inputs."""

import math

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace
from numerate.ops._numerics import magnitude
from numerate.ops._sums import linear


def signed_power(
    weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out in"]:
    """p_oi = sign(x_i) |x_i|^W_oi, but linear in x where its derivative would overflow near zero.

    **Arguments:** `weight` (W), the exponents, `(out, in)`, at least -1; `x`, `(*batch, in)`.

    **Returns:** p, `(*batch, out, in)`: the powers, not yet multiplied.

    **Value:** odd in x for every W. Where |x| < f, with f = 2 √t and t the smallest normal
    number of the dtype (2e-19 in float32, 3e-154 in float64), it is x f^(W-1): continuous, 0
    at x = 0 also for negative exponents, x itself at W = 1, and `reciprocal` at W = -1.

    **Gradient:** ∂p/∂x = W |x|^(W-1) where |x| ≥ f and f^(W-1) below, at most 1/f²; ∂p/∂W =
    p log max(|x|, f), which is 0 at x = 0. Finite for W ≥ -1, and for W slightly below -1.

    !!! example
        >>> import jax.numpy as jnp
        >>> signed_power(jnp.array([[1.0, -1.0, 0.5]]), jnp.array([-3.0, 4.0, -4.0]))
        Array([[-3.  ,  0.25, -2.  ]], dtype=float32)
        >>> signed_power(jnp.array([[1.0, -1.0, 0.0]]), jnp.zeros(3))
        Array([[0., 0., 0.]], dtype=float32)

    Mistry et al. (2022), arXiv:2110.05177; the part near zero is ours.
    """
    return _signed_power(x[..., None, :], weight)


def _signed_power(x: Tensor, weight: Tensor) -> Tensor:
    xp = namespace(x)
    floor = 2 * xp.tiny(x) ** 0.5
    size = magnitude(x)
    near = size < floor
    # Both pieces share one power, whose base is at least f. With two powers and a `where`, the
    # derivative of f^(W-1) by W would be computed for every x: f^(W-1) log f overflows at W = -1,
    # and `where` multiplies it by 0, which gives NaN.
    share = xp.where(near, x * (1 / floor), xp.sign(x))
    return share * xp.power(xp.where(near, floor, size), weight)


def selected_power_product(
    weight: Shaped[Tensor, "out in"],
    selection: Shaped[Tensor, "out in"],
    x: Shaped[Tensor, "*batch in"],
) -> Shaped[Tensor, "*batch out"]:
    """y_o = Π_i (s_oi sign(x_i) |x_i|^W_oi + 1 - s_oi).

    **Arguments:** `weight` (W), the exponents, `(out, in)`, at least -1; `selection` (s), the share
    of each power in its factor, the rest being 1, `(out, in)`; `x`, `(*batch, in)`.

    **Returns:** y, `(*batch, out)`; ones where there are no inputs.

    **Value:** for s in {0, 1}, the exact product of the selected powers, with their signs. At
    x_i = 0 the factor is 1 - s_oi, whatever the exponent: a selected divisor of 0 gives 0.

    **Gradient:** ∂y_o/∂s_oi = (p_oi - 1) Π_{j≠i} (…); for that of p see `signed_power`. Finite if
    these and the partial products of the factors do not overflow.

    !!! example
        >>> import jax.numpy as jnp
        >>> weight = jnp.array([[1.0, -1.0, 0.0]])
        >>> selected_power_product(weight, jnp.abs(weight), jnp.array([-3.0, 4.0, 7.0]))
        Array([-0.75], dtype=float32)

    Mistry et al. (2022), arXiv:2110.05177.
    """
    return namespace(x).product(_selected_power, x, weight, selection)


def _selected_power(x: Tensor, weight: Tensor, selection: Tensor) -> Tensor:
    return selection * _signed_power(x, weight) + (1 - selection)


def complex_power_product(
    real: Shaped[Tensor, "out in"],
    x: Shaped[Tensor, "*batch in"],
    gate: Shaped[Tensor, "in"],
    imaginary: Shaped[Tensor, "out in"] | None = None,
    eps: float | None = None,
) -> Shaped[Tensor, "*batch out"]:
    """y = exp(A log r - B k) ⊙ cos(B log r + A k): the real part of powers with exponents A + iB.

    r_i = g_i (|x_i| + ε) + 1 - g_i is the modulus of input i, and k_i = π g_i [x_i < 0] its angle.
    A closed gate replaces them by those of the number 1.

    **Arguments:**

    - `real`: A, `(out, in)`.
    - `x`: `(*batch, in)`.
    - `gate`: g, `(in,)`, in [0, 1].
    - `imaginary`: B, `(out, in)`; zero if `None`, at half the cost.
    - `eps`: ε; `None` is the machine epsilon of `x`, as for `log_space_product`.

    **Returns:** y, `(*batch, out)`; ones where there are no inputs.

    **Value:** for g in {0, 1}, integer A and B = 0, the product of the powers of the inputs whose
    gate is open, with their signs. Other A give the real part of the principal power, which is
    smaller than the power of |x| where the angle is not a multiple of π. A gate between 0 and 1
    mixes x with 1 and rotates by less than π. At x_i = 0 the modulus is ε, not 0.

    **Gradient:** with e = exp(A log r - B k) and a = B log r + A k, ∂y_o/∂A_oi =
    y_o log r_i - e_o sin(a_o) k_i, ∂y_o/∂B_oi = -y_o k_i - e_o sin(a_o) log r_i, and
    ∂y_o/∂x_i = g_i sign(x_i)/r_i (y_o A_oi - e_o sin(a_o) B_oi), which is 0 at x_i = 0;
    ∂y_o/∂g_i has (|x_i| + ε - 1)/r_i instead of g_i sign(x_i)/r_i. All are finite if e_o log r_i,
    e_o/r_i and e_o |x_i|/r_i do not overflow. With ε = 0 and an open gate they are NaN at x_i = 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> real, x = jnp.array([[1.0, 1.0], [1.0, -1.0]]), jnp.array([-8.0, 2.0])
        >>> complex_power_product(real, x, jnp.ones(2)).round(4)
        Array([-16.,  -4.], dtype=float32)
        >>> complex_power_product(real, x, jnp.array([1.0, 0.0])).round(4)
        Array([-8., -8.], dtype=float32)

    Heim et al. (2020), arXiv:2006.01681, section 3. The paper prints k with its cases exchanged, 1
    for positive inputs; the authors' code has k as here.
    """
    xp = namespace(x)
    size = magnitude(x) + (xp.eps(x) if eps is None else eps)
    log_size = xp.log(gate * size + (1 - gate))
    half_turns = gate * xp.negative(x)
    exponent, angle = linear(real, log_size), math.pi * linear(real, half_turns)
    if imaginary is not None:
        exponent = exponent - math.pi * linear(imaginary, half_turns)
        angle = angle + linear(imaginary, log_size)
    return xp.exp(exponent) * xp.cos(angle)
