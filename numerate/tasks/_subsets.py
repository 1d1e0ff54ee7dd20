"""Simple function learning: find two subsets of many inputs, and the function of their sums."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.ops import step_key, uniform
from numerate.tasks._arithmetic import EXTRAPOLATION_SEED, VALIDATION_SEED, Range, intervals
from numerate.tasks._base import Batch, Task


class _Function(NamedTuple):
    """`value` of a and b, for any array module; `slope` by a and by b."""

    formula: str
    value: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], tuple[Any, Any]]


FUNCTIONS = {
    "add": _Function("a + b", lambda a, b: a + b, lambda a, b: (1.0, 1.0)),
    "sub": _Function("a - b", lambda a, b: a - b, lambda a, b: (1.0, -1.0)),
    "mul": _Function("a * b", lambda a, b: a * b, lambda a, b: (b, a)),
    "div": _Function("a / b", lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2)),
    "square": _Function("a**2", lambda a, b: a**2, lambda a, b: (2 * a, 0.0)),
    "sqrt": _Function("sqrt(a)", lambda a, b: a**0.5, lambda a, b: (0.5 * a**-0.5, 0.0)),
    "first": _Function("a", lambda a, b: a, lambda a, b: (1.0, 0.0)),
}
# The six of the paper's Table 1, in its order; "first" is the column "a" of its Table 8.
PAPER_FUNCTIONS = ("add", "sub", "mul", "div", "square", "sqrt")

# Madsen & Johansen's seven ranges, and where each extrapolates to.
MADSEN_RANGES: dict[Range, Range] = {
    (-2.0, -1.0): (-6.0, -2.0),
    (-2.0, 2.0): ((-6.0, -2.0), (2.0, 6.0)),
    (0.0, 1.0): (1.0, 5.0),
    (0.1, 0.2): (0.2, 2.0),
    (1.0, 2.0): (2.0, 6.0),
    (1.1, 1.2): (1.2, 6.0),
    (10.0, 20.0): (20.0, 40.0),
}

# Numbers that a simulated threshold draws: its standard error is then below one per cent.
SIMULATED, _SUBSET_SEED, _THRESHOLD_SEED = 10_000_000, 0x73756273, 0x65707369


# Where the runs of a and of b start, and where they end.
Runs = tuple[tuple[int, int], ...]


class Instance(NamedTuple):
    """The data of one seed's task."""

    function: Any  # index in FUNCTIONS
    subsets: Any  # (2, in_features), 1 where an input belongs to a, and to b
    threshold: Any


@dataclass(frozen=True)
class SimpleFunction(Task):
    """y = f(a, b), where a and b are the sums of two runs of neighbouring inputs among many.

    The runs are drawn once for every seed, the same whatever the function, so that a task of
    several seeds is a family; `at(instance)` of one of its `instances` is one seed's task.
    Inputs are independent, x = low + (high - low)·u^`skew` with u ~ U[0, 1).

    The task counts as solved where the extrapolation error is below that of a perfect model
    whose selecting weights are all off by ε, 1 - ε in a subset and ε outside, as Madsen &
    Johansen define it: E[(∂f/∂a·ε(S - 2a) + ∂f/∂b·ε(S - 2b))²], with S the sum of all inputs,
    simulated in float64.

    The paper gives neither the law of the inputs nor the lengths of the runs. These defaults
    follow what it does give: a and b between 1 and 5 in training and about 3.7 times larger in
    extrapolation, where every a and b is larger than any in training. `skew` is 2 because its
    linear model keeps a fifth of the mean square of a·b: sums of many uniform numbers hardly
    spread, so that their product is almost linear. `madsen2020` makes the set-up of that paper.

    **Arguments:**

    - `functions`: one or several of `"add"`, `"sub"`, `"mul"`, `"div"`, `"square"`, `"sqrt"` and
        `"first"`, which is a; of `train_many`'s keys the first share goes to the first function,
        and so on.
    - `in_features`: how many inputs.
    - `train_range`, `extrapolation_range`: `(low, high)`, or a tuple of intervals, each equally
        likely.
    - `skew`: the power of u; 1 is uniform.
    - `lengths`: the shortest and the longest run; every length between is equally likely.
    - `overlap`: inputs that both runs share, the second starting so many before the end of the
        first; with `None` both are drawn anywhere, but never at the same position
        with the same length.
    - `eps`: ε of the threshold.
    - `set_size`: rows of the validation and of the extrapolation set.
    - `first_seed`: the seed of the first subsets, for the seeds that follow others.

    **Raises:** `ValueError` for an unknown function, an empty range, a root of negative numbers,
    or runs that do not fit.

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
    out_features = 1

    def __post_init__(self):
        check(self)

    @property
    def formulas(self) -> tuple[str, ...]:
        """f for each of `functions`, as text that SymPy reads."""
        return tuple(FUNCTIONS[name].formula for name in self.functions)

    @property
    def family(self) -> int:
        return len(self.functions)

    def instances(self, seeds: int) -> Instance:
        return instances(self, seeds, _threshold)

    def at(self, instance: Instance) -> "_OneFunction":
        return _OneFunction(self, instance)

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        raise only_at(self)

    def validation(self) -> Batch:
        raise only_at(self)

    def extrapolation(self) -> Batch:
        raise only_at(self)

    @property
    def threshold(self) -> float:
        raise only_at(self)


def madsen2020(
    functions: tuple[str, ...] = PAPER_FUNCTIONS,
    train_range: Range = (1.0, 2.0),
    **settings: Any,
) -> SimpleFunction:
    """The arithmetic data set of Madsen & Johansen (2020): 100 uniform inputs, a and b of 25
    inputs each that share 12.

    **Arguments:** `functions`; `train_range`, one of `MADSEN_RANGES`, which also says where it
    extrapolates to; further `settings` of `SimpleFunction`.

    **Raises:** `ValueError` for another range, and as `SimpleFunction` does.

    !!! example
        >>> madsen2020(("mul",)).extrapolation_range
        (2.0, 6.0)

    arXiv:2001.05016. Their thresholds come from a script with runs of 26 that share 13, one more
    than their data have; ours are those of the data. `lengths=(26, 26), overlap=13` gives theirs.
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


