"""Static simple function learning, as in the papers of the NALU and the NAU."""

import functools
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from numerate.ops import step_key
from numerate.tasks._arithmetic import EXTRAPOLATION_SEED, VALIDATION_SEED, Range
from numerate.tasks._base import Batch
from numerate.tasks._subsets import (
    PAPER_FUNCTIONS,
    Instance,
    Runs,
    SingleSubsetTask,
    SubsetTask,
)

# Madsen & Johansen's seven training ranges, each with its extrapolation range.
MADSEN_RANGES: dict[Range, Range] = {
    (-2.0, -1.0): (-6.0, -2.0),
    (-2.0, 2.0): ((-6.0, -2.0), (2.0, 6.0)),
    (0.0, 1.0): (1.0, 5.0),
    (0.1, 0.2): (0.2, 2.0),
    (1.0, 2.0): (2.0, 6.0),
    (1.1, 1.2): (1.2, 6.0),
    (10.0, 20.0): (20.0, 40.0),
}


@dataclass(frozen=True)
class SimpleFunction(SubsetTask):
    """y = f(a, b), where a and b are the sums of two runs of neighbouring inputs among many.

    The runs are drawn once for every seed, independent of the function. A task of several seeds is
    therefore a family; `at(instance)`, for one of its `instances`, is one seed's task. Inputs are
    independent, x = low + (high - low)·u^`skew` with u ~ U[0, 1).

    The task is solved if the extrapolation error is below that of a perfect model whose selecting
    weights are all off by ε, 1 - ε in a subset and ε outside, as in Madsen & Johansen:
    E[(∂f/∂a·ε(S - 2a) + ∂f/∂b·ε(S - 2b))²], with S the sum of all inputs, simulated in float64.

    The NALU paper gives neither the distribution of the inputs nor the lengths of the runs. The
    defaults follow what it gives: a and b between 1 and 5 in training and about 3.7 times larger in
    extrapolation, where every a and b is larger than any in training. `skew` is 2 because the
    paper's linear model has an error of a fifth of the mean square of a·b. Sums of many uniform
    numbers vary so little that their product is almost linear. `madsen2020` is the set-up of Madsen
    & Johansen.

    **Arguments:**

    - `functions`: one or several of `"add"`, `"sub"`, `"mul"`, `"div"`, `"square"`, `"sqrt"` and
      `"first"`, which is a. `train_many` divides its keys equally among them, in order.
    - `in_features`: number of inputs.
    - `train_range`, `extrapolation_range`: `(low, high)`, or a tuple of intervals, each equally
        likely.
    - `skew`: the power of u; 1 is uniform.
    - `lengths`: the shortest and the longest run; every length between is equally likely.
    - `overlap`: number of inputs that both runs share; with `None` both are drawn anywhere, but are
      never equal.
    - `eps`: ε of the threshold.
    - `set_size`: rows of the validation and of the extrapolation set.
    - `first_seed`: the seed of the first subsets, to continue earlier seeds.

    **Raises:** `ValueError` for an unknown function, an empty range, a root of negative numbers,
    or runs that do not fit into the inputs.

    !!! example
        >>> import jax
        >>> task = SimpleFunction(("mul",), set_size=3)
        >>> one = task.at(jax.tree.map(lambda leaf: leaf[0], task.instances(1)))
        >>> one.a, one.b, task.formulas
        ((93, 98), (58, 62), ('a * b',))

    ??? cite "References"
        ```bibtex
        @inproceedings{trask2018nalu,
            title={Neural Arithmetic Logic Units},
            author={Trask, Andrew and Hill, Felix and Reed, Scott and Rae, Jack and Dyer, Chris and
                    Blunsom, Phil},
            booktitle={Advances in Neural Information Processing Systems 31},
            year={2018},
        }
        @inproceedings{madsen2020neural,
            title={Neural Arithmetic Units},
            author={Madsen, Andreas and Johansen, Alexander Rosenberg},
            booktitle={International Conference on Learning Representations},
            year={2020},
        }
        ```
    """

    functions: tuple[str, ...] = PAPER_FUNCTIONS
    in_features: int = 100
    train_range: Range = (0.1, 3.0)
    extrapolation_range: Range = (3.0, 6.0)
    skew: int = 2
    lengths: tuple[int, int] = (2, 5)
    overlap: int | None = None
    eps: float = 1e-5
    set_size: int = 10_000
    first_seed: int = 0

    def at(self, instance: Instance) -> "_OneFunction":
        return _OneFunction(self, instance)

    def allowed_error(self, function: str, runs: Runs) -> float:
        return _threshold(self, function, runs)


def madsen2020(
    functions: tuple[str, ...] = PAPER_FUNCTIONS,
    train_range: Range = (1.0, 2.0),
    **settings: Any,
) -> SimpleFunction:
    """The arithmetic data set of Madsen & Johansen (2020): 100 uniform inputs, a and b of 25
    inputs each that share 12.

    **Arguments:** `functions`; `train_range`, one of `MADSEN_RANGES`, which also gives the
    extrapolation range; further `settings` of `SimpleFunction`.

    **Raises:** `ValueError` for another range, and as `SimpleFunction` does.

    !!! example
        >>> madsen2020(("mul",)).extrapolation_range
        (2.0, 6.0)

    arXiv:2001.05016. Their thresholds come from a script with runs of 26 that share 13, one more
    than in their data; ours are those of the data. `lengths=(26, 26), overlap=13` gives theirs.
    """
    if train_range not in MADSEN_RANGES:
        raise ValueError(f"train_range must be one of MADSEN_RANGES, got {train_range}")
    defaults = {
        "extrapolation_range": MADSEN_RANGES[train_range],
        "skew": 1,
        "lengths": (25, 25),
        "overlap": 12,
    }
    return SimpleFunction(functions, train_range=train_range, **(defaults | settings))


class _OneFunction(SingleSubsetTask):
    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        return self._draw(key, batch_size, self.of.train_range)

    def validation(self) -> Batch:
        key = step_key(jax.random.key(VALIDATION_SEED), 0)
        return self._draw(key, self.of.set_size, self.of.train_range)

    def extrapolation(self) -> Batch:
        key = step_key(jax.random.key(EXTRAPOLATION_SEED), 0)
        return self._draw(key, self.of.set_size, self.of.extrapolation_range)

    def _draw(self, key: PRNGKeyArray, rows: int, range_: Range) -> Batch:
        # Features first, so that elementwise operations vectorise over the rows.
        x = self.inputs(key, (self.in_features, rows), range_)
        return x.T, self.value(*self.sums(x))[:, None]


# Cached, because every model trained on a task needs the same thresholds.
@functools.lru_cache(maxsize=10_000)
def _threshold(task: SimpleFunction, function: str, runs: Runs) -> float:
    return float(np.mean(task.deviation(function, *task.simulated_sums(runs)) ** 2))
