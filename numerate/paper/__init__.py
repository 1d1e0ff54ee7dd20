"""The experiments of the NALU paper (Trask et al., 2018), each with its task, models and report.

`experiment("toy")` is one of them, which `numerate reproduce toy` runs:

- `toy` and `identity`: two weights and a tutorial; a scalar autoencoder.
- `functions`: six functions of two sums of unknown inputs, in a vector or a sequence.
- `digits`: counting and adding digits in images, and counting even ones.
- `language`: number words.
- `programs`: sums as programs, and programs with branches.
- `gridworld`: reaching a target at a given time.

`networks` has the recurrent baselines of several of them.
"""

from importlib import import_module
from typing import Any

from numerate.study import Experiment, Experiments

_MODULES = {
    "gridworld": "gridworld.experiment",
    "identity": "identity.experiment",
    "language": "language.experiment",
    "mnist-add": "digits.add",
    "mnist-count": "digits.count",
    "parity": "digits.parity",
    "programs-add": "programs.add",
    "programs-branch": "programs.branch",
    "simple-recurrent": "functions.recurrent",
    "simple-static": "functions.static",
    "toy": "toy.experiment",
}
_EXPERIMENTS = Experiments({n: f"numerate.paper.{module}" for n, module in _MODULES.items()})
_ROOMS = ("digits", "functions", "gridworld", "identity", "language", "networks", "programs", "toy")


def experiment(name: str) -> Experiment:
    """The experiment with a name.

    **Raises:** `InputError` for an unknown name.

    !!! example
        >>> experiment("toy").name
        'toy'
    """
    return _EXPERIMENTS[name]


def experiments() -> Experiments:
    """All experiments by name.

    !!! example
        >>> list(experiments())[:3]
        ['gridworld', 'identity', 'language']
    """
    return _EXPERIMENTS


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
