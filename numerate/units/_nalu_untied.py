"""The neural arithmetic logic unit with separate weights for its sum and its product."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, linear, log_space_product, mix, nac_weight, sigmoid_gate
from numerate.units._base import Draw, DType, Unit, check_eps, check_sizes, default_float


class NALUUntied(Unit):
    """NALU whose sum and product each have weights of their own.

    y = g ⊙ a + (1 - g) ⊙ m, with a = W₀ x, m = exp(W₁ log(|x| + ε)), g = σ(G x) and
    W = tanh(Ŵ) ⊙ σ(M̂), where Ŵ, M̂ and W have a leading axis of two: the sum and the product.
    x, G, ε, the logistic function σ and the elementwise product ⊙ are as in `NALU`.
    The paper ties the two; untied they no longer pull one weight in two directions while the
    gate is undecided.

    **Arguments:** as for `NALU`; `w_hat_init` and `m_hat_init` draw the weights of the sum and
    of the product independently, each with the shape `(out_features, in_features)`.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `NALU` does. **Cannot** represent what `NALU` cannot: one
    operation on both sides of zero, a negative product, a zero product.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] whatever Ŵ and M̂ are.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** being this variant: the paper's weights are tied.
    It is the option `nalu_two_nac` of AndreasMadsen/stable-nalu.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = NALUUntied(3, 4, key=jax.random.key(0))
        >>> unit.weight.shape, unit(jnp.ones(3)).shape
        ((2, 4, 3), (4,))

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

    w_hat: Float[Array, "2 out in"]
    m_hat: Float[Array, "2 out in"]
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
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, m_key, gate_key = jax.random.split(key, 3)
        shape = (out_features, in_features)
        dtype = default_float(dtype)
        draw_w, draw_m = initialiser(w_hat_init), initialiser(m_hat_init)
        self.w_hat = jnp.stack([draw_w(k, shape, dtype) for k in jax.random.split(w_key)])
        self.m_hat = jnp.stack([draw_m(k, shape, dtype) for k in jax.random.split(m_key)])
        self.gate_weight = initialiser(gate_init)(gate_key, shape, dtype)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "2 out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(2, out_features, in_features)`: of the sum, of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def gate(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch out"]:
        """g = σ(G x), `(out_features,)`: 1 where the output is the sum, 0 where the product."""
        return sigmoid_gate(self.gate_weight, x)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        sum_weight, product_weight = self.weight
        a = linear(sum_weight, x)
        m = log_space_product(product_weight, x, self.eps)
        return mix(self.gate(x), a, m)
