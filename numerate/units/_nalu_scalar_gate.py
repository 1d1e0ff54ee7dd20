"""The neural arithmetic logic unit with one gate for all its outputs."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, linear, log_space_product, mix, nac_weight, sigmoid_gate
from numerate.units._base import Draw, DType, Unit, check_eps, check_sizes, default_float


class NALUScalarGate(Unit):
    """NALU whose outputs share one gate: all of them are sums, or all are products.

    y = g a + (1 - g) m, with a = W x, m = exp(W log(|x| + ε)), W = tanh(Ŵ) ⊙ σ(M̂) and the
    scalar g = σ(G x), where G is a row vector: the reading of the paper's figure 2(b), which
    draws three gate parameters for a unit 3→4, where its equation has twelve. x, Ŵ, M̂, ε, the
    logistic function σ and the elementwise product ⊙ are as in `NALU`.

    **Arguments:** as for `NALU`; `gate_init` draws G with the shape `(1, in_features)`.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `NALU` does. **Cannot** represent what `NALU` cannot, nor add in
    one output and multiply in another.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] whatever Ŵ and M̂ are.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: they published none. Public codes
    with a scalar gate are arthurdouillard/nalu.pytorch and the "vector" NALU of
    daschloer/inalu.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = NALUScalarGate(3, 4, key=jax.random.key(0))
        >>> unit.gate_weight.shape, unit(jnp.ones(3)).shape
        ((1, 3), (4,))

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

    w_hat: Float[Array, "out in"]
    m_hat: Float[Array, "out in"]
    gate_weight: Float[Array, "1 in"]
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
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.m_hat = initialiser(m_hat_init)(m_key, shape, dtype)
        self.gate_weight = initialiser(gate_init)(gate_key, (1, in_features), dtype)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`, of the sum and of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def gate(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch 1"]:
        """g = σ(G x), `(1,)`: 1 where the outputs are the sums, 0 where the products."""
        return sigmoid_gate(self.gate_weight, x)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self.weight
        a = linear(weight, x)
        m = log_space_product(weight, x, self.eps)
        return mix(self.gate(x), a, m)
