"""Selects the array library: every equation is written once and runs on JAX, PyTorch and SymPy.

`namespace(x)` is a module with the primitives that the equations need, under JAX's names:
`_jax.py`, `_torch.py` or `_sympy.py`, by the class of `x`. A fourth library would need one more
such file. A library is imported when its arrays are first used.
"""

from importlib import import_module
from types import ModuleType
from typing import Any

# An array of any of the libraries. Run-time checks in the tests compare shapes.
Tensor = Any

# Pairs of an array class and its module. `torch.compile` can trace `isinstance`, but not a look-up
# by the name of a class.
_MODULES: tuple[tuple[type, ModuleType], ...] = ()


def namespace(x: Any) -> Any:
    """The primitives for the library that `x` is an array of; JAX's for NumPy and plain numbers.

    !!! example
        >>> import jax.numpy as jnp
        >>> namespace(jnp.ones(2)).__name__
        'numerate.ops._jax'
    """
    for kind, module in _MODULES:
        if isinstance(x, kind):
            return module
    return _of_other(x)


def register(kind: type, library: str) -> ModuleType:
    """Import the primitives of a library and register its array class with `namespace`.

    `namespace` does this at the first array. Adapters register earlier, because `torch.compile`
    cannot trace an import.

    **Arguments:** `kind`, the class of arrays; `library`, `"torch"` or `"sympy"`.

    **Returns:** the module of primitives.

    !!! example
        >>> import torch
        >>> register(torch.Tensor, "torch") is namespace(torch.ones(2))
        True
    """
    global _MODULES
    module = import_module(f"numerate.ops._{library}")
    if (kind, module) not in _MODULES:
        _MODULES = (*_MODULES, (kind, module))
    return module


def symbolic(values: Any) -> Tensor:
    """An array of SymPy expressions, or of numbers to combine with them, for the equations.

    Operations on numbers alone keep the dtype. In operations with expressions, multiples of 1/2 and
    of π/2 become exact.

    !!! example
        >>> import sympy
        >>> from numerate.ops import linear
        >>> linear(symbolic([[1.0, -0.5]]), symbolic(sympy.symbols("a b")))
        Symbolic([a - b/2], dtype=object)
    """
    from numerate.ops import _sympy

    return _sympy.symbolic(values)


def _of_other(x: Any) -> ModuleType:
    if type(x).__module__.startswith("torch"):
        import torch

        return register(torch.Tensor, "torch")
    if type(x).__module__ == "numerate.ops._sympy":
        return register(type(x), "sympy")
    return import_module("numerate.ops._jax")
