"""`citation` prints the references of a model, once, in the order of use."""

import re
from functools import partial

import equinox as eqx
import jax

import numerate
from numerate.cells import Recurrent
from numerate.models import Stack
from numerate.units import NAC, NALU, NAU, NMU, NACMul, sNMU
from tests.each import each

KEY = jax.random.key(0)


def keys(text: str) -> list[str]:
    return re.findall(r"^@\w+\{(.*),$", text, re.MULTILINE)


def test_it_prints_what_it_returns(capsys):
    text = numerate.citation(NAC(2, 1, key=KEY))
    assert capsys.readouterr().out == text + "\n"
    assert text.startswith("@inproceedings{trask2018nalu,\n    title={Neural Arithmetic Logic")
    assert text.endswith("\n}")


def test_two_units_of_one_paper_are_one_reference():
    model = Stack([partial(NAC, 2, 3), partial(NACMul, 3, 2), partial(NALU, 2, 1)], key=KEY)
    assert keys(numerate.citation(model)) == ["trask2018nalu"]


@each(
    "layers, wanted",
    [
        ((NAC, NAU, sNMU), ["trask2018nalu", "madsen2020neural", "mistry2022improving"]),
        ((sNMU, NAU, NAC), ["mistry2022improving", "madsen2020neural", "trask2018nalu"]),
        ((NAU, NAC, NMU), ["madsen2020neural", "trask2018nalu"]),
    ],
)
def test_references_come_in_the_order_of_use(layers, wanted):
    model = Stack([partial(layer, 2, 2) for layer in layers], key=KEY)
    assert keys(numerate.citation(model)) == wanted


def test_a_cell_is_cited_before_its_unit():
    cell = Recurrent(NALU, 3, 2, key=KEY)
    assert keys(numerate.citation(cell)) == ["madsen2020neural", "trask2018nalu"]


class Net(eqx.Module):
    """A custom model with other layers, a list, a dict and its own reference.

    ```bibtex
    @misc{own,
        title={Own},
    }
    @book{other, title={Other}}
    ```
    """

    first: eqx.nn.Linear
    units: list
    heads: dict


def test_units_are_found_wherever_they_are():
    net = Net(
        eqx.nn.Linear(2, 2, key=KEY), [NAU(2, 2, key=KEY)], {"head": (NALU(2, 1, key=KEY), None)}
    )
    text = numerate.citation(net)
    assert re.findall(r"^@\w+\{(\w+),", text, re.MULTILINE) == [
        "own",
        "other",
        "madsen2020neural",
        "trask2018nalu",
    ]
    assert keys(numerate.citation([net.units, net.first])) == ["madsen2020neural"]


def test_a_model_of_many_seeds_is_cited_like_one():
    many = eqx.filter_vmap(lambda key: NAC(2, 1, key=key))(jax.random.split(KEY, 5))
    assert keys(numerate.citation(many)) == ["trask2018nalu"]


@each("model", [eqx.nn.Linear(2, 1, key=KEY), Stack([]), [], 3.0])
def test_without_references_it_says_so(model, capsys):
    text = numerate.citation(model)
    assert "no references" in text and "@" not in text
    assert capsys.readouterr().out == text + "\n"


def test_a_model_of_pytorch_is_cited_like_one_of_jax():
    import torch

    import numerate.torch

    layers = [torch.nn.Linear(2, 2), numerate.torch.NAU(2, 2), numerate.torch.NALU(2, 1)]
    text = numerate.citation(torch.nn.Sequential(layers[0], torch.nn.Sequential(*layers[1:])))
    assert text == numerate.citation([NAU(2, 2, key=KEY), NALU(2, 1, key=KEY)])


def test_a_model_of_keras_is_cited_like_one_of_jax():
    import keras

    from numerate import keras as layers

    x = keras.Input((3, 2))
    cell = layers.RecurrentCell(layers.NAU(2))
    y = layers.NALU(1)(keras.layers.RNN(cell)(keras.layers.Dense(2)(x)))
    text = numerate.citation(keras.Model(x, y))
    assert keys(text) == ["madsen2020neural", "trask2018nalu"]
