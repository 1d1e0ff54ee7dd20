"""The multiplicative mass-conserving layer whose sign is a cosine, as the RealNPU's."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, constant, initialiser
from numerate.ops import (
    Tensor,
    log_space_product,
    mass_shares,
    namespace,
    ramp,
    retrieved_sign,
    sparsity,
    squared_saturation,
    straight_through_clip,
)
from numerate.units._base import Draw, DType, Unit, check_eps, check_sizes, default_float


class MulMCFCSignRealNPU(Unit):
    """Multiplicative mass-conserving layer with the sign of the RealNPU.

    y = s ⊙ exp(o ⊙ (J log(|x| + ε)) + c) with s_o = cos(π Σ_i J_oi g_i [x_i < 0]), where the
    product is that of `MulMCFC`: x is the input, J = softmax(R) over the outputs and a trash,
    o = σ(w + b), g is a gate of the signs, clipped to [0, 1], R, w, b, c and g are free
    parameters, σ is the logistic function, ⊙ the elementwise product and ε a small constant.

    **Arguments:**

    - `in_features`, `out_features`, `w_hat_init`, `gate_init`, `gate_bias_init`, `bias_init`,
        `eps`: as for `MulMCFC`.
    - `sign_gate_init`: how g starts, drawn as `(1, in_features)`; by default 1/2.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** products of distinct inputs of any sign but 0, and a positive
    coefficient; with g = 0 products of magnitudes. **Cannot** represent a quotient, a power above
    1, a negative coefficient, a zero (a factor of 0 counts as ε) or a sum.

    **Penalty:** that of `MulMCFC` and mean min(g, 1 - g): mean max(S² - v², 0) over R, w and b, all
    times 10, from 40 % of the training to 70 %; it has a lower bound, unlike the published one.

    **Constraint:** g is clipped to [0, 1] after every step; J and o lie there anyway.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** the trash, which the code of Mistry et al. (2022) drops,
    so that for one output J is 1 whatever is learnt, which is what their figures for two inputs
    measure; in the gradient of the clip of g, which
    theirs sets to 0 outside [0, 1], where g then stays; in the clip after the step; and in ε,
    without which an input of 0 makes theirs NaN. Their penalty of g is an option.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = MulMCFCSignRealNPU(2, 1, key=jax.random.key(0))
        >>> unit = eqx.tree_at(lambda u: u.w_hat, unit, jnp.array([[50.0, 50.0], [-50.0, -50.0]]))
        >>> unit = eqx.tree_at(lambda u: u.gate_bias, unit, jnp.array([50.0]))
        >>> unit = eqx.tree_at(lambda u: u.sign_gate, unit, jnp.ones(2))
        >>> unit(jnp.array([3.0, -5.0])).round(4)
        Array([-15.], dtype=float32)

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
    sign_gate: Float[Array, "in"]
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
        sign_gate_init: str | Initialiser = constant(0.5),
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        keys = jax.random.split(key, 5)
        column, dtype = (out_features, 1), default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(keys[0], (out_features + 1, in_features), dtype)
        self.gate_weight = initialiser(gate_init)(keys[1], column, dtype)[:, 0]
        self.gate_bias = initialiser(gate_bias_init)(keys[2], column, dtype)[:, 0]
        self.bias = initialiser(bias_init)(keys[3], column, dtype)[:, 0]
        self.sign_gate = initialiser(sign_gate_init)(keys[4], (1, in_features), dtype)[0]
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
        gate = straight_through_clip(self.sign_gate, 0.0, 1.0)
        sign = retrieved_sign(mass_shares(self.w_hat) * gate, x)
        factor = sign * namespace(x).exp(self.bias)
        return log_space_product(self.weight, x, self.eps) * factor

    def penalty(self) -> Shaped[Tensor, ""]:
        parameters = (self.w_hat, self.gate_weight, self.gate_bias)
        return sum(squared_saturation(p) for p in parameters) + sparsity(
            straight_through_clip(self.sign_gate, 0.0, 1.0)
        )

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"sign_gate": (0.0, 1.0)}
