"""Sums as programs and programs with branches, and models that execute them."""

from ._dnc import DNC
from ._models import CellExecutor, ConfiguredUnit
from ._task import Programs
from ._ugrnn import UGRNN

__all__ = ["DNC", "UGRNN", "CellExecutor", "ConfiguredUnit", "Programs"]
