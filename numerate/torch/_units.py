"""The units: each class borrows the equations of its namesake in `numerate.units`."""

from numerate import units
from numerate.torch._base import Unit


class NAC(Unit, unit=units.NAC):
    """[numerate.units.NAC][] as a PyTorch module."""


class NALU(Unit, unit=units.NALU):
    """[numerate.units.NALU][] as a PyTorch module."""


class NASU(Unit, unit=units.NASU):
    """[numerate.units.NASU][] as a PyTorch module."""


class NAU(Unit, unit=units.NAU):
    """[numerate.units.NAU][] as a PyTorch module."""


class NMRU(Unit, unit=units.NMRU):
    """[numerate.units.NMRU][] as a PyTorch module."""


class NMU(Unit, unit=units.NMU):
    """[numerate.units.NMU][] as a PyTorch module."""


class NACMul(Unit, unit=units.NACMul):
    """[numerate.units.NACMul][] as a PyTorch module."""


class NALUScalarGate(Unit, unit=units.NALUScalarGate):
    """[numerate.units.NALUScalarGate][] as a PyTorch module."""


class NALUUntied(Unit, unit=units.NALUUntied):
    """[numerate.units.NALUUntied][] as a PyTorch module."""


class SignNMRU(Unit, unit=units.SignNMRU):
    """[numerate.units.SignNMRU][] as a PyTorch module."""


class sNMU(Unit, unit=units.sNMU):
    """[numerate.units.sNMU][] as a PyTorch module."""
