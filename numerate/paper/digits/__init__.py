"""Digits in images: counting them, adding them, and counting the even ones."""

from ._images import Digits, digits
from ._mnist import (
    FOLDER_VARIABLE,
    MNIST_FILES,
    download_mnist,
    mnist_folder,
    read_mnist,
)
from ._network import DigitNet, convolved
from ._scenes import DigitScenes, Scenes
from ._sequences import DigitSequences

__all__ = [
    "FOLDER_VARIABLE",
    "MNIST_FILES",
    "DigitNet",
    "DigitScenes",
    "DigitSequences",
    "Digits",
    "Scenes",
    "convolved",
    "digits",
    "download_mnist",
    "mnist_folder",
    "read_mnist",
]
