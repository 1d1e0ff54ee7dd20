"""Units inside networks: what is hidden, what is computed, and what is said about it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from numerate import units
from numerate.bench.inside_network import OPERATIONS, TRUNKS, Network, examples, target
from numerate.bench.inside_network._report import UNITS, draw, sentences, tables
from numerate.bench.inside_network._tasks import digit_images
from numerate.bench.inside_network._training import alternatives
from numerate.initialisers import constant

KEY = jax.random.key(0)
DIGITS = digit_images("small")


def drawn(network, condition, count=20):
    return examples(network, condition, count, KEY, DIGITS[condition])


def test_quantities_are_hidden_in_the_inputs():
    for condition, low, high in (("inside", 1, 2), ("beyond", 4, 8)):
        x, hidden = drawn("MLP", condition)
        np.testing.assert_array_equal(hidden, np.maximum(x[:, ::2], x[:, 1::2]))
        tokens, hidden = map(np.asarray, drawn("LSTM", condition))
        assert (tokens[..., 1:].sum(1) == 1).all() and (tokens[..., 1] * tokens[..., 2] == 0).all()
        found = [[t[t[:, mark] == 1, 0][0] for mark in (1, 2)] for t in tokens]
        np.testing.assert_array_equal(hidden, found)
        assert low <= hidden.min() and hidden.max() <= high
    (images, there), hidden = drawn("CNN", "inside", 200)
    assert images.shape == (200, 2, 2, 14, 14) and set(there.sum(2).ravel().tolist()) == {1, 2}
    assert 0.1 <= hidden.min() <= 0.3 and 1.6 <= hidden.max() <= 1.8
    (_, there), hidden = drawn("CNN", "beyond")
    assert there.shape == (20, 2, 10) and there.all() and hidden.min() > 1.8
    a, b = jnp.array([[3.0], [2.0]])
    got = [float(target(jnp.array(i), jnp.stack([a, b], 1))[0]) for i in range(len(OPERATIONS))]
    assert list(OPERATIONS) == ["sum", "product", "quotient"] and got == [5.0, 6.0, 1.5]


def test_images_of_the_test_are_not_those_of_the_training():
    train, test = ({i.tobytes() for i in np.asarray(DIGITS[c][0])} for c in ("inside", "beyond"))
    assert len(test) > 300 and len(train & test) < 3  # the set itself has a few images twice
    assert 0 not in DIGITS["inside"][1]


def test_a_network_computes_its_unit_of_two_features():
    for name in TRUNKS:
        network = Network(name, units.NMU, key=KEY)
        one = jax.tree.map(lambda leaf: leaf[0], drawn(name, "inside").inputs)
        features = network.trunk(one)
        assert features.shape == (2,) and network(one).shape == ()
        product = eqx.tree_at(lambda n: n.head.w_hat, network, jnp.ones((1, 2)))
        np.testing.assert_allclose(product(one), features[0] * features[1], rtol=1e-6)


def test_an_image_that_is_not_there_does_not_count():
    network = Network("CNN", units.NAU, key=KEY)
    images, there = jax.tree.map(lambda leaf: leaf[0], drawn("CNN", "beyond").inputs)
    fewer = network.trunk((images, there.at[:, 3:].set(False)))
    np.testing.assert_allclose(fewer, network.trunk((images[:, :3], there[:, :3])), rtol=1e-5)
    np.testing.assert_allclose(
        fewer[1], sum(network.trunk.one(i) for i in images[1, :3]), rtol=1e-5
    )


def test_a_unit_with_branches_is_read_as_each():
    network = Network("MLP", units.NASU, key=KEY)
    ones = units.NASU(2, 1, sum_init=constant(1.0), product_init=constant(1.0), key=KEY)
    found = alternatives(eqx.tree_at(lambda n: n.head, network, ones))
    assert {float(model.head(jnp.array([2.0, 3.0]))[0]) for model in found} >= {5.0}
    assert len(found) == ones.choices()[0] > 1
    assert len(alternatives(Network("MLP", units.NALU, key=KEY))) == 1


def test_what_is_said_counts_every_seed():
    rows = pl.DataFrame(
        [
            {"unit": unit, "network": "MLP", "operation": "sum", "condition": condition}
            | {"seed": seed, "error": error, "solved": error < 0.1}
            for condition in ("inside", "beyond")
            for unit, errors in (("Linear", (0.01, 0.02)), ("NMU", (0.05, float("nan"))))
            for seed, error in enumerate(errors)
        ]
    )
    said = sentences(rows, None)
    assert "a + b in the MLP by Linear." in said["verdict"]
    assert "a + b in the MLP by NMU (1 of 2)" in said["verdict"]
    assert "| MLP | a + b | 0.015 (2/2) |" in said["overview"]
    (table,) = (t for title, t in tables(rows, None).items() if title == "MLP, beyond")
    assert [line.labels for line in table.lines] == [("a + b", "Linear"), ("a + b", "NMU")]
    assert set(draw(rows, None)) == {"beyond"} and set(rows["unit"]) < set(UNITS)
