"""Pictures with a few digits, and the number of even ones."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

# The number of scenes computed at a time, whose float images stay below 100 MB.
_BLOCK = 1000


class Scenes(NamedTuple):
    """Pictures and their targets.

    **Fields:** `images` `(count, side, side)`, black at 0; `even` `(count,)`, the number of even
    digits in each; `digits` `(count,)`, the number of digits.
    """

    images: UInt8[np.ndarray, "count side side"]
    even: Int[np.ndarray, "count"]
    digits: Int[np.ndarray, "count"]


@dataclass(frozen=True)
class DigitScenes:
    """The parity task: count the even digits in a picture of at most five.

    A picture has 0 to `most` digits with equal probability. Positions are drawn until the upper
    left corners of any two digits are at least `apart` pixels from each other.

    **Arguments:** `side` of the picture in pixels; `most` digits; `apart`, in pixels; `shrink`, the
    divisor of the sides at the end; a pixel is then a mean over the original ones.

    **Raises:** `ValueError` if `shrink` does not divide `side`, or there is no room for a digit.

    !!! example
        >>> images, labels = np.full((10, 28, 28), 255, np.uint8), np.arange(10)
        >>> scenes = DigitScenes(shrink=2).draw(images, labels, 4, seed=0)
        >>> scenes.images.shape, bool((scenes.even <= scenes.digits).all())
        ((4, 50, 50), True)

    Seguí, Pujol & Vitrià (2015), arXiv:1505.08082; details are those of the public repository
    fomorians/counting-mnist.
    """

    side: int = 100
    most: int = 5
    apart: int = 28
    shrink: int = 1

    def __post_init__(self):
        if self.side % self.shrink:
            raise ValueError(f"shrink must divide side {self.side}, got {self.shrink}")

    def draw(
        self,
        images: UInt8[np.ndarray, "n height width"],
        labels: Int[np.ndarray, "n"],
        count: int,
        seed: int = 0,
    ) -> Scenes:
        """`count` scenes with some of the images, the same for the same seed."""
        if images.shape[1] > self.side:
            raise ValueError(f"side must be at least {images.shape[1]}, got {self.side}")
        random = np.random.default_rng(seed)
        digits = random.integers(0, self.most + 1, count)
        which = random.integers(0, len(labels), (count, self.most))
        corners = self._corners(random, digits, self.side - images.shape[1] + 1)
        there = np.arange(self.most) < digits[:, None]
        blocks = [slice(start, start + _BLOCK) for start in range(0, count, _BLOCK)]
        drawn = [self._drawn(images[which[b]], corners[b], there[b]) for b in blocks]
        even = ((labels[which] % 2 == 0) & there).sum(1)
        return Scenes(np.concatenate(drawn), even, digits)

    def _corners(self, random: np.random.Generator, digits: np.ndarray, room: int) -> np.ndarray:
        """Positions of digits, `(count, most, 2)`, drawn until they are far enough apart."""
        corners = np.zeros((len(digits), self.most, 2), int)
        open_ = np.arange(len(digits))
        while len(open_):
            corners[open_] = random.integers(0, room, (len(open_), self.most, 2))
            open_ = open_[self._too_near(corners[open_], digits[open_])]
        return corners

    def _too_near(self, corners: np.ndarray, digits: np.ndarray) -> np.ndarray:
        near = np.zeros(len(digits), bool)
        for later in range(1, self.most):
            gaps = corners[:, :later] - corners[:, later : later + 1]
            close = (np.square(gaps).sum(-1) < self.apart**2).any(1)
            near |= close & (later < digits)
        return near

    def _drawn(self, images: np.ndarray, corners: np.ndarray, there: np.ndarray) -> np.ndarray:
        height, width = images.shape[2:]
        canvas = np.zeros((len(corners), self.side, self.side), np.uint8)
        rows = np.arange(len(corners))[:, None, None]
        for index in range(self.most):
            y = corners[:, index, :1, None] + np.arange(height)[:, None]
            x = corners[:, index, 1:, None] + np.arange(width)
            shown = images[:, index] * there[:, index, None, None]
            canvas[rows, y, x] = np.maximum(canvas[rows, y, x], shown)
        small = self.side // self.shrink
        parts = canvas.reshape(len(corners), small, self.shrink, small, self.shrink)
        return np.rint(parts.mean((2, 4))).astype(np.uint8)
