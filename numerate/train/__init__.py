"""The engine: a whole training run is one pure function, and many seeds are one `vmap`."""

from numerate.train._choice import select
from numerate.train._levenberg import Fitted, levenberg
from numerate.train._many import train_many
from numerate.train._outcome import Outcome
from numerate.train._restart import AUTHORS, PORT, Restart
from numerate.train._run import Run
from numerate.train._train import Config, train

__all__ = [
    "AUTHORS",
    "PORT",
    "Config",
    "Fitted",
    "Outcome",
    "Restart",
    "Run",
    "levenberg",
    "select",
    "train",
    "train_many",
]
