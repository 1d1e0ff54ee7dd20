"""The improved neural arithmetic logic unit whose sum and product share their weights."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser, normal
from numerate.ops import (
    Tensor,
    clamped_log_space_product,
    constant_gate,
    linear,
    mix,
    mixed_sign,
    nac_weight,
    ramp,
    saturation,
)
from numerate.units._base import Draw, DType, Unit, check_sizes, default_float
from numerate.units._inalu import check_positive


class iNALUShared(Unit):
    """Improved NALU whose sum and product have the same weights.

    y = g ⊙ a + (1 - g) ⊙ m ⊙ s, with the sum a = W x, the product m = exp(min(W log max(|x|, ε),
    ω)), its sign s_o = Π_i (|W_oi| sign(x_i) + 1 - |W_oi|) clipped to [-1, 1], the gate g = σ(G)
    with one number G for each output, and W = tanh(Ŵ) ⊙ σ(M̂), where σ is the logistic function
    and ⊙ the elementwise product. It is the paper's iNALU with the weights of the NALU, tied,
    with which it is compared there: while the gate is undecided, the sum and the product pull one
    weight in two directions.

    **Arguments:** as for `iNALU`, with the same defaults.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `iNALU` does. **Cannot** represent what `iNALU` cannot: a
    quotient by zero, factors smaller than ε, results of a product beyond e^ω.

    **Penalty:** that of `iNALU`, Σ (1/t) mean max(min(-v, v) + t, 0) over Ŵ, M̂ and G with
    t = 20, from 10 % of the training on and fully from 11 %.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size, an unknown initialiser, or an `eps` or `omega`
    that is not positive.

    **Differs from the authors' code in** the sign of units with several inputs and several
    outputs, as described for `iNALU`, together with how the authors train.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import normal
        >>> module = {"w_hat_init": normal(0.88, 0.2), "m_hat_init": normal(0.5, 0.2)}
        >>> key = jax.random.key(0)
        >>> unit = iNALUShared(3, 4, **module, gate_init=normal(0.0, 0.2), key=key)
        >>> unit.weight.shape, unit(jnp.ones(3)).shape
        ((4, 3), (4,))

    ```bibtex
    @article{schloer2020inalu,
        title={{iNALU}: Improved Neural Arithmetic Logic Unit},
        author={Schlör, Daniel and Ring, Markus and Hotho, Andreas},
        journal={Frontiers in Artificial Intelligence},
        volume={3},
        pages={71},
        year={2020},
        doi={10.3389/frai.2020.00071},
    }
    ```
    """

    w_hat: Float[Array, "out in"]
    m_hat: Float[Array, "out in"]
    gate_weight: Float[Array, "out"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    eps: float = eqx.field(static=True)
    omega: float = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = normal(1.0, 0.1),
        m_hat_init: str | Initialiser = normal(-1.0, 0.1),
        gate_init: str | Initialiser = normal(0.0, 0.1),
        eps: float = 1e-7,
        omega: float = 20.0,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        check_positive(eps=eps, omega=omega)
        w_key, m_key, gate_key = jax.random.split(key, 3)
        shape = (out_features, in_features)
        dtype = default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.m_hat = initialiser(m_hat_init)(m_key, shape, dtype)
        self.gate_weight = initialiser(gate_init)(gate_key, (out_features, 1), dtype)[:, 0]
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.omega = omega

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`, of the sum and of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def gate(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch out"]:
        """g = σ(G), `(out_features,)`: 1 where the output is the sum, 0 where the product."""
        return constant_gate(self.gate_weight, x, self.out_features)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self.weight
        a = linear(weight, x)
        m = clamped_log_space_product(weight, x, self.eps, self.omega)
        return mix(self.gate(x), a, m * mixed_sign(weight, x))

    def penalty(self) -> Shaped[Tensor, ""]:
        return saturation(self.w_hat) + saturation(self.m_hat) + saturation(self.gate_weight)

    def penalty_weight(self, progress: Any) -> Any:
        return ramp(progress, 0.1, 0.11)
