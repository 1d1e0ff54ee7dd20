"""Units: one published layer for arithmetic in each file, for one example at a time."""

from numerate.units._base import Unit
from numerate.units._nac import NAC
from numerate.units._nac_mul import NACMul
from numerate.units._nalu import NALU
from numerate.units._nalu_scalar_gate import NALUScalarGate
from numerate.units._nalu_untied import NALUUntied
from numerate.units._nau import NAU
from numerate.units._nmru import NMRU
from numerate.units._nmu import NMU
from numerate.units._sign_nmru import SignNMRU
from numerate.units._snmu import sNMU

__all__ = [
    "NAC",
    "NALU",
    "NAU",
    "NMRU",
    "NMU",
    "NACMul",
    "NALUScalarGate",
    "NALUUntied",
    "SignNMRU",
    "Unit",
    "sNMU",
]
