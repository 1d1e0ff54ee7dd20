"""Weight rules: functions from free parameters to weights."""

import math

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace

# tanh and σ to the base φ = (1 + √5)/2 instead of e are tanh and σ of x ln φ.
GOLDEN_SLOPE = math.log((1 + math.sqrt(5)) / 2)


def nac_weight(
    w_hat: Shaped[Tensor, "*shape"], m_hat: Shaped[Tensor, "*shape"], slope: float = 1.0
) -> Shaped[Tensor, "*shape"]:
    """W = tanh(s Ŵ) ⊙ σ(s M̂): weights in [-1, 1], biased towards -1, 0 and 1.

    **Arguments:** `w_hat` (Ŵ) and `m_hat` (M̂), free parameters of the same shape; `slope` (s), 1
    in the NALU paper and `GOLDEN_SLOPE` in the G-NALU paper.

    **Returns:** W, of that shape.

    **Value:** 0 exactly at Ŵ = 0 and in the limit M̂ → -∞; ±1 only in the limit, which
    rounding reaches at |s Ŵ| and s M̂ of about 20 in float32 and 40 in float64.

    **Gradient:** ∂W/∂Ŵ = s (1 - tanh²) σ and ∂W/∂M̂ = s W (1 - σ), finite everywhere. Where either
    factor is saturated it is zero, and training cannot undo that. At Ŵ = 0 only Ŵ gets a gradient.

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


def mass_shares(w_hat: Shaped[Tensor, "outs in"]) -> Shaped[Tensor, "out in"]:
    """J = softmax of R over the outputs, without the last output, the trash.

    **Arguments:** `w_hat` (R), free parameters, `(out + 1, in)`.

    **Returns:** J, `(out, in)`: the share of each input that each output receives.

    **Value:** in [0, 1]; the shares of an input sum to at most 1, and the rest goes to the trash.
    They are 0 and 1 to rounding where logits differ by 17 in float32 and 37 in float64. Without the
    trash, a single output would receive everything for every R.

    **Gradient:** ∂J_oi/∂R_pi = J_oi (δ_op - J_pi), zero where saturated.

    !!! example
        >>> import jax.numpy as jnp
        >>> mass_shares(jnp.array([[0.0, 50.0], [0.0, -50.0]]))
        Array([[0.5, 1. ]], dtype=float32)

    Hoedt et al. (2021), arXiv:2101.05186.
    """
    return namespace(w_hat).softmax(w_hat, axis=0)[:-1]


def selection(w_hat: Shaped[Tensor, "*shape in"]) -> Shaped[Tensor, "*shape in"]:
    """W = softmax of Ŵ over the inputs, which selects one input when saturated.

    **Arguments:** `w_hat` (Ŵ), free parameters, `(*, in)`.

    **Returns:** W, of that shape, in [0, 1]; every row sums to 1.

    **Value:** at Ŵ = 0 it gives the mean of the inputs; to rounding it selects a single input where
    its logit is larger than all others by 17 in float32 and 37 in float64.

    **Gradient:** ∂W_i/∂Ŵ_j = W_i (δ_ij - W_j), zero where saturated.

    !!! example
        >>> import jax.numpy as jnp
        >>> selection(jnp.array([[0.0, 0.0], [-100.0, 100.0]]))
        Array([[0.5, 0.5],
               [0. , 1. ]], dtype=float32)

    Faber & Wattenhofer (2023), arXiv:2004.07085.
    """
    return w_hat if 0 in w_hat.shape else namespace(w_hat).softmax(w_hat, axis=-1)


def steep_magnitude(
    weight: Shaped[Tensor, "*shape"], steepness: float = 1000.0
) -> Shaped[Tensor, "*shape"]:
    """tanh(κ W)²: a smooth indicator of weights that are not 0.

    **Arguments:** `weight` (W), of any shape; `steepness` (κ), 1000 in the paper.

    **Returns:** an array of that shape, in [0, 1].

    **Value:** 0 at W = 0 and above 0.99 for |W| > 3/κ.

    **Gradient:** 2 κ tanh(κ W) (1 - tanh(κ W)²), at most 0.77 κ: 770 at |W| = 0.66/κ, and
    0 at W = 0 and, to rounding, for |W| > 10/κ.

    !!! example
        >>> import jax.numpy as jnp
        >>> steep_magnitude(jnp.array([-0.5, 0.0, 0.0005, 0.01])).round(4)
        Array([1.    , 0.    , 0.2136, 1.    ], dtype=float32)

    Mistry et al. (2022), arXiv:2110.05177.
    """
    xp = namespace(weight)
    return xp.square(xp.tanh(steepness * weight))


def snapped_parameters(
    w_hat: Shaped[Tensor, "*shape"],
    m_hat: Shaped[Tensor, "*shape"],
    tolerance: float = 1e-6,
    saturated: float = 100.0,
    slope: float = 1.0,
) -> tuple[Shaped[Tensor, "*shape"], Shaped[Tensor, "*shape"]]:
    """Ŵ and M̂ for which every W = tanh(Ŵ) ⊙ σ(M̂) near -1, 0 or 1 is snapped to that number.

    **Arguments:** `w_hat` (Ŵ) and `m_hat` (M̂), of the same shape; `tolerance`, the largest
    distance of W from that number; `saturated`, a value at which tanh and σ round to 1 in every
    dtype; `slope`, as in `nac_weight`.

    **Returns:** the new Ŵ and M̂.

    **Value:** for W = ±1, Ŵ is ±`saturated` and M̂ is `saturated`; for W = 0, Ŵ is 0 and M̂ does
    not change, so that the weight keeps a gradient. All other parameters do not change.

    **Gradient:** none for snapped parameters.

    !!! example
        >>> import jax.numpy as jnp
        >>> w_hat, m_hat = jnp.array([9.0, -9.0, 1e-7, 0.3]), jnp.array([16.0, 16.0, 2.0, 2.0])
        >>> nac_weight(*snapped_parameters(w_hat, m_hat)).round(3)
        Array([ 1.   , -1.   ,  0.   ,  0.257], dtype=float32)
    """
    xp = namespace(w_hat)
    weight = nac_weight(w_hat, m_hat, slope)
    zero = xp.abs(weight) <= tolerance
    one = ~zero & (xp.abs(weight) >= 1 - tolerance)
    full = saturated * xp.ones(weight.shape, weight)
    to_w = xp.where(one, full * xp.sign(weight), w_hat)
    return xp.where(zero, 0 * full, to_w), xp.where(one, full, m_hat)


def snapped_logits(
    logits: Shaped[Tensor, "*shape"], tolerance: float = 1e-6, saturated: float = 100.0
) -> Shaped[Tensor, "*shape"]:
    """v for which every σ(v) near 0 or 1 is snapped to that number.

    **Arguments:** `logits` (v), of any shape; `tolerance`, the largest distance of σ(v) from that
    number; `saturated`, a magnitude at which σ rounds to 0 and 1 in every dtype.

    **Returns:** the new v: ±`saturated`, or the old one.

    !!! example
        >>> import jax.numpy as jnp
        >>> snapped_logits(jnp.array([-9.0, 1.0, 9.0]), tolerance=0.01)
        Array([-100.,    1.,  100.], dtype=float32)
    """
    xp = namespace(logits)
    off = xp.sigmoid(-xp.abs(logits))
    ends = saturated * xp.where(logits > 0, 1.0, -1.0)
    return xp.where(off <= tolerance, ends, logits)


def snapped_selection(
    logits: Shaped[Tensor, "*shape"],
    axis: int = -1,
    tolerance: float = 1e-6,
    saturated: float = 100.0,
) -> Shaped[Tensor, "*shape"]:
    """Ŵ for which every softmax near a one-hot vector is snapped to it.

    **Arguments:** `logits` (Ŵ), of any shape; `axis`, along which the softmax is taken;
    `tolerance`, the largest distance of its maximum from 1; `saturated`, half of the difference of
    the logits.

    **Returns:** the new Ŵ.

    !!! example
        >>> import jax.numpy as jnp
        >>> snapped_selection(jnp.array([[9.0, 0.0], [0.5, 0.0]]), tolerance=0.01)
        Array([[ 100. , -100. ],
               [   0.5,    0. ]], dtype=float32)
    """
    if 0 in logits.shape:
        return logits
    xp = namespace(logits)
    ends = xp.where(xp.softmax(logits, axis=axis) >= 1 - tolerance, saturated, -saturated)
    # The sum along the axis says whether one of them is almost 1; `ends * 0` gives it the shape.
    known = ends * 0 + xp.stack([xp.sum(ends, axis=axis)], axis=axis)
    return xp.where(known > -saturated * logits.shape[axis], ends, logits)
