"""Keras has one backend in each process: its tests again, on the other."""

import pytest

from tests.adapters.processes import output, start

FILE = "tests/adapters/test_keras.py"


def test_keras_starts_and_computes_on_pytorch_as_in_jax():
    printed = output(start("-m", "pytest", "-q", FILE, "-k", "as_in_jax", KERAS_BACKEND="torch"))
    assert "[100%]" in printed


@pytest.mark.slow
def test_keras_passes_its_tests_on_pytorch():
    printed = output(start("-m", "pytest", "-q", FILE, KERAS_BACKEND="torch"))
    assert "[100%]" in printed
