"""The units as PyTorch modules: the same classes, arguments, initialisers and equations.

Needs PyTorch: `pip install "numerate[torch]"`. JAX, which makes the units' parameters, is imported
with the first unit.
"""

from typing import Any

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError('numerate.torch needs PyTorch: pip install "numerate[torch]"') from None

from numerate.torch._base import Unit as Unit
from numerate.torch._cells import Recurrent as Recurrent
from numerate.torch._cells import RecurrentCell as RecurrentCell
from numerate.torch._convert import from_torch as from_torch
from numerate.torch._convert import to_torch as to_torch
from numerate.torch._training import Penalties as Penalties
from numerate.torch._training import penalise as penalise
from numerate.torch._training import select_branches as select_branches
from numerate.torch._training import snap as snap

_OTHERS = ["Penalties", "Recurrent", "RecurrentCell", "Unit", "from_torch", "penalise"]
_OTHERS += ["select_branches", "snap", "to_torch"]


def __getattr__(name: str) -> Any:
    """A unit, or `__all__`; both are in `__init__.pyi` for editors."""
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from numerate.torch._units import UNITS

    if name == "__all__":
        return sorted([*UNITS, *_OTHERS])
    if name not in UNITS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return UNITS[name]


def __dir__() -> list[str]:
    return __getattr__("__all__")