class OneTask(Task):
    """One seed's task, whose function and subsets may be traced."""

    out_features = 1

    def __init__(self, of: Any, instance: Instance):
        self.of = of
        self.instance = instance
        self.in_features = of.in_features

    @property
    def a(self) -> tuple[int, int]:
        """Where the run of a starts, and where it ends; not while traced."""
        return _ends(np.asarray(self.instance.subsets[0]))

    @property
    def b(self) -> tuple[int, int]:
        return _ends(np.asarray(self.instance.subsets[1]))

    @property
    def threshold(self) -> Any:
        return jnp.asarray(self.instance.threshold, jnp.result_type(float))

    def _value(self, a: Float[Array, "*batch"], b: Float[Array, "*batch"]) -> Array:
        values = [function.value(a, b) for function in FUNCTIONS.values()]
        return jax.lax.select_n(jnp.broadcast_to(self.instance.function, a.shape), *values)

    def _sums(self, x: Float[Array, "features *rest"]) -> tuple[Array, Array]:
        subsets = jnp.asarray(self.instance.subsets, x.dtype)
        a, b = jnp.tensordot(subsets, x, 1)
        return a, b


class _OneFunction(OneTask):
    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        return self._draw(key, batch_size, self.of.train_range)

    def validation(self) -> Batch:
        return self._draw(set_key(VALIDATION_SEED), self.of.set_size, self.of.train_range)

    def extrapolation(self) -> Batch:
        key = set_key(EXTRAPOLATION_SEED)
        return self._draw(key, self.of.set_size, self.of.extrapolation_range)

    def _draw(self, key: PRNGKeyArray, rows: int, range_: Range) -> Batch:
        # Features first, so that everything elementwise vectorises over the rows.
        x = to_range(uniform(key, (self.in_features, rows)), range_, self.of.skew)
        return x.T, self._value(*self._sums(x))[:, None]


def set_key(seed: int) -> PRNGKeyArray:
    return step_key(jax.random.key(seed), 0)


def to_range(u: Any, range_: Range, skew: int) -> Any:
    """Numbers of [0, 1) on a range: the same expression for JAX and NumPy."""
    parts = intervals(range_)
    if len(parts) == 1:
        ((low, high),) = parts
        return low + (high - low) * u**skew
    xp = jnp if isinstance(u, jax.Array) else np
    position = u * len(parts)
    part = xp.floor(position)
    low, high = (
        xp.asarray(bounds, u.dtype)[part.astype(int)] for bounds in zip(*parts, strict=True)
    )
    return low + (high - low) * (position - part) ** skew


def instances(task: Any, seeds: int, threshold: Callable[[Any, str, Runs], float]) -> Instance:
    share, rest = divmod(seeds, len(task.functions))
    if rest:
        raise ValueError(
            f"keys must be shared equally by {len(task.functions)} functions, got {seeds} keys"
        )
    drawn = [_subsets(task, task.first_seed + i) for i in range(share)]
    found = [
        Instance(
            np.asarray(list(FUNCTIONS).index(function), np.int32),
            subsets,
            threshold(task, function, tuple(map(_ends, subsets))),
        )
        for function in task.functions
        for subsets in drawn
    ]
    return Instance(*(np.stack(field) for field in zip(*found, strict=True)))


