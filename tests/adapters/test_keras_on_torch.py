"""Keras has one backend in each process: its tests again, on the other."""

from tests.adapters.processes import output, start


def test_keras_passes_its_tests_on_pytorch():
    file = "tests/adapters/test_keras.py"
    printed = output(start("-m", "pytest", "-q", file, KERAS_BACKEND="torch"))
    assert "[100%]" in printed
