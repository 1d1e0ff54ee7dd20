"""Models of sequences of numbers: the usual recurrent networks, and sums over time."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.arguments import DType, check_sizes, default_float
from numerate.initialisers import initialiser
from numerate.ops import step_key

# How many sets of weights each kind has: its gates and the new state.
KINDS = {"lstm": 4, "gru": 3, "tanh": 1, "relu": 1}


class RNN(eqx.Module):
    """The usual recurrent network, to compare with.

    With z = W x_t + U h_{t-1} + c, where x_t is the input at step t, h_t the state after it, W, U
    and c free parameters, σ the logistic function, ⊙ the elementwise product and h_0 = 0, it is
    by `kind`

    - `"tanh"` and `"relu"`: h_t = tanh(z) and h_t = max(z, 0);
    - `"lstm"`: [i, f, o, n] = z, c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(n) and
        h_t = σ(o) ⊙ tanh(c_t), with c_0 = 0;
    - `"gru"`: r = σ(z_1), u = σ(z_2), n = tanh(W_3 x_t + c_3 + r ⊙ U_3 h_{t-1}) and
        h_t = u ⊙ h_{t-1} + (1 - u) ⊙ n.

    **Arguments:**

    - `kind`: one of those.
    - `input_size`, `hidden_size`: features of x_t and of h_t.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws W and U, uniform as Glorot & Bengio. c starts at 0, but at 1 for f: memories
        last.

    **Shapes:** `(time, input_size)` to `(hidden_size,)`, the last state.

    **Represents exactly**, as `"relu"`, sums over time that never fall below 0. **Cannot**
    represent, as any of the others, a sum without bound: their states are between -1 and 1.

    **Raises:** `ValueError` for another kind or a negative size.

    !!! example
        >>> network = RNN("gru", 10, 2, key=jax.random.key(0))
        >>> network(jnp.ones((5, 10))).shape
        (2,)

    LSTM: Hochreiter & Schmidhuber (1997) with the forget gate of Gers et al. (2000). GRU: Cho et
    al. (2014), arXiv:1406.1078, with r after the product with U, as cuDNN and PyTorch have it.
    """

    input_weight: Float[Array, "gates input"]
    state_weight: Float[Array, "gates hidden"]
    bias: Float[Array, "gates"]
    kind: str = eqx.field(static=True)
    input_size: int = eqx.field(static=True)
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
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        draw, dtype, rows = initialiser("glorot_uniform"), default_float(dtype), KINDS[kind]
        keys = jax.random.split(key, (2, rows))
        # Each gate on its own: a matrix of several would start with smaller weights.
        self.input_weight = _stacked(draw, keys[0], (hidden_size, input_size), dtype)
        self.state_weight = _stacked(draw, keys[1], (hidden_size, hidden_size), dtype)
        bias = jnp.zeros(rows * hidden_size, dtype)
        remember = slice(hidden_size, 2 * hidden_size)
        self.bias = bias.at[remember].set(1.0) if kind == "lstm" else bias
        self.kind = kind
        self.input_size = input_size
        self.hidden_size = hidden_size

    def __call__(
        self, xs: Float[Array, "time input"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "hidden"]:
        """The last state of a sequence."""
        # The inputs of all steps at once: only what depends on the state has to wait.
        seen = xs @ self.input_weight.T + self.bias
        nothing = jnp.zeros(self.hidden_size, seen.dtype)

        def advance(carry: Any, x: Array) -> tuple[Any, None]:
            return self._step(x, *carry), None

        return jax.lax.scan(advance, (nothing, nothing), seen)[0][0]

    def _step(self, x: Array, h: Array, c: Array) -> tuple[Array, Array]:
        """h_t and c_t; networks without a c hand it on."""
        recalled = self.state_weight @ h
        if self.kind == "lstm":
            i, f, o, new = jnp.split(x + recalled, 4)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(new)
            return jax.nn.sigmoid(o) * jnp.tanh(c), c
        if self.kind == "gru":
            (r, u, new), (of_r, of_u, of_new) = jnp.split(x, 3), jnp.split(recalled, 3)
            u = jax.nn.sigmoid(u + of_u)
            return u * h + (1 - u) * jnp.tanh(new + jax.nn.sigmoid(r + of_r) * of_new), c
        return (jnp.tanh if self.kind == "tanh" else jax.nn.relu)(x + recalled), c


def _stacked(draw: Any, keys: PRNGKeyArray, shape: tuple[int, int], dtype: Any) -> Array:
    return jnp.concatenate([draw(key, shape, dtype) for key in keys])


class SumOverTime(eqx.Module):
    """One model for every step of a sequence, whose outputs are added: y = Σ_t model(x_t).

    **Arguments:**

    - `model`: a function of `key=` that makes the model of one step, such as
        `functools.partial(NAU, 10, 1)`.
    - `key`: draws its parameters.

    **Shapes:** `(time, in)` to `(out,)`, what the model gives.

    **Represents exactly** sums over sequences of any length of whatever the model represents, such
    as Σ a_t b_t. **Cannot** represent what is no sum over time, such as the product of two sums.

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
        """The sum over a sequence; every step has a part of `key`."""
        if key is None:
            return jnp.sum(jax.vmap(self.model)(xs), axis=0)

        def noisy(x: Array, step: Array) -> Array:
            return self.model(x, key=step_key(key, step))

        return jnp.sum(jax.vmap(noisy)(xs, jnp.arange(len(xs))), axis=0)
