"""The neural accumulator to the base of the golden ratio."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser, normal
from numerate.ops import GOLDEN_SLOPE, Tensor, linear, nac_weight
from numerate.units._base import Draw, DType, Unit, check_sizes, default_float


class GNAC(Unit):
    """Golden-ratio NAC: a NAC whose tanh and σ have the base φ instead of e.

    y = W x with W = tanh_φ(Ŵ) ⊙ σ_φ(M̂), where tanh_φ(v) = (φ^2v - 1)/(φ^2v + 1), σ_φ(v) = 1/(1 +
    φ^-v), φ = (1 + √5)/2 and ⊙ is the elementwise product. These are tanh and the logistic
    function σ of v ln φ, with ln φ = 0.481: the unit is a `NAC` with the parameters Ŵ ln φ and M̂
    ln φ. The smaller slope scales where parameters start and how far a step takes them, and
    nothing else.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`: how Ŵ and M̂ start: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default normal numbers of deviation 1, as in the authors' code.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any sum and difference of inputs, with zeros and negative numbers, as
    `NAC` does; weights round to ±1 at parameters about twice as large. **Cannot** represent a
    coefficient beyond ±1, a constant term, or any product.

    **Penalty:** none.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** φ, which they round to nine digits, and in computing
    with tanh and σ, which do not overflow. Their functions of base φ were put into a changed
    copy of Keras, and are not among the published code.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> saturated = {"w_hat_init": constant(100.0), "m_hat_init": constant(100.0)}
        >>> GNAC(2, 1, **saturated, key=jax.random.key(0))(jnp.array([3.0, 5.0]))
        Array([8.], dtype=float32)

    ```bibtex
    @inproceedings{rana2019calcnet,
        title={Exploring Numerical Calculations with {CalcNet}},
        author={Rana, Ashish and Malhi, Avleen and Främling, Kary},
        booktitle={IEEE 31st International Conference on Tools with Artificial Intelligence},
        year={2019},
    }
    ```
    """

    w_hat: Float[Array, "out in"]
    m_hat: Float[Array, "out in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = normal(0.0, 1.0),
        m_hat_init: str | Initialiser = normal(0.0, 1.0),
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, m_key = jax.random.split(key)
        shape = (out_features, in_features)
        dtype = default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.m_hat = initialiser(m_hat_init)(m_key, shape, dtype)
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = tanh_φ(Ŵ) ⊙ σ_φ(M̂), `(out_features, in_features)`: the coefficients of the sum."""
        return nac_weight(self.w_hat, self.m_hat, GOLDEN_SLOPE)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return linear(self.weight, x)
