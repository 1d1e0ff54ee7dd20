"""Images of handwritten digits: MNIST, or the small ones that come with scikit-learn."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from ._mnist import cached_mnist, mnist_folder

MNIST, SMALL = "MNIST", "8×8 digits"
SIDE = 28
# Of scikit-learn's 1797 images, the last ones.
_SMALL_TEST = 500


class Digits(NamedTuple):
    """Images of digits, black at 0 and white at 255, with their labels.

    **Fields:** `name` of the set; `train_images` `(n, 28, 28)` and `train_labels` `(n,)`, from 0 to
    9; `test_images` and `test_labels`.
    """

    name: str
    train_images: UInt8[np.ndarray, "train 28 28"]
    train_labels: Int[np.ndarray, "train"]
    test_images: UInt8[np.ndarray, "test 28 28"]
    test_labels: Int[np.ndarray, "test"]


def digits(source: str = "any") -> Digits:
    """Images of handwritten digits.

    **Arguments:** `source`: `"mnist"`, from the folder in the environment variable
    `NUMERATE_DATA` or where `numerate data mnist` puts it; `"small"`, the 1797 images of 8×8
    pixels that come with scikit-learn, three times as large with a margin of two pixels, of which
    the last 500 are the test set; or `"any"`, MNIST if there is a folder of it, and otherwise the
    small ones, as the `name` of the result states.

    **Raises:** `InputError` if MNIST is requested and missing or incomplete, and `ValueError` for
    another source.

    !!! example
        >>> found = digits("small")
        >>> found.name, found.train_images.shape, found.test_labels.shape
        ('8×8 digits', (1297, 28, 28), (500,))

    LeCun, Bottou, Bengio & Haffner (1998), Proceedings of the IEEE 86(11); the small images are
    the test set of Alpaydin & Kaynak (1998), doi:10.24432/C50P49.
    """
    if source not in ("any", "mnist", "small"):
        raise ValueError(f"source must be 'any', 'mnist' or 'small', got {source!r}")
    folder = None if source == "small" else mnist_folder()
    if folder is not None:
        images, labels, test_images, test_labels = cached_mnist(folder)
        return Digits(MNIST, images, labels.astype(int), test_images, test_labels.astype(int))
    if source == "mnist":
        from numerate._errors import InputError

        raise InputError(
            "MNIST is missing: numerate data mnist downloads it, or name the folder of its "
            "four files by --data or in NUMERATE_DATA."
        )
    return _small()


@lru_cache(maxsize=1)
def _small() -> Digits:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    # From 17 shades to 256; 8 pixels become 24, and the margin makes them 28.
    shades = np.rint(np.asarray(images).reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    large = np.pad(shades.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    labels = np.asarray(labels).astype(int)
    train, test = slice(None, -_SMALL_TEST), slice(-_SMALL_TEST, None)
    return Digits(SMALL, large[train], labels[train], large[test], labels[test])
