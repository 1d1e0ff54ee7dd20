"""Logic with truth values between 0 and 1: negation, AND and OR as products."""

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace


def conjunction(
    weight: Shaped[Tensor, "out in"],
    gate: Shaped[Tensor, "out in"],
    x: Shaped[Tensor, "*batch in"],
    eps: float | None = None,
) -> Shaped[Tensor, "*batch out"]:
    """AND_o = Π_i (n_oi + ε)^W_oi with n_oi = (1 - g_oi) x_i + g_oi (1 - x_i): a product of truth
    values, each of them negated where the gate is open.

    **Arguments:** `weight` (W), which selects, and `gate` (g), which negates, `(out, in)`, in
    [0, 1]; `x`, `(*batch, in)`, in [0, 1]; `eps` (ε), the machine epsilon of `x` if `None`.

    **Returns:** the conjunction, `(*batch, out)`; 1 for no inputs.

    **Value:** AND up to ε if x, W and g are 0 or 1: a false input gives ε^W instead of 0. At
    g = 1/2 every n is 1/2.

    **Gradient:** ∂/∂W_oi = AND_o log(n_oi + ε), and ∂/∂n_oi = AND_o W_oi/(n_oi + ε), finite also at
    n = 0: at most ε^(W-1) there; ∂n/∂g = 1 - 2 x and ∂n/∂x = 1 - 2 g. With ε = 0 it may be infinite
    or NaN there.

    !!! example
        >>> import jax.numpy as jnp
        >>> truth = jnp.array([[1.0, 0.0], [1.0, 1.0], [0.5, 0.5]])
        >>> conjunction(jnp.ones((1, 2)), jnp.array([[0.0, 1.0]]), truth)[:, 0].round(4)
        Array([1.  , 0.  , 0.25], dtype=float32)

    Reimann & Schwung (2019), arXiv:1907.00878.
    """
    xp = namespace(x)
    constants = [xp.eps(x) if eps is None else eps]
    return xp.product(_literal_power, x, weight, gate, constants=constants)


def disjunction(
    weight: Shaped[Tensor, "out in"],
    gate: Shaped[Tensor, "out in"],
    x: Shaped[Tensor, "*batch in"],
    eps: float | None = None,
) -> Shaped[Tensor, "*batch out"]:
    """OR_o = 1 - Π_i (1 - n_oi + ε)^W_oi: De Morgan's law applied to `conjunction`.

    **Arguments:** as for `conjunction`.

    **Returns:** the disjunction, `(*batch, out)`; 0 for no inputs.

    **Value:** OR up to ε if x, W and g are 0 or 1.

    **Gradient:** that of `conjunction` at 1 - g, with the sign of ∂/∂W reversed.

    !!! example
        >>> import jax.numpy as jnp
        >>> truth = jnp.array([[0.0, 1.0], [1.0, 1.0], [0.5, 0.5]])
        >>> some = disjunction(jnp.ones((1, 2)), jnp.array([[0.0, 1.0]]), truth)
        >>> jnp.abs(some[:, 0].round(4))
        Array([0.  , 1.  , 0.75], dtype=float32)

    Reimann & Schwung (2019), arXiv:1907.00878.
    """
    return 1 - conjunction(weight, 1 - gate, x, eps)


def _literal_power(x: Tensor, weight: Tensor, gate: Tensor, eps: float) -> Tensor:
    return namespace(x).power((1 - gate) * x + gate * (1 - x) + eps, weight)
