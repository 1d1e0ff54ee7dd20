"""Weight rules: from free parameters to the weights that a unit computes with."""

import math

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace

# tanh and σ to the base φ = (1 + √5)/2 instead of e are tanh and σ of x ln φ.
GOLDEN_SLOPE = math.log((1 + math.sqrt(5)) / 2)


def nac_weight(
    w_hat: Shaped[Tensor, "*shape"], m_hat: Shaped[Tensor, "*shape"], slope: float = 1.0
) -> Shaped[Tensor, "*shape"]:
    """W = tanh(s Ŵ) ⊙ σ(s M̂): weights in [-1, 1], drawn towards -1, 0 and 1.

    **Arguments:** `w_hat` (Ŵ) and `m_hat` (M̂), free parameters of the same shape; `slope` (s),
    1 in the paper of the NAC and `GOLDEN_SLOPE` in that of the G-NALU.

    **Returns:** W, of that shape.

    **Value:** 0 exactly at Ŵ = 0 and in the limit M̂ → -∞; ±1 only in the limit, which
    rounding reaches at |s Ŵ| and s M̂ of about 20 in float32 and 40 in float64.

    **Gradient:** ∂W/∂Ŵ = s (1 - tanh²) σ and ∂W/∂M̂ = s W (1 - σ), finite everywhere and
    zero, without recovery, where either factor is saturated. At Ŵ = 0 only Ŵ gets a gradient.

    !!! example
        >>> import jax.numpy as jnp
        >>> nac_weight(jnp.array([0.0, 50.0, -50.0, 50.0]), jnp.array([1.0, 50.0, 50.0, 0.0]))
        Array([ 0. ,  1. , -1. ,  0.5], dtype=float32)

    Trask et al. (2018), arXiv:1808.00508, section 2; the slope: Rana et al. (2019), ICTAI.
    """
    xp = namespace(w_hat)
    if slope == 1.0:
        return xp.tanh(w_hat) * xp.sigmoid(m_hat)
    return xp.tanh(slope * w_hat) * xp.sigmoid(slope * m_hat)
