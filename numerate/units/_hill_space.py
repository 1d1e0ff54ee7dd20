"""Hill Space: the weights of the NAC, initialised at zero and snapped to nearby integers."""

import equinox as eqx
from jaxtyping import PRNGKeyArray, Shaped

from numerate.arguments import DType, check_eps
from numerate.initialisers import Initialiser
from numerate.ops import Tensor, linear, log_space_product, retrieved_sign
from numerate.units._base import Draw
from numerate.units._exact import EITHER, SUMS, Exact, nac_weights
from numerate.units._nac import NACWeights


class HillSpace(NACWeights):
    """Base class of the primitives: Ŵ and M̂ start at zero, and weights can be snapped."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "constant",
        m_hat_init: str | Initialiser = "constant",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        inits = {"w_hat_init": w_hat_init, "m_hat_init": m_hat_init}
        super().__init__(in_features, out_features, **inits, dtype=dtype, key=key)


class HillSpaceSum(HillSpace, init=False):
    """Additive primitive of Hill Space: adds and subtracts its inputs.

    y = W x with W = tanh(Ŵ) ⊙ σ(M̂), where σ is the logistic function and ⊙ the elementwise
    product: a `NAC` whose Ŵ and M̂ start at zero. `snapped` rounds weights that training has
    brought near -1, 0 and 1.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`: initialisers of Ŵ and M̂: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default zero, as in the authors' code, so that no operation is preferred. All outputs are
        then equal at first, and stay equal if their targets are equal.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any sum and difference of inputs, with zeros and negative numbers.
    **Cannot** represent a coefficient beyond ±1, a constant term, or any product.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] for all Ŵ and M̂.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** when and what is snapped. Theirs snaps tanh(Ŵ) and σ(M̂)
    in the forward pass, to ±1, 0 and 1, which removes their gradients, and does not snap a tanh(Ŵ)
    near 0. Ours snaps the effective weight on demand.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> almost = {"w_hat_init": constant(8.0), "m_hat_init": constant(16.0)}
        >>> unit = HillSpaceSum(2, 1, **almost, key=jax.random.key(0))
        >>> float(unit.weight[0, 0]) == 1, float(unit.snapped().weight[0, 0]) == 1
        (False, True)

    ```bibtex
    @misc{dujardin2025hill,
        title={Hill Space is All You Need},
        author={DuJardin, Justin},
        year={2025},
        url={https://github.com/justindujardin/hillspace},
    }
    ```
    """

    represents = Exact(nac_weights(*SUMS), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return linear(self.weight, x)


class HillSpaceProduct(HillSpace):
    """Exponential primitive of Hill Space: multiplies and divides its inputs, of either sign.

    y_o = s_o Π_i (|x_i| + ε)^W_oi with W = tanh(Ŵ) ⊙ σ(M̂) and s_o = cos(π Σ_i W_oi [x_i < 0]),
    where σ is the logistic function, ⊙ the elementwise product and [·] is 1 if true: the real
    part of the principal complex power, which is a `NACMul` with signs. Ŵ and M̂ start at zero;
    `snapped` rounds weights that training has brought near -1, 0 and 1.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`: initialisers of Ŵ and M̂, as for `HillSpaceSum`: at zero, where
        every output is 1.
    - `eps`: ε; `None` is the machine epsilon of x.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly**, for inputs well above ε, any product and quotient of distinct
    inputs, with negative numbers. **Cannot** represent the square of an input that occurs once, a
    coefficient, a sum or a zero: the factor of x_i = 0 is ε^W_oi. Its published precision depends
    on the training data more than on the unit: the same code reports a mean squared error of 1e-10
    or less after training on U[1e-8, 10], and of 3302 on products of U[-5, 5]. Value and gradients
    are finite if y, y log(|x_i| + ε) and y/(|x_i| + ε), with the magnitude of y, do not overflow.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] for all Ŵ and M̂.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** what is snapped and when, as `HillSpaceSum` does, and
    in computing with real numbers: theirs takes the real part of a product of complex powers,
    which is the same number except for ε, and NaN or 0 at x = 0.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> almost = {"w_hat_init": constant(8.0), "m_hat_init": constant(16.0)}
        >>> unit = HillSpaceProduct(2, 1, **almost, key=jax.random.key(0))
        >>> unit.snapped()(jnp.array([-3.0, 5.0])).round(4)
        Array([-15.], dtype=float32)

    ```bibtex
    @misc{dujardin2025hill,
        title={Hill Space is All You Need},
        author={DuJardin, Justin},
        year={2025},
        url={https://github.com/justindujardin/hillspace},
    }
    ```
    """

    represents = Exact(nac_weights("*", "/"), EITHER)

    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "constant",
        m_hat_init: str | Initialiser = "constant",
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
        weight = self.weight
        return log_space_product(weight, x, self.eps) * retrieved_sign(weight, x)
