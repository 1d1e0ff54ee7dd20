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


def mass_shares(w_hat: Shaped[Tensor, "outs in"]) -> Shaped[Tensor, "out in"]:
    """J = softmax of R over the outputs, the last of which, the trash, is left out.

    **Arguments:** `w_hat` (R), free parameters, `(out + 1, in)`.

    **Returns:** J, `(out, in)`: which share of an input each output receives.

    **Value:** in [0, 1]; the shares of an input sum to at most 1, and what is missing goes to
    the trash. 0 and 1 to rounding where logits differ by 17 in float32 and 37 in float64.
    Without the trash a single output would receive everything, whatever R is.

    **Gradient:** ∂J_oi/∂R_pi = J_oi (δ_op - J_pi), zero where saturated.

    !!! example
        >>> import jax.numpy as jnp
        >>> mass_shares(jnp.array([[0.0, 50.0], [0.0, -50.0]]))
        Array([[0.5, 1. ]], dtype=float32)

    Hoedt et al. (2021), arXiv:2101.05186.
    """
    return namespace(w_hat).softmax(w_hat, axis=0)[:-1]


def selection(w_hat: Shaped[Tensor, "*shape in"]) -> Shaped[Tensor, "*shape in"]:
    """W = softmax of Ŵ over the inputs: one input of many, once it is saturated.

    **Arguments:** `w_hat` (Ŵ), free parameters, `(*, in)`.

    **Returns:** W, of that shape, in [0, 1]; every row sums to 1.

    **Value:** the mean of the inputs at Ŵ = 0; a single one, to rounding, where its logit is
    larger than all others by 17 in float32 and 37 in float64.

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
    """tanh(κ W)²: 1 for weights that are not quite 0, else 0, and smooth.

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
    """Ŵ and M̂ with every W = tanh(Ŵ) ⊙ σ(M̂) that is almost -1, 0 or 1 put there exactly.

    **Arguments:** `w_hat` (Ŵ) and `m_hat` (M̂), of the same shape; `tolerance`, how far W may
    be from the number it is put to; `saturated`, where tanh and σ round to 1 in every dtype;
    `slope`, as in `nac_weight`.

    **Returns:** the new Ŵ and M̂.

    **Value:** at W = ±1 Ŵ is ±`saturated` and M̂ `saturated`; at W = 0 Ŵ is 0, and M̂ stays,
    which leaves the weight a gradient. All others stay as they are.

    **Gradient:** none for parameters that were put somewhere.

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
    """The v with every σ(v) that is almost 0 or 1 put there exactly.

    **Arguments:** `logits` (v), of any shape; `tolerance`, how far σ(v) may be from the number it
    is put to; `saturated`, where σ rounds to 0 and 1 in every dtype.

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
    """The Ŵ with every softmax that is almost 1 for one and 0 for the others put there exactly.

    **Arguments:** `logits` (Ŵ), of any shape; `axis`, along which the softmax is taken;
    `tolerance`, how far its largest may be from 1; `saturated`, half of the distance of the
    logits.

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
