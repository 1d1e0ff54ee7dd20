"""The MNIST tasks: their targets, and the images in a sequence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.paper.digits import DigitSequences
from numerate.paper.digits._sequences import drawn, shuffled
from tests.each import each

COUNT, ADD = DigitSequences("count"), DigitSequences("add")


def test_truth_by_hand():
    labels = jnp.array([[9, 9, 0], [1, 2, 9]])
    assert ADD.truth(labels).tolist() == [[18], [12]]
    assert COUNT.truth(labels).tolist() == [
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 2],
        [0, 1, 1, 0, 0, 0, 0, 0, 0, 1],
    ]


@each("task", [COUNT, ADD])
def test_spread_and_guess_are_those_of_equally_likely_digits(task):
    labels = jax.random.randint(jax.random.key(0), (20_000, 10), 0, 10)
    truth = task.truth(labels)
    # 20,000 sequences: the mean of a sum is known to 0.065 (one standard error), and its
    # deviation to 0.5 %; five of these.
    np.testing.assert_allclose(
        truth.mean(0), task.guess(10), atol=5 * task.standard_deviation(10) / 141
    )
    np.testing.assert_allclose(truth.std(0), task.standard_deviation(10), rtol=0.03)


def test_one_digit_is_right_by_the_largest_count_or_the_rounded_sum():
    counts = jnp.array([[0.1, 0.4, 0.3, 0, 0, 0, 0, 0, 0, 0]])
    assert COUNT.right(counts, jnp.array([1])).tolist() == [1]
    assert COUNT.right(counts, jnp.array([2])).tolist() == [0]
    sums = jnp.array([[3.4], [3.6]])
    assert ADD.right(sums, jnp.array([3, 3])).tolist() == [1, 0]


def test_an_epoch_has_every_image_once():
    order = shuffled(jax.random.key(0), 60, 2, 10)
    assert order.shape == (3, 2, 10)
    assert sorted(np.ravel(order)) == list(range(60))


def test_sequences_to_measure_with_are_always_the_same():
    np.testing.assert_array_equal(drawn(50, 10, 3), drawn(50, 10, 3))
    assert len(set(drawn(50, 10, 5).ravel().tolist())) == 50
    assert drawn(50, 100, 7).shape == (7, 100)


def test_another_operation_is_refused():
    with pytest.raises(ValueError, match="operation must be 'count' or 'add', got 'mul'"):
        DigitSequences("mul")
