"""The modules under PyTorch's compiler and exporters, and in two processes.

All of it is slow. Every day, `tests/ops/test_affine_product.py` exports the longest equation, and
`tests/units/test_inputs.py` compiles a module.
"""

import json

import pytest

from tests.adapters.processes import output, start
from tests.each import each


def failed(*names):
    # ONNX's exporter prints its progress, too.
    return json.loads(output(start("-m", "tests.adapters.compiled", *names)).splitlines()[-1])


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
