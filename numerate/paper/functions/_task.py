"""Simple function learning over sequences."""

import functools
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.ops import step_key
from numerate.tasks import (
    EXTRAPOLATION_SEED,
    PAPER_FUNCTIONS,
    VALIDATION_SEED,
    Range,
    SingleSubsetTask,
    SubsetTask,
)

Sequences = tuple[Float[Array, "batch time in"], Float[Array, "batch out"]]


@dataclass(frozen=True)
class SimpleFunctionRecurrent(SubsetTask):
    """y = f(a, b), where a and b are sums of two runs of neighbouring inputs over a sequence.

    With a_t and b_t the sums of the two runs of x_t, the target has two interpretations. `"total"`
    is the paper's text: a = Σ_t a_t, b = Σ_t b_t and y = f(a, b). `"running"` is y = Σ_t f(a_t,
    b_t): in the paper's Table 8 the error of an untrained network grows with the square of the
    length for every f, which requires a target proportional to the length. For a + b, a - b and a
    both are the same.

    Runs, families, inputs and the threshold are as for `SimpleFunction`; weights are off by ε at
    every step.

    **Arguments:** those of `SimpleFunction`, and

    - `reading`: `"total"` or `"running"`.
    - `length`, `extrapolation_length`: of the sequences in training and validation, and in
      extrapolation, where inputs stay in `train_range`.
    - `extrapolation_size`: number of rows of the extrapolation set.

    **Raises:** `ValueError` as `SimpleFunction` does, and for another reading or an empty
    sequence.

    !!! example
        >>> import jax
        >>> task = SimpleFunctionRecurrent(("add",), extrapolation_size=2)
        >>> one = task.at(jax.tree.map(lambda leaf: leaf[0], task.instances(1)))
        >>> x, y = one.extrapolation()
        >>> x.shape, y.shape
        ((2, 1000, 10), (2, 1))
    """

    functions: tuple[str, ...] = PAPER_FUNCTIONS
    reading: str = "total"
    in_features: int = 10
    train_range: Range = (0.02, 0.6)
    skew: int = 2
    lengths: tuple[int, int] = (2, 5)
    overlap: int | None = None
    length: int = 10
    extrapolation_length: int = 1000
    eps: float = 1e-5
    set_size: int = 1000
    extrapolation_size: int = 100
    first_seed: int = 0

    def __post_init__(self):
        super().__post_init__()
        if self.reading not in ("total", "running"):
            raise ValueError(f"reading must be 'total' or 'running', got {self.reading!r}")
        for name in ("length", "extrapolation_length", "extrapolation_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def extrapolation_range(self) -> Range:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.train_range

    def at(self, instance: Any) -> "_OneSequence":
        return _OneSequence(self, instance)

    def allowed_error(self, function: str, runs: tuple[tuple[int, int], ...]) -> float:
        return _threshold(self, function, runs)


class _OneSequence(SingleSubsetTask):
    def sample(self, key: PRNGKeyArray, batch_size: int) -> Sequences:
        return self._draw(key, batch_size, self.of.length)

    def validation(self) -> Sequences:
        key = step_key(jax.random.key(VALIDATION_SEED), 0)
        return self._draw(key, self.of.set_size, self.of.length)

    def extrapolation(self) -> Sequences:
        key = step_key(jax.random.key(EXTRAPOLATION_SEED), 0)
        return self._draw(key, self.of.extrapolation_size, self.of.extrapolation_length)

    def _draw(self, key: PRNGKeyArray, rows: int, time: int) -> Sequences:
        x = self.inputs(key, (self.in_features, time, rows), self.of.train_range)
        a, b = self.sums(x)
        if self.of.reading == "total":
            y = self.value(a.sum(axis=0), b.sum(axis=0))
        else:
            y = self.value(a, b).sum(axis=0)
        return x.T, y[:, None]


@functools.lru_cache(maxsize=10_000)
def _threshold(
    task: SimpleFunctionRecurrent, function: str, runs: tuple[tuple[int, int], ...]
) -> float:
    a, b, total = task.simulated_sums(runs, task.extrapolation_length)
    if task.reading == "total":
        errors = task.deviation(function, a.sum(axis=1), b.sum(axis=1), total.sum(axis=1))
    else:
        errors = task.deviation(function, a, b, total).sum(axis=1)
    return float(np.mean(errors**2))
