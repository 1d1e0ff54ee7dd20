"""The modules under PyTorch's compiler and exporters, and in two processes."""

import json

import pytest

from tests.adapters.processes import output, start
from tests.each import each


def failed(*names):
    # ONNX's exporter prints its progress, too.
    return json.loads(output(start("-m", "tests.adapters.compiled", *names)).splitlines()[-1])


def test_a_unit_compiles_as_one_graph_and_exports_for_any_batch():
    """One with a sum, a product and a gate; the exporter to ONNX takes longer."""
    assert failed("torch", "NALU") == {}


@pytest.mark.slow
@each("target", ["torch", "onnx"])
def test_every_unit_compiles_and_exports(target):
    assert failed(target) == {}


@pytest.mark.slow
def test_two_processes_train_what_one_does():
    printed = output(start("-m", "tests.adapters.distributed"))
    for name, (apart, from_one) in json.loads(printed.splitlines()[-1]).items():
        assert apart == 0.0, name
        # What a unit draws, noise or its branches, is another in each process.
        assert from_one < 1e-12 or name in ("sNMU", "NASU"), name
