"""The modules under PyTorch's compiler and exporters."""

import json

import pytest

from tests.adapters.processes import output, start
from tests.each import each

# One unit of each family: sum, product, gate, clipped product, complex power, network.
ONE_OF_EACH = ("NAU", "NMU", "NALU", "iNALU", "NPU", "MLP")


def failed(*names):
    # ONNX's exporter prints its progress, too.
    return json.loads(output(start("-m", "tests.adapters.compiled", *names)).splitlines()[-1])


def test_compiles_as_one_graph_and_exports_for_any_batch():
    assert failed("torch", *ONE_OF_EACH) == {}


def test_exports_to_onnx():
    assert failed("onnx", "NALU") == {}


@pytest.mark.slow
@each("target", ["torch", "onnx"])
def test_every_unit_compiles_and_exports(target):
    assert failed(target) == {}
