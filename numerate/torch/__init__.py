"""The units as PyTorch modules: the same classes, arguments, initialisers and equations.

Needs PyTorch: `pip install "numerate[torch]"`.
"""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError('numerate.torch needs PyTorch: pip install "numerate[torch]"') from None

from numerate.torch._base import Unit
from numerate.torch._cells import Recurrent, RecurrentCell
from numerate.torch._convert import from_torch, to_torch
from numerate.torch._units import (
    NAC,
    NALU,
    NASU,
    NAU,
    NMRU,
    NMU,
    NACMul,
    NALUScalarGate,
    NALUUntied,
    SignNMRU,
    sNMU,
)

__all__ = [
    "NAC",
    "NALU",
    "NASU",
    "NAU",
    "NMRU",
    "NMU",
    "NACMul",
    "NALUScalarGate",
    "NALUUntied",
    "Recurrent",
    "RecurrentCell",
    "SignNMRU",
    "Unit",
    "from_torch",
    "sNMU",
    "to_torch",
]
