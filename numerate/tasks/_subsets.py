"""Tasks with a function of two sums over subsets of the inputs, which a model has to find."""

import abc
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.ops import uniform
from numerate.tasks._arithmetic import Range, intervals
from numerate.tasks._base import Batch, Task


class _Function(NamedTuple):
    """`value` of a and b, for any array module; `slope`, its derivatives by a and by b."""

    formula: str
    value: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], tuple[Any, Any]]


FUNCTIONS: dict[str, _Function] = {
    "add": _Function("a + b", lambda a, b: a + b, lambda a, b: (1.0, 1.0)),
    "sub": _Function("a - b", lambda a, b: a - b, lambda a, b: (1.0, -1.0)),
    "mul": _Function("a * b", lambda a, b: a * b, lambda a, b: (b, a)),
    "div": _Function("a / b", lambda a, b: a / b, lambda a, b: (1 / b, -a / b**2)),
    "square": _Function("a**2", lambda a, b: a**2, lambda a, b: (2 * a, 0.0)),
    "sqrt": _Function("sqrt(a)", lambda a, b: a**0.5, lambda a, b: (0.5 * a**-0.5, 0.0)),
    "first": _Function("a", lambda a, b: a, lambda a, b: (1.0, 0.0)),
}
"""f by name: its formula, its value and its derivatives by a and by b."""
# The six of the paper's Table 1, in its order; "first" is the column "a" of its Table 8.
PAPER_FUNCTIONS = ("add", "sub", "mul", "div", "square", "sqrt")

# The sample size of a simulated threshold, for a standard error below one per cent.
_SIMULATED, _SUBSET_SEED, _THRESHOLD_SEED = 10_000_000, 0x73756273, 0x65707369


# Where the runs of a and of b start, and where they end.
Runs = tuple[tuple[int, int], ...]


class Instance(NamedTuple):
    """The data of one seed's task."""

    function: Any  # index in FUNCTIONS
    subsets: Any  # (2, in_features), 1 where an input belongs to a, and to b
    threshold: Any


