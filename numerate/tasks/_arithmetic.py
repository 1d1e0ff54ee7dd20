"""Arithmetic operations as single-module tasks, with the benchmark's ranges and threshold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.ops import step_key, uniform
from numerate.tasks._base import Batch, Interval, Task

Range = Interval | tuple[Interval, ...]
"""`(low, high)`, or several such intervals."""

# The nine training ranges of Mistry et al. (2022), each with its extrapolation range.
PRIMER_RANGES: dict[Range, Range] = {
    (-20.0, -10.0): (-40.0, -20.0),
    (-2.0, -1.0): (-6.0, -2.0),
    (-1.2, -1.1): (-6.1, -1.2),
    (-0.2, -0.1): (-2.0, -0.2),
    (-2.0, 2.0): ((-6.0, -2.0), (2.0, 6.0)),
    (0.1, 0.2): (0.2, 2.0),
    (1.0, 2.0): (2.0, 6.0),
    (1.1, 1.2): (1.2, 6.0),
    (10.0, 20.0): (20.0, 40.0),
}

# The seeds of the benchmark's authors; our generator draws other numbers.
VALIDATION_SEED = 43953907
"""The seed of the fixed validation sets."""
EXTRAPOLATION_SEED = 8689336
"""The seed of the fixed extrapolation sets."""


class _Operation(NamedTuple):
    """`exact` are the coefficients of a sum or the exponents of a product; `relative_error` is the
    error of a product whose operands are off by ε, and None for sums."""

    formula: str
    exact: tuple[float, ...]
    apply: Callable[[Float[Array, "batch operands"]], Float[Array, "batch"]]
    relative_error: Callable[[float], float] | None


_OPERATIONS = {
    "add": _Operation("x0 + x1", (1.0, 1.0), lambda x: x[:, 0] + x[:, 1], None),
    "sub": _Operation("x0 - x1", (1.0, -1.0), lambda x: x[:, 0] - x[:, 1], None),
    "mul": _Operation(
        "x0 * x1", (1.0, 1.0), lambda x: x[:, 0] * x[:, 1], lambda e: (1 - e) ** 2 - 1
    ),
    "div": _Operation(
        "x0 / x1", (1.0, -1.0), lambda x: x[:, 0] / x[:, 1], lambda e: (1 - e) / (1 + e) - 1
    ),
    "sqrt": _Operation(
        "sqrt(x0)", (0.5,), lambda x: jnp.sqrt(x[:, 0]), lambda e: (1 - e) ** 0.5 - 1
    ),
    "square": _Operation("x0**2", (2.0,), lambda x: x[:, 0] ** 2, lambda e: (1 - e) ** 2 - 1),
}


@dataclass(frozen=True)
class Arithmetic(Task):
    """y = x₀ ∘ x₁ for one operation ∘, or y = √x₀ or y = x₀²: the single-module task.

    The operands are independent and uniform on a range, or on a union of intervals that are
    equally likely. The task is solved if the extrapolation error is below that of a perfect model
    whose operands are each scaled by 1 ± ε, in the worst case: ε² E(|a| + |b|)² for sums; r² E(y²)
    otherwise, with r = (1 - ε)² - 1 for a·b and a², (1 - ε)/(1 + ε) - 1 for a/b and √(1 - ε) - 1
    for √a. The expectations over the extrapolation range are analytic.

    **Arguments:**

    - `operation`: `"add"`, `"sub"`, `"mul"`, `"div"`, `"sqrt"` or `"square"`; the last two
        have one operand, so one input.
    - `train_range`: `(low, high)`, or a tuple of such intervals.
    - `extrapolation_range`: the same; by default the one that `PRIMER_RANGES` pairs with
        `train_range`.
    - `eps`: ε of the threshold. The benchmark's table uses 1e-5, its script 1e-4.
    - `set_size`: number of rows of the validation and of the extrapolation set.

    **Raises:** `ValueError` for an unknown operation, an empty or missing range, a range of
    negative numbers under a root, or an extrapolation range in which a quotient has no finite
    mean square.

    !!! example
        >>> task = Arithmetic("mul", (1.0, 2.0))
        >>> task.formula, task.extrapolation_range, f"{task.threshold:.2e}"
        ('x0 * x1', (2.0, 6.0), '1.20e-07')

    ??? cite "Reference"
        ```bibtex
        @article{mistry2022primer,
            title   = {A Primer for Neural Arithmetic Logic Modules},
            author  = {Mistry, Bhumika and Farrahi, Katayoun and Hare, Jonathon},
            journal = {Journal of Machine Learning Research},
            volume  = {23},
            number  = {185},
            year    = {2022},
        }
        ```
    """

    operation: str
    train_range: Range = (1.0, 2.0)
    extrapolation_range: Range | None = None
    eps: float = 1e-5
    set_size: int = 10_000

    def __post_init__(self):
        if self.operation not in _OPERATIONS:
            raise ValueError(
                f"operation must be one of {', '.join(_OPERATIONS)}, got {self.operation!r}"
            )
        if self.extrapolation_range is None:
            if self.train_range not in PRIMER_RANGES:
                raise ValueError(
                    f"extrapolation_range must be given for train_range {self.train_range}, "
                    "which is not in PRIMER_RANGES"
                )
            object.__setattr__(self, "extrapolation_range", PRIMER_RANGES[self.train_range])
        self._check_range("train_range")
        self._check_range("extrapolation_range")
        if not self.eps > 0:
            raise ValueError(f"eps must be positive, got {self.eps}")
        if self.set_size < 1:
            raise ValueError(f"set_size must be at least 1, got {self.set_size}")
        if self.operation == "div" and any(low <= 0 <= high for low, high in self.outside):
            raise ValueError(
                "extrapolation_range must not contain 0 for a division, whose mean square would be "
                f"infinite, got {self.extrapolation_range}"
            )

    def _check_range(self, name: str) -> None:
        parts = intervals(getattr(self, name))
        if not all(low < high for low, high in parts):
            raise ValueError(
                f"{name} must be (low, high) with low < high, or a tuple of such intervals, "
                f"got {getattr(self, name)}"
            )
        if self.operation == "sqrt" and any(low < 0 for low, _ in parts):
            raise ValueError(
                f"{name} must not contain negative numbers for a square root, "
                f"got {getattr(self, name)}"
            )

    @property
    def in_features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return len(self.exact_weights)

    @property
    def out_features(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return 1

    @property
    def formula(self) -> str:
        """The target as text that SymPy can parse."""
        return _OPERATIONS[self.operation].formula

    @property
    def exact_weights(self) -> tuple[float, ...]:
        """Coefficients of the sum for `"add"` and `"sub"`, exponents of the product otherwise."""
        return _OPERATIONS[self.operation].exact

    @property
    def is_sum(self) -> bool:
        return _OPERATIONS[self.operation].relative_error is None

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Batch:
        return self._draw(key, batch_size, intervals(self.train_range))

    def validation(self) -> Batch:
        key = step_key(jax.random.key(VALIDATION_SEED), 0)
        return self._draw(key, self.set_size, intervals(self.train_range))

    def extrapolation(self) -> Batch:
        key = step_key(jax.random.key(EXTRAPOLATION_SEED), 0)
        return self._draw(key, self.set_size, self.outside)

    @property
    def threshold(self) -> float:
        square, absolute = _mean_square(self.outside), _mean_absolute(self.outside)
        relative_error = _OPERATIONS[self.operation].relative_error
        if relative_error is None:
            return self.eps**2 * (2 * square + 2 * absolute**2)
        mean_square_of_output = {
            "mul": lambda: square**2,
            "div": lambda: square * _mean_inverse_square(self.outside),
            "sqrt": lambda: absolute,
            "square": lambda: _mean_power(self.outside, 4),
        }[self.operation]()
        return relative_error(self.eps) ** 2 * mean_square_of_output

    @property
    def outside(self) -> tuple[Interval, ...]:
        """The intervals of the extrapolation range."""
        assert self.extrapolation_range is not None  # filled in by __post_init__
        return intervals(self.extrapolation_range)

    def _draw(self, key: PRNGKeyArray, rows: int, intervals: tuple[Interval, ...]) -> Batch:
        # Drawn feature by feature and transposed, so that rows are contiguous in memory and
        # elementwise operations vectorise over them.
        x = _uniform_union(key, (self.in_features, rows), intervals).T
        return x, _OPERATIONS[self.operation].apply(x)[:, None]


def intervals(range_: Range) -> tuple[Interval, ...]:
    """A range as a tuple of intervals, also if it is a single one."""
    return range_ if isinstance(range_[0], tuple) else (range_,)  # pyright: ignore


def _uniform_union(
    key: PRNGKeyArray, shape: tuple[int, ...], intervals: tuple[Interval, ...]
) -> Float[Array, "*shape"]:
    """Uniform on a union of intervals that are equally likely."""
    if len(intervals) == 1:
        return uniform(key, shape, minval=intervals[0][0], maxval=intervals[0][1])
    position = uniform(key, shape, maxval=float(len(intervals)))
    x = jnp.zeros_like(position)
    for i, (low, high) in enumerate(intervals):
        x = jnp.where(position >= i, low + (high - low) * (position - i), x)
    return x


def _mean(intervals: tuple[Interval, ...], of: Callable[[float, float], float]) -> float:
    return sum(of(low, high) for low, high in intervals) / len(intervals)


def _mean_power(intervals: tuple[Interval, ...], n: int) -> float:
    return _mean(
        intervals, lambda low, high: (high ** (n + 1) - low ** (n + 1)) / (n + 1) / (high - low)
    )


def _mean_square(intervals: tuple[Interval, ...]) -> float:
    return _mean_power(intervals, 2)


def _mean_absolute(intervals: tuple[Interval, ...]) -> float:
    return _mean(
        intervals, lambda low, high: (high * abs(high) - low * abs(low)) / 2 / (high - low)
    )


def _mean_inverse_square(intervals: tuple[Interval, ...]) -> float:
    return _mean(intervals, lambda low, high: 1 / (low * high))
