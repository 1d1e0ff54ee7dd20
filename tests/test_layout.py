"""Every module named in the documentation exists in the package and in CONTRIBUTING."""

import importlib
import pkgutil
import re
from importlib.util import find_spec

import numerate

from .pages import ROOT

PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
DOTTED = re.compile(r"(?<![\w./-])numerate((?:\.[a-z_]\w*)+)", re.IGNORECASE)


def documented_modules() -> list[str]:
    """The modules among all dotted names on the pages, and those with a page of their own."""
    names = {match[0] for page in PAGES for match in DOTTED.finditer(page.read_text())}
    names |= {f"numerate.{page.stem}" for page in (ROOT / "docs" / "api").glob("*.md")}
    modules = set()
    for name in names:
        parts = name.split(".")
        for stop in range(2, len(parts) + 1):
            module = ".".join(parts[:stop])
            if not hasattr(importlib.import_module(".".join(parts[: stop - 1])), "__path__"):
                break
            if find_spec(module):
                modules.add(module)
    return sorted(modules)


def test_modules_are_attributes_of_their_package():
    """After `import numerate` alone, in a new process."""
    modules = documented_modules()
    assert {"numerate.ops", "numerate.units.exact", "numerate.paper.gridworld"} <= set(modules)
    for module in modules:
        package, _, name = module.rpartition(".")
        parent = importlib.import_module(package)
        lazy = getattr(parent, "__getattr__", None)
        own = (ROOT / package.replace(".", "/") / "__init__.py").read_text()
        if f"import {name} as {name}" not in own:
            assert lazy is not None and lazy(name).__name__ == module, module


def test_everything_that_the_documentation_names_exists():
    for page in PAGES:
        for match in DOTTED.finditer(page.read_text()):
            value = numerate
            for part in match[1].split(".")[1:]:
                assert hasattr(value, part), f"{page.relative_to(ROOT)}: {match[0]}"
                value = getattr(value, part)


def test_every_public_module_is_an_attribute():
    names = {m.name for m in pkgutil.iter_modules(numerate.__path__) if m.name[0] != "_"}
    assert names <= set(dir(numerate))
    assert all(numerate.__getattr__(name).__name__ == f"numerate.{name}" for name in names)


def test_the_map_in_contributing_lists_every_folder():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"`([\w./]+)`", text.split("## Layout")[1].split("\n## ")[0]))
    rooms = {path for path in (ROOT / "numerate").iterdir() if path.name[0] != "_"}
    rooms = {f"numerate/{path.name}" for path in rooms if path.is_dir() or path.suffix == ".py"}
    beside = {"tests", "benchmarks", "results", "docs", "examples"}
    assert rooms | beside <= shown
    missing = {name for name in shown if name.startswith("numerate/") and name not in rooms}
    assert not missing
    papers = {path.parent.name for path in (ROOT / "numerate/paper").glob("*/__init__.py")}
    assert papers <= shown
