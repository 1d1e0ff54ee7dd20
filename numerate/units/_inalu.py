"""The improved neural arithmetic logic unit, with separate and with shared weights."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_positive, check_sizes, default_float
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
    snapped_logits,
    snapped_parameters,
)
from numerate.units._base import Draw, Unit, drawn_branches
from numerate.units._exact import EITHER, Exact, nac_weights, separate_weights, with_gate


class ImprovedNALU(Unit):
    """Base class of the iNALUs: parameters, gate and schedule. `_drawn_weight` draws Ŵ and M̂."""

    w_hat: Float[Array, "*branches out in"]
    m_hat: Float[Array, "*branches out in"]
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
        shape, dtype = (out_features, in_features), default_float(dtype)
        self.w_hat = self._drawn_weight(initialiser(w_hat_init), w_key, shape, dtype)
        self.m_hat = self._drawn_weight(initialiser(m_hat_init), m_key, shape, dtype)
        self.gate_weight = initialiser(gate_init)(gate_key, (out_features, 1), dtype)[:, 0]
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.omega = omega

    def _drawn_weight(self, draw: Initialiser, key: PRNGKeyArray, shape, dtype) -> Array:
        return draw(key, shape, dtype)

    @property
    def weight(self) -> Shaped[Tensor, "*branches out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`, of the sum and of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        w_hat, m_hat = snapped_parameters(self.w_hat, self.m_hat, tolerance)
        gate = snapped_logits(self.gate_weight, tolerance)
        return {"w_hat": w_hat, "m_hat": m_hat, "gate_weight": gate}

    def gate(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch out"]:
        """g = σ(G), `(out_features,)`: 1 where the output is the sum, 0 where the product."""
        return constant_gate(self.gate_weight, x, self.out_features)

    def penalty_weight(self, progress: Any) -> Any:
        return ramp(progress, 0.11, 0.11)


class iNALU(ImprovedNALU, init=False):
    """Improved NALU: a product with signs and an upper bound, and a gate independent of the input.

    y = g ⊙ a + (1 - g) ⊙ m ⊙ s, with the sum a = W₀ x, the product
    m = exp(min(W₁ log max(|x|, ε), ω)), its sign s_o = Π_i (|W₁_oi| sign(x_i) + 1 - |W₁_oi|)
    clipped to [-1, 1], the gate g = σ(G), and W = tanh(Ŵ) ⊙ σ(M̂). Ŵ, M̂ and W have a leading
    axis of two, the sum and the product; G has one number for each output and does not depend
    on x. σ is the logistic function and ⊙ the elementwise product. `iNALUShared` ties W₀ and W₁.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`, `gate_init`: initialisers of Ŵ, M̂ and G: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`, with
        G as a weight of one input. The default is that of the authors' experiments, means 1, -1 and
        0 with standard deviation 0.1. The default of their module is `normal(0.88, 0.2)`,
        `normal(0.5, 0.2)` and `normal(0.0, 0.2)` of `numerate.initialisers`.
    - `eps`: ε, the lower bound of |x| in the product.
    - `omega`: ω, the upper bound of the logarithm of the product.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any sum and difference of inputs, or any product and quotient of
    inputs, of either sign, because its gate is the same for all inputs; roots of positive inputs. A
    product with a zero is 0. **Cannot** represent a quotient by zero, which is 0 too; a product or
    quotient of inputs smaller than ε, or one beyond e^ω, 4.9e8; the square of an input that occurs
    once, or a coefficient. Training rarely finds quotients: in 0 to 34 % of runs in the authors'
    published experiments.

    **Penalty:** Σ (1/t) mean max(min(-v, v) + t, 0) over the parameters v of the sum and of the
    product, Ŵ and M̂, and over G, with t = 20, from 11 % of the training on: in the authors' code
    from epoch 11 of 0 to 99. It drives all parameters to saturation, away from 0.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size, an unknown initialiser, or an `eps` or `omega`
    that is not positive.

    **Differs from the authors' code in** the sign of units with several inputs and several
    outputs. Theirs reshapes W₁ from (in, out) to (out, in), so that signs use the weights of other
    inputs and outputs; with a single input or output it is right. The published file lacks a
    parenthesis and cannot be imported.

    The training procedure is not part of this unit; see `numerate.recipes`. The authors train with
    RMSProp, rate 0.01, on 64,000 examples in batches of 64 for 100 epochs. They clip every element
    of every gradient to ±0.1. Eight of ten batches update Ŵ and M̂, and two update G. Where the
    loss of the batch is below 1, the penalty has separate steps, clipped separately, of the same
    optimiser with the same accumulators. In every tenth epoch all parameters are redrawn from U(-2,
    2) if there were more than 10,000 losses since the last restart, and the mean of their second
    half is above 1 and not lower than that of the first half by more than its standard deviation.
    The port in bmistry4/nalm-benchmark has the initialisation of the module instead of the
    experiments and Adam with 0.001. It trains Ŵ, M̂ and G together, adds the penalty to the loss,
    so that both are clipped together, starts it after 10,000 of 50,000 steps, uses the validation
    loss, and restarts from its initialiser.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> saturated = {"w_hat_init": constant(50.0), "m_hat_init": constant(50.0)}
        >>> unit = iNALU(2, 1, **saturated, gate_init=constant(-50.0), key=jax.random.key(0))
        >>> unit(jnp.array([-3.0, 5.0])).round(4), unit.penalty()
        (Array([-15.], dtype=float32), Array(0., dtype=float32))

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

    represents = Exact(with_gate(separate_weights("/", "+", "-", "*", "/")), EITHER)

    w_hat: Float[Array, "2 out in"]
    m_hat: Float[Array, "2 out in"]

    def _drawn_weight(self, draw: Initialiser, key: PRNGKeyArray, shape, dtype) -> Array:
        return drawn_branches(draw, jax.random.split(key), shape, dtype)

    @property
    def weight(self) -> Shaped[Tensor, "2 out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(2, out_features, in_features)`: of the sum, of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        sum_weight, product_weight = self.weight
        a = linear(sum_weight, x)
        m = clamped_log_space_product(product_weight, x, self.eps, self.omega)
        return mix(self.gate(x), a, m * mixed_sign(product_weight, x))

    def penalty(self) -> Shaped[Tensor, ""]:
        # The authors sum the means of five parameters; a mean over a pair is half of that of both.
        of_weights = 2 * saturation(self.w_hat) + 2 * saturation(self.m_hat)
        return of_weights + saturation(self.gate_weight)


class iNALUShared(ImprovedNALU, init=False):
    """Improved NALU whose sum and product have the same weights.

    y = g ⊙ a + (1 - g) ⊙ m ⊙ s, with the sum a = W x, the product m = exp(min(W log max(|x|, ε),
    ω)), its sign s_o = Π_i (|W_oi| sign(x_i) + 1 - |W_oi|) clipped to [-1, 1], the gate g = σ(G)
    with one number G for each output, and W = tanh(Ŵ) ⊙ σ(M̂), where σ is the logistic function
    and ⊙ the elementwise product. The paper compares its iNALU with this variant, which has the
    tied weights of the NALU. While the gate is undecided, sum and product pull the same weight in
    two directions.

    **Arguments:** as for `iNALU`, with the same defaults.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `iNALU` does. **Cannot** represent what `iNALU` cannot: a
    quotient by zero, factors smaller than ε, results of a product beyond e^ω.

    **Penalty:** that of `iNALU`, Σ (1/t) mean max(min(-v, v) + t, 0) over Ŵ, M̂ and G with
    t = 20, from 11 % of the training on.

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

    represents = Exact(with_gate(nac_weights("+", "-", "*", "/")), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self.weight
        a = linear(weight, x)
        m = clamped_log_space_product(weight, x, self.eps, self.omega)
        return mix(self.gate(x), a, m * mixed_sign(weight, x))

    def penalty(self) -> Shaped[Tensor, ""]:
        return saturation(self.w_hat) + saturation(self.m_hat) + saturation(self.gate_weight)
