"""Inputs in which two quantities are hidden, and targets that are arithmetic of these."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.paper.digits import digits

OPERATIONS = {"sum": "a + b", "product": "a · b", "quotient": "a / b"}

TOKENS = 5  # of a sequence, two of which count
RANGES = {"inside": (1.0, 2.0), "beyond": (4.0, 8.0)}  # of numbers
MOST = {"inside": 2, "beyond": 10}  # images of a set
PIXELS = 14  # of an image, after a mean over 2x2
_KEPT = {"inside": 10_000, "beyond": 5_000}  # images; training has none of the test's


class Examples(NamedTuple):
    """**Fields:** `inputs`, for `Network`, with a first axis of examples; `hidden`, a and b."""

    inputs: Any
    hidden: Float[Array, "examples 2"]


def examples(network: str, condition: str, count: int, key: PRNGKeyArray, images: Any) -> Examples:
    """Examples for a network, of the range it is trained on or from beyond.

    - `"MLP"`: four numbers, a the larger of the first two and b of the others.
    - `"LSTM"`, `"transformer"`: five numbers in a row; a is the one with a first mark, b that
        with a second. Numbers are U[1, 2] inside and U[4, 8] beyond.
    - `"CNN"`: two sets of one or two images of the digits 1 to 9, and of ten beyond. a and b are
        the sums of the digits, in tens.

    **Arguments:** `network`, one of `TRUNKS`; `condition`, `"inside"` or `"beyond"`; `count`;
    `key`; `images`, for `"CNN"`, what `digit_images` returns for the part to draw from.

    !!! example
        >>> found = examples("MLP", "inside", 5, jax.random.key(0), None)
        >>> found.inputs.shape, found.hidden.shape
        ((5, 4), (5, 2))
    """
    if network == "CNN":
        return _sets_of_digits(count, MOST[condition], key, images)
    low, high = RANGES[condition]
    if network == "MLP":
        x = jax.random.uniform(key, (count, 4), minval=low, maxval=high)
        return Examples(x, x.reshape(count, 2, 2).max(2))
    numbers, positions = jax.random.split(key)
    x = jax.random.uniform(numbers, (count, TOKENS), minval=low, maxval=high)
    order = jax.vmap(lambda k: jax.random.permutation(k, TOKENS))(
        jax.random.split(positions, count)
    )
    marks = jax.nn.one_hot(order[:, :2], TOKENS)  # (count, 2, TOKENS)
    tokens = jnp.concatenate([x[..., None], jnp.swapaxes(marks, 1, 2)], axis=-1)
    return Examples(tokens, jnp.einsum("nt,nkt->nk", x, marks))


def _sets_of_digits(count: int, most: int, key: PRNGKeyArray, images: Any) -> Examples:
    pixels, labels = images
    drawn, sizes = jax.random.split(key)
    index = jax.random.randint(drawn, (count, 2, most), 0, len(labels))
    # Beyond the range all sets are of the largest size.
    size = jax.random.randint(sizes, (count, 2), 1 if most == MOST["inside"] else most, most + 1)
    there = jnp.arange(most) < size[..., None]
    seen = pixels[index].astype(jnp.float32) / 255
    return Examples((seen, there), jnp.sum(labels[index] * there, axis=-1) / 10.0)


def digit_images(source: str) -> dict[str, tuple[Array, Array]]:
    """Images and labels of the digits 1 to 9, for training and for the test.

    **Raises:** `InputError` if MNIST is asked for and not there.
    """
    found = digits(source)
    parts = {
        "inside": (found.train_images, found.train_labels),
        "beyond": (found.test_images, found.test_labels),
    }
    return {name: _small(*part, _KEPT[name]) for name, part in parts.items()}


def _small(images: np.ndarray, labels: np.ndarray, most: int) -> tuple[Array, Array]:
    images, labels = images[labels > 0][:most], labels[labels > 0][:most]
    means = images.reshape(-1, PIXELS, 2, PIXELS, 2).mean((2, 4))
    return jnp.asarray(means.astype(np.uint8)), jnp.asarray(labels.astype(np.float32))


def target(operation: Array, hidden: Float[Array, "examples 2"]) -> Float[Array, "examples"]:
    """The sum, product or quotient of a and b, by the number of the operation.

    !!! example
        >>> target(jnp.array(1), jnp.array([[3.0, 2.0]]))
        Array([6.], dtype=float32)
    """
    a, b = hidden[:, 0], hidden[:, 1]
    return jnp.stack([a + b, a * b, a / b])[operation]
