"""The units as Keras 3 layers: the same classes, arguments, initialisers and equations.

Needs Keras, on its JAX or its PyTorch backend: `pip install "numerate[keras]"`.
"""

from numerate.keras import _backend as _backend
from numerate.keras._base import Unit as Unit
from numerate.keras._cells import RecurrentCell as RecurrentCell
from numerate.keras._convert import from_keras as from_keras
from numerate.keras._convert import to_keras as to_keras
from numerate.keras._units import UNITS

globals().update(UNITS)  # also in `__init__.pyi`, for editors

__all__ = sorted([*UNITS, "RecurrentCell", "Unit", "from_keras", "to_keras"])  # pyright: ignore[reportUnsupportedDunderAll]
