"""What a cell makes of the sequence and the state that it is given."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from numerate._errors import check_features, check_sequence
from numerate.arguments import check_jax_array, parameter_dtype, widened


def prepared(
    cell: Any, features: int, xs: Any, state: Any
) -> tuple[Float[Array, "time input"], Float[Array, "hidden"]]:
    """A sequence and the state before it, zeros for `None`, in the dtype of the states.

    That is the dtype of the outputs of a unit with the cell's parameters, as `jax.lax.scan` needs.

    **Raises:** `ValueError` for another shape, and `TypeError` for anything but arrays of
    floating-point numbers.
    """
    name, own = type(cell).__name__, parameter_dtype(cell)
    check_jax_array(name, xs)
    check_sequence(name, features, xs)
    if state is None:
        state = jnp.zeros(cell.hidden_size, own)
    check_jax_array(f"the state of {name}", state)
    check_features(f"the state of {name}", cell.hidden_size, state, batch="")
    xs, state = widened(xs, cell), widened(state, cell)
    dtype = jnp.result_type(own, xs, state)
    return xs.astype(dtype), state.astype(dtype)
