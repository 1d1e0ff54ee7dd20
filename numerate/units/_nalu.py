"""The neural arithmetic logic unit, in three interpretations of its paper."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_eps, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import (
    Tensor,
    linear,
    log_space_product,
    mix,
    nac_weight,
    sigmoid_gate,
    snapped_parameters,
)
from numerate.units._base import Draw, Unit, drawn_branches
from numerate.units._exact import (
    OPERATIONS,
    POSITIVE,
    Exact,
    nac_weights,
    separate_weights,
    with_input_gate,
)


class NALUParameters(Unit):
    """Base class of the NALUs: the weights tanh(Ŵ) ⊙ σ(M̂), a gate G and ε.

    A variant whose parameters have other shapes draws them in `_drawn_weight` or `_drawn_gate`.
    """

    w_hat: Float[Array, "*branches out in"]
    m_hat: Float[Array, "*branches out in"]
    gate_weight: Float[Array, "..."]
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
        shape, dtype = (out_features, in_features), default_float(dtype)
        self.w_hat = self._drawn_weight(initialiser(w_hat_init), w_key, shape, dtype)
        self.m_hat = self._drawn_weight(initialiser(m_hat_init), m_key, shape, dtype)
        self.gate_weight = self._drawn_gate(initialiser(gate_init), gate_key, shape, dtype)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    def _drawn_weight(self, draw: Initialiser, key: PRNGKeyArray, shape, dtype) -> Array:
        return draw(key, shape, dtype)

    def _drawn_gate(self, draw: Initialiser, key: PRNGKeyArray, shape, dtype) -> Array:
        return draw(key, shape, dtype)

    @property
    def weight(self) -> Shaped[Tensor, "*branches out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`, of the sum and of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        parameters = snapped_parameters(self.w_hat, self.m_hat, tolerance)
        return dict(zip(("w_hat", "m_hat"), parameters, strict=True))


class NALU(NALUParameters, init=False):
    """Neural arithmetic logic unit: a gate between a sum and a product with the same weights.

    y = g ⊙ a + (1 - g) ⊙ m, with a = W x, m = exp(W log(|x| + ε)), g = σ(G x) and
    W = tanh(Ŵ) ⊙ σ(M̂), where x is the input, Ŵ, M̂ and G are free parameters, σ is the logistic
    function and ⊙ the elementwise product. The weights W of the sum a and of the product m are
    tied, as in the caption of the paper's figure 2, and G has the shape of W: one gate for each
    output, as in its equation. `NALUUntied` and `NALUScalarGate` are the other interpretations.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`, `gate_init`: initialisers of Ŵ, M̂ and G: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`.
        The paper gives none; the default is that of `NAC`, and for G what most public
        implementations use: the gate starts near 1/2, so that both branches learn.
    - `eps`: ε, which the paper does not specify. `None` is the machine epsilon of x.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** a sum or difference of inputs, or a product or quotient of positive
    inputs and their roots, where G x is so large that the gate is saturated. **Cannot** represent
    one operation on both sides of zero: without a bias g(-x) = 1 - g(x), so a gate that adds for x
    multiplies for -x, and at x = 0 it averages both. It cannot represent a negative or zero product
    either. A product that overflows makes y NaN even where the gate excludes it, as in the
    equation. Gradients are finite if m log(|x_i| + ε), m/(|x_i| + ε) and g (1 - g) (a - m) x_i do
    not overflow.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] for all Ŵ and M̂.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: they published none. Public
    implementations differ from each other: ε is 1e-7 (AndreasMadsen/stable-nalu,
    titu1994/keras-neural-alu, domluna/NeuralArithmetic), 1e-8 (arthurdouillard/nalu.pytorch, whose
    gate is a scalar), 1e-10 (kevinzakka/NALU-pytorch) or 1e-12 (Nilabhra/NALU, whose gate ignores
    the input).

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = NALU(2, 1, key=jax.random.key(0))
        >>> x = jnp.array([3.0, 5.0])
        >>> unit(x).shape, unit.weight.shape, unit.gate(x).shape
        ((1,), (1, 2), (1,))

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

    represents = Exact(with_input_gate(nac_weights(*OPERATIONS)), POSITIVE)

    def gate(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch out"]:
        """g = σ(G x), `(out_features,)`: 1 where the output is the sum, 0 where the product."""
        return sigmoid_gate(self.gate_weight, x)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self.weight
        a = linear(weight, x)
        m = log_space_product(weight, x, self.eps)
        return mix(self.gate(x), a, m)


class NALUScalarGate(NALUParameters, init=False):
    """NALU whose outputs share one gate: all of them are sums, or all are products.

    y = g a + (1 - g) m, with a = W x, m = exp(W log(|x| + ε)), W = tanh(Ŵ) ⊙ σ(M̂) and the scalar
    g = σ(G x), where G is a row vector. This is the paper's figure 2(b), which shows three gate
    parameters for a unit 3→4, where the equation has twelve. x, Ŵ, M̂, ε, the logistic function σ
    and the elementwise product ⊙ are as in `NALU`.

    **Arguments:** as for `NALU`; `gate_init` draws G with the shape `(1, in_features)`.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `NALU` does. **Cannot** represent what `NALU` cannot, nor add in
    one output and multiply in another. Value and gradients are finite where those of `NALU` are.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] for all Ŵ and M̂.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: they published none. Public
    implementations with a scalar gate are arthurdouillard/nalu.pytorch and the "vector" NALU of
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

    represents = Exact(with_input_gate(nac_weights(*OPERATIONS)), POSITIVE)

    gate_weight: Float[Array, "1 in"]

    def _drawn_gate(self, draw: Initialiser, key: PRNGKeyArray, shape, dtype) -> Array:
        return draw(key, (1, shape[1]), dtype)

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


class NALUUntied(NALUParameters, init=False):
    """NALU whose sum and product have separate weights.

    y = g ⊙ a + (1 - g) ⊙ m, with a = W₀ x, m = exp(W₁ log(|x| + ε)), g = σ(G x) and
    W = tanh(Ŵ) ⊙ σ(M̂), where Ŵ, M̂ and W have a leading axis of two: the sum and the product.
    x, G, ε, the logistic function σ and the elementwise product ⊙ are as in `NALU`.
    The paper ties the two. Untied, sum and product no longer pull the same weight in two directions
    while the gate is undecided.

    **Arguments:** as for `NALU`; `w_hat_init` and `m_hat_init` draw the weights of the sum and
    of the product independently, each with the shape `(out_features, in_features)`.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `NALU` does. **Cannot** represent what `NALU` cannot: one
    operation on both sides of zero, a negative product, a zero product. Value and gradients are
    finite where those of `NALU` are.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] for all Ŵ and M̂.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** the separate weights, which the paper ties. It is the
    option `nalu_two_nac` of AndreasMadsen/stable-nalu.

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

    represents = Exact(with_input_gate(separate_weights("sqrt", *OPERATIONS)), POSITIVE)

    w_hat: Float[Array, "2 out in"]
    m_hat: Float[Array, "2 out in"]

    def _drawn_weight(self, draw: Initialiser, key: PRNGKeyArray, shape, dtype) -> Array:
        return drawn_branches(draw, jax.random.split(key), shape, dtype)

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
