"""The neural status register: compares two of its inputs, at any magnitude."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_positive, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, linear, namespace, selection, snapped_selection
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, Exact


class NSR(Unit):
    """Neural status register: the truth value of a comparison of two inputs, between 0 and 1.

    p_o = σ(c_o + Σ_r (S_or s_or + Z_or z_or)), where register r of output o selects two operands
    from the input x, (u, v)_or = softmax(Ŵ)_or x, and computes from their difference a sign bit
    s = tanh(ζ (u - v)/scale) and a zero bit z = 1 - 2 s². Ŵ, S, Z and c are free parameters and σ
    is the logistic function. If operands are equal, s is 0 and z is 1; if they differ by several
    multiples of `scale`/ζ, s is ±1 and z is -1.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and p; 0 is allowed.
    - `redundancy`: registers of every output, at least 1. They start differently, and one good
      start is enough.
    - `zeta`: ζ, the dimensionless sharpness of the bits; 1 in the authors' code.
    - `scale`: the relevant difference between inputs, in the unit of x. Bits do not resolve
      differences far below it, and have no gradient for differences far above.
    - `w_hat_init`, `sign_init`, `zero_init`, `bias_init`: initialisers of Ŵ, for each operand and
        output `(redundancy, in_features)`, S and Z, `(out_features, redundancy)`, and c,
        `(out_features, 1)`: a name from `numerate.initialisers.INITIALISERS` or a function
        `(key, shape, dtype) -> array`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** the comparisons =, ≠, <, >, ≤ and ≥ of two inputs, at any distance from
    the training data, if different inputs differ by 20 `scale`/ζ or more (10 in float32, 3 to two
    digits); and thresholds on the number of true comparisons, one for each register. **Cannot**
    represent a sum, a product, or any other number: p is a truth value.

    **Penalty:** none.

    **Constraint:** none: softmax and bits lie in their ranges for all parameters.

    **Raises:** `ValueError` for a negative size, a `redundancy` below 1, a `zeta` or `scale` that
    is not positive, or an unknown initialiser.

    **Differs from the authors' code in** `redundancy`, which theirs accepts but sets to 1; in
    `scale`; and in returning only p, where theirs returns p and 1 - p. The equation is that of the
    preprint and the code. The paper in the proceedings replaces σ by a softmax of two logits and
    adds penalties that select operands and prune registers.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = NSR(2, 1, key=jax.random.key(0))
        >>> a_then_b = jnp.array([[[[99.0, -99.0]]], [[[-99.0, 99.0]]]])
        >>> new = [a_then_b, jnp.array([[50.0]]), jnp.array([[-25.0]])]
        >>> greater = eqx.tree_at(lambda u: [u.w_hat, u.sign_weight, u.zero_weight], unit, new)
        >>> jax.vmap(greater)(jnp.array([[1e6, 1e6 - 20], [5.0, 5.0], [-7.0, 30.0]])).round(3)[:, 0]
        Array([1., 0., 0.], dtype=float32)

    ```bibtex
    @inproceedings{faber2023neural,
        title={Neural Status Registers},
        author={Faber, Lukas and Wattenhofer, Roger},
        booktitle={Proceedings of the 40th International Conference on Machine Learning},
        year={2023},
        eprint={2004.07085},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact({}, EITHER)  # its outputs are truth values

    w_hat: Float[Array, "2 registers out in"]
    sign_weight: Float[Array, "out registers"]
    zero_weight: Float[Array, "out registers"]
    bias: Float[Array, "out"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    redundancy: int = eqx.field(static=True)
    zeta: float = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        redundancy: int = 1,
        zeta: float = 1.0,
        scale: float = 1.0,
        w_hat_init: str | Initialiser = "glorot_normal",
        sign_init: str | Initialiser = "glorot_normal",
        zero_init: str | Initialiser = "glorot_normal",
        bias_init: str | Initialiser = "constant",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        check_sizes(least=1, redundancy=redundancy)
        check_positive(zeta=zeta, scale=scale)
        w_key, sign_key, zero_key, bias_key = jax.random.split(key, 4)
        bits, dtype = (out_features, redundancy), default_float(dtype)
        self.w_hat = _operands(w_hat_init, w_key, (redundancy, out_features, in_features), dtype)
        self.sign_weight = initialiser(sign_init)(sign_key, bits, dtype)
        self.zero_weight = initialiser(zero_init)(zero_key, bits, dtype)
        self.bias = initialiser(bias_init)(bias_key, (out_features, 1), dtype)[:, 0]
        self.in_features = in_features
        self.out_features = out_features
        self.redundancy = redundancy
        self.zeta = zeta
        self.scale = scale

    @property
    def weight(self) -> Shaped[Tensor, "2 registers out in"]:
        """softmax(Ŵ), `(2, redundancy, out_features, in_features)`: which inputs are compared."""
        return selection(self.w_hat)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        return {"w_hat": snapped_selection(self.w_hat, -1, tolerance)}

    def operands(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch 2 registers out"]:
        """u and v of every register, `(2, redundancy, out_features)`."""
        rows = 2 * self.redundancy * self.out_features
        selected = linear(self.weight.reshape(rows, self.in_features), x)
        return selected.reshape(*x.shape[:-1], 2, self.redundancy, self.out_features)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        xp, operands = namespace(x), self.operands(x)
        # Divide before multiplying, so that the largest inputs do not overflow.
        difference = (operands[..., 0, :, :] - operands[..., 1, :, :]) / self.scale
        sign = xp.tanh(self.zeta * difference)
        zero = 1 - 2 * sign * sign
        registers = self.sign_weight.T * sign + self.zero_weight.T * zero
        return xp.sigmoid(self.bias + xp.sum(registers, axis=-2))


def _operands(init: str | Initialiser, key: PRNGKeyArray, sizes: tuple[int, int, int], dtype):
    """Ŵ, drawn as one matrix `(redundancy, in_features)` for every operand of every output."""
    redundancy, out_features, in_features = sizes
    keys, shape = jax.random.split(key, (2, out_features)), (redundancy, in_features)
    drawn = [initialiser(init)(k, shape, dtype) for row in keys for k in row]
    if not drawn:
        return jnp.zeros((2, *sizes), dtype)
    return jnp.stack(drawn).reshape(2, out_features, *shape).swapaxes(1, 2)