class SubsetTask(Task):
    """A family of tasks y = f(a, b), where a and b are sums of two runs of inputs: one for every
    seed and function.

    Subclasses are frozen data classes with these fields, which `SimpleFunction` explains. They
    define `at`, with a `SingleSubsetTask`, and `allowed_error`.

    !!! example
        >>> from numerate.tasks import SimpleFunction
        >>> SimpleFunction(("add", "mul")).family
        2
    """

    functions: tuple[str, ...]
    train_range: Range
    extrapolation_range: Range
    skew: int
    lengths: tuple[int, int]
    overlap: int | None
    eps: float
    set_size: int
    first_seed: int
    out_features = 1

    def __post_init__(self):
        _check(self)

    @abc.abstractmethod
    def allowed_error(self, function: str, runs: Runs) -> float:
        """The threshold for one function and the runs of one seed."""

    @property
    def formulas(self) -> tuple[str, ...]:
        """f for each of `functions`, as text that SymPy can parse."""
        return tuple(FUNCTIONS[name].formula for name in self.functions)

    @property
    def family(self) -> int:
        return len(self.functions)

    def instances(self, seeds: int) -> Instance:
        return _instances(self, seeds)

    def simulated_sums(self, runs: Runs, steps: int = 1) -> tuple[np.ndarray, ...]:
        """a, b and the sum of all inputs from the extrapolation range, in float64.

        **Returns:** three arrays `(rows, steps)`, with as many rows as the threshold needs.
        """
        rows = max(_SIMULATED // (self.in_features * steps), 1)
        range_ = self.extrapolation_range
        sums = _running_sums(range_, self.skew, self.in_features, rows * steps)
        (a, after_a), (b, after_b) = runs
        found = sums[after_a] - sums[a], sums[after_b] - sums[b], sums[-1]
        return tuple(values.reshape(rows, steps) for values in found)

    def deviation(
        self, function: str, a: np.ndarray, b: np.ndarray, total: np.ndarray
    ) -> np.ndarray:
        """The error of f to first order in ε; the second-order term is 1e-5 of it."""
        by_a, by_b = FUNCTIONS[function].slope(a, b)
        return by_a * self.eps * (total - 2 * a) + by_b * self.eps * (total - 2 * b)

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        raise self._only_at()

    def validation(self) -> Batch:
        raise self._only_at()

    def extrapolation(self) -> Batch:
        raise self._only_at()

    @property
    def threshold(self) -> float:
        raise self._only_at()

    def _only_at(self) -> ValueError:
        kind = type(self).__name__
        return ValueError(f"the subsets of a {kind} differ between seeds: use `task.at(instance)`")


class SingleSubsetTask(Task):
    """One task of a `SubsetTask`, whose function and subsets may be traced.

    Subclasses define `sample`, `validation` and `extrapolation`.

    **Arguments:** `of`, the family; `instance`, one of its `instances`.

    !!! example
        >>> from numerate.tasks import SimpleFunction
        >>> task = SimpleFunction(("add",), in_features=10, lengths=(2, 3))
        >>> one = task.at(jax.tree.map(lambda leaf: leaf[0], task.instances(1)))
        >>> isinstance(one, SingleSubsetTask), one.in_features
        (True, 10)
    """

    out_features = 1

    def __init__(self, of: Any, instance: Instance):
        self.of = of
        self.instance = instance
        self.in_features = of.in_features

    @property
    def a(self) -> tuple[int, int]:
        """Start and end of the run of a; not available while traced."""
        return _ends(np.asarray(self.instance.subsets[0]))

    @property
    def b(self) -> tuple[int, int]:
        """Start and end of the run of b; not available while traced."""
        return _ends(np.asarray(self.instance.subsets[1]))

    @property
    def threshold(self) -> Any:
        return jnp.asarray(self.instance.threshold, jnp.result_type(float))

    def inputs(self, key: PRNGKeyArray, shape: tuple[int, ...], range_: Range) -> Array:
        """Inputs from a range, with the features on the first axis."""
        return _to_range(uniform(key, shape), range_, self.of.skew)

    def sums(self, x: Float[Array, "features *rest"]) -> tuple[Array, Array]:
        """a and b."""
        subsets = jnp.asarray(self.instance.subsets, x.dtype)
        a, b = jnp.tensordot(subsets, x, 1)
        return a, b

    def value(self, a: Float[Array, "*batch"], b: Float[Array, "*batch"]) -> Array:
        """f(a, b)."""
        values = [function.value(a, b) for function in FUNCTIONS.values()]
        return jax.lax.select_n(jnp.broadcast_to(self.instance.function, a.shape), *values)


def _to_range(u: Any, range_: Range, skew: int) -> Any:
    """Numbers in [0, 1) mapped to a range, with the same expression for JAX and NumPy."""
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


def _instances(task: SubsetTask, seeds: int) -> Instance:
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
            task.allowed_error(function, tuple(map(_ends, subsets))),
        )
        for function in task.functions
        for subsets in drawn
    ]
    return Instance(*(np.stack(field) for field in zip(*found, strict=True)))


def _subsets(task: SubsetTask, seed: int) -> np.ndarray:
    """The inputs that belong to a and to b, as masks `(2, in_features)`."""
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


@functools.lru_cache(maxsize=2)
def _running_sums(range_: Range, skew: int, in_features: int, rows: int) -> np.ndarray:
    """Sums of the first 0, 1, 2, … inputs, `(in_features + 1, rows)`."""
    u = np.random.default_rng(_THRESHOLD_SEED).random((in_features, rows))
    sums = np.zeros((in_features + 1, rows))
    np.cumsum(_to_range(u, range_, skew), axis=0, out=sums[1:])
    return sums


def _ends(subset: np.ndarray) -> tuple[int, int]:
    (columns,) = np.nonzero(subset)
    return int(columns[0]), int(columns[-1]) + 1


def _check(task: SubsetTask) -> None:
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


def _check_runs(task: SubsetTask) -> None:
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
