"""Where training data comes from; each task knows its truth."""

from numerate.ops import bits, step_key, uniform
from numerate.tasks._arithmetic import PRIMER_RANGES, Arithmetic
from numerate.tasks._base import Task
from numerate.tasks._digit_scenes import DigitScenes, Scenes
from numerate.tasks._digit_sequences import DigitSequences
from numerate.tasks._digits import Digits, digits
from numerate.tasks._gridworld import GridState, GridWorld, Transition
from numerate.tasks._mnist import MNIST_FILES, download_mnist, mnist_folder, read_mnist
from numerate.tasks._numerals import Numbers, Numerals, number_words, read_number
from numerate.tasks._programs import Programs
from numerate.tasks._subsets import (
    MADSEN_RANGES,
    PAPER_FUNCTIONS,
    SimpleFunction,
    madsen2020,
)
from numerate.tasks._subsets_recurrent import SimpleFunctionRecurrent
from numerate.tasks._sweep import Sweep
from numerate.tasks._tutorial import TutorialRows

__all__ = [
    "GridState",
    "GridWorld",
    "MADSEN_RANGES",
    "MNIST_FILES",
    "PAPER_FUNCTIONS",
    "PRIMER_RANGES",
    "Arithmetic",
    "DigitScenes",
    "DigitSequences",
    "Digits",
    "Numbers",
    "Numerals",
    "Programs",
    "Scenes",
    "SimpleFunction",
    "SimpleFunctionRecurrent",
    "Sweep",
    "Task",
    "Transition",
    "TutorialRows",
    "bits",
    "digits",
    "download_mnist",
    "madsen2020",
    "mnist_folder",
    "number_words",
    "read_mnist",
    "read_number",
    "step_key",
    "uniform",
]
