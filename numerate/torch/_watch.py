"""Constraints of units after every step of any optimiser.

PyTorch calls a hook after each step of any optimiser. This hook projects the parameters of the
units that the optimiser trains to their bounds, so that an ordinary loop trains units as in their
papers. It also warns once about units whose penalty is never used.
"""

import threading
import warnings
import weakref
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

_PATIENCE = 100  # steps without a penalty

# All existing units. Other threads may make some while an optimiser steps.
_UNITS: "weakref.WeakSet[Any]" = weakref.WeakSet()
_LOCK = threading.RLock()


def watch(unit: Any) -> None:
    """Project a unit after the steps of optimisers that train it."""
    with _LOCK:
        _UNITS.add(unit)


def _after_step(optimiser: torch.optim.Optimizer, *_: Any) -> None:
    with _LOCK:
        existing = list(_UNITS)
    if not existing:
        return
    trained = {id(p) for group in optimiser.param_groups for p in group["params"]}

    def is_trained(unit: Any) -> bool:  # and not frozen
        return any(p.requires_grad and id(p) in trained for p in unit.parameters())

    units = [unit for unit in existing if is_trained(unit)]
    for unit in units:
        unit.constrain_()
    alone = [unit for unit in units if unit.misses_penalty(_PATIENCE)]
    if alone:
        names = ", ".join(sorted({type(unit).__name__ for unit in alone}))
        warnings.warn(
            f"{names} made {_PATIENCE} steps without the penalty on its parameters: "
            "numerate.torch.penalise(model, optimiser, steps=...) adds it by its schedule",
            stacklevel=3,
        )


register_optimizer_step_post_hook(_after_step)
