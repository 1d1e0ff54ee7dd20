"""The units as Keras 3 layers: the same classes, arguments, initialisers and equations.

Needs Keras, on its JAX or its PyTorch backend: `pip install "numerate[keras]"`.
"""

from numerate.keras import _backend as _backend
from numerate.keras._base import Unit as Unit
from numerate.keras._cells import RecurrentCell as RecurrentCell
from numerate.keras._convert import from_keras as from_keras
from numerate.keras._convert import to_keras as to_keras
from numerate.keras._training import Penalties as Penalties
from numerate.keras._training import SelectBranches as SelectBranches
from numerate.keras._training import select_branches as select_branches
from numerate.keras._training import snap as snap
from numerate.keras._units import UNITS

globals().update(UNITS)  # also in `__init__.pyi`, for editors

_OTHERS = ["Penalties", "RecurrentCell", "SelectBranches", "Unit", "from_keras"]
_OTHERS += ["select_branches", "snap", "to_keras"]

__all__ = sorted([*UNITS, *_OTHERS])  # pyright: ignore[reportUnsupportedDunderAll]
