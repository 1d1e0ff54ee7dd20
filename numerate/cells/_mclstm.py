"""The mass-conserving LSTM of Hoedt et al. (2021)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate._errors import check_features
from numerate.arguments import (
    DType,
    check_jax_array,
    check_key,
    check_sizes,
    checked,
    default_float,
    widened,
)
from numerate.cells._sequence import prepared
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import Tensor, linear, magnitude, namespace


class MCLSTM(eqx.Module):
    """Mass-conserving LSTM: its cells neither lose nor create mass.

    m_t = R_t c_{t-1} + I_t x_t, h_t = o_t ⊙ m_t and c_t = (1 - o_t) ⊙ m_t. The input at step t
    consists of the mass x_t and the auxiliary input a_t, which only controls the gates.
    I_t = softmax(V f_t + B) distributes the incoming mass among the cells,
    R_t = softmax(V' f_t + B') redistributes the mass of the cells, and o_t = σ(V″ f_t + b) is the
    fraction of it that leaves as the output h_t, with f_t = [a_t, c_{t-1}/Σ|c_{t-1}|]. Columns of I
    and R sum to 1, so that Σ c_t + Σ h_t = Σ c_{t-1} + Σ x_t. V, V', V″, B, B' and b are free
    parameters, σ is the logistic function, ⊙ the elementwise product, and c_0 = 0.

    **Arguments:**

    - `mass_size`: features of x_t, the first ones of the input.
    - `aux_size`: features of a_t, the others.
    - `hidden_size`: cells, the features of c_t and of h_t.
    - `weight_init`: initialiser of V, V' and V″: a name from `numerate.initialisers.INITIALISERS`
      or a function `(key, shape, dtype) -> array`. B starts at 0, B' as the identity and b at -3,
      so that the cells keep their mass at first.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the weights.

    **Shapes:** `(time, mass_size + aux_size)` to `(hidden_size,)`, the last output h_T.

    **Represents exactly** sums of the masses that `a` marks in a sequence of any length, output at
    the step that `a` marks; masses may be negative. **Cannot** represent a difference, a product,
    or a cell with more mass than came in. Mass that is not needed must go to a cell of its own.

    **Penalty:** none.

    **Constraint:** none: gates and shares lie in [0, 1] whatever the parameters are.

    **Raises:** `ValueError` for a negative size, an unknown initialiser, and a sequence or state
    of another size; `TypeError` for one that is not an array of floating-point numbers.

    **Differs from the authors' code in** taking mass and auxiliary input as one array; in dividing
    c by Σ|c|, as the paper, where their code divides by Σ c, which negative masses can make 0; and
    in the normalisation, where the paper also tries one by a sum of σ. In the code of their
    arithmetic experiments, c is not an input of the gates.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> cell = MCLSTM(mass_size=1, aux_size=2, hidden_size=4, key=jax.random.key(0))
        >>> xs = jnp.ones((10, 3))
        >>> outputs, cells = cell.states(xs)
        >>> outputs.shape, round(float(outputs.sum() + cells[-1].sum()), 4)
        ((10, 4), 10.0)

    ```bibtex
    @inproceedings{hoedt2021mclstm,
        title={{MC-LSTM}: Mass-Conserving {LSTM}},
        author={Hoedt, Pieter-Jan and Kratzert, Frederik and Klotz, Daniel and Halmich, Christina
                and Holzleitner, Markus and Nearing, Grey and Hochreiter, Sepp and
                Klambauer, Günter},
        booktitle={Proceedings of the 38th International Conference on Machine Learning},
        year={2021},
        eprint={2101.05186},
        archivePrefix={arXiv},
    }
    ```
    """

    input_weight: Float[Array, "shares features"]
    input_bias: Float[Array, "hidden mass"]
    cell_weight: Float[Array, "moves features"]
    cell_bias: Float[Array, "hidden hidden"]
    output_weight: Float[Array, "hidden features"]
    output_bias: Float[Array, "hidden"]
    mass_size: int = eqx.field(static=True)
    aux_size: int = eqx.field(static=True)
    hidden_size: int = eqx.field(static=True)

    @checked
    def __init__(
        self,
        mass_size: int,
        aux_size: int,
        hidden_size: int,
        *,
        weight_init: str | Initialiser = "orthogonal",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(mass_size=mass_size, aux_size=aux_size, hidden_size=hidden_size)
        draw, dtype, features = (
            initialiser(weight_init),
            default_float(dtype),
            aux_size + hidden_size,
        )
        keys = jax.random.split(key, 3)
        self.input_weight = draw(keys[0], (hidden_size * mass_size, features), dtype)
        self.input_bias = jnp.zeros((hidden_size, mass_size), dtype)
        self.cell_weight = draw(keys[1], (hidden_size * hidden_size, features), dtype)
        self.cell_bias = jnp.eye(hidden_size, dtype=dtype)
        self.output_weight = draw(keys[2], (hidden_size, features), dtype)
        self.output_bias = jnp.full(hidden_size, -3.0, dtype)
        self.mass_size = mass_size
        self.aux_size = aux_size
        self.hidden_size = hidden_size

    def step(
        self, x: Shaped[Tensor, "*batch input"], c: Shaped[Tensor, "*batch hidden"]
    ) -> tuple[Shaped[Tensor, "*batch hidden"], Shaped[Tensor, "*batch hidden"]]:
        """h_t and c_t from [x_t, a_t] and c_{t-1}."""
        if isinstance(self.input_weight, jax.Array):  # and not those of an adapter
            check_jax_array("MCLSTM", x)
            check_jax_array("the state of MCLSTM", c)
            x, c = widened(x, self), widened(c, self)
        check_features("MCLSTM", self.mass_size + self.aux_size, x)
        check_features("the state of MCLSTM", self.hidden_size, c)
        if x.shape[:-1] != c.shape[:-1]:
            batches = f"{tuple(x.shape[:-1])}; got {tuple(c.shape[:-1])}"
            raise ValueError(f"the state of MCLSTM must have the batch of its input, {batches}")
        xp, mass = namespace(x), x[..., : self.mass_size]
        features = xp.concatenate([x[..., self.mass_size :], _shares(c)], axis=-1)
        received = _divided(mass, self.input_weight, self.input_bias, features)
        moved = _divided(c, self.cell_weight, self.cell_bias, features)
        gate = xp.sigmoid(linear(self.output_weight, features) + self.output_bias)
        held = received + moved
        leaving = gate * held
        # Not (1 - o) m: output and new state must sum to m to rounding.
        return leaving, held - leaving

    def states(
        self, xs: Float[Array, "time input"], c: Float[Array, "hidden"] | None = None
    ) -> tuple[Float[Array, "time hidden"], Float[Array, "time hidden"]]:
        """Every output h_1, h_2, … and every c_1, c_2, … of a sequence from `c`, or from zeros."""
        return self._scan(xs, c)[1]

    def __call__(
        self,
        xs: Float[Array, "time input"],
        c: Float[Array, "hidden"] | None = None,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "hidden"]:
        """The last output of a sequence that starts from `c`, or from zeros.

        Training has no noise: a `key` changes nothing.
        """
        if key is not None:
            check_key(**{"MCLSTM: key": key})
        return self._scan(xs, c)[0][0]

    def _scan(self, xs, c):
        xs, c = prepared(self, self.mass_size + self.aux_size, xs, c)

        def advance(carry, x):
            carry = self.step(x, carry[1])
            return carry, carry

        return jax.lax.scan(advance, (jnp.zeros_like(c), c), xs)


def _shares(c: Shaped[Tensor, "*batch hidden"]) -> Shaped[Tensor, "*batch hidden"]:
    """c/Σ|c|; 0 if all cells are empty."""
    xp = namespace(c)
    total = xp.stop_gradient(xp.sum(xp.abs(c), axis=-1)[..., None])
    # The shares do not depend on the scale of c. After rescaling, neither the square of the sum nor
    # its inverse, which the gradient needs, can overflow.
    c = c / xp.where(total > 0, total, 1.0)
    return c / xp.where(total > 0, xp.sum(magnitude(c), axis=-1)[..., None], 1.0)


def _divided(
    mass: Shaped[Tensor, "*batch sources"],
    weight: Shaped[Tensor, "cells features"],
    bias: Shaped[Tensor, "hidden sources"],
    features: Shaped[Tensor, "*batch features"],
) -> Shaped[Tensor, "*batch hidden"]:
    """The mass that every cell receives, by shares that sum to 1 over the cells."""
    xp = namespace(mass)
    logits = linear(weight, features).reshape(*features.shape[:-1], *bias.shape) + bias
    return xp.sum(xp.softmax(logits, axis=-2) * mass[..., None, :], axis=-1)
