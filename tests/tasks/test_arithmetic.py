"""Tasks against published values and simulation."""

import jax
import numpy as np
import pytest
import sympy

from numerate.tasks import PRIMER_RANGES, Arithmetic
from tests.each import each

RANGES = list(PRIMER_RANGES)
OPERATIONS = ["add", "sub", "mul", "div", "sqrt", "square"]

# Thresholds for ε = 1e-5 in the order of PRIMER_RANGES, from the analytic formulas of the
# benchmark's protocol (three digits; the last may be off by one).
PUBLISHED = {
    "add": [3.67e-7, 6.67e-9, 5.73e-9, 5.38e-10, 6.66e-9, 5.38e-10, 6.67e-9, 5.57e-9, 3.67e-7],
    "mul": [3.48e-4, 1.20e-7, 9.39e-8, 8.76e-10, 1.20e-7, 8.77e-10, 1.20e-7, 8.87e-8, 3.49e-4],
    "div": [4.67e-10, 5.78e-10, 8.38e-10, 1.48e-9, 5.78e-10, 1.48e-9, 5.77e-10, 8.26e-10, 4.66e-10],
}  # fmt: skip


@each("operation", PUBLISHED)
def test_thresholds_are_the_published_ones(operation):
    ours = [Arithmetic(operation, range_).threshold for range_ in RANGES]
    np.testing.assert_allclose(ours, PUBLISHED[operation], rtol=3e-3)
    assert Arithmetic("sub", RANGES[0]).threshold == Arithmetic("add", RANGES[0]).threshold


@each("operation", OPERATIONS)
def test_threshold_is_the_error_of_a_perturbed_perfect_model(operation):
    """Simulated on the task's own extrapolation set, with ε large enough for float32."""
    task = Arithmetic(operation, (1.0, 2.0), eps=0.01)
    x, y = (np.asarray(part, np.float64) for part in task.extrapolation())
    signs = np.array([-1.0 if (operation == "div" and i) else 1.0 for i in range(x.shape[1])])
    if task.is_sum:
        error = 0.01 * np.abs(x).sum(axis=1)
    else:
        perturbed = x * (1 - 0.01 * signs)
        error = np.prod(perturbed ** np.array(task.exact_weights), axis=1) - y[:, 0]
    assert np.mean(error**2) == pytest.approx(task.threshold, rel=0.03)


@each("operation", OPERATIONS)
def test_truth(operation):
    """Formula, exact weights and data agree."""
    task = Arithmetic(operation, (1.0, 2.0))
    x, y = (np.asarray(part, np.float64) for part in task.sample(jax.random.key(0), 64))
    assert x.shape == (64, task.in_features) and y.shape == (64, task.out_features)
    weights = np.array(task.exact_weights)
    exact = x @ weights if task.is_sum else np.prod(x**weights, axis=1)
    np.testing.assert_allclose(y[:, 0], exact, rtol=1e-6)
    formula = sympy.lambdify(sympy.symbols(f"x0:{task.in_features}"), task.formula)
    np.testing.assert_allclose(y[:, 0], formula(*x.T), rtol=1e-6)


@each("range_", RANGES)
def test_ranges(range_):
    """Validation rows come from the training range, extrapolation rows from the other."""
    task = Arithmetic("add", range_)
    for intervals, (x, _) in [
        (range_, task.validation()),
        (PRIMER_RANGES[range_], task.extrapolation()),
    ]:
        x = np.asarray(x, np.float64)
        parts = intervals if isinstance(intervals[0], tuple) else (intervals,)
        slack = 1e-6 * max(abs(bound) for part in parts for bound in part)
        inside = [(x >= low - slack) & (x <= high + slack) for low, high in parts]
        assert x.shape == (10_000, 2) and np.logical_or.reduce(inside).all()
        assert [part.mean() for part in inside] == pytest.approx(
            [1 / len(parts)] * len(parts), abs=0.02
        )
    assert not np.array_equal(task.validation()[0], task.extrapolation()[0])


def test_sets_are_fixed_and_batches_are_not():
    task = Arithmetic("mul")
    assert (task.validation()[0] == task.validation()[0]).all()
    a, b = (task.sample(key, 8)[0] for key in jax.random.split(jax.random.key(0)))
    assert not np.array_equal(a, b)


def test_tasks_are_hashable_values():
    assert hash(Arithmetic("mul")) == hash(Arithmetic("mul")) and Arithmetic("mul") != Arithmetic(
        "add"
    )


@each(
    "arguments, message",
    [
        ({"operation": "pow"}, "operation must be one of add, sub.*'pow'"),
        ({"operation": "add", "train_range": (0.0, 3.0)}, "extrapolation_range must be given"),
        ({"operation": "add", "extrapolation_range": (2.0, 1.0)}, "low < high"),
        ({"operation": "sqrt", "train_range": (-2.0, -1.0)}, "must not contain negative"),
        ({"operation": "div", "extrapolation_range": (-1.0, 1.0)}, "must not contain 0"),
        ({"operation": "add", "eps": 0.0}, "eps must be positive"),
        ({"operation": "add", "set_size": 0}, "set_size must be at least 1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Arithmetic(**arguments)
