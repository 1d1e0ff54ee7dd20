"""Units: one published layer for arithmetic in each file, for one example at a time."""

from numerate.units._base import Unit
from numerate.units._gnac import GNAC
from numerate.units._gnalu import GNALU
from numerate.units._hill_space import HillSpaceProduct, HillSpaceSum
from numerate.units._inalu import iNALU
from numerate.units._inalu_shared import iNALUShared
from numerate.units._linear import Linear
from numerate.units._mcfc import MCFC
from numerate.units._mlp import MLP
from numerate.units._mulmcfc import MulMCFC
from numerate.units._mulmcfc_sign_inalu import MulMCFCSignINALU
from numerate.units._mulmcfc_sign_realnpu import MulMCFCSignRealNPU
from numerate.units._nac import NAC
from numerate.units._nac_mul import NACMul
from numerate.units._nalu import NALU
from numerate.units._nalu_scalar_gate import NALUScalarGate
from numerate.units._nalu_untied import NALUUntied
from numerate.units._nasu import NASU
from numerate.units._nau import NAU
from numerate.units._nlrl import NLRL
from numerate.units._nmru import NMRU
from numerate.units._nmu import NMU
from numerate.units._npu import NPU
from numerate.units._nru import NRU
from numerate.units._nsr import NSR
from numerate.units._real_npu import RealNPU
from numerate.units._real_npu_modified import RealNPUModified
from numerate.units._sign_nmru import SignNMRU
from numerate.units._snalu import SNALU
from numerate.units._snmu import sNMU

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
