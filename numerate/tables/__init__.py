"""Reads tables of numbers: files, standard input, data frames and embedded data sets."""

import signal

from numerate._errors import InputError as InputError

from ._datasets import Dataset as Dataset
from ._datasets import datasets as datasets
from ._precision import resolution_of as resolution_of
from ._table import Table as Table
from ._table import read_features as read_features
from ._table import read_table as read_table

__all__ = [
    "Dataset",
    "InputError",
    "Table",
    "datasets",
    "read_features",
    "read_table",
    "resolution_of",
]

# Since its import, Polars has the system restart calls that Ctrl-C interrupts. A program that waits
# for the writer or the reader of a pipe would wait on.
if hasattr(signal, "siginterrupt"):  # not on Windows
    signal.siginterrupt(signal.SIGINT, True)
