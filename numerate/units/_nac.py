"""The neural accumulator and the multiplicative one: a sum, or a product, for each output."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_eps, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, linear, log_space_product, nac_weight, snapped_parameters
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, POSITIVE, PRODUCTS, SUMS, Exact, nac_weights


class NACWeights(Unit):
    """Base class of units with the weights W = tanh(Ŵ) ⊙ σ(M̂) and no other parameters."""

    w_hat: Float[Array, "out in"]
    m_hat: Float[Array, "out in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, m_key = jax.random.split(key)
        shape, dtype = (out_features, in_features), default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.m_hat = initialiser(m_hat_init)(m_key, shape, dtype)
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`: of a sum or a product."""
        return nac_weight(self.w_hat, self.m_hat)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        parameters = snapped_parameters(self.w_hat, self.m_hat, tolerance)
        return dict(zip(("w_hat", "m_hat"), parameters, strict=True))


class NAC(NACWeights, init=False):
    """Neural accumulator: adds and subtracts its inputs.

    y = W x with W = tanh(Ŵ) ⊙ σ(M̂), where x is the input, Ŵ and M̂ are free parameters of the
    shape of W, σ is the logistic function and ⊙ the elementwise product. There is no bias.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`: initialisers of Ŵ and M̂: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`.
        The paper gives none. Glorot's is the default because every weight then starts near 0,
        between the values at which it saturates: 64 of 64 units 2→1 had weights that round to the
        right ones after 5,000 Adam steps (1e-2) on a + b and on a - b of U[1, 2], against 51 and 52
        with `"madsen"`, which starts small units saturated. `"constant"` works equally well for a
        single output, but several outputs would stay equal.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any sum and difference of inputs, with zeros and negative numbers:
    weights saturate at -1, 0 and 1, to rounding at finite Ŵ and M̂. **Cannot** represent a
    coefficient beyond ±1, a constant term, or any product. Coefficients between 0 and ±1 are
    possible and not penalised.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] for all Ŵ and M̂.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: they published none. Some public
    implementations compute W once, in the constructor, and thus train a plain linear layer.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = NAC(2, 1, key=jax.random.key(0))
        >>> unit(jnp.array([3.0, 5.0])).shape, unit.weight.shape
        ((1,), (1, 2))

    ```bibtex
    @inproceedings{trask2018nalu,
        title={Neural Arithmetic Logic Units},
        author={Trask, Andrew and Hill, Felix and Reed, Scott and Rae, Jack and Dyer, Chris and
                Blunsom, Phil},
        booktitle={Advances in Neural Information Processing Systems 31},
        year={2018},
        eprint={1808.00508},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(nac_weights(*SUMS), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return linear(self.weight, x)


class NACMul(NACWeights):
    """Multiplicative neural accumulator: multiplies, divides and takes roots of its inputs.

    y = exp(W log(|x| + ε)) with W = tanh(Ŵ) ⊙ σ(M̂), which is y_o = Π_i (|x_i| + ε)^W_oi: a NAC
    in log space, the second half of the paper's NALU. x is the input, Ŵ and M̂ are free
    parameters, σ is the logistic function, ⊙ the elementwise product and ε a small constant. The
    literature also writes it NAC•.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`: initialisers of Ŵ and M̂, as for `NAC`, with the same default for
        the same reason: 64 of 64 units 2→1 had weights that round to the right ones on
        a * b and on a / b, against 51 and 48 with `"madsen"`.
    - `eps`: ε, which the paper does not specify. `None` is the machine epsilon of x, the largest ε
      for which |x| ≥ 1 is correct to rounding; in float32 it is 1.2e-7, close to the 1e-7 of most
      public implementations. In float64, 1e-7 costs 9 of 16 digits.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly**, for positive inputs well above ε, any product and quotient of
    inputs and of their roots: exponents lie in [-1, 1] and saturate at -1, 0 and 1.
    **Cannot** represent a negative result (the sign of every input is lost), a zero (the
    factor of x_i = 0 is ε^W_oi), the square of an input that occurs once, or a coefficient. Value
    and gradients are finite if y, y log(|x_i| + ε) and y/(|x_i| + ε) do not overflow; the product
    of 1e30 and 1e30 is ∞ in float32.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] for all Ŵ and M̂.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: they published none. The class
    `MNACLayer` of github.com/AndreasMadsen/stable-nalu is another unit, Π_i (W_i x_i + 1 - W_i).

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> saturated = constant(50.0)
        >>> unit = NACMul(2, 1, w_hat_init=saturated, m_hat_init=saturated, key=jax.random.key(0))
        >>> unit(jnp.array([3.0, 5.0])).round(4)
        Array([15.], dtype=float32)

    ```bibtex
    @inproceedings{trask2018nalu,
        title={Neural Arithmetic Logic Units},
        author={Trask, Andrew and Hill, Felix and Reed, Scott and Rae, Jack and Dyer, Chris and
                Blunsom, Phil},
        booktitle={Advances in Neural Information Processing Systems 31},
        year={2018},
        eprint={1808.00508},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(nac_weights(*PRODUCTS), POSITIVE)

    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        inits = {"w_hat_init": w_hat_init, "m_hat_init": m_hat_init}
        super().__init__(in_features, out_features, **inits, dtype=dtype, key=key)
        self.eps = check_eps(eps)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return log_space_product(self.weight, x, self.eps)
