"""With the same weights, outputs and gradients agree between JAX, PyTorch and Keras."""

import json

import pytest

from numerate import units
from tests.adapters.parity import compare_all
from tests.adapters.processes import output, start
from tests.each import TOLERANCES
from tests.units.table import KINDS, UNITS

# All libraries compute the same equations. So some are enough, with all that differ in training: a
# shared noise and one of each parameter.
SOME = (*KINDS, "NASU", "NRU")


def apart_on_torch(*names):
    """The distances by unit, dtype and library of `parity.py`, with Keras on PyTorch."""
    script = ("-W", "ignore", "-m", "tests.adapters.parity")
    return json.loads(output(start(*script, *map(" ".join, names), KERAS_BACKEND="torch")))


def test_the_table_has_every_unit():
    assert {case.unit.__name__ for case in UNITS.values()} == set(units.__all__) - {"Unit"}


def check(with_jax, with_torch, tolerance):
    assert {*with_jax} == {"torch", "keras"}
    assert all(max(distances) < tolerance for distances in with_jax.values())
    if with_torch is not None:
        # Keras on PyTorch from PyTorch, and so from JAX.
        both = zip(with_torch["keras"], with_jax["torch"], strict=True)
        assert max(a + b for a, b in both) < tolerance


def test_outputs_and_gradients_agree(subtests):
    """By x and by every parameter, in evaluation and training mode, and those of the penalty. Keras
    has the same initial values as JAX. `test_torch.py` compares every unit of PyTorch with NumPy.
    """
    check_all(compare_all(SOME, SOME[:1]), {}, subtests)


@pytest.mark.slow
def test_outputs_and_gradients_of_every_unit_agree_with_keras_on_pytorch_too(subtests):
    check_all(compare_all(UNITS, UNITS), apart_on_torch(UNITS, UNITS), subtests)


def check_all(with_jax, with_torch, subtests):
    for name, found in with_jax.items():
        for dtype, distances in found.items():
            with subtests.test(f"{name} {dtype}"):
                check(distances, with_torch.get(name, {}).get(dtype), TOLERANCES[dtype])
