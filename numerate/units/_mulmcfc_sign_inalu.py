"""The multiplicative mass-conserving layer whose sign is a product of mixtures, as the iNALU's."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import (
    Tensor,
    log_space_product,
    mass_shares,
    mixed_sign,
    namespace,
    ramp,
    squared_saturation,
)
from numerate.units._base import Draw, DType, Unit, check_eps, check_sizes, default_float


class MulMCFCSignINALU(Unit):
    """Multiplicative mass-conserving layer with the sign of the iNALU.

    y = s ⊙ exp(o ⊙ (J log(|x| + ε)) + c) with s_o = Π_i (J_oi sign(x_i) + 1 - J_oi), where the
    product is that of `MulMCFC`: x is the input, J = softmax(R) over the outputs and a trash,
    o = σ(w + b), R, w, b and c are free parameters, σ is the logistic function, ⊙ the elementwise
    product and ε a small constant.

    **Arguments:**

    - `in_features`, `out_features`, `w_hat_init`, `gate_init`, `gate_bias_init`, `bias_init`,
        `eps`: as for `MulMCFC`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** products of distinct inputs of any sign, zeros included, and a positive
    coefficient. **Cannot** represent a quotient, a power above 1, a negative coefficient or a sum;
    the root of a negative input is 0.

    **Penalty:** that of `MulMCFC`: mean max(S² - v², 0) over R, w and b, times 10, from 40 % of the
    training to 70 %; it has a lower bound, unlike the published one.

    **Constraint:** none: J and o lie in [0, 1] whatever R, w and b are.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** the trash, which the code of Mistry et al. (2022) drops,
    so that for one output J is 1 and the sign right whatever is learnt, which is what their
    figures for two inputs measure; and in ε, without which an input of 0 makes theirs NaN.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = MulMCFCSignINALU(2, 1, key=jax.random.key(0))
        >>> unit = eqx.tree_at(lambda u: u.w_hat, unit, jnp.array([[50.0, 50.0], [-50.0, -50.0]]))
        >>> unit = eqx.tree_at(lambda u: u.gate_bias, unit, jnp.array([50.0]))
        >>> unit(jnp.array([3.0, -5.0])).round(4), unit(jnp.array([3.0, 0.0]))
        (Array([-15.], dtype=float32), Array([0.], dtype=float32))

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
    @article{mistry2022primer,
        title={A Primer for Neural Arithmetic Logic Modules},
        author={Mistry, Bhumika and Farrahi, Katayoun and Hare, Jonathon},
        journal={Journal of Machine Learning Research},
        volume={23},
        number={185},
        year={2022},
        eprint={2101.09530},
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
        sign = mixed_sign(mass_shares(self.w_hat), x)
        factor = sign * namespace(x).exp(self.bias)
        return log_space_product(self.weight, x, self.eps) * factor

    def penalty(self) -> Shaped[Tensor, ""]:
        parameters = (self.w_hat, self.gate_weight, self.gate_bias)
        return sum(squared_saturation(p) for p in parameters)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)
