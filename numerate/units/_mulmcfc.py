"""The mass-conserving layer in log space: a product in which no input is spent twice."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import (
    Tensor,
    log_space_product,
    mass_shares,
    namespace,
    ramp,
    squared_saturation,
)
from numerate.units._base import Draw, DType, Unit, check_eps, check_sizes, default_float


class MulMCFC(Unit):
    """Multiplicative mass-conserving layer: an `MCFC` in log space.

    y = exp(o ⊙ (J log(|x| + ε)) + c), with J = softmax(R) over the outputs and a trash and
    o = σ(w + b) as in `MCFC`: y_o = e^c_o Π_i (|x_i| + ε)^(o_o J_oi). x is the input, R, w, b and
    c are free parameters, σ is the logistic function, ⊙ the elementwise product and ε a small
    constant. Without the trash a single output would be the product of all inputs.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `gate_init`, `gate_bias_init`: how R, w and b start, as for `MCFC`.
    - `bias_init`: how c starts, drawn as `(out_features, 1)`; by default 0.
    - `eps`: ε; `None` is the machine epsilon of x.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** products of distinct positive inputs, roots of them, and a positive
    coefficient. **Cannot** represent a quotient, a power above 1, a negative result (the sign of
    every input is lost), a zero or a sum.

    **Penalty:** that of `MCFC`, over R, w and b: mean max(S² - v², 0), times 10, from 40 % of the
    training to 70 %. The published -mean v² has no lower bound; ours ends where the parameters
    are saturated. c has none.

    **Constraint:** none: J and o lie in [0, 1] whatever R, w and b are.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** |x| + ε, where theirs takes the logarithm of x itself,
    NaN for negative inputs and -∞ for 0. They penalise the trash's gate, too, which nothing else
    moves and we do not have; a square R starts as the identity; and their published runs switch
    the penalty off. The code of Mistry et al. (2022) drops the trash: for one output J is then 1
    whatever is learnt.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = MulMCFC(2, 1, key=jax.random.key(0))
        >>> unit = eqx.tree_at(lambda u: u.w_hat, unit, jnp.array([[50.0, 50.0], [-50.0, -50.0]]))
        >>> unit = eqx.tree_at(lambda u: u.gate_bias, unit, jnp.array([50.0]))
        >>> unit(jnp.array([3.0, -5.0])).round(4)
        Array([15.], dtype=float32)

    ```bibtex
    @inproceedings{hoedt2021mclstm,
        title={{MC-LSTM}: Mass-Conserving {LSTM}},
        author={Hoedt, Pieter-Jan and Kratzert, Frederik and Klotz, Daniel and Halmich, Christina
                and Holzleitner, Markus and Nearing, Grey and Hochreiter, Sepp and
                Klambauer, Günter},
        booktitle={Proceedings of the 38th International Conference on Machine Learning},
        year={2021},
        eprint={2101.05186},
        archivePrefix={arXiv},
    }
    ```
    """

    w_hat: Float[Array, "outs in"]
    gate_weight: Float[Array, "out"]
    gate_bias: Float[Array, "out"]
    bias: Float[Array, "out"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        bias_init: str | Initialiser = "constant",
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        keys = jax.random.split(key, 4)
        column, dtype = (out_features, 1), default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(keys[0], (out_features + 1, in_features), dtype)
        self.gate_weight = initialiser(gate_init)(keys[1], column, dtype)[:, 0]
        self.gate_bias = initialiser(gate_bias_init)(keys[2], column, dtype)[:, 0]
        self.bias = initialiser(bias_init)(keys[3], column, dtype)[:, 0]
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = o ⊙ J, `(out_features, in_features)`: the exponents."""
        return self.output_gate()[:, None] * mass_shares(self.w_hat)

    def output_gate(self) -> Shaped[Tensor, "out"]:
        """o = σ(w + b), `(out_features,)`."""
        return namespace(self.gate_weight).sigmoid(self.gate_weight + self.gate_bias)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        factor = namespace(x).exp(self.bias)
        return log_space_product(self.weight, x, self.eps) * factor

    def penalty(self) -> Shaped[Tensor, ""]:
        parameters = (self.w_hat, self.gate_weight, self.gate_bias)
        return sum(squared_saturation(p) for p in parameters)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)
