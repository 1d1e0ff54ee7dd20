"""The units: each class has the equations of the class of the same name in `numerate.units`."""

from numerate._adapters import adapted
from numerate.torch._base import Unit

UNITS = adapted(Unit, __name__)
globals().update(UNITS)
