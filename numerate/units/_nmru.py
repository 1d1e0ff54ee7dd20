"""The neural multiplicative reciprocal unit, with and without sign retrieval."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_sizes, default_float
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
from numerate.units._base import Draw, Unit, drawn_branches
from numerate.units._exact import EITHER, OPERATIONS, Exact, Parameters


def _reciprocal_weights(*operations: str) -> dict[str, Parameters]:
    """The weights of factors and of divisors."""
    exponents = {o: np.array(OPERATIONS[o], float) for o in operations}
    return {o: {"w_hat": [[np.maximum(e, 0)], [np.maximum(-e, 0)]]} for o, e in exponents.items()}


class ReciprocalUnit(Unit):
    """Base class of the NMRUs: weights in [0, 1] of the inputs and of their reciprocals, z = [x,
    1/x]."""

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
        keys, shape = jax.random.split(key), (out_features, in_features)
        self.w_hat = drawn_branches(initialiser(w_hat_init), keys, shape, default_float(dtype))
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "2 out in"]:
        """W, `(2, out_features, in_features)`: which inputs are factors, and which divisors."""
        return self.w_hat

    def _weight_of_z(self) -> Shaped[Tensor, "out zs"]:
        factors, divisors = self.weight
        return namespace(factors).concatenate([factors, divisors], axis=-1)

    def penalty(self) -> Shaped[Tensor, ""]:
        return sparsity(self.weight)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"w_hat": (0.0, 1.0)}


class NMRU(ReciprocalUnit, init=False):
    """Neural multiplicative reciprocal unit: multiplies and divides its inputs.

    y_o = Π_i (W⁰_oi x_i + 1 - W⁰_oi) (W¹_oi / x_i + 1 - W¹_oi), where x is the input and all
    weights lie in [0, 1]: W⁰ selects factors and W¹ divisors. It is an NMU of the 2 · in features
    z = [x, 1/x], so that division is a choice of weights in {0, 1}.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`: initialiser of W: a name from `numerate.initialisers.INITIALISERS` or a function
        `(key, shape, dtype) -> array`, which draws W⁰ and W¹ independently, each with the shape
        `(out_features, in_features)`. By default that of the authors' code, `"nmu"`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any product and quotient of distinct inputs, with negative numbers;
    a factor may be zero. **Cannot** represent a power of an input that occurs once, a coefficient
    or a sum. A divisor of 0 gives 0 (see `numerate.ops.reciprocal`). The weights of a formula are
    not unique: an input that is a factor and a divisor cancels, x · 1/x = 1. Training on divisors
    of both signs is hard, since 1/x jumps between ±∞ at 0; use `SignNMRU` for these. Value and
    gradients are finite if no product of some of the factors overflows, also with one factor
    replaced by its derivative: x_i - 1, 1/x_i - 1, W⁰_oi, or W¹_oi/x_i², which is at most 2e37 in
    float32, where only another factor of 16 fits.

    **Penalty:** R = mean min(W, 1 - W), times 10, from 40 % of the training on and fully from
    70 % (for two inputs 20,000 and 35,000 of 50,000 steps).

    **Constraint:** W is clipped to [0, 1] after every step, and not in the forward pass.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** the reciprocal. Theirs is 1/(x + ε) in training, with ε
    the machine epsilon of float32, which is infinite at x = -ε and has a relative error of ε/x
    elsewhere, and 1/x in evaluation, infinite at 0. Here both are 1/x, exact to rounding and finite
    at 0.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> import equinox as eqx
        >>> unit = NMRU(2, 1, key=jax.random.key(0))
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

    represents = Exact(_reciprocal_weights("*", "/"), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        z = namespace(x).concatenate([x, reciprocal(x)], axis=-1)
        return affine_product(self._weight_of_z(), z)


class SignNMRU(ReciprocalUnit, init=False):
    """NMRU with sign retrieval: multiplies and divides inputs of any sign.

    y_o = s_o Π_j (W_oj |z_j| + 1 - W_oj) with z = [x, 1/x], s_o = cos(π Σ_j W_oj [z_j < 0]) and
    W in [0, 1], where x is the input. The magnitude is an NMRU of positive numbers, whose
    factors never cross zero between the weights 0 and 1, and s is the sign of the product if all W
    are 0 or 1.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`: initialiser of W, as for `NMRU`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** what `NMRU` does: any product and quotient of distinct inputs, with
    negative numbers; a factor may be zero. **Cannot** represent what `NMRU` cannot: a power of
    an input that occurs once, a coefficient, a sum. A divisor of 0 gives 0. Value and gradients are
    finite where those of `NMRU` of |x| are.

    **Penalty:** R = mean min(W, 1 - W), times 10, from 40 % of the training on and fully from
    70 %.

    **Constraint:** W is clipped to [0, 1] after every step, and not in the forward pass.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** the reciprocal, as `NMRU` does: theirs is 1/(x + ε) in
    training, with the sign of x + ε, and infinite at 0 in evaluation.

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

    represents = Exact(_reciprocal_weights("*", "/"), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self._weight_of_z()
        z = namespace(x).concatenate([x, reciprocal(x)], axis=-1)
        return affine_product(weight, magnitude(z)) * retrieved_sign(weight, z)
