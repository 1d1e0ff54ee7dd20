"""The units: each class borrows the equations of its namesake in `numerate.units`."""

from numerate import units
from numerate.keras._base import Unit


class NSR(Unit, unit=units.NSR):
    """[numerate.units.NSR][] as a Keras layer."""


class NLRL(Unit, unit=units.NLRL):
    """[numerate.units.NLRL][] as a Keras layer."""


class MulMCFCSignRealNPU(Unit, unit=units.MulMCFCSignRealNPU):
    """[numerate.units.MulMCFCSignRealNPU][] as a Keras layer."""


class MulMCFCSignINALU(Unit, unit=units.MulMCFCSignINALU):
    """[numerate.units.MulMCFCSignINALU][] as a Keras layer."""


class MulMCFC(Unit, unit=units.MulMCFC):
    """[numerate.units.MulMCFC][] as a Keras layer."""


class MLP(Unit, unit=units.MLP):
    """[numerate.units.MLP][] as a Keras layer."""


class MCFC(Unit, unit=units.MCFC):
    """[numerate.units.MCFC][] as a Keras layer."""


class Linear(Unit, unit=units.Linear):
    """[numerate.units.Linear][] as a Keras layer."""


class GNAC(Unit, unit=units.GNAC):
    """[numerate.units.GNAC][] as a Keras layer."""


class GNALU(Unit, unit=units.GNALU):
    """[numerate.units.GNALU][] as a Keras layer."""


class NAC(Unit, unit=units.NAC):
    """[numerate.units.NAC][] as a Keras layer."""


class NALU(Unit, unit=units.NALU):
    """[numerate.units.NALU][] as a Keras layer."""


class NASU(Unit, unit=units.NASU):
    """[numerate.units.NASU][] as a Keras layer."""


class NAU(Unit, unit=units.NAU):
    """[numerate.units.NAU][] as a Keras layer."""


class NMRU(Unit, unit=units.NMRU):
    """[numerate.units.NMRU][] as a Keras layer."""


class NMU(Unit, unit=units.NMU):
    """[numerate.units.NMU][] as a Keras layer."""


class NPU(Unit, unit=units.NPU):
    """[numerate.units.NPU][] as a Keras layer."""


class NRU(Unit, unit=units.NRU):
    """[numerate.units.NRU][] as a Keras layer."""


class SNALU(Unit, unit=units.SNALU):
    """[numerate.units.SNALU][] as a Keras layer."""


class HillSpaceProduct(Unit, unit=units.HillSpaceProduct):
    """[numerate.units.HillSpaceProduct][] as a Keras layer."""


class HillSpaceSum(Unit, unit=units.HillSpaceSum):
    """[numerate.units.HillSpaceSum][] as a Keras layer."""


class NACMul(Unit, unit=units.NACMul):
    """[numerate.units.NACMul][] as a Keras layer."""


class NALUScalarGate(Unit, unit=units.NALUScalarGate):
    """[numerate.units.NALUScalarGate][] as a Keras layer."""


class NALUUntied(Unit, unit=units.NALUUntied):
    """[numerate.units.NALUUntied][] as a Keras layer."""


class RealNPU(Unit, unit=units.RealNPU):
    """[numerate.units.RealNPU][] as a Keras layer."""


class RealNPUModified(Unit, unit=units.RealNPUModified):
    """[numerate.units.RealNPUModified][] as a Keras layer."""


class SignNMRU(Unit, unit=units.SignNMRU):
    """[numerate.units.SignNMRU][] as a Keras layer."""


class iNALU(Unit, unit=units.iNALU):
    """[numerate.units.iNALU][] as a Keras layer."""


class iNALUShared(Unit, unit=units.iNALUShared):
    """[numerate.units.iNALUShared][] as a Keras layer."""


class sNMU(Unit, unit=units.sNMU):
    """[numerate.units.sNMU][] as a Keras layer."""
