"""The neural arithmetic logic unit."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import linear, log_space_product, mix, nac_weight, sigmoid_gate
from numerate.units._base import Unit, check_sizes


class NALU(Unit):
    """Neural arithmetic logic unit: a gate between a sum and a product with the same weights."""

    w_hat: Float[Array, "out in"]
    m_hat: Float[Array, "out in"]
    gate_weight: Float[Array, "out in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype=None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, m_key, gate_key = jax.random.split(key, 3)
        shape = (out_features, in_features)
        dtype = dtype or jnp.result_type(float)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.m_hat = initialiser(m_hat_init)(m_key, shape, dtype)
        self.gate_weight = initialiser(gate_init)(gate_key, shape, dtype)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps

    @property
    def weight(self) -> Float[Array, "out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`, of the sum and of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def gate(self, x: Float[Array, "in"]) -> Float[Array, "out"]:
        """g = σ(G x), `(out_features,)`: 1 where the output is the sum, 0 where the product."""
        return sigmoid_gate(self.gate_weight, x)

    def __call__(
        self, x: Float[Array, "in"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "out"]:
        weight = self.weight
        a = linear(weight, x)
        m = log_space_product(weight, x, self.eps)
        return mix(self.gate(x), a, m)
