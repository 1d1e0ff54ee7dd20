"""Shapes and types are checked while tests run, in every package that `pyproject.toml` lists."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType, ModuleType

import jaxtyping
import pytest


def modules(package: str) -> list[ModuleType]:
    """A package and all that it contains."""
    top = importlib.import_module(package)
    inside = pkgutil.walk_packages(getattr(top, "__path__", []), f"{package}.")
    return [top, *(importlib.import_module(found.name) for found in inside)]


def functions(package: str) -> Iterator[FunctionType]:
    """The functions and methods of a package."""
    for module in modules(package):
        own = [v for v in vars(module).values() if getattr(v, "__module__", "") == module.__name__]
        methods = [value for kind in own if inspect.isclass(kind) for value in vars(kind).values()]
        yield from filter(inspect.isfunction, own + methods)


def wrong_arguments(function: FunctionType) -> dict[str, object] | None:
    """An object of an unknown type for each required argument with an annotation."""
    empty = inspect.Parameter.empty
    needed = {
        name: parameter.annotation
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is empty and name != "self"
    }
    known = [isinstance(kind, type) and kind not in (object, empty) for kind in needed.values()]
    return dict.fromkeys(needed, object()) if known and all(known) else None


def listed(config: pytest.Config) -> list[str]:
    return config.getoption("--jaxtyping-packages").split(",")[:-1]


def test_every_listed_package_is_checked(pytestconfig, subtests):
    for package in listed(pytestconfig):
        with subtests.test(package):
            loaders = {type(module.__spec__.loader).__name__ for module in modules(package)}
            assert loaders == {"_JaxtypingLoader"}
            calls = ((function, wrong_arguments(function)) for function in functions(package))
            function, wrong = next((f, arguments) for f, arguments in calls if arguments)
            itself = [object()] if "self" in inspect.signature(function).parameters else []
            with pytest.raises(jaxtyping.TypeCheckError):
                function(*itself, **wrong)


def test_all_that_states_shapes_is_listed(pytestconfig):
    packages = tuple(listed(pytestconfig))
    for module in modules("numerate"):
        if any(getattr(v, "__module__", "") == "jaxtyping" for v in vars(module).values()):
            name = f"{module.__name__}."
            assert name.startswith(tuple(f"{package}." for package in packages)), name
