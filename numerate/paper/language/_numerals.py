"""English number words and their numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES = {word: i for i, word in enumerate(_ONES)}
_VALUES |= {word: 10 * i for i, word in enumerate(_TENS, start=2)}
_LARGEST = 1000
# "nine hundred and ninety nine"; "one thousand" is shorter.
LONGEST = 5

# The numbers in every training set, if the range has them.
_ALWAYS_LEARNED = 20
_TRAIN, _VALIDATION = 169, 200


def number_words(number: int) -> list[str]:
    """The British words of a number from 0 to 1000, a token each.

    Tens and units are separate tokens, and "and" follows the hundreds.

    **Arguments:** `number`: from 0 to 1000.

    **Returns:** the words.

    **Raises:** `ValueError` for another number.

    !!! example
        >>> " ".join(number_words(334))
        'three hundred and thirty four'
    """
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"number must be from 0 to {_LARGEST}, got {number}")
    return list(_words(number))


@cache  # A task needs the words of its numbers thousands of times.
def _words(number: int) -> tuple[str, ...]:
    if number == _LARGEST:
        return "one", "thousand"
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    words = (_ONES[hundreds], "hundred")
    return (*words, "and", *_below_hundred(rest)) if rest else words


def _below_hundred(number: int) -> tuple[str, ...]:
    if number < len(_ONES):
        return (_ONES[number],)
    tens, ones = divmod(number, 10)
    return (_TENS[tens - 2], _ONES[ones]) if ones else (_TENS[tens - 2],)


def read_number(words: Iterable[str]) -> int:
    """The number of words: "hundred" multiplies the preceding number, the others add.

    The rule also covers unusual phrases such as "twenty seven and eighty".

    **Arguments:** `words`: of the vocabulary of `Numerals`.

    **Returns:** the number.

    **Raises:** `ValueError` for a word outside the vocabulary.

    !!! example
        >>> read_number("three hundred and thirty four".split())
        334
        >>> read_number("twenty seven and eighty".split())
        107
    """
    number = 0
    for word in words:
        if word in _VALUES:
            number += _VALUES[word]
        elif word in ("hundred", "thousand"):
            number *= 100 if word == "hundred" else 1000
        elif word != "and":
            raise ValueError(f"words must be those of the numbers from 0 to 1000, got {word!r}")
    return number


class Numbers(NamedTuple):
    """Numbers as tokens, the input of a model.

    **Fields:** `tokens` `(numbers, 5)`, indices in the vocabulary, with -1 after the last word;
    `mask`, true for words; and `values`, the numbers.
    """

    tokens: Int[np.ndarray, "numbers time"]
    mask: Bool[np.ndarray, "numbers time"]
    values: Float[np.ndarray, "numbers"]


@dataclass(frozen=True)
class Numerals:
    """Number words to numbers: the language task of the NALU paper.

    A thousand numbers: 169 for training, 200 for validation and 631 for testing. The paper says 0
    to 1000 but counts 1000 numbers, so one of the two ends is missing. Numbers below twenty are
    always in the training set; the others are a random sample. The paper adjusts it until it has
    every word, without details. Here, for every missing word, the first of the remaining numbers
    with that word, in random order, replaces the last drawn number whose words all occur in another
    number.

    **Arguments:**

    - `zero`: whether the numbers are 0 to 999, with a word for zero, or 1 to 1000, with one for
        a thousand. Both have 30 words.
    - `seed`: the seed of the random sample.

    **Raises:** `ValueError` for a negative seed.

    !!! example
        >>> task = Numerals()
        >>> [len(part.values) for part in (task.train, task.validation, task.test)]
        [169, 200, 631]
        >>> len(task.vocabulary), task.vocabulary[0]
        (30, 'zero')
        >>> task.numbers([7, 334]).tokens
        array([[ 7, -1, -1, -1, -1],
               [ 3, 28, 29, 21,  4]])

    ??? cite "Reference"
        ```bibtex
        @inproceedings{trask2018nalu,
            title={Neural Arithmetic Logic Units},
            author={Trask, Andrew and Hill, Felix and Reed, Scott and Rae, Jack and Dyer, Chris
                    and Blunsom, Phil},
            booktitle={Advances in Neural Information Processing Systems},
            year={2018},
        }
        ```
    """

    zero: bool = True
    seed: int = 0

    def __post_init__(self):
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Every word, in the order of the numbers that need it first."""
        return tuple(dict.fromkeys(word for n in self._all for word in _words(n)))

    @property
    def train(self) -> Numbers:
        """The training set."""
        return self.numbers(self._order[:_TRAIN])

    @property
    def validation(self) -> Numbers:
        """The validation set, for model selection."""
        return self.numbers(self._order[_TRAIN : _TRAIN + _VALIDATION])

    @property
    def test(self) -> Numbers:
        """The test set, for the report only."""
        return self.numbers(self._order[_TRAIN + _VALIDATION :])

    def numbers(self, numbers: Iterable[int]) -> Numbers:
        """Numbers of the range as tokens."""
        return self._padded([(number_words(n), n) for n in numbers])

    def phrases(self, phrases: Iterable[str]) -> Numbers:
        """Phrases of at most five words of the vocabulary, with their numbers."""
        return self._padded([(p.split(), read_number(p.split())) for p in phrases])

    def _padded(self, rows: list[tuple[list[str], int]]) -> Numbers:
        tokens = np.full((len(rows), LONGEST), -1)
        for row, (words, _) in zip(tokens, rows, strict=True):
            row[: len(words)] = [self.vocabulary.index(word) for word in words]
        return Numbers(tokens, tokens >= 0, np.array([value for _, value in rows], float))

    @property
    def _all(self) -> range:
        return range(_LARGEST) if self.zero else range(1, _LARGEST + 1)

    @cached_property
    def _order(self) -> list[int]:
        """All numbers, split into training, validation and test set."""
        first = [n for n in self._all if n < _ALWAYS_LEARNED]
        rest = [n for n in self._all if n >= _ALWAYS_LEARNED]
        order = first + [rest[i] for i in np.random.default_rng(self.seed).permutation(len(rest))]
        for word in self.vocabulary:
            if not _occurrences(order[:_TRAIN], word):
                _let_in(order, word)
        return order


def _occurrences(numbers: Iterable[int], word: str) -> int:
    return sum(word in _words(n) for n in numbers)


def _let_in(order: list[int], word: str) -> None:
    """Replace a number of the training set by one with the word, in place."""
    enters = next(i for i in range(_TRAIN, len(order)) if word in _words(order[i]))
    leaves = next(
        i
        for i in reversed(range(_TRAIN))
        if order[i] >= _ALWAYS_LEARNED
        and all(_occurrences(order[:_TRAIN], w) > 1 for w in _words(order[i]))
    )
    order[enters], order[leaves] = order[leaves], order[enters]
