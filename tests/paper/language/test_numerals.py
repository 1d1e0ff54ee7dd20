"""Number words, their numbers, and the splits of the language task."""

import numpy as np
import pytest

from numerate.paper.language import Numerals, number_words, read_number
from tests.each import each

SEEDS = range(20)
READINGS = each("zero", [True, False])


def test_words_mean_the_number_they_were_made_of():
    assert [read_number(number_words(number)) for number in range(1001)] == list(range(1001))


@each(
    "number, words",
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (21, "twenty one"),
        (100, "one hundred"),
        (101, "one hundred and one"),
        (110, "one hundred and ten"),
        (215, "two hundred and fifteen"),
        (340, "three hundred and forty"),
        (999, "nine hundred and ninety nine"),
        (1000, "one thousand"),
    ],
)
def test_words_are_british_english(number, words):
    assert " ".join(number_words(number)) == words


def test_all_numbers_have_different_words():
    assert len({" ".join(number_words(n)) for n in range(1001)}) == 1001


@each("number", [-1, 1001])
def test_numbers_outside_the_range_are_refused(number):
    with pytest.raises(ValueError, match=f"number must be from 0 to 1000, got {number}"):
        number_words(number)


def test_unknown_words_are_refused():
    with pytest.raises(ValueError, match="got 'million'"):
        read_number(["one", "million"])


@READINGS
def test_the_vocabulary_is_nineteen_eight_two_and_one(zero):
    vocabulary = Numerals(zero).vocabulary
    assert len(set(vocabulary)) == len(vocabulary) == 30
    assert ("zero" in vocabulary) is zero
    assert ("thousand" in vocabulary) is not zero


@READINGS
@each("seed", SEEDS)
def test_a_split_is_a_partition_of_the_papers_sizes(zero, seed):
    task = Numerals(zero, seed)
    parts = [task.train.values, task.validation.values, task.test.values]
    assert [len(part) for part in parts] == [169, 200, 631]
    everyone = np.sort(np.concatenate(parts))
    np.testing.assert_array_equal(everyone, np.arange(1000) + (not zero))


@READINGS
@each("seed", SEEDS)
def test_every_word_and_every_number_below_twenty_is_learned(zero, seed):
    train = Numerals(zero, seed).train
    assert set(train.tokens[train.mask]) == set(range(30))
    assert set(range(not zero, 20)) <= set(train.values)


def test_a_word_that_the_sample_lacks_displaces_the_last_number_that_may_go():
    # Of 1 to 1000 only one number has "thousand"; with most seeds it is not drawn.
    task = Numerals(zero=False, seed=3)
    order = [n for n in np.random.default_rng(3).permutation(np.arange(20, 1001))]
    drawn = set(range(1, 20)) | set(order[:150])
    assert 1000 not in drawn
    assert drawn - set(task.train.values) == {order[149]}
    assert set(task.train.values) - drawn == {1000}


def test_splits_differ_by_seed_and_repeat():
    first, again, other = (Numerals(seed=s).train.values for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


def test_what_lies_beyond_the_range_is_as_random_as_the_rest():
    # 149 of 980 numbers: each is in a training set with probability 0.152.
    counts = np.zeros(1000)
    for seed in range(50):
        counts[Numerals(seed=seed).train.values.astype(int)] += 1
    assert np.all(counts[:20] == 50)
    # Of 980 binomial counts all lie within 6 standard deviations.
    assert np.abs(counts[20:] / 50 - 149 / 980).max() < 6 * np.sqrt(0.152 * 0.848 / 50)


@READINGS
def test_padding_follows_the_words_and_the_mask_says_where(zero):
    task = Numerals(zero)
    part = task.test
    np.testing.assert_array_equal(part.mask, part.tokens >= 0)
    for tokens, mask, value in zip(*part, strict=True):
        words = [task.vocabulary[t] for t in tokens[mask]]
        assert not mask[len(words) :].any()
        assert read_number(words) == value


def test_phrases_need_not_be_numbers_of_the_range():
    part = Numerals().phrases(["twenty seven and eighty", "two"])
    assert part.values.tolist() == [107, 2]
    assert part.mask.sum(axis=1).tolist() == [4, 1]


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed must be at least 0, got -1"):
        Numerals(seed=-1)
