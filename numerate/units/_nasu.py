"""numerate's own unit: a sum and a product that train in parallel, selected by validation error."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import (
    Tensor,
    affine_product,
    bounded,
    linear,
    magnitude,
    namespace,
    odd,
    ramp,
    reciprocal,
    sparsity,
)
from numerate.units._base import Draw, Unit, drawn_branches
from numerate.units._exact import EITHER, OPERATIONS, SUMS, Exact, Parameters

ALTERNATIVES = ("sum", "snapped sum", "product", "snapped product")
NOT_CHOSEN = -2  # computes the sum, not snapped, until one is chosen


def _selection(*operations: str) -> dict[str, Parameters]:
    """One branch is chosen; the weights of the other are integers too."""
    found: dict[str, Parameters] = {}
    for operation in operations:
        a, b = OPERATIONS[operation]
        if operation in SUMS:
            sums = {"sum_hat": [[a, b]], "product_hat": [[[1, 0]], [[0, 0]]], "choice": [0]}
            found[operation] = sums
        else:
            factors = [[[1, max(b, 0)]], [[0, max(-b, 0)]]]
            found[operation] = {"sum_hat": [[1, 0]], "product_hat": factors, "choice": [2]}
    return found


class NASU(Unit):
    """Neural arithmetic selection unit: learns + − × ÷ without knowing the operation.

    Two branches with separate weights: a sum a = S x with S in [-1, 1], as in `NAU`, and a product
    m_o = s_o Π_j (P_oj |z_j| + 1 - P_oj) of z = [x, 1/x] with P in [0, 1], as in `SignNMRU`. Its
    sign s_o includes that of x_i where the two weights of x_i, rounded, add up to an odd number.
    Each branch can be used as it is or snapped, with its weights rounded to integers. y_o is one of
    these four alternatives, given by `choice_o`. Before one is chosen it is the sum, and evaluation
    raises a warning.

    The sign has no gradient. That of the SignNMRU is a cosine, which makes the product vanish where
    the weights of negative inputs add up to one half; if targets are small, as on U[-0.2, -0.1],
    half of its seeds converge there and stay until the penalty moves them.

    There is no trainable gate. In training every example uses a random branch for each output, with
    equal probability, so that both learn from their own errors. The branch is selected by the error
    on validation data: by `train` and `train_many` at every measurement, by
    `numerate.train.select`, by `numerate.torch.select_branches`, and by the callback
    `numerate.keras.SelectBranches`. A sigmoid gate learns from the same gradient as the branches
    that it mixes, and in published runs it selects the right one in 22 % to 62 % of seeds.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `sum_init`, `product_init`: initialisers of S and P: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`. A call with a `key` is in training mode.

    **Represents exactly** any sum and difference of inputs, and any product and quotient of
    distinct inputs, on either side of zero. **Cannot** represent a sum and a product in one
    output, a coefficient beyond ±1, a constant, or a square of an input that occurs once; 1/0 is 0.
    Value and gradients are finite if a sum was chosen; in training, or if a product was chosen,
    where those of `SignNMRU` are.

    **Penalty:** mean min(|S|, 1 - |S|) / 100 + 10 mean min(P, 1 - P), from 40 % of the training
    on and fully from 70 %. Snapping rarely depends on it.

    **Constraint:** S is clipped to [-1, 1] and P to [0, 1] after every step.

    **Raises:** `ValueError` for a negative size, an unknown initialiser or, from `chosen`, an
    unknown output or alternative.

    **Differs from the authors' code in** nothing: it is ours. It differs from its parts, the NAU
    and the SignNMRU, in their parallel training, in snapping, and in the sign.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> ones = {"sum_init": constant(0.9), "product_init": constant(0.0)}
        >>> unit = NASU(2, 1, **ones, key=jax.random.key(0))
        >>> x = jnp.array([3.0, 5.0])
        >>> [round(float(unit.chosen(0, a)(x)[0]), 4) for a in range(4)]
        [7.2, 8.0, 1.0, 1.0]

    ```bibtex
    @software{numerate,
        title={numerate: neural arithmetic that is exact, extrapolates, and is fast enough to
               trust},
        author={{The numerate developers}},
        year={2026},
    }
    ```
    """

    represents = Exact(_selection("+", "-", "*", "/"), EITHER)

    sum_hat: Float[Array, "out in"]
    product_hat: Float[Array, "2 out in"]
    choice: Int[Array, "out"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        sum_init: str | Initialiser = "nau",
        product_init: str | Initialiser = "nmu",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        shape, dtype = (out_features, in_features), default_float(dtype)
        keys = jax.random.split(key, 3)
        self.sum_hat = initialiser(sum_init)(keys[0], shape, dtype)
        self.product_hat = drawn_branches(initialiser(product_init), keys[1:], shape, dtype)
        self.choice = jnp.full(out_features, NOT_CHOSEN, jnp.int32)
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "3 out in"]:
        """S, and P of x and of 1/x, `(3, out_features, in_features)`; integers where snapped."""
        return namespace(self.sum_hat).stack(self._weights())

    def _weights(self) -> list[Tensor]:
        xp = namespace(self.sum_hat)
        snapped = (self.choice % 2 == 1)[:, None]
        free = (bounded(self.sum_hat, -1.0, 1.0), self.product_hat[0], self.product_hat[1])
        return [xp.where(snapped, xp.round(weight), weight) for weight in free]

    @property
    def operation(self) -> tuple[str, ...]:
        """The chosen alternative of each output, such as `"snapped product"`; without seed axis."""
        return tuple(ALTERNATIVES[c] if c >= 0 else "not chosen" for c in map(int, self.choice))

    @property
    def is_chosen(self) -> bool:
        choice = namespace(self.choice).known(self.choice)
        return choice is None or bool((choice >= 0).all())

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        xp = namespace(x)
        if draw is None:
            (of_sum, factors, divisors), is_sum = self._weights(), self.choice < 2
            # An empty product where a sum is chosen: an overflowing product would make the
            # gradients of the sum NaN.
            factors = xp.where(is_sum[:, None], 0.0, factors)
            divisors = xp.where(is_sum[:, None], 0.0, divisors)
        else:
            of_sum, (factors, divisors) = bounded(self.sum_hat, -1.0, 1.0), self.product_hat
            is_sum = draw(self.out_features) < 0.5
        size = magnitude(x)
        # 1/x is negative where x is, so one sign serves both.
        sign = affine_product(odd(factors + divisors), xp.sign(x))
        product = affine_product(factors, size) * affine_product(divisors, reciprocal(size)) * sign
        return xp.where(is_sum, linear(of_sum, x), product)

    def penalty(self) -> Shaped[Tensor, ""]:
        return 1e-3 * sparsity(self.sum_hat) + sparsity(self.product_hat)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"sum_hat": (-1.0, 1.0), "product_hat": (0.0, 1.0)}

    def choices(self) -> tuple[int, ...]:
        return (len(ALTERNATIVES),) * self.out_features

    def chosen(self, index: int, alternative: int) -> "NASU":
        if not (0 <= index < self.out_features and 0 <= alternative < len(ALTERNATIVES)):
            raise ValueError(
                f"index must be one of {self.out_features} outputs and alternative one of "
                f"{len(ALTERNATIVES)}, got {index} and {alternative}"
            )
        return eqx.tree_at(lambda u: u.choice, self, self.choice.at[index].set(alternative))
