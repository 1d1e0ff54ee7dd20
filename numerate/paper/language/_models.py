"""Models from a sequence of words to one number.

A text model takes words one at a time: `step` updates its state, and `answer` is the number for the
words so far. Sentences with a common prefix share its steps: `Prefixes` lists every prefix once,
and `answers` computes it once.
"""

import abc
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from numerate.arguments import check_sizes
from numerate.cells import Recurrent
from numerate.initialisers import initialiser
from numerate.units import Unit

State = Any


class TextModel(eqx.Module):
    """The interface of a text model.

    **Shapes:** `(time,)`, word indices, to `(time,)`, the answer after each word. A negative index
    is padding after the last word: the answer stays.

    !!! example
        >>> model = SumOrProductModel(3, key=jax.random.key(0))
        >>> model(jnp.array([0, 2, -1])).shape
        (3,)
    """

    @abc.abstractmethod
    def inputs(self) -> Float[Array, "words features"]:
        """The input of `step` for every word of the vocabulary."""

    @abc.abstractmethod
    def start(self) -> State:
        """The state before the first word."""

    @abc.abstractmethod
    def step(self, state: State, x: Float[Array, "features"]) -> State:
        """The state after another word, from its row of `inputs`."""

    @abc.abstractmethod
    def answer(self, state: State) -> Float[Array, ""]:
        """The number for the words so far."""

    def __call__(self, words: Int[Array, "time"]) -> Float[Array, "time"]:
        """The answer after every word of one sentence."""
        inputs = self.inputs()

        def advance(state: State, word: Int[Array, ""]) -> tuple[State, Float[Array, ""]]:
            new = self.step(state, inputs[word])
            state = jax.tree.map(lambda a, b: jnp.where(word >= 0, a, b), new, state)
            return state, self.answer(state)

        return jax.lax.scan(advance, self.start(), words)[1]


class LSTMTextModel(TextModel):
    """Word embeddings, an LSTM, and a unit from its states to a number.

    [i, f, o, c̃] = W_x e_t + W_h h_{t-1} + b, c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(c̃) and
    h_t = σ(o) ⊙ tanh(c_t), where e_t is the embedding of the t-th word, h_t the state and c_t the
    cell after it, σ the logistic function and ⊙ the elementwise product; h_0 = c_0 = 0. The answer
    is unit(h_t), or unit(h_1 + … + h_t), which the NALU paper calls summed states, or
    unit(h_1) + … + unit(h_t).

    **Arguments:**

    - `words`: size of the vocabulary.
    - `hidden_size`: features of the state, and of the embedding.
    - `unit`: a unit's class, or any function of `(in_features, out_features, *, key)`.
    - `pooling`: `"last"`, `"summed"` or `"every"`, the three answers in this order.
    - `key`: draws the parameters: embeddings normal with standard deviation 1, weights uniform as
      Glorot & Bengio, b zero except 1 for f, as in TensorFlow's LSTM.

    **Cannot** represent unbounded numbers with a linear unit or a NAC on h_t, because states are
    between -1 and 1.

    **Raises:** `ValueError` for another `pooling`, or a negative size.

    !!! example
        >>> from numerate.units import NALU
        >>> model = LSTMTextModel(30, 16, NALU, key=jax.random.key(0))
        >>> model(jnp.array([3, 28, -1, -1, -1])).shape
        (5,)

    Trask et al. (2018), §4.3; the cell is that of Hochreiter & Schmidhuber (1997) with the
    forget gate of Gers et al. (2000).
    """

    embedding: Float[Array, "words hidden"]
    input_weight: Float[Array, "gates hidden"]
    state_weight: Float[Array, "gates hidden"]
    bias: Float[Array, "gates"]
    unit: Unit
    pooling: str = eqx.field(static=True)

    def __init__(
        self,
        words: int,
        hidden_size: int,
        unit: Callable[..., Unit],
        *,
        pooling: str = "last",
        key: PRNGKeyArray,
    ):
        check_sizes(words=words, hidden_size=hidden_size)
        if pooling not in ("last", "summed", "every"):
            raise ValueError(f"pooling must be 'last', 'summed' or 'every', got {pooling!r}")
        keys, shape = jax.random.split(key, 4), (4 * hidden_size, hidden_size)
        glorot = initialiser("glorot_uniform")
        self.embedding = jax.random.normal(keys[0], (words, hidden_size))
        self.input_weight = glorot(keys[1], shape, self.embedding.dtype)
        self.state_weight = glorot(keys[2], shape, self.embedding.dtype)
        self.bias = jnp.zeros(4 * hidden_size).at[hidden_size : 2 * hidden_size].set(1.0)
        self.unit = unit(hidden_size, 1, key=keys[3])
        self.pooling = pooling

    def inputs(self) -> Float[Array, "words gates"]:
        return self.embedding @ self.input_weight.T + self.bias

    def start(self) -> State:
        zeros = jnp.zeros_like(self.embedding[0])
        return zeros, zeros, zeros[:1] if self.pooling == "every" else zeros

    def step(self, state: State, x: Float[Array, "gates"]) -> State:
        h, c, total = state
        i, f, o, new = jnp.split(x + self.state_weight @ h, 4)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(new)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return h, c, total + (self.unit(h) if self.pooling == "every" else h)

    def answer(self, state: State) -> Float[Array, ""]:
        h, _, total = state
        if self.pooling == "every":
            return total[0]
        return self.unit(total if self.pooling == "summed" else h)[0]


