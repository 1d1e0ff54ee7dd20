"""The signed neural arithmetic logic unit: a product with the sign of all inputs."""

from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser
from numerate.ops import (
    Tensor,
    constant_gate,
    linear,
    log_space_product,
    mix,
    sign_product,
    snapped_logits,
)
from numerate.units._base import Draw
from numerate.units._exact import EITHER, Exact, nac_weights, with_gate
from numerate.units._nalu import NALUParameters


class SNALU(NALUParameters, init=False):
    """Signed NALU: a product with the sign of all inputs, and a gate independent of the input.

    y = g ⊙ a + (1 - g) ⊙ m s, with the sum a = W x, the product m = exp(W log(|x| + ε)), the
    sign s = Π_i sign(x_i) over all inputs, the gate g = σ(G), and W = tanh(Ŵ) ⊙ σ(M̂). G is one
    number for all outputs, σ is the logistic function and ⊙ the elementwise product.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`, `gate_init`: initialisers of Ŵ, M̂ and G: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`, with
        G as a weight of one input and one output. The author's code uses Glorot's for all three.
    - `eps`: ε; `None` is the machine epsilon of x. The author's code has 1e-8.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any sum and difference of inputs, or the product or quotient of all of
    them, of either sign, if the exponent of every negative input is odd. **Cannot** represent a
    product without an input that may be negative or zero: its sign counts although its weight is 0,
    and makes the result wrong by a factor of -1 or 0. It cannot represent a quotient by zero, which
    is 0, or an output that adds while another multiplies. A product that overflows makes y
    infinite, or NaN where the gate or the sign excludes it. Gradients are finite if m
    log(|x_i| + ε) and m/(|x_i| + ε) do not overflow. The author reports that 10 to 20 % of seeds
    fail.

    **Penalty:** none.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** ε, and in taking examples with any axes before the
    last: theirs always multiplies the signs over the second axis. `iNALU` weights the signs by W.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> saturated = {"w_hat_init": constant(50.0), "m_hat_init": constant(50.0)}
        >>> unit = SNALU(2, 1, **saturated, gate_init=constant(-50.0), key=jax.random.key(0))
        >>> unit(jnp.array([-3.0, 5.0])).round(4)
        Array([-15.], dtype=float32)

    ```bibtex
    @misc{wilhelm_snalu,
        title={{snalu.pytorch}: Signed Neural Arithmetic Logic Units},
        author={Wilhelm, Florian},
        howpublished={Software},
        year={2018},
        url={https://github.com/FlorianWilhelm/snalu.pytorch},
    }
    ```
    """

    represents = Exact(with_gate(nac_weights("+", "-", "*", "/")), EITHER)

    gate_weight: Float[Array, "1"]

    def _drawn_gate(self, draw: Initialiser, key: PRNGKeyArray, shape, dtype) -> Array:
        return draw(key, (1, 1), dtype)[:, 0]

    def gate(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch out"]:
        """g = σ(G), `(out_features,)`, all equal: 1 if y is the sums, 0 if the products."""
        return constant_gate(self.gate_weight, x, self.out_features)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        gate = snapped_logits(self.gate_weight, tolerance)
        return {**super().whole_parameters(tolerance), "gate_weight": gate}

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self.weight
        a = linear(weight, x)
        m = log_space_product(weight, x, self.eps)
        return mix(self.gate(x), a, m * sign_product(x))
