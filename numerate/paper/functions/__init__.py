"""Six functions of two sums of unknown inputs, in a vector or a sequence."""

from ._scores import Scores
from ._task import SimpleFunctionRecurrent

__all__ = ["Scores", "SimpleFunctionRecurrent"]
