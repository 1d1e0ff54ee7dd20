"""Where training data comes from; each task knows its truth."""

from numerate.ops import bits, step_key, uniform
from numerate.tasks._arithmetic import PRIMER_RANGES, Arithmetic
from numerate.tasks._base import Task
from numerate.tasks._sweep import Sweep

__all__ = ["PRIMER_RANGES", "Arithmetic", "Sweep", "Task", "bits", "step_key", "uniform"]
