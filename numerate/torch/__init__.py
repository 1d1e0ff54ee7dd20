"""The units as PyTorch modules: the same classes, arguments, initialisers and equations.

Needs PyTorch: `pip install "numerate[torch]"`. JAX, which makes the units' parameters, is imported
with the first unit that is used.
"""

from typing import TYPE_CHECKING, Any

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError('numerate.torch needs PyTorch: pip install "numerate[torch]"') from None

from numerate.torch._base import Unit
from numerate.torch._cells import Recurrent, RecurrentCell
from numerate.torch._convert import from_torch, to_torch

if TYPE_CHECKING:
    from numerate.torch._units import GNAC as GNAC
    from numerate.torch._units import GNALU as GNALU
    from numerate.torch._units import MCFC as MCFC
    from numerate.torch._units import MLP as MLP
    from numerate.torch._units import NAC as NAC
    from numerate.torch._units import NALU as NALU
    from numerate.torch._units import NASU as NASU
    from numerate.torch._units import NAU as NAU
    from numerate.torch._units import NLRL as NLRL
    from numerate.torch._units import NMRU as NMRU
    from numerate.torch._units import NMU as NMU
    from numerate.torch._units import NPU as NPU
    from numerate.torch._units import NRU as NRU
    from numerate.torch._units import NSR as NSR
    from numerate.torch._units import SNALU as SNALU
    from numerate.torch._units import HillSpaceProduct as HillSpaceProduct
    from numerate.torch._units import HillSpaceSum as HillSpaceSum
    from numerate.torch._units import Linear as Linear
    from numerate.torch._units import MulMCFC as MulMCFC
    from numerate.torch._units import MulMCFCSignINALU as MulMCFCSignINALU
    from numerate.torch._units import MulMCFCSignRealNPU as MulMCFCSignRealNPU
    from numerate.torch._units import NACMul as NACMul
    from numerate.torch._units import NALUScalarGate as NALUScalarGate
    from numerate.torch._units import NALUUntied as NALUUntied
    from numerate.torch._units import RealNPU as RealNPU
    from numerate.torch._units import RealNPUModified as RealNPUModified
    from numerate.torch._units import SignNMRU as SignNMRU
    from numerate.torch._units import iNALU as iNALU
    from numerate.torch._units import iNALUShared as iNALUShared
    from numerate.torch._units import sNMU as sNMU

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from numerate.torch import _units

    return getattr(_units, name)
