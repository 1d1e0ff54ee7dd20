"""Tasks: sources of training data with a known target function."""

from numerate.ops import bits, step_key, uniform
from numerate.tasks._arithmetic import (
    EXTRAPOLATION_SEED,
    PRIMER_RANGES,
    VALIDATION_SEED,
    Arithmetic,
    Range,
)
from numerate.tasks._base import Batch, Task
from numerate.tasks._simple_function import MADSEN_RANGES, SimpleFunction, madsen2020
from numerate.tasks._subsets import (
    FUNCTIONS,
    PAPER_FUNCTIONS,
    SingleSubsetTask,
    SubsetTask,
)
from numerate.tasks._sweep import Sweep

__all__ = [
    "Arithmetic",
    "Batch",
    "EXTRAPOLATION_SEED",
    "FUNCTIONS",
    "MADSEN_RANGES",
    "PAPER_FUNCTIONS",
    "PRIMER_RANGES",
    "Range",
    "SimpleFunction",
    "SingleSubsetTask",
    "SubsetTask",
    "Sweep",
    "Task",
    "VALIDATION_SEED",
    "bits",
    "madsen2020",
    "step_key",
    "uniform",
]
