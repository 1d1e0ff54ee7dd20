"""The units: each class borrows the equations of its namesake in `numerate.units`."""

from numerate import units
from numerate.torch._base import Unit


class NSR(Unit, unit=units.NSR):
    """[numerate.units.NSR][] as a PyTorch module."""


class NLRL(Unit, unit=units.NLRL):
    """[numerate.units.NLRL][] as a PyTorch module."""


class MulMCFCSignRealNPU(Unit, unit=units.MulMCFCSignRealNPU):
    """[numerate.units.MulMCFCSignRealNPU][] as a PyTorch module."""


class MulMCFCSignINALU(Unit, unit=units.MulMCFCSignINALU):
    """[numerate.units.MulMCFCSignINALU][] as a PyTorch module."""


class MulMCFC(Unit, unit=units.MulMCFC):
    """[numerate.units.MulMCFC][] as a PyTorch module."""


class MLP(Unit, unit=units.MLP):
    """[numerate.units.MLP][] as a PyTorch module."""


class MCFC(Unit, unit=units.MCFC):
    """[numerate.units.MCFC][] as a PyTorch module."""


class Linear(Unit, unit=units.Linear):
    """[numerate.units.Linear][] as a PyTorch module."""


class GNAC(Unit, unit=units.GNAC):
    """[numerate.units.GNAC][] as a PyTorch module."""


class GNALU(Unit, unit=units.GNALU):
    """[numerate.units.GNALU][] as a PyTorch module."""


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


class NPU(Unit, unit=units.NPU):
    """[numerate.units.NPU][] as a PyTorch module."""


class NRU(Unit, unit=units.NRU):
    """[numerate.units.NRU][] as a PyTorch module."""


class SNALU(Unit, unit=units.SNALU):
    """[numerate.units.SNALU][] as a PyTorch module."""


class HillSpaceProduct(Unit, unit=units.HillSpaceProduct):
    """[numerate.units.HillSpaceProduct][] as a PyTorch module."""


class HillSpaceSum(Unit, unit=units.HillSpaceSum):
    """[numerate.units.HillSpaceSum][] as a PyTorch module."""


class NACMul(Unit, unit=units.NACMul):
    """[numerate.units.NACMul][] as a PyTorch module."""


class NALUScalarGate(Unit, unit=units.NALUScalarGate):
    """[numerate.units.NALUScalarGate][] as a PyTorch module."""


class NALUUntied(Unit, unit=units.NALUUntied):
    """[numerate.units.NALUUntied][] as a PyTorch module."""


class RealNPU(Unit, unit=units.RealNPU):
    """[numerate.units.RealNPU][] as a PyTorch module."""


class RealNPUModified(Unit, unit=units.RealNPUModified):
    """[numerate.units.RealNPUModified][] as a PyTorch module."""


class SignNMRU(Unit, unit=units.SignNMRU):
    """[numerate.units.SignNMRU][] as a PyTorch module."""


class iNALU(Unit, unit=units.iNALU):
    """[numerate.units.iNALU][] as a PyTorch module."""


class iNALUShared(Unit, unit=units.iNALUShared):
    """[numerate.units.iNALUShared][] as a PyTorch module."""


class sNMU(Unit, unit=units.sNMU):
    """[numerate.units.sNMU][] as a PyTorch module."""
