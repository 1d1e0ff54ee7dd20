"""The neural power unit: a product of powers with complex exponents, behind a gate."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, constant, initialiser
from numerate.ops import (
    Tensor,
    absolute_sum,
    complex_power_product,
    namespace,
    staircase,
    straight_through_clip,
)
from numerate.units._base import Draw, DType, Unit, check_eps, check_sizes, default_float


class NPU(Unit):
    """Neural power unit: multiplies and divides powers of its inputs, of either sign.

    y = exp(A log r - B k) ⊙ cos(B log r + A k), the real part of powers of x with the complex
    exponents A + iB. The gate ĝ = g clipped to [0, 1], one number for each input x_i, draws what
    is irrelevant to 1: r_i = ĝ_i (|x_i| + ε) + 1 - ĝ_i and k_i = π ĝ_i [x_i < 0]. ⊙ is the
    elementwise product and [·] 1 if true, else 0.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_real_init`, `w_imag_init`, `gate_init`: how A, B and g start: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default as in the paper: Glorot's, zero and 1/2. The shape of g is `(1, in_features)`.
    - `eps`: ε; `None` is the machine epsilon of x, as in the authors' code.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly**, for inputs well above ε, any product and quotient of powers of
    inputs, with the signs of whole powers; exponents are not bounded. **Cannot** represent a
    sum, a coefficient (but a negative one by the angle of a constant negative input) or a
    zero: the factor of x_i = 0 is that of ε. Nothing draws exponents to whole numbers, and
    the penalty draws them away from ±1 to 0; how the output turns with the angle, cos(A k),
    has many minima on negative inputs.

    **Penalty:** Σ |θ| over A, B and g, times 1e-7, ten times that after 20 % and a hundred
    times after 40 % of the training: the authors' schedule for sums and products, every 10,000
    of 50,000 steps. For quotients they started at 1e-9.

    **Constraint:** none. The gate is clipped in the forward pass, with a gradient that passes
    straight through, so that an input which was shut out can come back.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** nothing we know of nmheim/NeuralArithmetic.jl, whose
    later versions pass the gate's gradient straight through. Early ones, and the port to
    PyTorch in bmistry4/nalm-benchmark, clip it with gradient 0 outside [0, 1], where a gate
    then stays for ever. The paper prints k with its two cases exchanged.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> one = constant(1.0)
        >>> unit = NPU(2, 1, w_real_init=one, gate_init=one, key=jax.random.key(0))
        >>> unit(jnp.array([-3.0, 5.0])).round(4)
        Array([-15.], dtype=float32)

    ```bibtex
    @inproceedings{heim2020neural,
        title={Neural Power Units},
        author={Heim, Niklas and Pevný, Tomáš and Šmídl, Václav},
        booktitle={Advances in Neural Information Processing Systems 33},
        year={2020},
        eprint={2006.01681},
        archivePrefix={arXiv},
    }
    ```
    """

    w_real: Float[Array, "out in"]
    w_imag: Float[Array, "out in"]
    gate_hat: Float[Array, "in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_real_init: str | Initialiser = "glorot_uniform",
        w_imag_init: str | Initialiser = "constant",
        gate_init: str | Initialiser = constant(0.5),
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        real_key, imag_key, gate_key = jax.random.split(key, 3)
        shape, dtype = (out_features, in_features), default_float(dtype)
        self.w_real = initialiser(w_real_init)(real_key, shape, dtype)
        self.w_imag = initialiser(w_imag_init)(imag_key, shape, dtype)
        self.gate_hat = initialiser(gate_init)(gate_key, (1, in_features), dtype)[0]
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "2 out in"]:
        """A and B, `(2, out_features, in_features)`: real and imaginary part of the exponents."""
        return namespace(self.w_real).stack([self.w_real, self.w_imag])

    @property
    def gate(self) -> Shaped[Tensor, "in"]:
        """ĝ, g clipped to [0, 1], `(in_features,)`: which inputs matter to any output."""
        return straight_through_clip(self.gate_hat, 0.0, 1.0)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return complex_power_product(self.w_real, x, self.gate, self.w_imag, self.eps)

    def penalty(self) -> Shaped[Tensor, ""]:
        return absolute_sum(self.w_real) + absolute_sum(self.w_imag) + absolute_sum(self.gate_hat)

    def penalty_weight(self, progress: Any) -> Any:
        return staircase(progress, 1e-7, 1e-5, 0.2)
