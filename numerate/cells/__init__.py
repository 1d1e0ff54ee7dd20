"""Cells, which run over sequences: one of them in each file, as `numerate.units`."""

from numerate.cells._dnc import DNC
from numerate.cells._mclstm import MCLSTM
from numerate.cells._recurrent import Recurrent
from numerate.cells._tally import Tally
from numerate.cells._ugrnn import UGRNN

__all__ = ["DNC", "MCLSTM", "UGRNN", "Recurrent", "Tally"]
