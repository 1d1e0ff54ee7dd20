"""The modules under PyTorch's compiler and exporters."""

import json

import pytest

from tests.adapters.processes import output, start
from tests.each import each

# A gate, a product and a complex power; for the exporter to ONNX the gate, too.
SOME = ("NALU", "NMU", "NPU")


def failed(*names):
    # ONNX's exporter prints its progress, too.
    return json.loads(output(start("-m", "tests.adapters.compiled", *names)).splitlines()[-1])


def test_some_compile_as_one_graph_and_export_for_any_batch():
    assert failed("some", *SOME) == {}


@pytest.mark.slow
@each("target", ["torch", "onnx"])
def test_every_unit_compiles_and_exports(target):
    assert failed(target) == {}
