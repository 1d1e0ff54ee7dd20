"""The NMRU with sign retrieval: magnitude and sign of a quotient are computed apart."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import (
    Tensor,
    affine_product,
    magnitude,
    namespace,
    ramp,
    reciprocal,
    retrieved_sign,
    sparsity,
)
from numerate.units._base import Draw, DType, Unit, check_sizes, default_float


class SignNMRU(Unit):
    """NMRU with sign retrieval: multiplies and divides its inputs, whatever their signs.

    y_o = s_o Π_j (W_oj |z_j| + 1 - W_oj) with z = [x, 1/x], s_o = cos(π Σ_j W_oj [z_j < 0]) and
    W in [0, 1], where x is the input. The magnitude is an NMRU of positive numbers, whose
    factors never cross zero between the weights 0 and 1, and s is the sign of a product once W
    is 0 or 1 everywhere.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`: how W starts, as for `NMRU`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `NMRU` does: any product and quotient of distinct inputs, with
    negative numbers; a factor may be zero. **Cannot** represent what `NMRU` cannot: a power of
    an input it sees once, a coefficient, a sum. A divisor of 0 gives 0.

    **Penalty:** R = mean min(W, 1 - W), times 10, from 40 % of the training on and fully from
    70 %.

    **Constraint:** W is clipped to [0, 1] after every step, and not in the forward pass.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** the reciprocal, as `NMRU` does: theirs is 1/(x + ε) in
    training, with the sign of x + ε, and infinite at 0 otherwise.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> import equinox as eqx
        >>> unit = SignNMRU(2, 1, key=jax.random.key(0))
        >>> quotient = jnp.array([[[1.0, 0.0]], [[0.0, 1.0]]])
        >>> eqx.tree_at(lambda u: u.w_hat, unit, quotient)(jnp.array([-3.0, 4.0]))
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

    w_hat: Float[Array, "2 out in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nmu",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        shape, dtype = (out_features, in_features), default_float(dtype)
        draw = initialiser(w_hat_init)
        self.w_hat = jnp.stack([draw(k, shape, dtype) for k in jax.random.split(key)])
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "2 out in"]:
        """W, `(2, out_features, in_features)`: which inputs are factors, and which divisors."""
        return self.w_hat

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        xp = namespace(x)
        factors, divisors = self.weight
        weight = xp.concatenate([factors, divisors], axis=-1)
        z = xp.concatenate([x, reciprocal(x)], axis=-1)
        return affine_product(weight, magnitude(z)) * retrieved_sign(weight, z)

    def penalty(self) -> Shaped[Tensor, ""]:
        return sparsity(self.weight)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"w_hat": (0.0, 1.0)}
