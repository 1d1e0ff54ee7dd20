"""The neural reciprocal unit: a product of signed powers, each mixed with 1."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import (
    Tensor,
    magnitude,
    ramp,
    selected_power_product,
    sparsity,
    steep_magnitude,
)
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, Exact, direct_weights


class NRU(Unit):
    """Neural reciprocal unit: multiplies and divides its inputs.

    y_o = Π_i (sign(x_i) |x_i|^W_oi |W_oi| + 1 - |W_oi|) with W_oi in [-1, 1], where x is the input:
    a weight of 1 makes x_i a factor, -1 a divisor, and 0 excludes it. In training both |W| outside
    the exponent are replaced by tanh(1000 W)², which is 1 except for very small weights, so that
    powers with intermediate exponents are not mixed with 1.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`: initialiser of W: a name from `numerate.initialisers.INITIALISERS` or a function
        `(key, shape, dtype) -> array`. By default that of the authors' code, `"nau"`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`. A call with a `key` is in training mode.

    **Represents exactly** any product and quotient of distinct inputs, with negative numbers;
    a factor may be zero. **Cannot** represent a power of an input that occurs once other than 1
    and -1 (at other weights the power is mixed with 1), a coefficient or a sum. A divisor of 0
    gives 0 (see `numerate.ops.signed_power`). Training on negative inputs is hard: their factor
    crosses zero between the weights 0 and ±1, and jumps in training. Value and gradients are finite
    if no product of some of the factors overflows, also with one factor replaced by its derivative:
    by W, |x_i|^W_oi log |x_i|, and by x, |x_i|^W_oi/x_i, which for a divisor is at most 2e37 in
    float32, where only another factor of 16 fits.

    **Penalty:** R = mean min(|W|, 1 - |W|), times 10, from 40 % of the training on and fully
    from 70 %.

    **Constraint:** W is clipped to [-1, 1] after every step, and not in the forward pass.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** the power of small numbers: below 2e-19 (in float32)
    it is linear in x, where theirs has infinite values and NaN gradients at 0.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> import equinox as eqx
        >>> unit = NRU(2, 1, key=jax.random.key(0))
        >>> eqx.tree_at(lambda u: u.w_hat, unit, jnp.array([[1.0, -1.0]]))(jnp.array([-3.0, 4.0]))
        Array([-0.75], dtype=float32)

    ```bibtex
    @article{mistry2022exploring,
        title={Exploring the Learning Mechanisms of Neural Division Modules},
        author={Mistry, Bhumika and Farrahi, Katayoun and Hare, Jonathon},
        journal={Transactions on Machine Learning Research},
        year={2022},
        eprint={2110.05177},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(direct_weights("*", "/"), EITHER)

    w_hat: Float[Array, "out in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        shape = (out_features, in_features)
        self.w_hat = initialiser(w_hat_init)(key, shape, default_float(dtype))
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W, `(out_features, in_features)`: the exponents, whose magnitudes select inputs."""
        return self.w_hat

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self.weight
        selected = magnitude(weight) if draw is None else steep_magnitude(weight)
        return selected_power_product(weight, selected, x)

    def penalty(self) -> Shaped[Tensor, ""]:
        return sparsity(self.weight)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"w_hat": (-1.0, 1.0)}
