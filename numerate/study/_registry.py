"""Experiments by name, each imported on first use."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from numerate._errors import InputError, did_you_mean, listed

from ._experiment import Experiment


class Experiments(Mapping[str, Experiment]):
    """The experiments of a package, or of several: `paper.experiments() | bench.experiments()`.

    **Arguments:** `modules`, the module of each name, which defines `EXPERIMENT`.

    **Raises:** `InputError` on the look-up of an unknown name.

    !!! example
        >>> list(Experiments({"mine": "package.mine", "another": "package.another"}))
        ['another', 'mine']
    """

    def __init__(self, modules: Mapping[str, str]):
        self._modules = dict(sorted(modules.items()))

    def __getitem__(self, name: str) -> Experiment:
        names = list(self._modules)
        if name not in self._modules:
            raise InputError(
                f"there is no experiment {name!r}.{did_you_mean(name, names)} "
                f"Experiments are {listed(names, most=40)}."
            )
        return import_module(self._modules[name]).EXPERIMENT

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __or__(self, other: "Experiments") -> "Experiments":
        return Experiments(self._modules | other._modules)