class RecurrentTextModel(TextModel):
    """A recurrent unit on word embeddings, without another network.

    s_t = unit([e_t, s_{t-1}]), where e_t is the embedding of the t-th word and s_t a number, the
    answer. s_0 = 0.

    **Arguments:**

    - `words`: size of the vocabulary.
    - `embedding_size`: features of e_t.
    - `unit`: a unit's class, or any function of `(in_features, out_features, *, key)`.
    - `key`: draws the embeddings, normal with standard deviation 1, and the unit's parameters.

    **Represents exactly**, with a `NAC` or `NAU`, the sum of the values of the words, in which "two
    hundred" and "three hundred" do not differ by a hundred. A `NALU` represents what
    `SumOrProductModel` does, in the limit of a closed gate.

    !!! example
        >>> from numerate.units import NAU
        >>> model = RecurrentTextModel(30, 8, NAU, key=jax.random.key(0))
        >>> model(jnp.array([3, 28, -1, -1, -1])).shape
        (5,)
    """

    embedding: Float[Array, "words embedding"]
    cell: Recurrent

    def __init__(
        self, words: int, embedding_size: int, unit: Callable[..., Unit], *, key: PRNGKeyArray
    ):
        check_sizes(words=words, embedding_size=embedding_size)
        keys = jax.random.split(key)
        self.embedding = jax.random.normal(keys[0], (words, embedding_size))
        self.cell = Recurrent(unit, embedding_size, 1, key=keys[1])

    def inputs(self) -> Float[Array, "words embedding"]:
        return self.embedding

    def start(self) -> State:
        return jnp.zeros(1, self.embedding.dtype)

    def step(self, state: State, x: Float[Array, "embedding"]) -> State:
        return self.cell.step(x, state)

    def answer(self, state: State) -> Float[Array, ""]:
        return state[0]


class SumOrProductModel(TextModel):
    """Every word is a number and an operation: it is added to the number so far, or multiplies it.

    s_t = g_t (s_{t-1} + v_t) + (1 - g_t) s_{t-1} v_t, with g_t = σ(r_t), where v_t and r_t are
    free parameters of the t-th word, σ is the logistic function, and s_t the answer; s_0 = 0.
    It is a NALU with one output, weights of 1 and a gate that depends only on the word.

    **Arguments:**

    - `words`: size of the vocabulary.
    - `key`: draws v, normal with standard deviation 1, and r, normal with mean 2 and standard
      deviation 1, so that most words add at first.

    **Represents exactly** English number words: "hundred" multiplies by 100, "and" adds 0, all
    others add their value, in any order of words. **Cannot** represent a sum of several products,
    as in "two thousand three hundred", which needs a second state.

    **Penalty:** the mean of g (1 - g) over the vocabulary, which is 0 if every word either adds or
    multiplies.

    !!! example
        >>> model = SumOrProductModel(4, key=jax.random.key(0))
        >>> values, gates = jnp.array([3.0, 100.0, 0.0, 34.0]), jnp.array([9.0, -9.0, 9.0, 9.0])
        >>> model = eqx.tree_at(lambda r: (r.value, r.gate), model, (values, gates))
        >>> [float(x) for x in model.snapped()(jnp.arange(4))]
        [3.0, 300.0, 300.0, 334.0]

    Ours; we know of no paper with it.
    """

    value: Float[Array, "words"]
    gate: Float[Array, "words"]

    def __init__(self, words: int, *, key: PRNGKeyArray):
        check_sizes(words=words)
        keys = jax.random.split(key)
        self.value = jax.random.normal(keys[0], (words,))
        self.gate = 2.0 + jax.random.normal(keys[1], (words,))

    def inputs(self) -> Float[Array, "words 2"]:
        return jnp.stack([self.value, jax.nn.sigmoid(self.gate)], axis=1)

    def start(self) -> State:
        return jnp.zeros((), self.value.dtype)

    def step(self, state: State, x: Float[Array, "2"]) -> State:
        v, g = x
        return g * (state + v) + (1 - g) * state * v

    def answer(self, state: State) -> Float[Array, ""]:
        return state

    def penalty(self) -> Float[Array, ""]:
        """The penalty on words that neither only add nor only multiply."""
        g = jax.nn.sigmoid(self.gate)
        return jnp.mean(g * (1 - g))

    def snapped(self) -> "SumOrProductModel":
        """The model with integer values for words, each of which adds or multiplies."""
        gate = jnp.where(self.gate > 0, jnp.inf, -jnp.inf)
        return eqx.tree_at(lambda r: (r.value, r.gate), self, (jnp.round(self.value), gate))


