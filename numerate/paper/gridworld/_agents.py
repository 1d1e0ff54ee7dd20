"""Agents: networks that see, remember and act."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.cells import Recurrent
from numerate.units import Unit
from numerate.units._base import check_sizes

from ._accumulator import Tally

# Pictures are dark but for two squares: kernels that see them start so many times as large.
_GAIN = 4.0


class PictureEye(eqx.Module):
    """Two convolutions and a layer that see a picture.

    Kernels of 8×8 pixels at every fourth, then of 4×4 at every second place, as in A3C, each
    followed by ReLU; then a layer to `out_features` with ReLU.

    **Arguments:**

    - `side`: of the picture, in pixels.
    - `out_features`: what is made of it.
    - `channels`: of the two convolutions. A3C has 16 and 32.
    - `key`: draws kernels and weights.

    **Shapes:** a picture `(side, side, 3)` to `(out_features,)`: `read(glance(picture))`. The
    first convolution is linear, so that the glances of a picture's layers add up to its own.

    **Raises:** `ValueError` for a picture that has no room for the kernels, or a negative size.

    !!! example
        >>> eye = PictureEye(56, 32, key=jax.random.key(0))
        >>> eye(jnp.ones((56, 56, 3))).shape
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
        places = _halves(side // 4 - 1)
        if places < 1:
            raise ValueError(f"side must be at least 20 pixels, got {side}")
        keys = jax.random.split(key, 3)
        draw = jax.nn.initializers.he_normal()
        shapes = (8 * 8 * 3, channels[0]), (4 * 4 * channels[0], channels[1])
        first, second = (draw(k, shape) for k, shape in zip(keys, shapes, strict=False))
        self.kernels = _GAIN * first, second
        self.biases = tuple(jnp.zeros(n) for n in channels)
        self.layer = eqx.nn.Linear(places**2 * channels[1], out_features, key=keys[2])
        self.out_features = out_features

    def glance(self, picture: Float[Array, "side side 3"]) -> Float[Array, "rows columns channels"]:
        """The first convolution, without its bias."""
        return _strided(picture, self.kernels[0], 4)

    def read(self, glance: Float[Array, "rows columns channels"]) -> Float[Array, "out"]:
        """What is made of a glance, or of a sum of several."""
        x = jax.nn.relu(glance + self.biases[0])
        x = jax.nn.relu(_strided(x, self.kernels[1], 2) + self.biases[1])
        return jax.nn.relu(self.layer(x.ravel()))

    def __call__(self, picture: Float[Array, "side side 3"]) -> Float[Array, "out"]:
        return self.read(self.glance(picture))


def _halves(places: int) -> int:
    return places // 2 - 1


def _strided(
    x: Float[Array, "height width channels"], kernel: Float[Array, "taps out"], stride: int
) -> Float[Array, "rows columns out"]:
    """The convolution with a kernel twice as wide as its stride.

    Squares of `stride` pixels meet the kernel's four quarters, and neighbours are added: products
    of matrices, which XLA's convolutions on a CPU are much slower than.
    """
    n, channels, out = x.shape[0] // stride, x.shape[-1], kernel.shape[-1]
    x = x[: n * stride, : n * stride].reshape(n, stride, n, stride, channels)
    blocks = x.transpose(0, 2, 1, 3, 4).reshape(n, n, stride * stride * channels)
    quarters = kernel.reshape(2, 2, stride * stride * channels, out)
    y = jnp.einsum("rcp,abpo->rcabo", blocks, quarters)
    above = y[:-1, :, 0] + y[1:, :, 1]
    return above[:, :-1, 0] + above[:, 1:, 1]


class PlaceEye(eqx.Module):
    """One layer with ReLU that is shown places instead of pictures.

    **Arguments:** `in_features`, `out_features`; `key`, which draws the weights.

    **Shapes:** `(in_features,)` to `(out_features,)`: `read(glance(places))`, where glances add up
    as those of `PictureEye` do.

    !!! example
        >>> PlaceEye(50, 32, key=jax.random.key(0))(jnp.ones(50)).shape
        (32,)
    """

    layer: eqx.nn.Linear
    out_features: int = eqx.field(static=True)

    def __init__(self, in_features: int, out_features: int, *, key: PRNGKeyArray):
        self.layer = eqx.nn.Linear(in_features, out_features, key=key)
        self.out_features = out_features

    def glance(self, places: Float[Array, "in"]) -> Float[Array, "out"]:
        """The layer without its bias."""
        return self.layer.weight @ places

    def read(self, glance: Float[Array, "out"]) -> Float[Array, "out"]:
        """What is made of a glance, or of a sum of several."""
        return jax.nn.relu(glance + self.layer.bias)  # pyright: ignore[reportOperatorIssue]

    def __call__(self, places: Float[Array, "in"]) -> Float[Array, "out"]:
        return self.read(self.glance(places))


class Memory(NamedTuple):
    """What an agent remembers: h and c of its LSTM, and n of its counter."""

    h: Float[Array, "hidden"]
    c: Float[Array, "hidden"]
    n: Float[Array, "counts"]


class Answer(NamedTuple):
    """What an agent makes of a step: a score for each action, how much reward it expects until the
    episode ends, and what it remembers."""

    scores: Float[Array, "actions"]
    value: Float[Array, ""]
    memory: Memory


class RecurrentAgent(eqx.Module):
    """An LSTM that sees, is told a number, and counts with a unit beside it.

    n_t = counter([T_t, 1], n_{t-1}) and h_t = LSTM([eye(picture_t), T_t, n_t], h_{t-1}); scores
    and the value are linear in h_t. T_t is what is told at step t. The 1 is there because units
    of arithmetic have no bias, and time goes on by 1.

    **Arguments:**

    - `eye`: a function of `key=` that makes what sees, such as a partial `PictureEye`.
    - `actions`: their number.
    - `hidden_size`: of the LSTM.
    - `counter`: a unit that counts, or None for an LSTM alone.
    - `counts`: features of n.
    - `tally`: whether n is a running sum (`Tally`), or passes through the unit at every step
        (`numerate.cells.Recurrent`).
    - `key`: draws the parameters.

    **Shapes:** features `(features,)` of the eye, what is told `(1,)` and a `Memory`, to an
    `Answer`.

    **Raises:** `ValueError` for a negative size.

    !!! example
        >>> from functools import partial
        >>> from numerate.units import NAC
        >>> eye = partial(PlaceEye, 50, 32)
        >>> agent = RecurrentAgent(eye, 5, 48, NAC, key=jax.random.key(0))
        >>> agent(agent.eye(jnp.ones(50)), jnp.array([8.0]), agent.start()).scores.shape
        (5,)

    Trask et al. (2018), §4.5: "passed both directly to the LSTM memory and passed through an NAC
    and back into the LSTM". They do not say whether that NAC has a state.
    """

    eye: Any
    lstm: eqx.nn.LSTMCell
    counter: Tally | Recurrent | None
    actor: eqx.nn.Linear
    critic: eqx.nn.Linear

    def __init__(
        self,
        eye: Callable[..., Any],
        actions: int,
        hidden_size: int,
        counter: Callable[..., Unit] | None = None,
        *,
        counts: int = 4,
        tally: bool = True,
        key: PRNGKeyArray,
    ):
        check_sizes(actions=actions, hidden_size=hidden_size, counts=counts)
        keys = jax.random.split(key, 5)
        self.eye = eye(key=keys[0])
        cell = Tally if tally else Recurrent
        self.counter = None if counter is None else cell(counter, 2, counts, key=keys[1])
        given = self.eye.out_features + 1 + (0 if counter is None else counts)
        self.lstm = eqx.nn.LSTMCell(given, hidden_size, key=keys[2])
        actor = eqx.nn.Linear(hidden_size, actions, key=keys[3])
        # All actions alike at first, or an episode would hardly ever end.
        small = actor.weight / 100, jnp.zeros(actions)
        self.actor = eqx.tree_at(lambda layer: (layer.weight, layer.bias), actor, small)
        self.critic = eqx.nn.Linear(hidden_size, "scalar", key=keys[4])

    def start(self) -> Memory:
        """What is remembered before the first step: nothing."""
        counts = 0 if self.counter is None else self.counter.hidden_size
        hidden = jnp.zeros(self.lstm.hidden_size)
        return Memory(hidden, hidden, jnp.zeros(counts))

    def __call__(
        self, features: Float[Array, "features"], told: Float[Array, "1"], memory: Memory
    ) -> Answer:
        h, c, n = memory
        if self.counter is not None:
            n = self.counter.step(jnp.concatenate([told, jnp.ones(1)]), n)
        h, c = self.lstm(jnp.concatenate([features, told, n]), (h, c))
        return Answer(self.actor(h), self.critic(h), Memory(h, c, n))
