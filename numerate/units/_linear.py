"""The linear layer, as a baseline."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_flag, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, linear
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, SUMS, Exact, direct_weights


class Linear(Unit):
    """Linear layer: weighted sums with arbitrary weights, and a constant.

    y = W x + c, where x is the input and W and c are free parameters. It is the baseline of the
    units: a unit without its bias towards arithmetic.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `use_bias`: whether to add the constant c.
    - `w_hat_init`, `bias_init`: initialisers of W and of c, drawn as `(out_features, 1)`: a name
        from `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** every weighted sum of its inputs with a constant. **Cannot** represent a
    product. Nothing drives its weights to integers, so that errors of the weights grow with the
    inputs.

    **Penalty:** none.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: the paper below only names it, as the
    baseline without an activation. The parameter is called `w_hat` as in the units, where `weight`
    is the effective weight.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> inits = {"w_hat_init": constant(2.0), "bias_init": constant(0.5)}
        >>> Linear(2, 1, **inits, key=jax.random.key(0))(jnp.array([3.0, 5.0]))
        Array([16.5], dtype=float32)

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

    represents = Exact(direct_weights(*SUMS), EITHER)

    w_hat: Float[Array, "out in"]
    bias: Float[Array, "out"] | None
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    use_bias: bool = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        w_hat_init: str | Initialiser = "glorot_uniform",
        bias_init: str | Initialiser = "constant",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        check_flag(use_bias=use_bias)
        w_key, bias_key = jax.random.split(key)
        dtype = default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, (out_features, in_features), dtype)
        bias = initialiser(bias_init)(bias_key, (out_features, 1), dtype)[:, 0]
        self.bias = bias if use_bias else None
        self.in_features = in_features
        self.out_features = out_features
        self.use_bias = use_bias

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W, `(out_features, in_features)`."""
        return self.w_hat

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        y = linear(self.weight, x)
        return y if self.bias is None else y + self.bias
