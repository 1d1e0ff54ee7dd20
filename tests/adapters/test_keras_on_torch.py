"""The tests of `test_keras.py` in another process, on Keras's PyTorch backend. Initial values and
outputs are compared in `test_parity.py`."""

import pytest

from tests.adapters.processes import output, start

FILE = "tests/adapters/test_keras.py"


@pytest.mark.slow
def test_keras_passes_its_tests_on_pytorch():
    printed = output(start("-m", "pytest", "-q", FILE, KERAS_BACKEND="torch"))
    assert "[100%]" in printed
