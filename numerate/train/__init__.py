"""The engine: a whole training run is one pure function, and many seeds are one `vmap`.

`train` and `train_many` train any model on a `Task`. For other losses, `update_step`,
`compile_program` and `run_parallel` are the building blocks of all experiments' training loops.
"""

from numerate.train._choice import check_choice, select
from numerate.train._compile import compile_program
from numerate.train._levenberg_marquardt import Fitted, levenberg_marquardt
from numerate.train._loss import apply_constraints, total_penalty
from numerate.train._many import train_many
from numerate.train._optimiser import penalised, projected
from numerate.train._outcome import Outcome
from numerate.train._parallel import run_parallel, seed_chunks
from numerate.train._restart import INALU_AUTHORS, INALU_BENCHMARK, Restart
from numerate.train._run import Run
from numerate.train._schedule import PenaltySchedule
from numerate.train._snap import rounding_error, snap, snapped_units
from numerate.train._step import static_part, update_step
from numerate.train._train import Config, train

__all__ = [
    "check_choice",
    "INALU_AUTHORS",
    "INALU_BENCHMARK",
    "Config",
    "Fitted",
    "Outcome",
    "PenaltySchedule",
    "Restart",
    "Run",
    "apply_constraints",
    "compile_program",
    "levenberg_marquardt",
    "penalised",
    "projected",
    "rounding_error",
    "run_parallel",
    "seed_chunks",
    "select",
    "snap",
    "snapped_units",
    "static_part",
    "total_penalty",
    "train",
    "train_many",
    "update_step",
]
