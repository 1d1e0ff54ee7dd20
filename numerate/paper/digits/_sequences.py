"""Sequences of digits: the number of each, and their sum."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key

CLASSES = 10


@dataclass(frozen=True)
class DigitSequences:
    """The target of a sequence of digits: the MNIST tasks of the NALU paper.

    **Arguments:**

    - `operation`: `"count"`, the number of occurrences of each digit, or `"add"`, their sum.

    **Raises:** `ValueError` for another operation.

    !!! example
        >>> DigitSequences("count").truth(jnp.array([3, 1, 3])).tolist()
        [0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        >>> DigitSequences("add").truth(jnp.array([3, 1, 3])).tolist()
        [7.0]

    Trask et al. (2018), §4.2.
    """

    operation: str

    def __post_init__(self):
        if self.operation not in ("count", "add"):
            raise ValueError(f"operation must be 'count' or 'add', got {self.operation!r}")

    @property
    def out_features(self) -> int:
        """10 counts, or 1 sum."""
        return CLASSES if self.operation == "count" else 1

    def truth(self, labels: Int[Array, "*batch time"]) -> Float[Array, "*batch out"]:
        """The target of each sequence."""
        if self.operation == "add":
            return labels.sum(-1, keepdims=True).astype(float)
        return (labels[..., None] == jnp.arange(CLASSES)).sum(-2).astype(float)

    def standard_deviation(self, length: int) -> float:
        """The standard deviation of a target if all digits are equally likely."""
        variance = 0.09 if self.operation == "count" else 8.25
        return float(np.sqrt(variance * length))

    def guess(self, length: int) -> Float[Array, "out"]:
        """The best constant prediction if all digits are equally likely."""
        one = 1 / CLASSES if self.operation == "count" else (CLASSES - 1) / 2
        return jnp.full(self.out_features, one * length)

    def right(
        self, answers: Float[Array, "*batch out"], labels: Int[ArrayLike, "*batch"]
    ) -> Float[Array, "*batch"]:
        """1 where the answer to a sequence of one digit is right: the largest count, or the rounded
        sum."""
        if self.operation == "count":
            return (answers.argmax(-1) == labels).astype(float)
        return (jnp.round(answers[..., 0]) == labels).astype(float)


def shuffled(
    key: Key[Array, ""], images: int, sequences: int, length: int
) -> Int[Array, "batches sequences length"]:
    """Indices of images in batches of sequences: each image at most once, in random order."""
    batches = images // (sequences * length)
    order = jax.random.permutation(key, images)[: batches * sequences * length]
    return order.reshape(batches, sequences, length)


def drawn(images: int, length: int, sequences: int, seed: int = 0) -> Int[np.ndarray, "_ length"]:
    """Indices of images in test sequences, the same at every call.

    If there are enough images, each occurs at most once; otherwise they are drawn independently.

    **Arguments:** `images`, their number; `length` of `sequences` sequences; `seed`.

    !!! example
        >>> drawn(10, 5, 2).shape, sorted(drawn(10, 5, 2).ravel().tolist())
        ((2, 5), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        >>> drawn(10, 20, 4).shape
        (4, 20)
    """
    generator, shape = np.random.default_rng([seed, length]), (sequences, length)
    if sequences * length <= images:
        return generator.permutation(images)[: sequences * length].reshape(shape)
    return generator.integers(0, images, shape)