def _subsets(task: Any, seed: int) -> np.ndarray:
    """Which inputs belong to a and which to b, `(2, in_features)`."""
    rng = np.random.default_rng([_SUBSET_SEED, seed])
    shortest, longest = task.lengths
    while True:
        first, second = rng.integers(shortest, longest + 1, 2)
        if task.overlap is None:
            start = rng.integers(0, task.in_features - np.array([first, second]) + 1)
        else:
            distance = first - task.overlap
            at = rng.integers(0, task.in_features - max(first, distance + second) + 1)
            start = np.array([at, at + distance])
        columns = np.arange(task.in_features)
        subsets = (columns >= start[:, None]) & (columns < (start + [first, second])[:, None])
        # Of two equal runs the difference is always 0 and the quotient always 1.
        if not np.array_equal(*subsets) or task.overlap is not None:
            return subsets.astype(np.float32)


# Kept, because every model that is trained on a task asks for the same thresholds.
@functools.lru_cache(maxsize=10_000)
def _threshold(task: SimpleFunction, function: str, runs: Runs) -> float:
    rows = SIMULATED // task.in_features
    inputs = running_sums(task.extrapolation_range, task.skew, task.in_features, rows)
    return error(function, task.eps, *subset_sums(inputs, runs))


def error(function: str, eps: float, a: np.ndarray, b: np.ndarray, total: np.ndarray) -> float:
    return float(np.mean(deviation(function, eps, a, b, total) ** 2))


def deviation(
    function: str, eps: float, a: np.ndarray, b: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """How far f is off, to first order in ε: the second would be 1e-5 of it."""
    by_a, by_b = FUNCTIONS[function].slope(a, b)
    return by_a * eps * (total - 2 * a) + by_b * eps * (total - 2 * b)


@functools.lru_cache(maxsize=2)
def running_sums(range_: Range, skew: int, in_features: int, rows: int) -> np.ndarray:
    """Sums of the first 0, 1, 2, … inputs, `(in_features + 1, rows)`."""
    u = np.random.default_rng(_THRESHOLD_SEED).random((in_features, rows))
    sums = np.zeros((in_features + 1, rows))
    np.cumsum(to_range(u, range_, skew), axis=0, out=sums[1:])
    return sums


def subset_sums(sums: np.ndarray, runs: Runs) -> tuple[np.ndarray, ...]:
    """a, b, and the sum of all inputs."""
    (a, after_a), (b, after_b) = runs
    return sums[after_a] - sums[a], sums[after_b] - sums[b], sums[-1]


def _ends(subset: np.ndarray) -> tuple[int, int]:
    (columns,) = np.nonzero(subset)
    return int(columns[0]), int(columns[-1]) + 1


def check(task: Any) -> None:
    for name in task.functions:
        if name not in FUNCTIONS:
            raise ValueError(f"functions must be among {', '.join(FUNCTIONS)}, got {name!r}")
    if not task.functions:
        raise ValueError("functions must hold at least one, got none")
    for name in ("train_range", "extrapolation_range"):
        parts = intervals(getattr(task, name))
        if not all(low < high for low, high in parts):
            raise ValueError(
                f"{name} must be (low, high) with low < high, or a tuple of such intervals, "
                f"got {getattr(task, name)}"
            )
        if "sqrt" in task.functions and any(low < 0 for low, _ in parts):
            raise ValueError(
                f"{name} must not contain negative numbers for a square root, "
                f"got {getattr(task, name)}"
            )
    for name in ("skew", "set_size"):
        if getattr(task, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(task, name)}")
    if not task.eps > 0:
        raise ValueError(f"eps must be positive, got {task.eps}")
    _check_runs(task)


def _check_runs(task: Any) -> None:
    shortest, longest = task.lengths
    if not 1 <= shortest <= longest <= task.in_features:
        raise ValueError(
            f"lengths must be (shortest, longest) from 1 to in_features, {task.in_features}, "
            f"got {task.lengths}"
        )
    if task.overlap is None:
        if shortest == longest == task.in_features:
            raise ValueError(f"lengths must leave room for two different runs, got {task.lengths}")
    elif not 0 <= task.overlap <= shortest or 2 * longest - task.overlap > task.in_features:
        raise ValueError(
            "overlap must be from 0 to the shortest run, with both runs inside of "
            f"{task.in_features} inputs, got {task.overlap}"
        )


def only_at(task: Any) -> ValueError:
    kind = type(task).__name__
    return ValueError(f"a {kind} has other subsets for every seed: ask `task.at(instance)`")
