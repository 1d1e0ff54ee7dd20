"""The engine: a whole training run is one pure function, and many seeds are one `vmap`."""

from numerate.train._levenberg import Fitted, levenberg
from numerate.train._many import train_many
from numerate.train._outcome import Outcome
from numerate.train._run import Run
from numerate.train._train import Config, train

__all__ = ["Config", "Fitted", "Outcome", "Run", "levenberg", "train", "train_many"]
