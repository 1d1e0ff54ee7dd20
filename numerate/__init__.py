"""numerate: neural arithmetic that is exact, extrapolates, and is fast enough to trust.

Names are imported on first use, so that `numerate --help` does not load JAX.
"""

from importlib import import_module

# As in `typing`, which takes longer to import than all else here: Ctrl-C ends in a traceback until
# the command line handles it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    __version__: str
    from numerate._citation import citation as citation
    from numerate.cells import MCLSTM as MCLSTM
    from numerate.cells import Recurrent as Recurrent
    from numerate.models import Stack as Stack
    from numerate.regress import ArithmeticRegressor as ArithmeticRegressor
    from numerate.regress import fit as fit
    from numerate.regress import load as load
    from numerate.tasks import Arithmetic as Arithmetic
    from numerate.train import Config as Config
    from numerate.train import Outcome as Outcome
    from numerate.train import Run as Run
    from numerate.train import levenberg_marquardt as levenberg_marquardt
    from numerate.train import select as select
    from numerate.train import train as train
    from numerate.train import train_many as train_many
    from numerate.units import NAC as NAC
    from numerate.units import NALU as NALU
    from numerate.units import NASU as NASU
    from numerate.units import NAU as NAU
    from numerate.units import NMU as NMU
    from numerate.units import NPU as NPU
    from numerate.units import NACMul as NACMul
    from numerate.units import NALUScalarGate as NALUScalarGate
    from numerate.units import NALUUntied as NALUUntied
    from numerate.units import RealNPU as RealNPU
    from numerate.units import SignNMRU as SignNMRU
    from numerate.units import Unit as Unit
    from numerate.units import iNALU as iNALU
    from numerate.units import sNMU as sNMU

_HOMES = {
    "numerate._citation": ("citation",),
    "numerate.cells": ("MCLSTM", "Recurrent"),
    "numerate.models": ("Stack",),
    "numerate.regress": ("ArithmeticRegressor", "fit", "load"),
    "numerate.tasks": ("Arithmetic",),
    "numerate.train": (
        "Config",
        "Outcome",
        "Run",
        "levenberg_marquardt",
        "select",
        "train",
        "train_many",
    ),
    # All other units are in `numerate.units`.
    "numerate.units": (
        "NAC", "NACMul", "NALU", "NALUScalarGate", "NALUUntied", "NASU", "NAU", "NMU", "NPU",
        "RealNPU", "SignNMRU", "Unit", "iNALU", "sNMU",
    ),
}  # fmt: skip
_MODULES = ("arguments", "bench", "cells", "cli", "formula", "initialisers", "keras", "models")
_MODULES += ("ops", "paper", "plot", "recipes", "regress", "serialise", "study", "tables")
_MODULES += ("tasks", "torch", "train", "units")
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> "Any":
    if name == "__version__":
        from importlib.metadata import version

        return version("numerate")
    if name in _MODULES:
        return import_module(f"numerate.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'numerate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__, *_MODULES]
