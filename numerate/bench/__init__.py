"""Standard benchmarks of neural arithmetic, as experiments: `numerate reproduce single-module`.

`single-module` asks which unit learns which operation: one unit, two inputs, nine ranges.
"""

from importlib import import_module
from typing import Any

from numerate.study import Experiments

_EXPERIMENTS = Experiments({"single-module": "numerate.bench.single_module"})


def experiments() -> Experiments:
    """All benchmarks by name.

    !!! example
        >>> list(experiments())
        ['single-module']
    """
    return _EXPERIMENTS


def __getattr__(name: str) -> Any:
    if name == "single_module":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
