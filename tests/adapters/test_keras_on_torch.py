"""Keras has one backend in each process: its tests again, on the other. What it starts with and
computes there is in `test_parity.py`."""

import pytest

from tests.adapters.processes import output, start

FILE = "tests/adapters/test_keras.py"


@pytest.mark.slow
def test_keras_passes_its_tests_on_pytorch():
    printed = output(start("-m", "pytest", "-q", FILE, KERAS_BACKEND="torch"))
    assert "[100%]" in printed
