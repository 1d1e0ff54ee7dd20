"""The parity experiment: its last layers, measurements and sentences."""

from dataclasses import replace
from importlib import import_module

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from numerate.paper import experiment
from tests.each import each

PARITY = experiment("parity")
module = import_module("numerate.paper.digits.parity")
SMALL = replace(PARITY.scales["smoke"], scenes=320, units=())


def rows(**accuracies) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"unit": unit.replace("_", " "), "seed": seed, "condition": "test", "data": "MNIST"}
            | {"accuracy": accuracy, "off": 0.5, "by digits": [1.0, accuracy, 0.5, 0.5, 0.5, 0.5]}
            for unit, found in accuracies.items()
            for seed, accuracy in enumerate(found)
        ]
    )


@each(
    "layer, wanted",
    [
        ("Wx + b", [3.0, 5.0]),
        ("Wx", [2.0, 4.0]),
        ("tanh(W)x", 2 * np.tanh([1.0, 2.0])),
        ("σ(W)x + b", 2 / (1 + np.exp([-1.0, -2.0])) + 1),
    ],
)
def test_last_layers_are_what_they_are_called(layer, wanted):
    made = module.LAYERS[layer].make(key=jax.random.key(0))
    weight = jnp.zeros_like(made.weight).at[0, 0].set(1.0).at[1, 0].set(2.0)
    made = eqx.tree_at(lambda m: m.weight, made, weight)
    if made.bias is not None:
        made = eqx.tree_at(lambda m: m.bias, made, jnp.ones_like(made.bias))
    x = jnp.zeros(module.FEATURES).at[0].set(2.0)
    np.testing.assert_allclose(made(x)[:2], wanted, rtol=1e-6)


def test_verdict_compares_the_networks_of_each_seed():
    found = rows(
        **{"Wx + b": [0.5, 0.6, 0.7, 0.6, 0.6, 0.6], "NAC": [0.6, 0.7, 0.6, 0.7, 0.7, 0.7]}
    )
    said = PARITY.sentences(found, SMALL)["verdict"]
    assert "is +10.0 points" in said and "in 5 of 6" in said


def test_table_has_every_seed_beside_the_paper():
    found = rows(**{"Wx + b": [0.5, 0.6], "NAC": [0.7, float("nan")]})
    lines = PARITY.tables(found, SMALL)["accuracy"].lines
    assert [(line.labels, len(line.values), line.paper[:4]) for line in lines] == [
        (("Wx + b",), 2, "88.1"),
        (("NAC",), 2, "93.1"),
    ]


def test_training_pictures_have_no_digit_of_the_test():
    sets = module.sets("small", 2, 50, 50)
    seen = {image.tobytes() for image in sets.train.images if image.any()}
    assert not seen & {image.tobytes() for image in sets.test.images}
