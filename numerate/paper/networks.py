"""Models of sequences of numbers: standard recurrent networks, and sums over time."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PRNGKeyArray

from numerate.arguments import DType, check_sizes, default_float
from numerate.initialisers import initialiser
from numerate.ops import step_key

# The number of gates of each kind, including the new state.
KINDS = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}
_ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu}


class ElmanCell(eqx.Module):
    """h_t = f(z_t + U h_{t-1}); `project` computes z_t = W x_t + c for all steps at once.

    Its fields have the names of those of `equinox.nn.GRUCell`.
    """

    weight_ih: Float[Array, "hidden input"]
    weight_hh: Float[Array, "hidden hidden"]
    bias: Float[Array, "hidden"]
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def project(self, xs: Float[Array, "time input"]) -> Float[Array, "time hidden"]:
        return xs @ self.weight_ih.T + self.bias

    def __call__(self, z: Float[Array, "hidden"], h: Float[Array, "hidden"]) -> Array:
        return self.activation(z + self.weight_hh @ h)


class RNN(eqx.Module):
    """A standard recurrent network as a baseline: an LSTM, a GRU or an Elman network.

    With x_t the input at step t, h_t the state after it, h_0 = 0, σ the logistic function, ⊙ the
    elementwise product and W, U, c, d the trained parameters, it is by `kind`

    - `"tanh"` and `"relu"`: h_t = tanh(z) and h_t = max(z, 0), with z = W x_t + U h_{t-1} + c;
    - `"lstm"`: [i, f, g, o] = z, m_t = σ(f) ⊙ m_{t-1} + σ(i) ⊙ tanh(g) and h_t = σ(o) ⊙ tanh(m_t),
        with m_0 = 0, `equinox.nn.LSTMCell`;
    - `"gru"`: r = σ(z_1), u = σ(z_2), n = tanh(W_3 x_t + c_3 + r ⊙ (U_3 h_{t-1} + d)) and
        h_t = n + u ⊙ (h_{t-1} - n), `equinox.nn.GRUCell`.

    **Arguments:**

    - `kind`: one of those.
    - `input_size`, `hidden_size`: features of x_t and of h_t.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws W and U, uniform as Glorot & Bengio, separately for each gate. Biases start at 0,
      except at 1 for f, so that an LSTM keeps its memory at first.

    **Shapes:** `(time, input_size)` to `(hidden_size,)`, the last state.

    **Represents exactly**, as `"relu"`, sums over time that are never negative. **Cannot**
    represent, as the other kinds, an unbounded sum: their states are between -1 and 1.

    **Raises:** `ValueError` for another kind, a negative size or no hidden feature.

    !!! example
        >>> network = RNN("gru", 10, 2, key=jax.random.key(0))
        >>> network(jnp.ones((5, 10))).shape
        (2,)

    LSTM: Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000). GRU: Cho et
    al. (2014), arXiv:1406.1078, with r after the product with U, as in cuDNN and PyTorch.
    """

    cell: Any
    kind: str = eqx.field(static=True)
    hidden_size: int = eqx.field(static=True)

    def __init__(
        self,
        kind: str,
        input_size: int,
        hidden_size: int,
        *,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(input_size=input_size)
        if hidden_size < 1:
            raise ValueError(f"hidden_size must be at least 1, got {hidden_size}")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        draw, dtype, gates = initialiser("glorot_uniform"), default_float(dtype), KINDS[kind]
        keys = jax.random.split(key, (2, gates))
        if kind == "lstm":
            # Drawn in the order i, f, o, g, as for all committed results.
            keys = keys[:, jnp.array([0, 1, 3, 2])]
        # Each gate separately: one matrix of several would have smaller initial weights.
        weight_ih = _stacked(draw, keys[0], (hidden_size, input_size), dtype)
        weight_hh = _stacked(draw, keys[1], (hidden_size, hidden_size), dtype)
        bias = jnp.zeros(gates * hidden_size, dtype)
        if kind in _ACTIVATIONS:
            self.cell = ElmanCell(weight_ih, weight_hh, bias, _ACTIVATIONS[kind])
        elif kind == "lstm":
            bias = bias.at[hidden_size : 2 * hidden_size].set(1.0)
            cell = eqx.nn.LSTMCell(input_size, hidden_size, dtype=dtype, key=key)
            self.cell = _with_parameters(cell, (weight_ih, weight_hh, bias))
        else:
            cell = eqx.nn.GRUCell(input_size, hidden_size, dtype=dtype, key=key)
            cell = _with_parameters(cell, (weight_ih, weight_hh, bias))
            self.cell = eqx.tree_at(lambda c: c.bias_n, cell, bias[:hidden_size])
        self.kind = kind
        self.hidden_size = hidden_size

    def __call__(
        self, xs: Float[Array, "time input"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "hidden"]:
        """The last state of a sequence."""
        if isinstance(self.cell, ElmanCell):
            xs = self.cell.project(xs)
        h = jnp.zeros(self.hidden_size, self.cell.weight_hh.dtype)
        start = (h, h) if self.kind == "lstm" else h
        state, _ = jax.lax.scan(lambda state, x: (self.cell(x, state), None), start, xs)
        return state[0] if self.kind == "lstm" else state


def _stacked(draw: Any, keys: Key[Array, "gates"], shape: tuple[int, int], dtype: Any) -> Array:
    return jnp.concatenate([draw(key, shape, dtype) for key in keys])


def _with_parameters(cell: Any, parameters: tuple[Array, Array, Array]) -> Any:
    return eqx.tree_at(lambda c: (c.weight_ih, c.weight_hh, c.bias), cell, parameters)


class SumOverTime(eqx.Module):
    """The sum of a model's outputs over the steps of a sequence: y = Σ_t model(x_t).

    **Arguments:**

    - `model`: a function of `key=` that makes the model of one step, such as
        `functools.partial(NAU, 10, 1)`.
    - `key`: draws its parameters.

    **Shapes:** `(time, in)` to `(out,)`, the size of the model's output.

    **Represents exactly** sums of what the model represents over sequences of any length, such as
    Σ a_t b_t. **Cannot** represent other functions, such as the product of two sums.

    !!! example
        >>> from functools import partial
        >>> from numerate.units import NAU
        >>> total = SumOverTime(partial(NAU, 3, 1), key=jax.random.key(0))
        >>> total(jnp.ones((5, 3))).shape
        (1,)
    """

    model: Any

    def __init__(self, model: Callable[..., Any], *, key: PRNGKeyArray):
        self.model = model(key=key)

    def __call__(
        self, xs: Float[Array, "time in"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "out"]:
        """The sum over a sequence; `key` is split among the steps."""
        if key is None:
            return jnp.sum(jax.vmap(self.model)(xs), axis=0)

        def noisy(x: Array, step: Array) -> Array:
            return self.model(x, key=step_key(key, step))

        return jnp.sum(jax.vmap(noisy)(xs, jnp.arange(len(xs))), axis=0)
