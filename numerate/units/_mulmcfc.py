"""Mass-conserving layers in log space, without signs or with the signs of the iNALU or RealNPU."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_eps, default_float
from numerate.initialisers import Initialiser, constant, initialiser
from numerate.ops import (
    Tensor,
    log_space_product,
    mass_shares,
    mixed_sign,
    namespace,
    retrieved_sign,
    sparsity,
    squared_saturation,
    straight_through_clip,
)
from numerate.units._base import Draw
from numerate.units._exact import EITHER, POSITIVE, Exact, mass_weights
from numerate.units._mcfc import MassConserving


class MassConservingProduct(MassConserving):
    """Base class: a `MassConserving` unit with a coefficient e^c, and W as exponents."""

    bias: Float[Array, "out"]
    eps: float | None = eqx.field(static=True)

    _draws = 4

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
        super().__init__(
            in_features,
            out_features,
            w_hat_init=w_hat_init,
            gate_init=gate_init,
            gate_bias_init=gate_bias_init,
            dtype=dtype,
            key=key,
        )
        bias_key = jax.random.split(key, self._draws)[3]
        draw, dtype = initialiser(bias_init), default_float(dtype)
        self.bias = draw(bias_key, (out_features, 1), dtype)[:, 0]
        self.eps = check_eps(eps)


class MulMCFC(MassConservingProduct, init=False):
    """Multiplicative mass-conserving layer: an `MCFC` in log space.

    y = exp(o ⊙ (J log(|x| + ε)) + c), with J = softmax(R) over the outputs and a trash and
    o = σ(w + b) as in `MCFC`: y_o = e^c_o Π_i (|x_i| + ε)^(o_o J_oi). x is the input, R, w, b and
    c are free parameters, σ is the logistic function, ⊙ the elementwise product and ε a small
    constant. Without the trash a single output would be the product of all inputs.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `gate_init`, `gate_bias_init`: initialisers of R, w and b, as for `MCFC`.
    - `bias_init`: initialiser of c, drawn as `(out_features, 1)`; by default 0.
    - `eps`: ε; `None` is the machine epsilon of x.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** products of distinct positive inputs, roots of them, and a positive
    coefficient. **Cannot** represent a quotient, a power above 1, a negative result (the sign of
    every input is lost), a zero or a sum. Value and gradients are finite if y, y log(|x_i| + ε) and
    y/(|x_i| + ε) do not overflow.

    **Penalty:** that of `MCFC`, over R, w and b: mean max(S² - v², 0), times 10, from 40 % of the
    training to 70 %. The published -mean v² has no lower bound; ours is 0 for saturated parameters.
    c has no penalty.

    **Constraint:** none: J and o lie in [0, 1] for all R, w and b.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** |x| + ε, where theirs takes the logarithm of x itself,
    NaN for negative inputs and -∞ for 0. They also penalise the gate of the trash, which has no
    other effect and which we do not have; a square R starts as the identity; and their published
    runs have no penalty. The code of Mistry et al. (2022) drops the trash: for one output J is then
    always 1.

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

    represents = Exact(mass_weights("*", "sqrt"), POSITIVE)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        factor = namespace(x).exp(self.bias)
        return log_space_product(self.weight, x, self.eps) * factor


class MulMCFCSignINALU(MassConservingProduct, init=False):
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
    the root of a negative input is 0. Value and gradients are finite where those of `MulMCFC`
    are; a product that overflows makes y NaN where the sign is 0.

    **Penalty:** that of `MulMCFC`: mean max(S² - v², 0) over R, w and b, times 10, from 40 % of the
    training to 70 %; it has a lower bound, unlike the published one.

    **Constraint:** none: J and o lie in [0, 1] for all R, w and b.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** the trash, which the code of Mistry et al. (2022) drops,
    so that for one output J is always 1 and the sign always right, also in their results for two
    inputs; and in ε, without which theirs is NaN for an input of 0.

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

    represents = Exact(mass_weights("*"), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        sign = mixed_sign(mass_shares(self.w_hat), x)
        factor = sign * namespace(x).exp(self.bias)
        return log_space_product(self.weight, x, self.eps) * factor


class MulMCFCSignRealNPU(MassConservingProduct):
    """Multiplicative mass-conserving layer with the sign of the RealNPU.

    y = s ⊙ exp(o ⊙ (J log(|x| + ε)) + c) with s_o = cos(π Σ_i J_oi g_i [x_i < 0]), where the
    product is that of `MulMCFC`: x is the input, J = softmax(R) over the outputs and a trash,
    o = σ(w + b), g is a gate for the signs, clipped to [0, 1], R, w, b, c and g are free
    parameters, σ is the logistic function, ⊙ the elementwise product and ε a small constant.

    **Arguments:**

    - `in_features`, `out_features`, `w_hat_init`, `gate_init`, `gate_bias_init`, `bias_init`,
        `eps`: as for `MulMCFC`.
    - `sign_gate_init`: initialiser of g, drawn as `(1, in_features)`; by default 1/2.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** products of distinct inputs of any sign but 0, and a positive
    coefficient; with g = 0 products of magnitudes. **Cannot** represent a quotient, a power above
    1, a negative coefficient, a zero (a factor of 0 counts as ε) or a sum. Value and gradients
    are finite where those of `MulMCFC` are.

    **Penalty:** that of `MulMCFC`, mean max(S² - v², 0) over R, w and b, times 10, and
    mean min(g, 1 - g), times 1, both from 40 % of the training to 70 %; it has a lower bound,
    unlike the published one.

    **Constraint:** g is clipped to [0, 1] after every step; J and o lie in [0, 1] by construction.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** the trash, which the code of Mistry et al. (2022) drops,
    so that for one output J is always 1, also in their results for two inputs; in the gradient of
    the clip of g, which theirs sets to 0 outside [0, 1], so that g stays there; in the clip after
    the step; and in ε, without which theirs is NaN for an input of 0. Their penalty of g is
    optional.

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

    represents = Exact({"*": {**mass_weights("*")["*"], "sign_gate": [1.0, 1.0]}}, EITHER)

    sign_gate: Float[Array, "in"]

    _draws = 5

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
        super().__init__(
            in_features,
            out_features,
            w_hat_init=w_hat_init,
            gate_init=gate_init,
            gate_bias_init=gate_bias_init,
            bias_init=bias_init,
            eps=eps,
            dtype=dtype,
            key=key,
        )
        sign_key = jax.random.split(key, self._draws)[4]
        draw, dtype = initialiser(sign_gate_init), default_float(dtype)
        self.sign_gate = draw(sign_key, (1, in_features), dtype)[0]

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        gate = straight_through_clip(self.sign_gate, 0.0, 1.0)
        sign = retrieved_sign(mass_shares(self.w_hat) * gate, x)
        factor = sign * namespace(x).exp(self.bias)
        return log_space_product(self.weight, x, self.eps) * factor

    def penalty(self) -> Shaped[Tensor, ""]:
        parameters = (self.w_hat, self.gate_weight, self.gate_bias)
        gate = straight_through_clip(self.sign_gate, 0.0, 1.0)
        # `penalty_weight` is ten times the factor of the gate in the benchmark.
        return sum(squared_saturation(p) for p in parameters) + sparsity(gate) / 10

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"sign_gate": (0.0, 1.0)}
