"""The multiplicative neural accumulator: one product of powers for each output."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, log_space_product, nac_weight
from numerate.units._base import Draw, DType, Unit, check_eps, check_sizes, default_float


class NACMul(Unit):
    """Multiplicative neural accumulator: multiplies, divides and takes roots of its inputs.

    y = exp(W log(|x| + ε)) with W = tanh(Ŵ) ⊙ σ(M̂), which is y_o = Π_i (|x_i| + ε)^W_oi: a NAC
    in log space, the second half of the paper's NALU. x is the input, Ŵ and M̂ are free
    parameters, σ is the logistic function, ⊙ the elementwise product and ε a small constant. The
    literature also writes it NAC•.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`: how Ŵ and M̂ start, as for `NAC`, with the same default for
        the same reason: 64 of 64 units 2→1 had weights that round to the right ones on
        a * b and on a / b, against 51 and 48 with `"madsen"`.
    - `eps`: ε, which the paper leaves open. `None` is the machine epsilon of x, the largest
        that leaves |x| ≥ 1 correct to rounding; in float32 that is 1.2e-7, close to the 1e-7
        of most public codes. Those 1e-7 in float64 cost 9 of 16 digits.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly**, for positive inputs well above ε, any product and quotient of
    inputs and of their roots: exponents lie in [-1, 1] and saturate at -1, 0 and 1.
    **Cannot** represent a negative result (the sign of every input is lost), a zero (the
    factor of x_i = 0 is ε^W_oi), the square of an input it sees once, or a coefficient.

    **Penalty:** none.

    **Constraint:** none: W lies in [-1, 1] whatever Ŵ and M̂ are.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: they published none. The class
    `MNACLayer` of github.com/AndreasMadsen/stable-nalu is another unit, Π_i (W_i x_i + 1 - W_i).

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> saturated = constant(50.0)
        >>> unit = NACMul(2, 1, w_hat_init=saturated, m_hat_init=saturated, key=jax.random.key(0))
        >>> unit(jnp.array([3.0, 5.0])).round(4)
        Array([15.], dtype=float32)

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

    w_hat: Float[Array, "out in"]
    m_hat: Float[Array, "out in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, m_key = jax.random.split(key)
        shape = (out_features, in_features)
        dtype = default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.m_hat = initialiser(m_hat_init)(m_key, shape, dtype)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = tanh(Ŵ) ⊙ σ(M̂), `(out_features, in_features)`: the exponents of the product."""
        return nac_weight(self.w_hat, self.m_hat)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return log_space_product(self.weight, x, self.eps)
