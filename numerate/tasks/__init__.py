"""Where training data comes from; each task knows its truth."""

from numerate.tasks._arithmetic import PRIMER_RANGES, Arithmetic
from numerate.tasks._base import Task
from numerate.tasks._random import bits, step_key, uniform

__all__ = ["PRIMER_RANGES", "Arithmetic", "Task", "bits", "step_key", "uniform"]
