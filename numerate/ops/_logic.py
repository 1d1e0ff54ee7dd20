"""Logic with truth values between 0 and 1: negation, AND and OR as products."""

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace


def negation(
    gate: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out in"]:
    """n_oi = (1 - g_oi) x_i + g_oi (1 - x_i): every input, negated or not, for every output.

    **Arguments:** `gate` (g), `(out, in)`, in [0, 1]; `x`, `(*batch, in)`.

    **Returns:** n, `(*batch, out, in)`.

    **Value:** x_i at g_oi = 0 and 1 - x_i at g_oi = 1; 1/2 for every x_i at g_oi = 1/2.

    **Gradient:** ∂n/∂g = 1 - 2 x and ∂n/∂x = 1 - 2 g.

    !!! example
        >>> import jax.numpy as jnp
        >>> negation(jnp.array([[0.0, 1.0]]), jnp.array([1.0, 0.25]))
        Array([[1.  , 0.75]], dtype=float32)

    Reimann & Schwung (2019), arXiv:1907.00878.
    """
    x = x[..., None, :]
    return (1 - gate) * x + gate * (1 - x)


def conjunction(
    weight: Shaped[Tensor, "out in"],
    n: Shaped[Tensor, "*batch out in"],
    eps: float | None = None,
) -> Shaped[Tensor, "*batch out"]:
    """AND_o = exp(Σ_i W_oi log(n_oi + ε)): the product of the truth values that W selects.

    **Arguments:** `weight` (W), `(out, in)`, in [0, 1]; `n`, `(*batch, out, in)`, in [0, 1];
    `eps` (ε), the machine epsilon of `n` if `None`.

    **Returns:** the conjunction, `(*batch, out)`; 1 of nothing.

    **Value:** for truth values 0 and 1 and W in {0, 1} that of AND, up to ε: a false input makes
    it ε^W instead of 0.

    **Gradient:** ∂/∂W_oi = AND_o log(n_oi + ε) and ∂/∂n_oi = AND_o W_oi/(n_oi + ε), finite also
    at n = 0: at most ε^(W-1) there.

    !!! example
        >>> import jax.numpy as jnp
        >>> truth = jnp.array([[[1.0, 1.0]], [[1.0, 0.0]], [[0.5, 0.5]]])
        >>> conjunction(jnp.ones((1, 2)), truth)[:, 0].round(4)
        Array([1.  , 0.  , 0.25], dtype=float32)

    Reimann & Schwung (2019), arXiv:1907.00878.
    """
    xp = namespace(n)
    logarithm = xp.log(n + (xp.eps(n) if eps is None else eps))
    return xp.exp(xp.sum(weight * logarithm, axis=-1))


def disjunction(
    weight: Shaped[Tensor, "out in"],
    n: Shaped[Tensor, "*batch out in"],
    eps: float | None = None,
) -> Shaped[Tensor, "*batch out"]:
    """OR_o = 1 - exp(Σ_i W_oi log(1 - n_oi + ε)): by De Morgan, of `conjunction`.

    **Arguments:** as for `conjunction`.

    **Returns:** the disjunction, `(*batch, out)`; 0 of nothing.

    **Value:** for truth values 0 and 1 and W in {0, 1} that of OR, up to ε.

    **Gradient:** that of `conjunction` at 1 - n, with the sign of ∂/∂W reversed.

    !!! example
        >>> import jax.numpy as jnp
        >>> truth = jnp.array([[[0.0, 0.0]], [[1.0, 0.0]], [[0.5, 0.5]]])
        >>> jnp.abs(disjunction(jnp.ones((1, 2)), truth)[:, 0].round(4))
        Array([0.  , 1.  , 0.75], dtype=float32)

    Reimann & Schwung (2019), arXiv:1907.00878.
    """
    return 1 - conjunction(weight, 1 - n, eps)
