"""Compiles and exports every unit of the table, and prints the failures as one JSON object.

    python -m tests.adapters.compiled torch NALU …   # torch.compile and torch.export
    python -m tests.adapters.compiled onnx NALU …    # to ONNX

Without names it takes every row.

It runs in a separate process, because PyTorch's compiler cannot trace the shape checks of the
tests.
"""

import json
import sys
import warnings

import numpy as np
import torch

import numerate.torch
from tests.units.table import UNITS

DYNAMIC = ({0: torch.export.Dim("batch")},)


def made(name):
    case = UNITS[name]
    return getattr(numerate.torch, case.unit.__name__)(3, 2, **case.kwargs, seed=0).eval()


def examples(rows):
    return 0.5 + torch.rand(rows, 3, generator=torch.Generator().manual_seed(0))


def same(found, wanted):
    np.testing.assert_allclose(found.detach(), wanted.detach(), rtol=1e-6, atol=1e-6)


def check_compiled(name):
    """As one graph, with gradients, and in training."""
    module, x = made(name), examples(4)
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    found, wanted = compiled(x), module(x)
    same(found, wanted)
    for one, other in zip(gradients(module, found), gradients(module, wanted), strict=True):
        same(one, other)
    assert compiled.train()(x).isfinite().all()


def check_width(name):
    """Another width than the declared one is refused, as without compilation."""
    module = made(name)
    compiled = torch.compile(module, backend="eager")
    same(compiled(examples(4)), module(examples(4)))
    try:
        compiled(torch.ones(4, 1))
    except ValueError as error:
        unit = type(module).__name__
        assert str(error).startswith(f"{unit} takes 3 features, shape (*batch, 3)"), error
    else:
        raise AssertionError("one feature was taken for three")


def gradients(module, y):
    parameters = [p for p in module.parameters() if p.requires_grad]
    got = torch.autograd.grad(y.sum(), parameters, allow_unused=True)
    return [torch.zeros(()) if g is None else g for g in got]


def check_exported(name):
    """For any number of examples."""
    module = made(name)
    program = torch.export.export(module, (examples(4),), dynamic_shapes=DYNAMIC).module()
    same(program(examples(9)), module(examples(9)))


def check_onnx(name):
    """For any number of examples, as ONNX's own evaluator computes it."""
    from onnx.reference import ReferenceEvaluator

    module = made(name)
    program = torch.onnx.export(
        module, (examples(4),), dynamo=True, dynamic_shapes=DYNAMIC, verbose=False
    )
    model = program.model_proto
    inputs = {model.graph.input[0].name: examples(9).numpy()}
    same(torch.tensor(ReferenceEvaluator(model).run(None, inputs)[0]), module(examples(9)))


def failures(names, *checks):
    found = {}
    for name in names:
        for check in checks:
            try:
                check(name)
            except Exception as error:
                found[f"{check.__name__} {name}"] = f"{type(error).__name__}: {error}"[:2000]
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    kind, names = sys.argv[1], sys.argv[2:] or list(UNITS)
    checks = {"torch": (check_compiled, check_width, check_exported), "onnx": (check_onnx,)}
    found = failures(names, *checks[kind])
    print(json.dumps(found))
