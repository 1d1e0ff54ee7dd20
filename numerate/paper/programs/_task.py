"""Short programs with integers, one token at a time, and their results."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.ops import step_key, uniform
from numerate.tasks import EXTRAPOLATION_SEED, VALIDATION_SEED, Task

Sequences = tuple[Float[Array, "batch time in"], Float[Array, "batch 1"]]

# Kinds of tokens; the first is that of all numbers.
TOKENS = ("number", "+", "-", "(", "if", "<", ">", "else", ")")
_NUMBER, _PLUS, _MINUS, _OPEN, _IF, _LESS, _GREATER, _ELSE, _CLOSE = range(len(TOKENS))
# Numbers of a term: all four for "(0 if 1 < 2 else 3)", the first for a plain number.
_NUMBERS = 4
_BRANCH = (_OPEN, 0, _IF, 1, None, 2, _ELSE, 3, _CLOSE)


class _Layouts(NamedTuple):
    """Programs without their numbers and signs, `(layouts, time)` but for `branches`.

    `kinds` is -1 after the end. `indices` is the index of a number in the program, and -1 for other
    tokens. `signs` and `compares` are the index of the term for a sign and for a comparison, and -1
    for other tokens. `branches`, `(layouts, terms)`, is 0 for no term, 1 for a number and 2 for an
    if.
    """

    kinds: np.ndarray
    indices: np.ndarray
    signs: np.ndarray
    compares: np.ndarray
    branches: np.ndarray


@dataclass(frozen=True)
class Programs(Task):
    """Short programs as in Learning to Execute, with each number as one token.

        program := term sign term { sign term }          sign := + | -
        term    := number | ( number if number < number else number )
                          | ( number if number > number else number )

    `"add"` is the sum of two numbers. `"branch"` has 2 to `terms` terms, of which 1 to `ifs` are an
    if, and any signs; all such layouts are equally frequent. The text of a program is a Python
    expression with the same value. Learning to Execute nests expressions of any kind; here an if is
    a term of a sum and contains only numbers.

    A token is a row of `in_features` = 10: the number, 0 for other tokens, and the kind, one-hot of
    nine. Shorter programs are padded with rows of zeros at the end.

    Training numbers are uniform in [0, 10^`digits`); those of `numbers_of(d)` with more digits have
    exactly d digits, and are uniform in [10^(d-1), 10^d).

    **Arguments:**

    - `kind`: `"add"` or `"branch"`.
    - `digits`: of the numbers in training and validation; `extrapolation_digits`: in
        extrapolation.
    - `terms`, `ifs`: the largest numbers in programs with branches.
    - `set_size`: programs in the fixed sets.

    **Raises:** `ValueError` for another kind, fewer than 2 terms, or fewer than 1 of another.

    !!! example
        >>> task = Programs("branch", set_size=2)
        >>> x, y = task.validation()
        >>> x.shape, task.texts(x)[1], float(y[1, 0])
        ((2, 13, 10), '(98 if 46 < 81 else 99) - 38', 60.0)

    Zaremba & Sutskever (2014), arXiv:1410.4615; with whole numbers Trask et al. (2018), §4.4.
    """

    kind: str = "add"
    digits: int = 2
    extrapolation_digits: int = 4
    terms: int = 3
    ifs: int = 1
    set_size: int = 1000
    in_features = 1 + len(TOKENS)
    out_features = 1

    def __post_init__(self):
        if self.kind not in ("add", "branch"):
            raise ValueError(f"kind must be 'add' or 'branch', got {self.kind!r}")
        if self.terms < 2:
            raise ValueError(f"terms must be at least 2, got {self.terms}")
        for name in ("digits", "extrapolation_digits", "ifs", "set_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def sample(self, key: PRNGKeyArray, batch_size: int) -> Sequences:
        return self.numbers_of(self.digits, key, batch_size)

    def validation(self) -> Sequences:
        return self.fixed(self.digits)

    def extrapolation(self) -> Sequences:
        return self.fixed(self.extrapolation_digits)

    @property
    def threshold(self) -> float:
        """1/4, the square of the error ½ that rounding removes."""
        return 0.25

    @property
    def time(self) -> int:
        """The number of tokens of the longest program."""
        return self._layouts.kinds.shape[1]

    def fixed(self, digits: int) -> Sequences:
        """The fixed set of programs for numbers with `digits` digits.

        !!! example
            >>> task = Programs("add", set_size=1)
            >>> [task.texts(task.fixed(digits)[0]) for digits in (2, 3, 4)]
            [['27 + 91'], ['835 + 187'], ['5211 + 9977']]
        """
        seed = VALIDATION_SEED if digits == self.digits else EXTRAPOLATION_SEED
        return self.numbers_of(digits, step_key(jax.random.key(seed), digits), self.set_size)

    def numbers_of(self, digits: int, key: PRNGKeyArray, batch_size: int) -> Sequences:
        """Programs whose numbers have `digits` digits."""
        return _drawn(self, digits, key, batch_size)

    def texts(self, x: Shaped[Array, "batch time in"]) -> list[str]:
        """The programs of rows of tokens as text."""
        return [_text(rows) for rows in np.asarray(x)]

    @cached_property
    def _layouts(self) -> _Layouts:
        lists = [(1, 1)] if self.kind == "add" else list(_arrangements(self.terms, self.ifs))
        rows = [list(_rows(branches)) for branches in lists]
        time, terms = max(map(len, rows)), max(map(len, lists))
        filled = np.array([row + [(-1, -1, -1, -1)] * (time - len(row)) for row in rows])
        branches = np.array([list(b) + [0] * (terms - len(b)) for b in lists])
        kinds, indices, signs, compares = np.moveaxis(filled, -1, 0)
        return _Layouts(kinds, indices, signs, compares, branches)


def _arrangements(terms: int, ifs: int) -> Iterator[tuple[int, ...]]:
    """The kind of each term: 1 for a number, 2 for an if."""
    for count in range(2, terms + 1):
        for branches in itertools.product((1, 2), repeat=count):
            if 1 <= branches.count(2) <= ifs:
                yield branches


def _rows(branches: Iterable[int]) -> Iterator[tuple[int, int, int, int]]:
    """Kind, index, sign and comparison of every token."""
    for term, branch in enumerate(branches):
        if term:
            yield _PLUS, -1, term, -1
        if branch == 1:
            yield _NUMBER, _NUMBERS * term, -1, -1
            continue
        for index, part in enumerate(_BRANCH):
            if part is None:
                yield _LESS, -1, -1, term
            elif index % 2:
                yield _NUMBER, _NUMBERS * term + part, -1, -1
            else:
                yield part, -1, -1, -1


def _draw(task: Programs, digits: int, key: PRNGKeyArray, batch_size: int) -> Sequences:
    layouts = jax.tree.map(jnp.asarray, task._layouts)
    keys, terms = [step_key(key, i) for i in range(4)], layouts.branches.shape[1]
    least = 0 if digits <= task.digits else 10 ** (digits - 1)
    numbers = _whole(keys[0], (batch_size, terms, _NUMBERS), 10**digits - least) + least
    layout = _whole(keys[1], (batch_size,), len(task._layouts.kinds))
    minus = _whole(keys[2], (batch_size, terms), 2) == 1
    minus = minus.at[:, 0].set(False) & (task.kind == "branch")
    greater = _whole(keys[3], (batch_size, terms), 2) == 1

    chosen = jax.tree.map(lambda leaf: leaf[layout], layouts)
    kinds = jnp.where(chosen.signs >= 0, _at(minus, chosen.signs, _PLUS), chosen.kinds)
    kinds = jnp.where(chosen.compares >= 0, _at(greater, chosen.compares, _LESS), kinds)
    values = jnp.take_along_axis(
        numbers.reshape(batch_size, -1), jnp.maximum(chosen.indices, 0), axis=1
    )
    values = jnp.where(chosen.indices >= 0, values, 0).astype(float)
    x = jnp.concatenate([values[..., None], jax.nn.one_hot(kinds, len(TOKENS))], axis=-1)
    return x, _value(numbers, chosen.branches, minus, greater)[:, None].astype(float)


_drawn = jax.jit(_draw, static_argnums=(0, 1, 3))


def _whole(key: PRNGKeyArray, shape: tuple[int, ...], below: int) -> Array:
    """Integers from 0 to `below` - 1, equally likely up to 2⁻²⁴."""
    return jnp.minimum((uniform(key, shape) * below).astype(jnp.int32), below - 1)


def _at(second: Array, terms: Array, first_kind: int) -> Array:
    """The kind at tokens that belong to `terms`: the next one where `second` is true."""
    return first_kind + jnp.take_along_axis(second, jnp.maximum(terms, 0), axis=1)


def _value(numbers: Array, branches: Array, minus: Array, greater: Array) -> Array:
    first, left, right, other = jnp.moveaxis(numbers, -1, 0)
    holds = jnp.where(greater, left > right, left < right)
    terms = jnp.where((branches == 1) | holds, first, other)
    return jnp.sum(jnp.where(branches == 0, 0, jnp.where(minus, -terms, terms)), axis=1)


def _text(rows: np.ndarray) -> str:
    words = [
        str(int(row[0])) if row[1 + _NUMBER] else TOKENS[int(np.argmax(row[1:]))]
        for row in rows
        if row[1:].any()
    ]
    return " ".join(words).replace("( ", "(").replace(" )", ")")
