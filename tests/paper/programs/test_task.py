"""Programs have the values of Python, and the documented lengths and frequencies."""

import collections

import jax
import numpy as np
import pytest

from numerate.paper.programs import Programs
from numerate.paper.programs._task import TOKENS
from numerate.tasks import step_key
from tests.each import each

KINDS = each("kind", ["add", "branch"])


def evaluated(text: str) -> int:
    return eval(text, {"__builtins__": {}})


@KINDS
@each("digits", [2, 3, 4])
def test_the_answer_is_what_python_says(kind, digits):
    task = Programs(kind, terms=4, ifs=2, set_size=300)
    x, y = task.fixed(digits)
    assert [evaluated(text) for text in task.texts(x)] == y[:, 0].tolist()


@KINDS
def test_training_batches_are_programs_too(kind):
    task = Programs(kind)
    x, y = task.sample(step_key(jax.random.key(3), 5), 100)
    assert [evaluated(text) for text in task.texts(x)] == y[:, 0].tolist()


def test_equal_numbers_are_neither_less_nor_greater():
    task = Programs("branch", digits=1, extrapolation_digits=2, set_size=400)
    x, y = task.validation()
    texts = task.texts(x)
    ties = [t for t in texts if any(f" {n} {sign} {n} " in t for n in range(10) for sign in "<>")]
    assert len(ties) > 10
    assert [evaluated(text) for text in texts] == y[:, 0].tolist()


@pytest.mark.slow
@KINDS
@each("digits, least, most", [(2, 0, 99), (3, 100, 999), (4, 1000, 9999)])
def test_numbers_have_their_digits(kind, digits, least, most):
    x, _ = Programs(kind).fixed(digits)
    numbers = np.asarray(x[..., 0])[np.asarray(x[..., 1 + TOKENS.index("number")]) == 1]
    assert least <= numbers.min() < least + (most - least) / 50
    assert most - (most - least) / 50 < numbers.max() <= most
    middle = (least + most) / 2
    assert abs(numbers.mean() - middle) < 6 * (most - least) / np.sqrt(12 * len(numbers))


def test_sums_are_sums():
    task = Programs("add", set_size=50)
    assert all(text.split()[1::2] == ["+"] for text in task.texts(task.validation()[0]))


def test_every_arrangement_of_terms_is_as_frequent():
    task = Programs("branch", set_size=5000)
    shapes = collections.Counter()
    for text in task.texts(task.validation()[0]):
        words = text.replace("(", "( ").split()
        depth, terms = 0, []
        for word in words:
            if depth == 0 and word not in "+-":
                terms.append("if" if word == "(" else "number")
            depth += (word == "(") - word.endswith(")")
        shapes[tuple(terms)] += 1
    assert set(shapes) == {
        ("if", "number"), ("number", "if"), ("if", "number", "number"),
        ("number", "if", "number"), ("number", "number", "if"),
    }  # fmt: skip
    assert all(abs(count - 1000) < 6 * np.sqrt(1000 * 0.8) for count in shapes.values())


def test_signs_and_comparisons_are_as_frequent():
    task = Programs("branch", set_size=2000)
    text = " ".join(task.texts(task.validation()[0]))
    for one, other in ("+-", "<>"):
        total = text.count(one) + text.count(other)
        assert abs(text.count(one) - total / 2) < 3 * np.sqrt(total)


def test_shorter_programs_end_in_rows_of_zeros():
    task = Programs("branch", set_size=200)
    x, _ = task.validation()
    there = np.asarray(x[..., 1:]).sum(axis=-1)
    assert x.shape == (200, task.time, task.in_features) == (200, 13, 10)
    assert set(there.ravel()) == {0.0, 1.0}
    assert (np.diff(there, axis=1) <= 0).all()
    assert (np.asarray(x[..., 0])[there == 0] == 0).all()


@each(
    "given, told",
    [
        ({"kind": "mul"}, "kind must be 'add' or 'branch', got 'mul'"),
        ({"terms": 1}, "terms must be at least 2, got 1"),
        ({"ifs": 0}, "ifs must be at least 1, got 0"),
        ({"digits": 0}, "digits must be at least 1, got 0"),
    ],
)
def test_bad_arguments(given, told):
    with pytest.raises(ValueError, match=told):
        Programs(**given)
