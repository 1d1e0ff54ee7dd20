"""Where training data comes from; each task knows its truth."""

from numerate.ops import bits, step_key, uniform
from numerate.tasks._arithmetic import PRIMER_RANGES, Arithmetic
from numerate.tasks._base import Task
from numerate.tasks._subsets import (
    MADSEN_RANGES,
    PAPER_FUNCTIONS,
    SimpleFunction,
    madsen2020,
)
from numerate.tasks._sweep import Sweep

__all__ = [
    "MADSEN_RANGES",
    "PAPER_FUNCTIONS",
    "PRIMER_RANGES",
    "Arithmetic",
    "SimpleFunction",
    "Sweep",
    "Task",
    "bits",
    "madsen2020",
    "step_key",
    "uniform",
]
