"""Units inside networks: what is hidden, what is computed, and what is said about it."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from numerate import units
from numerate.bench.inside_network import OPERATIONS, TRUNKS, UNITS, Network, examples, target
from numerate.bench.inside_network._report import draw, sentences, tables
from numerate.bench.inside_network._tasks import digit_images
from numerate.bench.inside_network._training import SUPERVISION, alternatives, program
from numerate.bench.inside_network.experiment import Settings
from numerate.initialisers import constant

KEY = jax.random.key(0)
DIGITS = digit_images("small")


def drawn(network, condition, count=20):
    return draw_examples(network, condition, count, DIGITS[condition])


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def draw_examples(network, condition, count, digits):
    return examples(network, condition, count, KEY, digits)


@functools.cache
def made(name):
    """A network that tests share."""
    return Network(name, key=KEY)


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
    assert 0.1 <= hidden.min() <= 0.3 and 1.6 <= hidden.max() < 1.81
    (_, there), hidden = drawn("CNN", "beyond")
    assert there.shape == (20, 2, 10) and there.all() and hidden.min() > 1.8
    a, b = jnp.array([[3.0], [2.0]])
    got = [float(target(jnp.array(i), jnp.stack([a, b], 1))[0]) for i in range(len(OPERATIONS))]
    assert list(OPERATIONS) == ["sum", "product", "quotient"] and got == [5.0, 6.0, 1.5]


def test_images_of_the_test_are_not_those_of_the_training():
    train, test = ({i.tobytes() for i in np.asarray(DIGITS[c][0])} for c in ("inside", "beyond"))
    assert len(test) > 300 and len(train & test) < 3  # the set itself has a few images twice
    assert 0 not in DIGITS["inside"][1]


@pytest.mark.slow
def test_a_network_computes_its_unit_of_two_features():
    for name in TRUNKS:
        network = made(name)
        one = jax.tree.map(lambda leaf: leaf[0], drawn(name, "inside").inputs)
        features = network.trunk(one)
        assert features.shape == (2,)
        for index in (0, UNITS.index("NMU")):
            found = network(one, index)
            np.testing.assert_allclose(found, network.heads[index](features)[0], rtol=1e-6)


@pytest.mark.slow
def test_only_the_unit_that_is_used_has_gradients():
    """Also where another one would overflow."""
    network = made("MLP")
    features, nmu = jnp.array([1e30, -1e30]), UNITS.index("NMU")

    def total(network, features, head):
        return network.output(features, head) + network.penalty(head, 1.0)

    gradient = eqx.filter_jit(eqx.filter_grad(total))(network, features, 0)
    for index, unit in enumerate(gradient.heads):
        leaves = jax.tree.leaves(eqx.filter(unit, eqx.is_inexact_array))
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in leaves)
        assert any(leaf.any() for leaf in leaves) == (index == 0)
    assert float(network.penalty(nmu, 1.0)) == float(network.heads[nmu].scheduled_penalty(1.0))


@pytest.mark.slow
def test_an_image_that_is_not_there_does_not_count():
    @eqx.filter_jit
    def features(trunk, images, there):
        fewer = trunk((images, there.at[:, 3:].set(False)))
        cut = trunk((images[:, :3], there[:, :3]))
        return fewer, cut, jax.vmap(trunk.one)(images[1, :3])

    images, there = jax.tree.map(lambda leaf: leaf[0], drawn("CNN", "beyond").inputs)
    fewer, cut, of_each = features(made("CNN").trunk, images, there)
    np.testing.assert_allclose(fewer, cut, rtol=1e-5)
    np.testing.assert_allclose(fewer[1], sum(of_each), rtol=1e-5)


def test_a_unit_with_branches_is_read_as_each():
    network, index = made("MLP"), UNITS.index("NASU")
    ones = units.NASU(2, 1, sum_init=constant(1.0), product_init=constant(1.0), key=KEY)
    found = alternatives(eqx.tree_at(lambda n: n.heads[index], network, ones))
    assert [i for i, _ in found] == [0, 1, 2, 3, 4, *[index] * ones.choices()[0]]
    x = jnp.array([2.0, 3.0])
    assert {float(model.output(x, i)) for i, model in found if i == index} >= {5.0}
    # An unchosen layer beside the one that is used would warn.
    assert all(unit.is_chosen for _, model in found for unit in model.heads)


@pytest.mark.slow
def test_each_combination_is_trained():
    """The features are near the quantities only where the loss has these."""
    errors = np.asarray(program("MLP", Settings(steps=150, tests=64))(KEY))
    assert errors.shape == (len(SUPERVISION), len(OPERATIONS), len(UNITS), 2)
    assert np.isfinite(errors).all() and errors[:, 0, 0, 0].max() < 0.8
    assert len(set(errors[..., 0].ravel().tolist())) == errors[..., 0].size


def test_what_is_said_counts_every_seed():
    rows = pl.DataFrame(
        [
            {"unit": unit, "network": "MLP", "operation": "sum", "condition": condition}
            | {"seed": seed, "error": error, "solved": error < 0.1, "supervision": supervision}
            for supervision in SUPERVISION
            for condition in ("inside", "beyond")
            for unit, errors in (("Linear", (0.01, 0.02)), ("NMU", (0.05, float("nan"))))
            for seed, error in enumerate(errors)
        ]
    )
    said = sentences(rows, None)
    assert "Of 2 combinations" in said["verdict"] and "solves 1 inside" in said["verdict"]
    assert "every seed: a + b in the MLP by Linear\n" in said["works, target"]
    assert "some: a + b in the MLP by NMU (1 of 2)\n" in said["works, quantities"]
    assert said["helps, target"] == "none."
    better = rows.with_columns(error=pl.when(pl.col("unit") == "NMU").then(1e-3).otherwise("error"))
    found = sentences(better, None)
    assert found["helps, target"] == "a + b in the MLP by NMU (0.001, linear 0.015)."
    assert found["verdict"].endswith("on every seed, in 1 and 1 combinations.")
    assert "| MLP | a + b | 0.015 (2/2) |" in said["overview, target"]
    found = tables(rows, None)
    assert len(found) == 4
    table = found["MLP, loss on the target, beyond"]
    assert [line.labels for line in table.lines] == [("a + b", "Linear"), ("a + b", "NMU")]
    assert set(draw(rows, None)) == {"beyond"}
