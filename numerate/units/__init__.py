"""Units: one published layer for arithmetic in each file, for one example at a time."""

from numerate.units._base import Unit
from numerate.units._nac import NAC
from numerate.units._nalu import NALU

__all__ = ["NAC", "NALU", "Unit"]
