"""Units: published layers for arithmetic, one family in each file, for one example at a time."""

from numerate.units._base import Unit
from numerate.units._gnalu import GNAC, GNALU
from numerate.units._hill_space import HillSpaceProduct, HillSpaceSum
from numerate.units._inalu import iNALU, iNALUShared
from numerate.units._linear import Linear
from numerate.units._mcfc import MCFC
from numerate.units._mlp import MLP
from numerate.units._mulmcfc import MulMCFC, MulMCFCSignINALU, MulMCFCSignRealNPU
from numerate.units._nac import NAC, NACMul
from numerate.units._nalu import NALU, NALUScalarGate, NALUUntied
from numerate.units._nasu import NASU
from numerate.units._nau import NAU
from numerate.units._nlrl import NLRL
from numerate.units._nmru import NMRU, SignNMRU
from numerate.units._nmu import NMU, sNMU
from numerate.units._npu import NPU, RealNPU, RealNPUModified
from numerate.units._nru import NRU
from numerate.units._nsr import NSR
from numerate.units._snalu import SNALU

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
    "SignNMRU",
    "Unit",
    "iNALU",
    "iNALUShared",
    "sNMU",
]
