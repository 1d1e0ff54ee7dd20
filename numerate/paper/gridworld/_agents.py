"""Agents: an encoder, an LSTM, a counter, and heads for policy and value."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.arguments import check_sizes
from numerate.cells import Recurrent
from numerate.units import Unit

from ._accumulator import Accumulator

# Pictures are dark except for two squares, so initial kernels are scaled by this factor.
_GAIN = 4.0


class PictureEncoder(eqx.Module):
    """Two convolutions and a linear layer, for pictures.

    Kernels of 8×8 pixels with stride 4, then of 4×4 with stride 2, as in A3C, each
    followed by ReLU; then a layer to `out_features` with ReLU.

    **Arguments:**

    - `side`: of the picture, in pixels.
    - `out_features`: size of the output.
    - `channels`: of the two convolutions. A3C has 16 and 32.
    - `key`: draws kernels and weights.

    **Shapes:** a picture `(side, side, 3)` to `(out_features,)`: `encode(embed(picture))`. `embed`
    is linear, so that the embedding of a picture is the sum of those of its layers.

    **Raises:** `ValueError` for a picture smaller than the kernels need, or a negative size.

    !!! example
        >>> encoder = PictureEncoder(56, 32, key=jax.random.key(0))
        >>> encoder(jnp.ones((56, 56, 3))).shape
        (32,)

    Mnih et al. (2016), arXiv:1602.01783; the convolutions are those of Mnih et al. (2013).
    """

    kernels: tuple[Float[Array, "_ _"], ...]
    biases: tuple[Float[Array, "_"], ...]
    layer: eqx.nn.Linear
    out_features: int = eqx.field(static=True)

    def __init__(
        self,
        side: int,
        out_features: int,
        channels: tuple[int, ...] = (8, 16),
        *,
        key: PRNGKeyArray,
    ):
        check_sizes(out_features=out_features)
        size = _halves(side // 4 - 1)
        if size < 1:
            raise ValueError(f"side must be at least 20 pixels, got {side}")
        keys = jax.random.split(key, 3)
        draw = jax.nn.initializers.he_normal()
        shapes = (8 * 8 * 3, channels[0]), (4 * 4 * channels[0], channels[1])
        first, second = (draw(k, shape) for k, shape in zip(keys, shapes, strict=False))
        self.kernels = _GAIN * first, second
        self.biases = tuple(jnp.zeros(n) for n in channels)
        self.layer = eqx.nn.Linear(size**2 * channels[1], out_features, key=keys[2])
        self.out_features = out_features

    def embed(self, picture: Float[Array, "side side 3"]) -> Float[Array, "rows columns channels"]:
        """The first convolution, without its bias."""
        return _strided(picture, self.kernels[0], 4)

    def encode(self, embedded: Float[Array, "rows columns channels"]) -> Float[Array, "out"]:
        """The features of one embedding, or of a sum of several."""
        x = jax.nn.relu(embedded + self.biases[0])
        x = jax.nn.relu(_strided(x, self.kernels[1], 2) + self.biases[1])
        return jax.nn.relu(self.layer(x.ravel()))

    def __call__(self, picture: Float[Array, "side side 3"]) -> Float[Array, "out"]:
        return self.encode(self.embed(picture))


def _halves(size: int) -> int:
    return size // 2 - 1


def _strided(
    x: Float[Array, "height width channels"], kernel: Float[Array, "taps out"], stride: int
) -> Float[Array, "rows columns out"]:
    """The convolution with a kernel twice as wide as its stride.

    Squares of `stride` pixels are multiplied by the kernel's four quarters, and neighbours are
    added. These matrix products are much faster than XLA's convolutions on a CPU.
    """
    n, channels, out = x.shape[0] // stride, x.shape[-1], kernel.shape[-1]
    x = x[: n * stride, : n * stride].reshape(n, stride, n, stride, channels)
    blocks = x.transpose(0, 2, 1, 3, 4).reshape(n, n, stride * stride * channels)
    quarters = kernel.reshape(2, 2, stride * stride * channels, out)
    y = jnp.einsum("rcp,abpo->rcabo", blocks, quarters)
    above = y[:-1, :, 0] + y[1:, :, 1]
    return above[:, :-1, 0] + above[:, 1:, 1]


class PositionEncoder(eqx.Module):
    """One linear layer with ReLU, for one-hot positions instead of pictures.

    **Arguments:** `in_features`, `out_features`; `key`, which draws the weights.

    **Shapes:** `(in_features,)` to `(out_features,)`: `encode(embed(positions))`. `embed` is
    linear, as in `PictureEncoder`.

    !!! example
        >>> PositionEncoder(50, 32, key=jax.random.key(0))(jnp.ones(50)).shape
        (32,)
    """

    layer: eqx.nn.Linear
    out_features: int = eqx.field(static=True)

    def __init__(self, in_features: int, out_features: int, *, key: PRNGKeyArray):
        self.layer = eqx.nn.Linear(in_features, out_features, key=key)
        self.out_features = out_features

    def embed(self, positions: Float[Array, "in"]) -> Float[Array, "out"]:
        """The layer without its bias."""
        return self.layer.weight @ positions

    def encode(self, embedded: Float[Array, "out"]) -> Float[Array, "out"]:
        """The features of one embedding, or of a sum of several."""
        return jax.nn.relu(embedded + self.layer.bias)  # pyright: ignore[reportOperatorIssue]

    def __call__(self, positions: Float[Array, "in"]) -> Float[Array, "out"]:
        return self.encode(self.embed(positions))


class RecurrentState(NamedTuple):
    """The state of an agent: h and c of its LSTM, and n of its counter."""

    h: Float[Array, "hidden"]
    c: Float[Array, "hidden"]
    n: Float[Array, "counts"]


class PolicyOutput(NamedTuple):
    """The output of a step: logits of the actions, the value (the reward expected until the episode
    ends), and the next state."""

    logits: Float[Array, "actions"]
    value: Float[Array, ""]
    state: RecurrentState


class RecurrentAgent(eqx.Module):
    """An LSTM with a picture encoder, a goal input, and a unit beside it that can count.

    n_t = counter([T_t, 1], n_{t-1}) and h_t = LSTM([encoder(picture_t), T_t, n_t], h_{t-1}); logits
    and the value are linear in h_t. T_t is the goal input at step t: T at the first step, 0 later.
    The 1 replaces a bias, which arithmetic units lack, so that they can count steps.

    **Arguments:**

    - `encoder`: a function of `key=` that makes the encoder, such as a partial `PictureEncoder`.
    - `actions`: number of actions.
    - `hidden_size`: of the LSTM.
    - `counter`: the unit, or None for an LSTM alone.
    - `counts`: features of n.
    - `accumulate`: whether n is a running sum (`Accumulator`), or an input of the unit at every
      step (`numerate.cells.Recurrent`).
    - `key`: draws the parameters.

    **Shapes:** features `(features,)` of the encoder, the goal input `(1,)` and a
    `RecurrentState`, to a `PolicyOutput`.

    **Raises:** `ValueError` for a negative size.

    !!! example
        >>> from functools import partial
        >>> from numerate.units import NAC
        >>> encoder = partial(PositionEncoder, 50, 32)
        >>> agent = RecurrentAgent(encoder, 5, 48, NAC, key=jax.random.key(0))
        >>> agent(agent.encoder(jnp.ones(50)), jnp.array([8.0]), agent.start()).logits.shape
        (5,)

    Trask et al. (2018), §4.5: "passed both directly to the LSTM memory and passed through an NAC
    and back into the LSTM". They do not say whether that NAC has a state.
    """

    encoder: Any
    lstm: eqx.nn.LSTMCell
    counter: Accumulator | Recurrent | None
    actor: eqx.nn.Linear
    critic: eqx.nn.Linear

    def __init__(
        self,
        encoder: Callable[..., Any],
        actions: int,
        hidden_size: int,
        counter: Callable[..., Unit] | None = None,
        *,
        counts: int = 4,
        accumulate: bool = True,
        key: PRNGKeyArray,
    ):
        check_sizes(actions=actions, hidden_size=hidden_size, counts=counts)
        keys = jax.random.split(key, 5)
        self.encoder = encoder(key=keys[0])
        cell = Accumulator if accumulate else Recurrent
        self.counter = None if counter is None else cell(counter, 2, counts, key=keys[1])
        given = self.encoder.out_features + 1 + (0 if counter is None else counts)
        self.lstm = eqx.nn.LSTMCell(given, hidden_size, key=keys[2])
        actor = eqx.nn.Linear(hidden_size, actions, key=keys[3])
        # All actions are equally probable at first; otherwise episodes would rarely end.
        small = actor.weight / 100, jnp.zeros(actions)
        self.actor = eqx.tree_at(lambda layer: (layer.weight, layer.bias), actor, small)
        self.critic = eqx.nn.Linear(hidden_size, "scalar", key=keys[4])

    def start(self) -> RecurrentState:
        """The state before the first step: zeros."""
        counts = 0 if self.counter is None else self.counter.hidden_size
        hidden = jnp.zeros(self.lstm.hidden_size)
        return RecurrentState(hidden, hidden, jnp.zeros(counts))

    def __call__(
        self,
        features: Float[Array, "features"],
        goal_input: Float[Array, "1"],
        state: RecurrentState,
    ) -> PolicyOutput:
        h, c, n = state
        if self.counter is not None:
            n = self.counter.step(jnp.concatenate([goal_input, jnp.ones(1)]), n)
        h, c = self.lstm(jnp.concatenate([features, goal_input, n]), (h, c))
        return PolicyOutput(self.actor(h), self.critic(h), RecurrentState(h, c, n))
