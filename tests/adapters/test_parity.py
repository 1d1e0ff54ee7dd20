"""The same weights in: outputs and gradients agree between JAX, PyTorch and Keras."""

import json

import pytest

from numerate import units
from tests.adapters.processes import output, start
from tests.each import each
from tests.units.table import UNITS


@pytest.fixture(scope="module")
def apart():
    """The distances by Keras's backend, unit, dtype and library, of `parity.py`."""
    running = {
        backend: start("-W", "ignore", "-m", "tests.adapters.parity", KERAS_BACKEND=backend)
        for backend in ("jax", "torch")
    }
    return {backend: json.loads(output(process)) for backend, process in running.items()}


def test_the_table_has_every_unit():
    assert {case.unit.__name__ for case in UNITS.values()} == set(units.__all__) - {"Unit"}


@each("name", UNITS)
@each("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-12)])
def test_outputs_and_gradients_agree(name, dtype, tolerance, apart):
    """By x and by every parameter, evaluated and in training, and those of the penalty."""
    with_jax, with_torch = apart["jax"][name][dtype], apart["torch"][name][dtype]
    assert max(with_jax["torch"]) < tolerance
    assert max(with_jax["keras"]) < tolerance
    # Keras on PyTorch from PyTorch, and so from JAX.
    both = zip(with_torch["keras"], with_jax["torch"], strict=True)
    assert max(a + b for a, b in both) < tolerance
