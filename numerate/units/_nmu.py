"""The neural multiplication unit and its stochastic variant: products of selected inputs."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate._errors import is_finite, quoted
from numerate.arguments import DType, check_positive, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, affine_product, noisy_product, ramp, sparsity
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, Exact, direct_weights


class MultiplicationUnit(Unit):
    """Base class of the NMUs: weights in [0, 1], driven to 0 or 1."""

    w_hat: Float[Array, "out in"]
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
        shape = (out_features, in_features)
        self.w_hat = initialiser(w_hat_init)(key, shape, default_float(dtype))
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W, `(out_features, in_features)`: 1 where an input is a factor, 0 where it is not."""
        return self.w_hat

    def penalty(self) -> Shaped[Tensor, ""]:
        return sparsity(self.weight)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"w_hat": (0.0, 1.0)}


class NMU(MultiplicationUnit, init=False):
    """Neural multiplication unit: multiplies its inputs.

    y_o = Π_i (W_oi x_i + 1 - W_oi) with W_oi in [0, 1], where x is the input. A weight of 1
    includes x_i in the product, a weight of 0 excludes it.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`: initialiser of W: a name from `numerate.initialisers.INITIALISERS` or a function
        `(key, shape, dtype) -> array`. By default that of the authors' code, `"nmu"`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any product of distinct inputs, with zeros and negative numbers.
    **Cannot** represent a quotient, a power of an input that occurs once, a coefficient or a sum.
    Training is hard where a factor crosses zero between the weights 0 and 1, as for inputs near -1
    (68 % of seeds succeed on U[-1.2, -1.1]; `sNMU` avoids this), and with many inputs, since
    mean and variance of the product grow exponentially with their number. Value and gradients are
    finite if no product of some of the factors overflows, also with one factor replaced by its
    derivative x_i - 1.

    **Penalty:** R = mean min(W, 1 - W), times 10, from 40 % of the training on and fully from
    70 % (for two inputs 20,000 and 35,000 of 50,000 steps).

    **Constraint:** W is clipped to [0, 1] after every step, and not in the forward pass.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** nothing we know. Paper and code differ in the
    initialisation: see `numerate.initialisers.nmu`.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> unit = NMU(2, 1, w_hat_init=constant(1.0), key=jax.random.key(0))
        >>> unit(jnp.array([-3.0, 5.0])), unit.penalty()
        (Array([-15.], dtype=float32), Array(0., dtype=float32))

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

    represents = Exact(direct_weights("*"), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return affine_product(self.weight, x)


class sNMU(MultiplicationUnit):
    """Stochastic neural multiplication unit: an NMU with reversible noise in training.

    In training y_o = Π_i (W_oi N_i x_i + 1 - W_oi) / Π_i (W_oi N_i + 1 - W_oi) with W_oi in
    [0, 1] and noise N_i ~ U[low, high] drawn anew for every example; otherwise the NMU's
    y_o = Π_i (W_oi x_i + 1 - W_oi). At W in {0, 1} the noise cancels, and elsewhere it shakes
    the weights out of flat regions and over the barrier of the NMU for inputs near -1.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `noise`: `(low, high)`, the range of N; the paper's is (1, 5). `None` takes
        [1, 1 + 1/deviation] for the paper's "batch" variant.
    - `deviation`: of the training inputs, for `noise=None`. The authors' code takes that of
        every batch; a unit sees one example, so it is given here, once.
    - `w_hat_init`: initialiser of W, as for `NMU`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`. Called with a `key` it is in training.

    **Represents exactly** what `NMU` does, any product of distinct inputs. **Cannot**
    represent what `NMU` cannot: quotients, powers, coefficients, sums. Value and gradients are
    finite where those of `NMU` are; in training the noise, at most `high` for each input,
    multiplies what must fit the dtype.

    **Penalty:** that of `NMU`: mean min(W, 1 - W), times 10, from 40 % of the training to 70 %.

    **Constraint:** W is clipped to [0, 1] after every step.

    **Raises:** `ValueError` for a negative size, an unknown initialiser, a range of noise that
    is not positive and ordered, or `noise=None` without a positive `deviation`.

    **Differs from the authors' code in** leaving the caller's tensor alone: theirs multiplies
    the noise into it in place. Their script of the batch variant omits the option that selects
    it, and so runs with U[1, 5].

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> unit = sNMU(2, 1, w_hat_init=constant(1.0), key=jax.random.key(0))
        >>> x = jnp.array([-3.0, 5.0])
        >>> unit(x), unit(x, key=jax.random.key(1)).round(4)
        (Array([-15.], dtype=float32), Array([-15.], dtype=float32))

    ```bibtex
    @article{mistry2022improving,
        title={Improving the Robustness of Neural Multiplication Units with Reversible
               Stochasticity},
        author={Mistry, Bhumika and Farrahi, Katayoun and Hare, Jonathon},
        journal={arXiv preprint arXiv:2211.05624},
        year={2022},
    }
    ```
    """

    represents = Exact(direct_weights("*"), EITHER)

    noise: tuple[float, float] | None = eqx.field(static=True)
    deviation: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        noise: tuple[float, float] | None = (1.0, 5.0),
        deviation: float | None = None,
        w_hat_init: str | Initialiser = "nmu",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        super().__init__(in_features, out_features, w_hat_init=w_hat_init, dtype=dtype, key=key)
        if deviation is not None:
            check_positive(deviation=deviation)
        _check_noise(noise, deviation)
        self.noise = None if noise is None else (float(noise[0]), float(noise[1]))
        self.deviation = deviation

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        if draw is None:
            return affine_product(self.weight, x)
        low, high = self.noise or (1.0, 1.0 + 1.0 / (self.deviation or 1.0))
        noise = low + (high - low) * draw(self.in_features)
        return noisy_product(self.weight, x, noise)


def _check_noise(noise: Any, deviation: float | None) -> None:
    if noise is None and not (deviation is not None and deviation > 0):
        raise ValueError(f"deviation must be positive where noise is None, got {deviation}")
    if noise is None:
        return
    ends = noise if isinstance(noise, tuple | list) else ()
    if len(ends) != 2 or not all(map(is_finite, ends)) or not 0 < ends[0] <= ends[1]:
        raise ValueError(
            f"noise must be None or (low, high) with 0 < low <= high, got {quoted(noise)}"
        )
