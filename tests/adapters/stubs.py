"""Writes the stubs of `numerate.torch` and `numerate.keras`, for editors and type checkers.

    KERAS_BACKEND=jax python -m tests.adapters.stubs

Their classes are made from the list of units on import, so they are in no source file. A test
compares the stubs with the output of this script.
"""

import inspect
from pathlib import Path
from typing import Any

import numerate.keras
import numerate.torch
from numerate import units
from numerate._adapters import borrowed
from tests.pages import ROOT

HEAD = {
    numerate.torch: '''\
"""The units as PyTorch modules: the same classes, arguments, initialisers and equations.

Needs PyTorch: `pip install "numerate[torch]"`.
"""
# Written by tests/adapters/stubs.py.

import torch

from numerate.initialisers import Initialiser
from numerate.torch._base import Unit as Unit
from numerate.torch._cells import Recurrent as Recurrent
from numerate.torch._cells import RecurrentCell as RecurrentCell
from numerate.torch._convert import from_torch as from_torch
from numerate.torch._convert import to_torch as to_torch
from numerate.torch._training import Penalties as Penalties
from numerate.torch._training import penalise as penalise
from numerate.torch._training import select_branches as select_branches
from numerate.torch._training import snap as snap
''',
    numerate.keras: '''\
"""The units as Keras 3 layers: the same classes, arguments, initialisers and equations.

Needs Keras, on its JAX or its PyTorch backend: `pip install "numerate[keras]"`.
"""
# Written by tests/adapters/stubs.py.

from typing import Any

from numerate.initialisers import Initialiser
from numerate.keras._base import Unit as Unit
from numerate.keras._cells import RecurrentCell as RecurrentCell
from numerate.keras._convert import from_keras as from_keras
from numerate.keras._convert import to_keras as to_keras
from numerate.keras._training import Penalties as Penalties
from numerate.keras._training import SelectBranches as SelectBranches
from numerate.keras._training import select_branches as select_branches
from numerate.keras._training import snap as snap
''',
}
ARRAY = {numerate.torch: "torch.Tensor", numerate.keras: "Any"}
CALLED = {numerate.torch: "a PyTorch module", numerate.keras: "a Keras layer"}


def stub(library: Any) -> str:
    """The text of a library's `__init__.pyi`."""
    names = [name for name in units.__all__ if name != "Unit"]
    return HEAD[library] + "".join(f"\n{_class(library, name)}" for name in names)


def path(library: Any) -> Path:
    return ROOT / library.__name__.replace(".", "/") / "__init__.pyi"


def _class(library: Any, name: str) -> str:
    unit, cls = getattr(units, name), getattr(library, name)
    members = {n: v for n, v in borrowed(unit).items() if not n.startswith("_")}
    shared = {*dir(library.Unit), *library.Unit.__annotations__}
    own = {n: v for n, v in members.items() if n not in shared}
    return (
        f"class {name}(Unit):\n"
        f'    """{unit.__doc__.splitlines()[0]}\n\n'
        f'    [numerate.units.{name}][] as {CALLED[library]}.\n    """\n\n'
        f"    def __init__(\n        self,\n{_parameters(library, cls)}    ) -> None: ...\n"
        + "".join(_member(library, n, v) for n, v in sorted(own.items()))
    )


def _parameters(library: Any, cls: type) -> str:
    lines, keyword_only = [], False
    for parameter in inspect.signature(cls).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            keyword_only = True
            lines.append("*")
        lines.append(_parameter(library, parameter))
    return "".join(f"        {line},\n" for line in lines)


def _parameter(library: Any, parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}: Any"
    of_start = parameter.name.endswith("_init")
    kind = "str | Initialiser" if of_start else _annotation(library, parameter.annotation)
    if parameter.default is parameter.empty:
        return f"{parameter.name}: {kind}"
    default = "..." if callable(parameter.default) else repr(parameter.default).replace("'", '"')
    return f"{parameter.name}: {kind} = {default}"


def _annotation(library: Any, annotation: Any) -> str:
    if hasattr(annotation, "dim_str"):  # an array with a shape
        return ARRAY[library]
    return inspect.formatannotation(annotation)


def _member(library: Any, name: str, value: Any) -> str:
    function = value.fget if isinstance(value, property) else value
    self, *others = inspect.signature(function).parameters.values()
    arguments = ", ".join([self.name, *(_parameter(library, other) for other in others)])
    returned = _annotation(library, inspect.signature(function).return_annotation)
    decorator = "    @property\n" if isinstance(value, property) else ""
    return f"{decorator}    def {name}({arguments}) -> {returned}: ...\n"


if __name__ == "__main__":
    for library in HEAD:
        path(library).write_text(stub(library), encoding="utf-8")
