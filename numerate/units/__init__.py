"""Units: published layers for arithmetic, one family in each file, for one example at a time.

This is the only list of units: the adapters, model files and tests use it.
"""

from numerate.units._base import Unit as Unit
from numerate.units._gnalu import GNAC as GNAC
from numerate.units._gnalu import GNALU as GNALU
from numerate.units._hill_space import HillSpaceProduct as HillSpaceProduct
from numerate.units._hill_space import HillSpaceSum as HillSpaceSum
from numerate.units._inalu import iNALU as iNALU
from numerate.units._inalu import iNALUShared as iNALUShared
from numerate.units._linear import Linear as Linear
from numerate.units._mcfc import MCFC as MCFC
from numerate.units._mlp import MLP as MLP
from numerate.units._mulmcfc import MulMCFC as MulMCFC
from numerate.units._mulmcfc import MulMCFCSignINALU as MulMCFCSignINALU
from numerate.units._mulmcfc import MulMCFCSignRealNPU as MulMCFCSignRealNPU
from numerate.units._nac import NAC as NAC
from numerate.units._nac import NACMul as NACMul
from numerate.units._nalu import NALU as NALU
from numerate.units._nalu import NALUScalarGate as NALUScalarGate
from numerate.units._nalu import NALUUntied as NALUUntied
from numerate.units._nasu import NASU as NASU
from numerate.units._nau import NAU as NAU
from numerate.units._nlrl import NLRL as NLRL
from numerate.units._nmru import NMRU as NMRU
from numerate.units._nmru import SignNMRU as SignNMRU
from numerate.units._nmu import NMU as NMU
from numerate.units._nmu import sNMU as sNMU
from numerate.units._npu import NPU as NPU
from numerate.units._npu import RealNPU as RealNPU
from numerate.units._npu import RealNPUModified as RealNPUModified
from numerate.units._nru import NRU as NRU
from numerate.units._nsr import NSR as NSR
from numerate.units._snalu import SNALU as SNALU

from . import exact as exact  # last, because it imports the units

__all__ = sorted(name for name, value in globals().items() if isinstance(value, type))  # pyright: ignore[reportUnsupportedDunderAll]
