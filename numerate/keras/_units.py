"""The units: each class borrows the equations of its namesake in `numerate.units`."""

from numerate._adapters import adapted
from numerate.keras._base import Unit

UNITS = adapted(Unit, __name__)
globals().update(UNITS)
