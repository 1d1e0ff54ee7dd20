"""A running sum of a unit's outputs."""

from collections.abc import Callable

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.arguments import check_sizes
from numerate.units import Unit


class Accumulator(eqx.Module):
    """A running sum of a unit's outputs.

    n_t = n_{t-1} + unit(x_t), where x_t is the input at step t and n_t the sum after it: a step of
    `numerate.paper.networks.SumOverTime`. If the inputs are a number at the first step and a 1 at
    every step, a NAC or NAU can count down from that number.

    **Arguments:** `unit`, a class or a function of `(in_features, out_features, *, key)`;
    `input_size`; `hidden_size`; `key`, which draws its parameters.

    **Shapes:** `(input_size,)` and `(hidden_size,)` to `(hidden_size,)`.

    **Represents exactly** the sum of what its unit represents over any number of steps. **Cannot**
    forget.

    **Penalty:** that of the unit.

    **Constraint:** that of the unit.

    **Raises:** `ValueError` for a negative size.

    **Differs from the authors' code in** unknown ways: no code is public, and the paper does not
    say whether the NAC beside its agent's LSTM has a state.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.units import NAU
        >>> accumulator = Accumulator(NAU, 2, 1, key=jax.random.key(0))
        >>> accumulator.step(jnp.ones(2), jnp.zeros(1)).shape
        (1,)

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

    unit: Unit
    input_size: int = eqx.field(static=True)
    hidden_size: int = eqx.field(static=True)

    def __init__(
        self,
        unit: Callable[..., Unit],
        input_size: int,
        hidden_size: int,
        *,
        key: PRNGKeyArray,
    ):
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.unit = unit(input_size, hidden_size, key=key)
        self.input_size = input_size
        self.hidden_size = hidden_size

    def step(self, x: Float[Array, "input"], h: Float[Array, "hidden"]) -> Float[Array, "hidden"]:
        """n_t from x_t and n_{t-1}."""
        return h + self.unit(x)