class Level(NamedTuple):
    """The prefixes of one length: `parents` are the indices of their prefixes one word shorter, and
    `words` their last words."""

    parents: Int[Array | np.ndarray, "... beginnings"]
    words: Int[Array | np.ndarray, "... beginnings"]


class Prefixes(NamedTuple):
    """Every prefix of some sentences, once.

    **Fields:** `levels`, one for each length; `ends`, the indices of the answers to the whole
    sentences among all answers, level by level.
    """

    levels: tuple[Level, ...]
    ends: Int[Array | np.ndarray, "... sentences"]


def prefixes(
    sentences: Shaped[np.ndarray, "sentences time"], sizes: Sequence[int] | None = None
) -> Prefixes:
    """The prefixes of sentences, which end before a negative word.

    **Arguments:** `sentences`; `sizes`, to which each level is padded, so that several sets of
    sentences can be stacked.

    **Returns:** `Prefixes` of NumPy arrays.

    **Raises:** `ValueError` if a level has more prefixes than its size.

    !!! example
        >>> tree = prefixes(np.array([[3, 28, -1], [3, 28, 29], [4, -1, -1]]))
        >>> [level.words.tolist() for level in tree.levels], tree.ends.tolist()
        ([[3, 4], [28], [29]], [2, 3, 1])
    """
    whole = [tuple(int(word) for word in row[row >= 0]) for row in sentences]
    index: dict[tuple[int, ...], int] = {(): 0}
    levels = []
    for length in range(1, sentences.shape[1] + 1):
        found = sorted({words[:length] for words in whole if len(words) >= length})
        size = len(found) if sizes is None else sizes[length - 1]
        levels.append(_level(found, index, size))
        index |= {words: i for i, words in enumerate(found)}
    starts = np.cumsum([0] + [len(level.words) for level in levels])
    ends = np.array([starts[len(words) - 1] + index[words] for words in whole], int)
    return Prefixes(tuple(levels), ends)


def _level(found: list[tuple[int, ...]], index: dict, size: int) -> Level:
    if len(found) > size:
        raise ValueError(f"sizes must hold the {len(found)} prefixes of a level, got {size}")
    rows = [(index[words[:-1]], words[-1]) for words in found]
    filled = np.array(rows + [(0, 0)] * (size - len(found)), int).reshape(size, 2)
    return Level(filled[:, 0], filled[:, 1])


def stacked_prefixes(
    sets: Iterable[Shaped[np.ndarray, "sentences time"]], at_least: Sequence[int] | None = None
) -> Prefixes:
    """The prefixes of several sets of sentences, with a leading axis of sets.

    **Arguments:** `sets`: each with the same number of sentences; `at_least`: minimum sizes of the
    levels, so that several stacks share one program.

    !!! example
        >>> tree = stacked_prefixes([np.array([[3, 28]]), np.array([[4, -1]])])
        >>> [level.words.tolist() for level in tree.levels], tree.ends.tolist()
        ([[[3], [4]], [[28], [0]]], [[1], [0]])
    """
    sets = list(sets)
    sizes = [[len(level.words) for level in prefixes(one).levels] for one in sets]
    if at_least is not None:
        sizes.append(list(at_least))
    largest = np.max(sizes, axis=0).tolist()
    trees = [prefixes(one, largest) for one in sets]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def answers(model: TextModel, tree: Prefixes) -> Float[Array, "sentences"]:
    """A model's answer to every whole sentence; common prefixes are computed once.

    !!! example
        >>> model = SumOrProductModel(30, key=jax.random.key(0))
        >>> sentences = np.array([[3, 28, -1], [3, 28, 29], [4, -1, -1]])
        >>> together = answers(model, prefixes(sentences))
        >>> bool(jnp.allclose(together, jax.vmap(model)(jnp.asarray(sentences))[:, -1]))
        True
    """
    inputs = model.inputs()
    state = jax.tree.map(lambda leaf: leaf[None], model.start())
    found = []
    for parents, words in tree.levels:
        before = jax.tree.map(lambda leaf, parents=parents: leaf[parents], state)
        state = jax.vmap(model.step)(before, inputs[words])
        found.append(jax.vmap(model.answer)(state))
    return jnp.concatenate(found)[tree.ends]
