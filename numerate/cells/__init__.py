"""Recurrent cells, one in each file."""

from numerate.cells._mclstm import MCLSTM
from numerate.cells._recurrent import Recurrent

__all__ = [
    "MCLSTM",
    "Recurrent",
]
