"""Simple function learning over sequences."""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.ops import uniform
from numerate.tasks._arithmetic import EXTRAPOLATION_SEED, VALIDATION_SEED, Range
from numerate.tasks._base import Task
from numerate.tasks._subsets import (
    FUNCTIONS,
    PAPER_FUNCTIONS,
    SIMULATED,
    Instance,
    OneTask,
    Runs,
    check,
    deviation,
    error,
    instances,
    only_at,
    running_sums,
    set_key,
    subset_sums,
    to_range,
)

Sequences = tuple[Float[Array, "batch time in"], Float[Array, "batch out"]]


@dataclass(frozen=True)
class SimpleFunctionRecurrent(Task):
    """y = f(a, b), where a and b are sums over a sequence of two runs of neighbouring inputs.

    With a_t and b_t the sums of the two runs of x_t, the target is read in one of two ways.
    `"total"` is the paper's text: a = Σ_t a_t, b = Σ_t b_t and y = f(a, b). `"running"` is
    y = Σ_t f(a_t, b_t): in the paper's Table 8 the error of an untrained network grows with
    the square of the length for every f alike, which only a target that grows in proportion to
    the length can give. For a + b, a - b and a both are the same.

    Runs, families and inputs are as for `SimpleFunction`, and so is the threshold, with weights
    that are off by ε at every step.

    **Arguments:** those of `SimpleFunction`, and

    - `reading`: `"total"` or `"running"`.
    - `length`, `extrapolation_length`: of the sequences in training and validation, and in
        extrapolation, where the inputs themselves stay in `train_range`.
    - `extrapolation_size`: rows of the extrapolation set.

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
    out_features = 1

    def __post_init__(self):
        check(self)
        if self.reading not in ("total", "running"):
            raise ValueError(f"reading must be 'total' or 'running', got {self.reading!r}")
        for name in ("length", "extrapolation_length", "extrapolation_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def formulas(self) -> tuple[str, ...]:
        """f for each of `functions`, as text that SymPy reads."""
        return tuple(FUNCTIONS[name].formula for name in self.functions)

    @property
    def extrapolation_range(self) -> Range:
        return self.train_range

    @property
    def family(self) -> int:
        return len(self.functions)

    def instances(self, seeds: int) -> Instance:
        return instances(self, seeds, _threshold)

    def at(self, instance: Instance) -> "_OneSequence":
        return _OneSequence(self, instance)

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Sequences:
        raise only_at(self)

    def validation(self) -> Sequences:
        raise only_at(self)

    def extrapolation(self) -> Sequences:
        raise only_at(self)

    @property
    def threshold(self) -> float:
        raise only_at(self)


class _OneSequence(OneTask):
    def sample(self, key: PRNGKeyArray, batch_size: int) -> Sequences:
        return self._draw(key, batch_size, self.of.length)

    def validation(self) -> Sequences:
        return self._draw(set_key(VALIDATION_SEED), self.of.set_size, self.of.length)

    def extrapolation(self) -> Sequences:
        key = set_key(EXTRAPOLATION_SEED)
        return self._draw(key, self.of.extrapolation_size, self.of.extrapolation_length)

    def _draw(self, key: PRNGKeyArray, rows: int, time: int) -> Sequences:
        shape = (self.in_features, time, rows)
        x = to_range(uniform(key, shape), self.of.train_range, self.of.skew)
        a, b = self._sums(x)
        if self.of.reading == "total":
            y = self._value(a.sum(axis=0), b.sum(axis=0))
        else:
            y = self._value(a, b).sum(axis=0)
        return x.T, y[:, None]


@functools.lru_cache(maxsize=10_000)
def _threshold(task: SimpleFunctionRecurrent, function: str, runs: Runs) -> float:
    steps = task.extrapolation_length
    rows = max(SIMULATED // (task.in_features * steps), 1)
    inputs = running_sums(task.train_range, task.skew, task.in_features, rows * steps)
    a, b, total = (s.reshape(rows, steps) for s in subset_sums(inputs, runs))
    if task.reading == "total":
        return error(function, task.eps, a.sum(axis=1), b.sum(axis=1), total.sum(axis=1))
    errors = deviation(function, task.eps, a, b, total).sum(axis=1)
    return float(np.mean(errors**2))
