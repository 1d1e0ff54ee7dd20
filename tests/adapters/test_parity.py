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
SOME = (*KINDS, "NPU", "NASU", "NRU")


def apart(*names):
    """The distances by Keras's backend, unit, dtype and library, of `parity.py`."""
    script = ("-W", "ignore", "-m", "tests.adapters.parity")
    on_torch = start(*script, *map(" ".join, names), KERAS_BACKEND="torch")
    return {"jax": compare_all(*names), "torch": json.loads(output(on_torch))}


def test_the_table_has_every_unit():
    assert {case.unit.__name__ for case in UNITS.values()} == set(units.__all__) - {"Unit"}


def check(found, name, dtype, tolerance):
    with_jax, with_torch = found["jax"][name][dtype], found["torch"][name][dtype]
    assert {*with_jax} == {"torch", "keras"}
    assert all(max(distances) < tolerance for distances in with_jax.values())
    # Keras on PyTorch from PyTorch, and so from JAX.
    both = zip(with_torch["keras"], with_jax["torch"], strict=True)
    assert max(a + b for a, b in both) < tolerance


def test_outputs_and_gradients_agree(subtests):
    """By x and by every parameter, in evaluation and training mode, and those of the penalty. Keras
    has the same initial values as JAX. `test_torch.py` compares every unit of PyTorch with NumPy.
    """
    check_all(SOME, SOME[:1], subtests)


@pytest.mark.slow
def test_outputs_and_gradients_of_every_unit_agree(subtests):
    check_all(UNITS, UNITS, subtests)


def check_all(names, single, subtests):
    found = apart(names, single)
    for name in names:
        for dtype in found["jax"][name]:
            with subtests.test(f"{name} {dtype}"):
                check(found, name, dtype, TOLERANCES[dtype])
