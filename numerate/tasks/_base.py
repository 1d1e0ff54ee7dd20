"""The interface of a task: training examples, evaluation sets and the threshold of success."""

import abc
from typing import Any

from jaxtyping import Array, Float, PRNGKeyArray

Interval = tuple[float, float]
Batch = tuple[Float[Array, "batch in"], Float[Array, "batch out"]]
"""Examples: x and y."""


class Task(abc.ABC):
    """A source of examples with a known target function.

    The engine draws a fresh training batch with `sample` at every step, measures the error on
    the fixed `validation` set from the training range, and reports the error on the fixed
    `extrapolation` set, which no decision during training may use.

    Subclasses are frozen and hashable: the engine compiles one program per task.
    """

    in_features: int
    out_features: int

    @abc.abstractmethod
    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        """A training batch: x `(batch, in_features)` and y `(batch, out_features)`."""

    @abc.abstractmethod
    def validation(self) -> Batch:
        """The fixed set from the training range."""

    @abc.abstractmethod
    def extrapolation(self) -> Batch:
        """The fixed set from outside the training range."""

    @property
    @abc.abstractmethod
    def threshold(self) -> float:
        """The mean squared error on `extrapolation` below which the task counts as solved."""

    @property
    def family(self) -> int:
        """The number of different tasks; 1 if all seeds have the same task."""
        return 1

    def instances(self, seeds: int) -> Any:
        """The data of each seed's task in a family: arrays with a leading axis of seeds."""
        return None

    def at(self, instance: Any) -> "Task":
        """The task of one seed, from its part of `instances`, which may be traced."""
        return self
