"""Standard benchmarks of neural arithmetic, as experiments: `numerate reproduce single-module`.

`single-module` asks which unit learns which operation: one unit, two inputs, nine ranges.
`inside-network` asks where a unit helps as the last layer of an ordinary network.
"""

from importlib import import_module
from typing import Any

from numerate.study import Experiments

_EXPERIMENTS = Experiments(
    {
        "inside-network": "numerate.bench.inside_network.experiment",
        "single-module": "numerate.bench.single_module",
    }
)


def experiments() -> Experiments:
    """All benchmarks by name.

    !!! example
        >>> list(experiments())
        ['inside-network', 'single-module']
    """
    return _EXPERIMENTS


def __getattr__(name: str) -> Any:
    if name in ("inside_network", "single_module"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
