"""Weight rules: from free parameters to the weights that a unit computes with."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def nac_weight(
    w_hat: Float[Array, "*shape"], m_hat: Float[Array, "*shape"]
) -> Float[Array, "*shape"]:
    """W = tanh(Ŵ) ⊙ σ(M̂): weights in [-1, 1], drawn towards -1, 0 and 1.

    **Arguments:** `w_hat` (Ŵ) and `m_hat` (M̂), free parameters of the same shape.

    **Returns:** W, of that shape.

    **Value:** 0 exactly at Ŵ = 0 and in the limit M̂ → -∞; ±1 only in the limit, which
    rounding reaches at |Ŵ| and M̂ of about 20 in float32 and 40 in float64.

    **Gradient:** ∂W/∂Ŵ = (1 - tanh²Ŵ) σ(M̂) and ∂W/∂M̂ = W (1 - σ(M̂)), finite everywhere and
    zero, without recovery, where either factor is saturated. At Ŵ = 0 only Ŵ gets a gradient.

    !!! example
        >>> import jax.numpy as jnp
        >>> nac_weight(jnp.array([0.0, 50.0, -50.0, 50.0]), jnp.array([1.0, 50.0, 50.0, 0.0]))
        Array([ 0. ,  1. , -1. ,  0.5], dtype=float32)

    Trask et al. (2018), arXiv:1808.00508, section 2.
    """
    return jnp.tanh(w_hat) * jax.nn.sigmoid(m_hat)
