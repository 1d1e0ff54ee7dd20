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
    GNAC,
    GNALU,
    MCFC,
    MLP,
    NAC,
    NALU,
    NASU,
    NAU,
    NLRL,
    NMRU,
    NMU,
    NPU,
    NRU,
    NSR,
    SNALU,
    HillSpaceProduct,
    HillSpaceSum,
    Linear,
    MulMCFC,
    MulMCFCSignINALU,
    MulMCFCSignRealNPU,
    NACMul,
    NALUScalarGate,
    NALUUntied,
    RealNPU,
    RealNPUModified,
    SignNMRU,
    iNALU,
    iNALUShared,
    sNMU,
)

__all__ = [
    "GNAC",
    "GNALU",
    "MCFC",
    "MLP",
    "NAC",
    "NALU",
    "NASU",
    "NAU",
    "NLRL",
    "NMRU",
    "NMU",
    "NPU",
    "NRU",
    "NSR",
    "SNALU",
    "HillSpaceProduct",
    "HillSpaceSum",
    "Linear",
    "MulMCFC",
    "MulMCFCSignINALU",
    "MulMCFCSignRealNPU",
    "NACMul",
    "NALUScalarGate",
    "NALUUntied",
    "RealNPU",
    "RealNPUModified",
    "Recurrent",
    "RecurrentCell",
    "SignNMRU",
    "Unit",
    "from_torch",
    "iNALU",
    "iNALUShared",
    "sNMU",
    "to_torch",
]
