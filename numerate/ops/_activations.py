"""Activation functions of the baseline layers, by name, for arrays of any shape.

The NALU paper compares with all activations of PyTorch at that time; names and constants are
PyTorch's. Comparisons are written so that NaN is propagated.
"""

from collections.abc import Callable

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace
from numerate.ops._numerics import bounded

# With these, outputs of a layer keep mean 0 and variance 1 (Klambauer et al. 2017, equation 14).
_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def identity(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x: the layers before and after it form one linear layer.

    **Arguments:** `x`, of any shape.

    **Returns:** x.

    **Value:** x.

    **Gradient:** 1.

    !!! example
        >>> import jax.numpy as jnp
        >>> identity(jnp.array([-2.0, 3.0]))
        Array([-2.,  3.], dtype=float32)

    The row "none" of Trask et al. (2018), arXiv:1808.00508.
    """
    return x


def relu(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """max(x, 0).

    **Arguments:** `x`, of any shape.

    **Returns:** the positive part, of that shape.

    **Value:** two of them represent x exactly: x = max(x, 0) - max(-x, 0).

    **Gradient:** 1 where x > 0, else 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> relu(jnp.array([-2.0, 0.0, 3.0]))
        Array([0., 0., 3.], dtype=float32)

    Nair & Hinton (2010), Rectified Linear Units Improve Restricted Boltzmann Machines, ICML.
    """
    return namespace(x).where(x <= 0, 0.0, x)


def relu6(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """min(max(x, 0), 6).

    **Arguments:** `x`, of any shape.

    **Returns:** x clipped to [0, 6], of that shape.

    **Value:** 6 for x ≥ 6, so that a weighted sum of them is bounded.

    **Gradient:** 1 where 0 < x < 6, else 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> relu6(jnp.array([-2.0, 3.0, 9.0]))
        Array([0., 3., 6.], dtype=float32)

    Krizhevsky (2010), Convolutional Deep Belief Networks on CIFAR-10.
    """
    xp = namespace(x)
    return xp.where(x <= 0, 0.0, xp.where(x >= 6, 6.0, x))


def crelu(x: Shaped[Tensor, "*batch features"]) -> Shaped[Tensor, "*batch both"]:
    """[max(x, 0), max(-x, 0)]: twice as many features, one for each sign.

    **Arguments:** `x`, `(*batch, features)`.

    **Returns:** both parts, `(*batch, 2 features)`.

    **Value:** the difference of the two halves is x.

    **Gradient:** 1 where x > 0 in the first half, -1 where x < 0 in the second, else 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> crelu(jnp.array([-2.0, 3.0]))
        Array([0., 3., 2., 0.], dtype=float32)

    Shang et al. (2016), arXiv:1603.05201.
    """
    return namespace(x).concatenate([relu(x), relu(-x)], axis=-1)


def elu(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x where x > 0, else exp(x) - 1.

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** at least -1; near zero it has the relative precision of x.

    **Gradient:** 1 where x > 0, else exp(x), which is 1 at 0: finite for every x.

    !!! example
        >>> import jax.numpy as jnp
        >>> elu(jnp.array([-100.0, 0.0, 3.0]))
        Array([-1.,  0.,  3.], dtype=float32)

    Clevert, Unterthiner & Hochreiter (2016), arXiv:1511.07289.
    """
    return _exponential_below(x, 1.0)


def selu(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """λ x where x > 0, else λ α (exp(x) - 1), with λ = 1.0507 and α = 1.6733.

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** at least -1.7581.

    **Gradient:** λ where x > 0, else λ α exp(x), 1.7581 at 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> selu(jnp.array([-100.0, 0.0, 1.0]))
        Array([-1.7580993,  0.       ,  1.050701 ], dtype=float32)

    Klambauer et al. (2017), arXiv:1706.02515.
    """
    return _SELU_SCALE * _exponential_below(x, _SELU_ALPHA)


def sigmoid(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """σ(x) = 1/(1 + exp(-x)), the logistic function.

    **Arguments:** `x`, of any shape.

    **Returns:** σ(x), of that shape.

    **Value:** in [0, 1]; 1 to rounding from about 17 in float32 and 37 in float64.

    **Gradient:** σ(x) (1 - σ(x)), 0 where saturated.

    !!! example
        >>> import jax.numpy as jnp
        >>> sigmoid(jnp.array([-2.0, 0.0, 50.0])).round(4)
        Array([0.1192, 0.5   , 1.    ], dtype=float32)

    Rumelhart, Hinton & Williams (1986), Nature 323.
    """
    return namespace(x).sigmoid(x)


def softsign(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x/(1 + |x|).

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** in [-1, 1]; it approaches ±1 only as 1/x.

    **Gradient:** 1/(1 + |x|)², 1 at 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> softsign(jnp.array([-1.0, 0.0, 3.0]))
        Array([-0.5 ,  0.  ,  0.75], dtype=float32)

    Glorot & Bengio (2010), Proceedings of AISTATS 9.
    """
    return x / (1 + namespace(x).abs(x))


def softplus(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """log(1 + exp(x)), a smooth max(x, 0).

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** exact to rounding. PyTorch returns x above 20, with an error of up to 2e-9.

    **Gradient:** σ(x), finite for every x.

    !!! example
        >>> import jax.numpy as jnp
        >>> softplus(jnp.array([-2.0, 0.0, 1e30])).round(4)
        Array([1.269e-01, 6.931e-01, 1.000e+30], dtype=float32)

    Dugas et al. (2001), Advances in Neural Information Processing Systems 13.
    """
    return -namespace(x).log_sigmoid(-x)


def tanh(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """tanh(x).

    **Arguments:** `x`, of any shape.

    **Returns:** tanh(x), of that shape.

    **Value:** in [-1, 1]; ±1 to rounding from about 9 in float32 and 19 in float64.

    **Gradient:** 1 - tanh(x)², 0 where saturated.

    !!! example
        >>> import jax.numpy as jnp
        >>> tanh(jnp.array([-50.0, 0.0, 50.0]))
        Array([-1.,  0.,  1.], dtype=float32)

    LeCun et al. (1998), Efficient BackProp.
    """
    return namespace(x).tanh(x)


def hardtanh(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x clipped to [-1, 1].

    **Arguments:** `x`, of any shape.

    **Returns:** the clipped x, of that shape.

    **Value:** ±1 for |x| ≥ 1.

    **Gradient:** 1 where |x| ≤ 1, else 0; PyTorch's is 0 at ±1 as well.

    !!! example
        >>> import jax.numpy as jnp
        >>> hardtanh(jnp.array([-2.0, 0.5, 3.0]))
        Array([-1. ,  0.5,  1. ], dtype=float32)

    Collobert (2004), Large Scale Machine Learning, thesis.
    """
    return bounded(x, -1.0, 1.0)


def leaky_relu(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x where x > 0, else x/100.

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** unbounded on both sides.

    **Gradient:** 1 where x > 0, else 0.01: never 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> leaky_relu(jnp.array([-2.0, 3.0]))
        Array([-0.02,  3.  ], dtype=float32)

    Maas, Hannun & Ng (2013), Rectifier Nonlinearities Improve Neural Network Acoustic Models.
    """
    return namespace(x).where(x > 0, x, 0.01 * x)


def prelu(x: Shaped[Tensor, "*shape"], slope: Tensor = 0.25) -> Shaped[Tensor, "*shape"]:
    """x where x > 0, else a x with a slope a that is learnt.

    **Arguments:** `x`, of any shape; `slope` (a), a number or a scalar array.

    **Returns:** an array of the shape of `x`.

    **Value:** linear at a = 1.

    **Gradient:** with respect to x, 1 where x > 0, else a; to a, x where x ≤ 0, else 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> prelu(jnp.array([-2.0, 3.0]))
        Array([-0.5,  3. ], dtype=float32)

    He et al. (2015), arXiv:1502.01852, where a starts at 1/4.
    """
    return namespace(x).where(x > 0, x, slope * x)


def softshrink(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x moved by 1/2 towards 0: 0 where |x| ≤ 1/2, else x - sign(x)/2.

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** continuous.

    **Gradient:** 1 where |x| > 1/2, else 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> softshrink(jnp.array([-2.0, 0.25, 3.0]))
        Array([-1.5,  0. ,  2.5], dtype=float32)

    Donoho (1995), De-noising by Soft-thresholding, IEEE Transactions on Information Theory 41.
    """
    return x - bounded(x, -0.5, 0.5)


def hardshrink(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """0 where |x| ≤ 1/2, else x.

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** jumps by 1/2 at ±1/2.

    **Gradient:** 1 where |x| > 1/2, else 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> hardshrink(jnp.array([-2.0, 0.25, 3.0]))
        Array([-2.,  0.,  3.], dtype=float32)

    Donoho & Johnstone (1994), Ideal Spatial Adaptation by Wavelet Shrinkage, Biometrika 81.
    """
    xp = namespace(x)
    return xp.where(xp.abs(x) <= 0.5, 0.0, x)


def tanhshrink(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x - tanh(x).

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** about x³/3 near 0, where the subtraction loses digits, and x ∓ 1 for large |x|.

    **Gradient:** tanh(x)², 0 at 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> tanhshrink(jnp.array([-2.0, 0.0, 50.0])).round(4)
        Array([-1.036,  0.   , 49.   ], dtype=float32)

    PyTorch's `Tanhshrink`.
    """
    return x - namespace(x).tanh(x)


def threshold(x: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
    """x where x > 1/2, else 0.

    **Arguments:** `x`, of any shape.

    **Returns:** an array of the same shape.

    **Value:** jumps by 1/2 at 1/2. PyTorch's threshold has no default and the NALU paper gives no
    value; the two shrink functions use 1/2.

    **Gradient:** 1 where x > 1/2, else 0.

    !!! example
        >>> import jax.numpy as jnp
        >>> threshold(jnp.array([-2.0, 0.25, 3.0]))
        Array([0., 0., 3.], dtype=float32)

    PyTorch's `Threshold`.
    """
    return namespace(x).where(x <= 0.5, 0.0, x)


def _exponential_below(x, alpha: float):
    xp = namespace(x)
    # `where` twice: if the branch that is not selected overflowed, the gradient would be NaN.
    below = alpha * xp.expm1(xp.where(x > 0, 0.0, x))
    return xp.where(x > 0, x, below)


# `prelu` learns its slope; with the signature of the others, it has the initial slope.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": identity,
    "relu": relu,
    "relu6": relu6,
    "crelu": crelu,
    "elu": elu,
    "selu": selu,
    "sigmoid": sigmoid,
    "softsign": softsign,
    "softplus": softplus,
    "tanh": tanh,
    "hardtanh": hardtanh,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "softshrink": softshrink,
    "hardshrink": hardshrink,
    "tanhshrink": tanhshrink,
    "threshold": threshold,
}
