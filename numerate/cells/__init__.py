"""Cells, which run over sequences: one of them in each file, as `numerate.units`."""

from numerate.cells._mclstm import MCLSTM
from numerate.cells._recurrent import Recurrent

__all__ = [
    "MCLSTM",
    "Recurrent",
]
