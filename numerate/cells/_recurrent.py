"""A recurrent cell made of a unit, whose last output is a further input."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate._errors import check_features, check_fit, check_maker
from numerate.arguments import check_jax_array, check_key, check_sizes, checked, widened
from numerate.cells._sequence import prepared
from numerate.ops import step_key
from numerate.units import Unit


class Recurrent(eqx.Module):
    """A unit that runs over a sequence.

    h_t = unit([x_t, h_{t-1}]) with h_0 = 0, where x_t is the input at step t, h_t the state after
    it and [·, ·] the concatenation. The NALU's paper does not say how the state enters its
    recurrent units; this is how Madsen & Johansen reproduced them.

    **Arguments:**

    - `unit`: a unit's class, or any function of `(in_features, out_features, *, key)`.
    - `input_size`: features of x_t.
    - `hidden_size`: features of h_t.
    - `key`: draws the unit's parameters.

    **Shapes:** `(time, input_size)` to `(hidden_size,)`, the last state. A call with a `key` is in
    training mode, with noise of its own at every step.

    **Represents exactly** what its unit represents, step after step: with a `NAC` or `NAU` the
    running sum of a sequence, of any length. **Cannot** represent a running product from
    h_0 = 0, where a product stays 0: start it from an `h` of ones.

    **Penalty:** that of the unit.

    **Constraint:** that of the unit.

    **Raises:** `ValueError` if the unit made does not map `input_size + hidden_size` features to
    `hidden_size`, and for a sequence or state of another size; `TypeError` for a unit that is
    already an instance, and for a sequence or state that is not an array of floating-point numbers.

    **Differs from the authors' code in** nothing we know.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.units import NAC
        >>> from numerate.initialisers import constant
        >>> ones = constant(50.0)
        >>> total = Recurrent(
        ...     lambda *sizes, key: NAC(*sizes, w_hat_init=ones, m_hat_init=ones, key=key),
        ...     input_size=1, hidden_size=1, key=jax.random.key(0))
        >>> total(jnp.array([[1.0], [2.0], [3.0]]))
        Array([6.], dtype=float32)

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

    unit: Unit
    input_size: int = eqx.field(static=True)
    hidden_size: int = eqx.field(static=True)

    @checked
    def __init__(
        self,
        unit: Callable[..., Unit],
        input_size: int,
        hidden_size: int,
        *,
        key: PRNGKeyArray,
    ):
        check_maker("unit", unit, Unit, "NAU")
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.unit = unit(input_size + hidden_size, hidden_size, key=key)
        self.input_size = input_size
        self.hidden_size = hidden_size
        check_fit(self.unit, input_size, hidden_size)

    def step(
        self,
        x: Float[Array, "input"],
        h: Float[Array, "hidden"],
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "hidden"]:
        """h_t from x_t and h_{t-1}. A `key` means training mode, as for the unit."""
        name = type(self).__name__
        check_jax_array(name, x)
        check_features(name, self.input_size, x, batch="")
        check_jax_array(f"the state of {name}", h)
        check_features(f"the state of {name}", self.hidden_size, h, batch="")
        return self.unit(jnp.concatenate([widened(x, self), widened(h, self)]), key=key)

    def states(
        self,
        xs: Float[Array, "time input"],
        h: Float[Array, "hidden"] | None = None,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "time hidden"]:
        """Every state h_1, h_2, … of a sequence that starts from `h`, or from zeros."""
        return self._scan(xs, h, key)[1]

    def __call__(
        self,
        xs: Float[Array, "time input"],
        h: Float[Array, "hidden"] | None = None,
        *,
        key: PRNGKeyArray | None = None,
    ) -> Float[Array, "hidden"]:
        """The last state of a sequence that starts from `h`, or from zeros.

        A `key` means training mode, as for the unit, which gets another key at every step.
        """
        return self._scan(xs, h, key)[0]

    def _scan(self, xs, h, key):
        xs, h = prepared(self, self.input_size, xs, h)
        if key is not None:
            check_key(**{"Recurrent: key": key})

        def advance(h, now):
            x, t = now
            h = self.step(x, h, key=None if key is None else step_key(key, t))
            return h, h

        return jax.lax.scan(advance, h, (xs, None if key is None else jnp.arange(len(xs))))
