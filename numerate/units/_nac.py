"""The neural accumulator."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import linear, nac_weight
from numerate.units._base import Unit, check_sizes


class NAC(Unit):
    """Neural accumulator: sums and differences of the inputs."""

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
        dtype=None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, m_key = jax.random.split(key)
        shape = (out_features, in_features)
        dtype = dtype or jnp.result_type(float)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.m_hat = initialiser(m_hat_init)(m_key, shape, dtype)
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Float[Array, "out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`."""
        return nac_weight(self.w_hat, self.m_hat)

    def __call__(
        self, x: Float[Array, "in"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "out"]:
        return linear(self.weight, x)
