"""An Equinox CNN with a NAC as its last layer counts handwritten digits and extrapolates.

The CNN encodes one image of scikit-learn's digits at a time, and a NAC adds the features to ten
counters. The training target is how often each digit occurs among five images, without labels for
single images. The test is a sequence of 400 unseen images, and each of these images alone.
This is the task "MNIST counting" of Trask et al. (2018), with smaller images.

    python examples/equinox_cnn_nac.py
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from sklearn.datasets import load_digits

from numerate.units import NAC

STEPS, BATCH, TRAINED = 1000, 64, 1300
SHORT, LONG = 5, 400


class Counter(eqx.Module):
    """Counts ten classes in a sequence of images."""

    encoder: eqx.nn.Sequential
    add: NAC

    def __init__(self, *, key: PRNGKeyArray):
        keys = jax.random.split(key, 3)
        self.encoder = eqx.nn.Sequential(
            [
                eqx.nn.Conv2d(1, 16, kernel_size=3, key=keys[0]),
                eqx.nn.Lambda(jax.nn.relu),
                eqx.nn.Lambda(jnp.ravel),
                eqx.nn.Linear(16 * 6 * 6, 32, key=keys[1]),
                eqx.nn.Lambda(jax.nn.sigmoid),
            ]
        )
        self.add = NAC(32, 10, key=keys[2])

    def __call__(self, images: Float[Array, "sequence 1 8 8"]) -> Float[Array, "10"]:
        return self.add(jax.vmap(self.encoder)(images).sum(0))


@eqx.filter_jit
def train(model: Counter, images: Array, digits: Array, key: PRNGKeyArray) -> Any:
    """The model after `STEPS` steps of Adam, each on a batch of random sequences."""
    optimiser = optax.adam(optax.cosine_decay_schedule(1e-2, STEPS))
    trained, fixed = eqx.partition(model, eqx.is_inexact_array)

    def step(carry, key):
        trained, state = carry
        sequences = jax.random.randint(key, (BATCH, SHORT), 0, len(digits))
        gradient = jax.grad(lambda trained: loss(eqx.combine(trained, fixed), sequences))(trained)
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(trained, updates), state), None

    def loss(model, sequences):
        target = jax.nn.one_hot(digits[sequences], 10).sum(1)
        return jnp.mean((jax.vmap(model)(images[sequences]) - target) ** 2)

    start, keys = (trained, optimiser.init(trained)), jax.random.split(key, STEPS)
    (trained, _), _ = jax.lax.scan(step, start, keys)
    return eqx.combine(trained, fixed)


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digits))
    x = jnp.asarray(images[order].reshape(-1, 1, 8, 8) / 16, jnp.float32)
    y = jnp.asarray(digits[order])
    model_key, train_key = jax.random.split(jax.random.key(0))
    model = train(Counter(key=model_key), x[:TRAINED], y[:TRAINED], train_key)
    x, y = x[TRAINED:][:LONG], y[TRAINED:][:LONG]
    shown, counted = jnp.bincount(y, length=10), model(x)
    alone = jax.vmap(lambda image: model(image[None]).argmax())(x)
    print("digit  ", *(f"{digit:4d}" for digit in range(10)))
    print("shown  ", *(f"{count:4d}" for count in shown))
    print("counted", *(f"{count:4.0f}" for count in counted))
    print(f"accuracy on single images: {100 * jnp.mean(alone == y):.0f} %")


if __name__ == "__main__":
    main()
