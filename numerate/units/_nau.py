"""The neural addition unit: a sum whose weights are clipped and driven to -1, 0 and 1."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, bounded, linear, ramp, sparsity
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, SUMS, Exact, direct_weights


class NAU(Unit):
    """Neural addition unit: adds and subtracts its inputs.

    y = W x with W = Ŵ clipped to [-1, 1], where x is the input and Ŵ the free parameter. There
    is no bias.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`: initialiser of Ŵ: a name from `numerate.initialisers.INITIALISERS` or a function
        `(key, shape, dtype) -> array`. By default that of the authors' code, `"nau"`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any sum and difference of inputs, with zeros and negative numbers, at
    weights that training can reach: -1 and 1 are ends of a closed interval, not limits. **Cannot**
    represent a coefficient beyond ±1, a constant term, or any product.

    **Penalty:** R = mean min(|W|, 1 - |W|), times 0.01, from 40 % of the training on and fully
    from 70 % (for two inputs 20,000 and 35,000 of 50,000 steps). A stronger penalty prevents
    learning sums: the success rate falls from 100 % to 44 % at a factor of 10.

    **Constraint:** Ŵ is clipped to [-1, 1] after every step.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** the gradient at ±1, which is 1 on every backend. Their
    code also clips in the forward pass, as here; that of Heim et al. (2020) does not clip at all.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> unit = NAU(2, 1, w_hat_init=constant(1.0), key=jax.random.key(0))
        >>> unit(jnp.array([3.0, 5.0])), unit.penalty()
        (Array([8.], dtype=float32), Array(0., dtype=float32))

    ```bibtex
    @inproceedings{madsen2020neural,
        title={Neural Arithmetic Units},
        author={Madsen, Andreas and Johansen, Alexander Rosenberg},
        booktitle={International Conference on Learning Representations},
        year={2020},
        eprint={2001.05016},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(direct_weights(*SUMS), EITHER)

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
        """W, Ŵ clipped to [-1, 1], `(out_features, in_features)`."""
        return bounded(self.w_hat, -1.0, 1.0)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return linear(self.weight, x)

    def penalty(self) -> Shaped[Tensor, ""]:
        return sparsity(self.weight)

    def penalty_weight(self, progress: Any) -> Any:
        return 0.01 * ramp(progress, 0.4, 0.7)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"w_hat": (-1.0, 1.0)}
