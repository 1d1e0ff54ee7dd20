"""Finds experiments: one file each, in the repository or, where it is installed, the package."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

from numerate.data import InputError
from numerate.data._errors import did_you_mean, listed

from ._experiment import Experiment

_PACKAGE = Path(__file__).parents[1]
_NAME = "numerate._experiments"
# A wheel holds the files in the package; in a clone they are beside it.
_FOLDERS = (_PACKAGE / "_experiments", _PACKAGE.parent / "experiments")


def folder() -> Path:
    """The folder of the experiments.

    **Raises:** `InputError` if there is none, as in a package put together by other means.
    """
    found = next((place for place in _FOLDERS if place.is_dir()), None)
    if found is None:
        raise InputError("the experiments are not installed; install numerate from its wheel.")
    return found


def experiment(name: str) -> Experiment:
    """The experiment of a name.

    **Raises:** `InputError` for a name that there is not.

    !!! example
        >>> experiment("toy").name
        'toy'
    """
    path = folder() / f"{name.replace('-', '_')}.py"
    found = _module(path) if name.replace("-", "").isalnum() and path.is_file() else None
    if not hasattr(found, "EXPERIMENT"):
        names = list(experiments())
        raise InputError(
            f"there is no experiment {name!r}.{did_you_mean(name, names)} "
            f"Experiments are {listed(names)}."
        )
    return found.EXPERIMENT  # pyright: ignore[reportOptionalMemberAccess]


def experiments() -> dict[str, Experiment]:
    """All experiments by name; a script in their folder that defines none is passed over."""
    modules = [_module(path) for path in sorted(folder().glob("*.py"))]
    found = [module.EXPERIMENT for module in modules if hasattr(module, "EXPERIMENT")]
    return {one.name: one for one in found}


def _module(path: Path) -> ModuleType:
    """The file as a module, loaded once; of a package, so that experiments may share files."""
    if _NAME not in sys.modules:
        package = ModuleType(_NAME)
        package.__path__ = [str(path.parent)]
        sys.modules[_NAME] = package
    return importlib.import_module(f"{_NAME}.{path.stem}")
