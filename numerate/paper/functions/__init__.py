"""Six functions of two hidden sums, of one row and of a sequence."""

from ._scores import Scores
from ._task import SimpleFunctionRecurrent

__all__ = ["Scores", "SimpleFunctionRecurrent"]
