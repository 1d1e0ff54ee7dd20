"""The examples of the documentation run, and it names everything that is public."""

import importlib
import inspect
import pkgutil
import re

import pytest

import numerate
from numerate import units
from tests.each import each

from .pages import ROOT, blocks, check_console, check_python

DOCS = ROOT / "docs"
UNIT_PAGES = sorted((DOCS / "units").glob("*.md"))
PAGES = sorted(DOCS.glob("*.md")) + UNIT_PAGES
API = {page.stem: page for page in (DOCS / "api").glob("*.md")}
MODULES = [m.name for m in pkgutil.iter_modules(numerate.__path__) if not m.name.startswith("_")]
# The paper's rooms are on one page.
ROOMS = ["functions", "digits", "language", "programs", "gridworld", "toy", "networks"]
PUBLIC = sorted([*API, *(f"paper.{room}" for room in ROOMS), "units.exact"])


# Pages whose trainings take ten seconds each; the docstrings of what they show run every day.
LONG = {"engine", "getting-started", "jax", "keras", "measured-tables", "pytorch"}
RUNNING = [
    pytest.param(page, id=page.stem, marks=[pytest.mark.slow] if page.stem in LONG else [])
    for page in PAGES
    if blocks(page, "python")
]


@pytest.mark.parametrize("page", RUNNING)
def test_python_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_python(page)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "console")], ids=lambda p: p.stem)
def test_shell_sessions_print_what_is_shown(page, tmp_path):
    check_console(page, tmp_path)


def public_names(module) -> list[str]:
    """`__all__`, or everything that the module or its own files define."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    home = module.__name__
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and (getattr(value, "__module__", None) or "").startswith(home)
    ]


def test_every_public_module_has_a_page():
    # The command line is documented as such, in cli.md.
    assert sorted(API) == sorted(set(MODULES) - {"cli"})


@each("name", PUBLIC)
def test_a_page_has_every_public_name_and_no_other(name):
    # Each unit is on a page of its own.
    pages = [API[name.partition(".")[0]], *UNIT_PAGES]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    shown = re.findall(rf"^::: numerate\.{re.escape(name)}\.(\w+)$", text, re.MULTILINE)
    if re.search(rf"^::: numerate\.{re.escape(name)}$", text, re.MULTILINE):
        # An adapter, with all classes that its stub defines.
        shown += set(units.__all__) - {"Unit"}
    assert sorted(shown) == sorted(public_names(importlib.import_module(f"numerate.{name}")))


@each("name", PUBLIC)
def test_everything_public_has_a_docstring(name):
    module = importlib.import_module(f"numerate.{name}")
    assert inspect.getdoc(module)
    for public in public_names(module):
        value = getattr(module, public)
        if inspect.isroutine(value) or inspect.isclass(value):
            assert value.__doc__, f"{name}.{public}"
            # A data class without a docstring of its own is given its signature.
            assert not value.__doc__.startswith(f"{public}("), f"{name}.{public}"


def test_top_level_names_are_on_the_pages():
    on_pages = "\n".join(page.read_text() for page in (*API.values(), *UNIT_PAGES))
    for name in set(numerate.__all__) - {"__version__"}:
        assert re.search(rf"^::: numerate\.(\w+\.)?{name}$", on_pages, re.MULTILINE), name
