"""The result of a training."""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import PyTree

from numerate.train._outcome import Outcome


class Run(eqx.Module):
    """The result of training one seed, or many with a leading axis of seeds on every array.

    **Fields:**

    - `model`: the trained model at the logged step of lowest validation error.
    - `outcome`: codes of `Outcome`, `(seeds,)`; `outcomes` are the enum members.
    - `stopped_at`: the step at which the seed stopped; for a diverged seed, the first logged step
      after it diverged, `(seeds,)`.
    - `best_step`, `validation`, `extrapolation`: the logged step of lowest validation error,
        0 where no error was finite, and both mean squared errors there, `(seeds,)`.
    - `solved_at`: the first logged step with an extrapolation error below the threshold;
        0 for seeds that are not solved, `(seeds,)`.
    - `steps`: the logged steps, `(logs,)`.
    - `validation_log`, `extrapolation_log`: `(seeds, logs)`, NaN after a seed has stopped.
    - `threshold`: that of the task; for a family of tasks, that of each seed, `(seeds,)`.
    """

    model: PyTree
    outcome: Any
    stopped_at: Any
    best_step: Any
    validation: Any
    extrapolation: Any
    solved_at: Any
    steps: Any
    validation_log: Any
    extrapolation_log: Any
    threshold: Any

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of every seed, or of the single seed."""
        return tuple(Outcome(int(code)) for code in np.atleast_1d(np.asarray(self.outcome)))

    @property
    def success_rate(self) -> float:
        """The fraction of solved seeds among those that were not interrupted."""
        finished = [outcome for outcome in self.outcomes if outcome != Outcome.INTERRUPTED]
        return finished.count(Outcome.SOLVED) / len(finished) if finished else float("nan")

    def __str__(self) -> str:
        outcomes = self.outcomes
        counts = ((outcome, outcomes.count(outcome)) for outcome in Outcome)
        parts = [f"{count} {outcome}" for outcome, count in counts if count]
        return f"{len(outcomes)} seed{'s' * (len(outcomes) != 1)}: {', '.join(parts)}"
