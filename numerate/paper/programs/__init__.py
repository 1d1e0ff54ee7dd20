"""Programs with sums and branches, and models that execute them."""

from ._dnc import DNC
from ._models import CellProgramModel, ConfiguredUnit
from ._task import Programs
from ._ugrnn import UGRNN

__all__ = ["DNC", "UGRNN", "CellProgramModel", "ConfiguredUnit", "Programs"]
