"""With the same weights, outputs and gradients agree between JAX, PyTorch and Keras."""

import json

import pytest

from numerate import units
from tests.adapters.processes import output, start
from tests.each import TOLERANCES
from tests.units.table import FAMILIES, UNITS


def apart(*names):
    """The distances by Keras's backend, unit, dtype and library, of `parity.py`."""
    running = {
        backend: start("-W", "ignore", "-m", "tests.adapters.parity", *names, KERAS_BACKEND=backend)
        for backend in ("jax", "torch")
    }
    return {backend: json.loads(output(process)) for backend, process in running.items()}


def test_the_table_has_every_unit():
    assert {case.unit.__name__ for case in UNITS.values()} == set(units.__all__) - {"Unit"}


def check(found, name, dtype, tolerance):
    with_jax, with_torch = found["jax"][name][dtype], found["torch"][name][dtype]
    assert {*with_jax} == {"torch", "keras"} or name not in FAMILIES
    assert all(max(distances) < tolerance for distances in with_jax.values())
    # Keras on PyTorch from PyTorch, and so from JAX.
    both = zip(with_torch["keras"], with_jax["torch"], strict=True)
    assert max(a + b for a, b in both) < tolerance


def test_outputs_and_gradients_agree(subtests):
    """By x and by every parameter, in evaluation and training mode, and those of the penalty. Keras
    has the same initial values as JAX. In float32 and in Keras on JAX only one unit of each family
    is compared."""
    found = apart(*FAMILIES)
    for name in UNITS:
        for dtype in ("float32", "float64")[name not in FAMILIES :]:
            with subtests.test(f"{name} {dtype}"):
                check(found, name, dtype, TOLERANCES[dtype])


@pytest.mark.slow
def test_outputs_and_gradients_of_every_unit_agree_in_both_precisions(subtests):
    found = apart()
    for name in UNITS:
        for dtype, tolerance in TOLERANCES.items():
            with subtests.test(f"{name} {dtype}"):
                check(found, name, dtype, tolerance)
