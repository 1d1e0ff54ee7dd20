"""Standard benchmarks of neural arithmetic."""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name == "single_module":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
