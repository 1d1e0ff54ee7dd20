"""Text models: their equations, and that shared prefixes do not change the answers."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import constant
from numerate.paper.language import (
    LSTMTextModel,
    Numerals,
    RecurrentTextModel,
    SumOrProductModel,
    answers,
    number_words,
    prefixes,
    stacked_prefixes,
)
from numerate.units import NAC, NALU, Linear
from tests.each import each

TASK = Numerals()
# Float32, and sums of up to five states.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def models() -> dict[str, eqx.Module]:
    key = jax.random.key(0)
    return {
        "LSTM, last": LSTMTextModel(30, 4, NALU, key=key),
        "LSTM, summed": LSTMTextModel(30, 4, Linear, pooling="summed", key=key),
        "LSTM, every": LSTMTextModel(30, 4, NALU, pooling="every", key=key),
        "recurrent": RecurrentTextModel(30, 3, NAC, key=key),
        "sum or product": SumOrProductModel(30, key=key),
    }


MODELS = models()
# One program, which is compiled faster than the many of its operations one after the other.
READ = eqx.filter_jit(answers)
CALL = eqx.filter_jit(lambda model, tokens: model(tokens))
GRADIENT = eqx.filter_jit(eqx.filter_grad(lambda model, tree: jnp.mean(answers(model, tree) ** 2)))
EACH = each("model", MODELS.values())


@pytest.mark.slow
@EACH
def test_shared_beginnings_give_the_answers_that_sentences_alone_give(model):
    sentences = TASK.train.tokens
    alone = eqx.filter_jit(jax.vmap(model))(jnp.asarray(sentences))[:, -1]
    np.testing.assert_allclose(READ(model, prefixes(sentences)), alone, **CLOSE)


@EACH
def test_the_answer_stays_after_the_last_word(model):
    read = CALL(model, jnp.asarray(TASK.numbers([320]).tokens[0]))
    assert TASK.numbers([320]).mask.sum() == 4
    assert read[3] == read[4]
    assert len(set(read[:4].tolist())) == 4


@EACH
def test_what_comes_later_does_not_change_earlier_answers(model):
    long, short = TASK.numbers([342, 340]).tokens
    long, short = (CALL(model, jnp.asarray(tokens)) for tokens in (long, short))
    np.testing.assert_array_equal(long[:4], short[:4])


@pytest.mark.slow
@each("name", ["LSTM, every", "recurrent", "sum or product"])
def test_gradients_are_finite(name):
    model = MODELS[name]
    tree = prefixes(TASK.train.tokens)
    gradient = GRADIENT(model, tree)
    leaves = jax.tree.leaves(gradient)
    assert all(jnp.isfinite(leaf).all() for leaf in leaves)
    assert any(jnp.any(leaf != 0) for leaf in leaves)


@each("reads", ["last", "summed", "every"])
def test_the_lstm_is_that_of_its_equations(reads):
    unit = partial(Linear, bias_init=constant(1.0))
    model = LSTMTextModel(30, 4, unit, pooling=reads, key=jax.random.key(1))
    words = TASK.numbers([334]).tokens[0]
    embedding, by_input, by_state, b, w = (
        np.asarray(leaf, float)
        for leaf in (
            model.embedding, model.input_weight, model.state_weight, model.bias,
            model.unit.weight[0],
        )
    )  # fmt: skip
    h, c, states, expected = np.zeros(4), np.zeros(4), [], []
    for word in words:
        z = by_input @ embedding[word] + by_state @ h + b
        i, f, o, new = z[:4], z[4:8], z[8:12], z[12:]
        c = sigma(f) * c + sigma(i) * np.tanh(new)
        h = sigma(o) * np.tanh(c)
        states.append(h)
        read = {
            "last": w @ h + 1,
            "summed": w @ sum(states) + 1,
            "every": sum(w @ s + 1 for s in states),
        }
        expected.append(read[reads])
    np.testing.assert_allclose(model(jnp.asarray(words)), expected, **CLOSE)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def test_another_way_to_read_states_is_refused():
    with pytest.raises(ValueError, match="pooling must be 'last', 'summed' or 'every', got"):
        LSTMTextModel(30, 4, Linear, pooling="first", key=jax.random.key(0))


def exact() -> SumOrProductModel:
    """The values of the words, set by hand."""
    values = [100.0 if word == "hundred" else 0.0 for word in TASK.vocabulary]
    for number in [*range(20), *range(20, 100, 10)]:
        values[TASK.vocabulary.index(number_words(number)[0])] = float(number)
    gates = jnp.array([-5.0 if word == "hundred" else 5.0 for word in TASK.vocabulary])
    model = SumOrProductModel(30, key=jax.random.key(0))
    return eqx.tree_at(lambda r: (r.value, r.gate), model, (jnp.array(values), gates))


@pytest.mark.slow
def test_sum_or_product_represents_every_number_exactly():
    model, everyone = exact().snapped(), TASK.numbers(range(1000))
    assert np.array_equal(answers(model, prefixes(everyone.tokens)), everyone.values)
    assert model.penalty() == 0


def test_sum_or_product_reads_what_nobody_writes():
    phrase = TASK.phrases(["twenty seven and eighty"])
    assert answers(exact().snapped(), prefixes(phrase.tokens)).tolist() == [107.0]


def test_a_gate_between_adds_and_multiplies_in_part():
    model = SumOrProductModel(2, key=jax.random.key(0))
    parameters = (jnp.array([3.0, 10.0]), jnp.array([jnp.inf, 0.0]))
    model = eqx.tree_at(lambda r: (r.value, r.gate), model, parameters)
    # Half of 3 + 10 and half of 3 · 10.
    assert model(jnp.array([0, 1])).tolist() == [3.0, 21.5]
    assert float(model.penalty()) == 0.125


def test_snapping_rounds_values_and_shuts_gates():
    model = eqx.tree_at(
        lambda r: (r.value, r.gate), SumOrProductModel(2, key=jax.random.key(0)),
        (jnp.array([2.6, 99.8]), jnp.array([0.1, -0.1])),
    )  # fmt: skip
    assert model.snapped()(jnp.array([0, 1])).tolist() == [3.0, 300.0]


@pytest.mark.slow
def test_a_stack_of_trees_gives_each_sets_answers():
    model = MODELS["LSTM, last"]
    sets = [Numerals(seed=seed).train.tokens for seed in range(2)]
    together = eqx.filter_jit(eqx.filter_vmap(answers, in_axes=(None, 0)))(
        model, stacked_prefixes(sets)
    )
    for one, read in zip(sets, together, strict=True):
        np.testing.assert_allclose(read, READ(model, prefixes(one)), **CLOSE)


@pytest.mark.slow
def test_padding_of_a_tree_changes_no_gradient():
    model = MODELS["LSTM, summed"]
    tokens = TASK.train.tokens
    (wide,) = [jax.tree.map(lambda x: x[0], stacked_prefixes([tokens], (40, 40, 40, 120, 120)))]

    gradients = (GRADIENT(model, tree) for tree in (prefixes(tokens), wide))
    for a, b in zip(*map(jax.tree.leaves, gradients), strict=True):
        np.testing.assert_allclose(a, b, **CLOSE)


def test_a_tree_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="sizes must hold the 2 prefixes of a level, got 1"):
        prefixes(np.array([[1], [2]]), sizes=[1])
