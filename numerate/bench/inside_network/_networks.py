"""Four ordinary networks with two features as their output."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.paper.networks import RNN

from ._tasks import PIXELS

FEATURES = 2
_PATCH, _STRIDE = 5, 3
_PLACES = (PIXELS - _PATCH) // _STRIDE + 1


class Perceptron(eqx.Module):
    """Two hidden layers with ReLU: four numbers to two features."""

    layers: list

    def __init__(self, key: PRNGKeyArray):
        sizes, keys = (4, 32, 32, FEATURES), jax.random.split(key, 3)
        pairs = zip(sizes, sizes[1:], keys, strict=False)
        self.layers = [eqx.nn.Linear(n, m, key=k) for n, m, k in pairs]

    def __call__(self, x: Float[Array, "numbers"]) -> Float[Array, "features"]:
        for layer in self.layers[:-1]:
            x = jax.nn.relu(layer(x))
        return self.layers[-1](x)


class LongMemory(eqx.Module):
    """An LSTM with a linear layer: a sequence to two features."""

    lstm: RNN
    out: eqx.nn.Linear

    def __init__(self, key: PRNGKeyArray):
        one, two = jax.random.split(key)
        self.lstm = RNN("lstm", 3, 16, key=one)
        self.out = eqx.nn.Linear(16, FEATURES, key=two)

    def __call__(self, x: Float[Array, "tokens 3"]) -> Float[Array, "features"]:
        return self.out(self.lstm(x))


class Encoder(eqx.Module):
    """A layer of a transformer with the norm first, as `norm_first=True` in PyTorch; then a mean
    over the tokens and a linear layer."""

    into: eqx.nn.Linear
    attention: eqx.nn.MultiheadAttention
    norms: list
    wide: eqx.nn.Linear
    narrow: eqx.nn.Linear
    out: eqx.nn.Linear

    def __init__(self, key: PRNGKeyArray):
        keys, size = jax.random.split(key, 5), 16
        self.into = eqx.nn.Linear(3, size, key=keys[0])
        self.attention = eqx.nn.MultiheadAttention(2, size, key=keys[1])
        self.norms = [eqx.nn.LayerNorm(size) for _ in range(2)]
        self.wide = eqx.nn.Linear(size, 32, key=keys[2])
        self.narrow = eqx.nn.Linear(32, size, key=keys[3])
        self.out = eqx.nn.Linear(size, FEATURES, key=keys[4])

    def __call__(self, x: Float[Array, "tokens 3"]) -> Float[Array, "features"]:
        h = jax.vmap(self.into)(x)
        normed = jax.vmap(self.norms[0])(h)
        h = h + self.attention(normed, normed, normed)
        h = h + jax.vmap(lambda t: self.narrow(jax.nn.relu(self.wide(self.norms[1](t)))))(h)
        return self.out(h.mean(0))


class Convolution(eqx.Module):
    """A convolution and two layers read one image as a number; the numbers of a set are added."""

    filters: eqx.nn.Linear
    hidden: eqx.nn.Linear
    out: eqx.nn.Linear

    def __init__(self, key: PRNGKeyArray):
        keys = jax.random.split(key, 3)
        self.filters = eqx.nn.Linear(_PATCH**2, 8, key=keys[0])
        self.hidden = eqx.nn.Linear(8 * _PLACES**2, 16, key=keys[1])
        self.out = eqx.nn.Linear(16, 1, key=keys[2])

    def __call__(self, x: tuple[Array, Array]) -> Float[Array, "features"]:
        images, there = x
        return jnp.sum(jax.vmap(jax.vmap(self.one))(images) * there, axis=1)

    def one(self, image: Float[Array, "side side"]) -> Float[Array, ""]:
        # As a product of matrices: mapped over seeds, a convolution is many times slower.
        reach = _STRIDE * (_PLACES - 1) + 1
        cut = [
            image[i : i + reach : _STRIDE, j : j + reach : _STRIDE].ravel()
            for i in range(_PATCH)
            for j in range(_PATCH)
        ]
        filters: Any = self.filters
        h = jax.nn.relu(jnp.stack(cut, axis=1) @ filters.weight.T + filters.bias)
        return self.out(jax.nn.relu(self.hidden(h.ravel())))[0]


TRUNKS: dict[str, Callable[[PRNGKeyArray], Any]] = {
    "MLP": Perceptron,
    "CNN": Convolution,
    "LSTM": LongMemory,
    "transformer": Encoder,
}
