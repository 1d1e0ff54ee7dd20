"""The examples of a popular NumPy and TensorFlow tutorial on the NALU."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from numerate.ops import bits, step_key, uniform
from numerate.tasks import Batch, Task


class TutorialFunction(NamedTuple):
    """`of(x)` for rows of inputs; the tutorial's own rows; and the ranges those lie in."""

    text: str
    of: Callable[[Any], Any]
    rows: Callable[[], np.ndarray]
    test: Callable[[], np.ndarray]


def _line(*columns: tuple[int, int, int]) -> np.ndarray:
    return np.stack([np.arange(*column) for column in columns], axis=1).astype(np.float32)


def _drawn(*ranges: tuple[int, int]) -> np.ndarray:
    """200 rows of integers, for which the tutorial fixes no seed."""
    random = np.random.default_rng(2018)
    return np.stack([random.integers(*r, 200) for r in ranges], axis=1).astype(np.float32)


TUTORIAL = {
    "add": TutorialFunction(
        "x₁ + x₂",
        lambda x: x[:, 0] + x[:, 1],
        lambda: _line((0, 10_000, 5), (5, 10_005, 5)),
        lambda: _line((1000, 2000, 8), (1000, 1500, 4)),
    ),
    "mul": TutorialFunction(
        "x₁ · x₂",
        lambda x: x[:, 0] * x[:, 1],
        lambda: _line((0, 10_000, 5), (5, 10_005, 5)),
        lambda: _line((1000, 2000, 8), (1000, 1500, 4)),
    ),
    "mixed": TutorialFunction(
        "x₁/4 + x₂/2 + x₃²",
        lambda x: x[:, 0] / 4 + x[:, 1] / 2 + x[:, 2] ** 2,
        lambda: _line((1000, 11_000, 5), (500, 6500, 3), (0, 2000, 1)),
        lambda: _drawn((0, 1000), (1, 500), (50, 150)),
    ),
}


@dataclass(frozen=True)
class TutorialRows(Task):
    """A function of the tutorial: x₁ + x₂, x₁ · x₂ or x₁/4 + x₂/2 + x₃².

    All rows that the tutorial trains on lie on one line: x₂ is x₁ + 5 in the first two, and all
    three inputs follow from x₃ in the third. Any function that agrees on that line fits them.

    **Arguments:** `function`, `"add"`, `"mul"` or `"mixed"`; `data`, `"published"` for the
    tutorial's rows, `"independent"` for inputs drawn independently from the same ranges.

    The task is solved if the test error is below that of a model with a relative error of 1e-5. The
    test rows are the tutorial's, off the line.

    !!! example
        >>> x, y = TutorialRows("add", "published").validation()
        >>> x.shape, bool((x[:, 1] == x[:, 0] + 5).all())
        ((2000, 2), True)
    """

    function: str
    data: str

    @property
    def in_features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return TUTORIAL[self.function].rows().shape[1]

    @property
    def out_features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return 1

    def sample(self, key: Array, batch_size: int) -> Batch:
        function = TUTORIAL[self.function]
        if self.data == "published":
            rows = jnp.asarray(function.rows())
            if batch_size < len(rows):
                rows = rows[bits(key, (batch_size,)) % len(rows)]
            return self._with_target(rows)
        low, high = (jnp.asarray(f(function.rows(), axis=0)) for f in (np.min, np.max))
        share = uniform(key, (batch_size, self.in_features))
        return self._with_target(low + (high - low) * share)

    def validation(self) -> Batch:
        return self.sample(step_key(jax.random.key(2018), 0), len(TUTORIAL[self.function].rows()))

    def extrapolation(self) -> Batch:
        return self._with_target(jnp.asarray(TUTORIAL[self.function].test()))

    @property
    def threshold(self) -> float:
        return 1e-10 * self.mean_square

    @property
    def mean_square(self) -> float:
        """That of the targets of the test."""
        y = TUTORIAL[self.function].of(TUTORIAL[self.function].test().astype(float))
        return float(np.mean(y**2))

    def _with_target(self, x: Array) -> Batch:
        return x, TUTORIAL[self.function].of(x)[:, None]
