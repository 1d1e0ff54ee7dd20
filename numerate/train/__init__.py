"""The engine: a whole training run is one pure function, and many seeds are one `vmap`."""

from numerate.train._choice import select
from numerate.train._levenberg_marquardt import Fitted, levenberg_marquardt
from numerate.train._many import train_many
from numerate.train._outcome import Outcome
from numerate.train._restart import INALU_AUTHORS, INALU_BENCHMARK, Restart
from numerate.train._run import Run
from numerate.train._train import Config, train

__all__ = [
    "INALU_AUTHORS",
    "INALU_BENCHMARK",
    "Config",
    "Fitted",
    "Outcome",
    "Restart",
    "Run",
    "levenberg_marquardt",
    "select",
    "train",
    "train_many",
]
