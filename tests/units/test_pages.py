"""Every unit has a page, a picture and an entry in the navigation."""

import importlib.util
import re
import xml.etree.ElementTree as ElementTree

import jax

from numerate import recipes, units
from numerate.models import Stack
from tests.each import each
from tests.pages import ROOT

PAGES = ROOT / "docs" / "units"
NAMES = sorted(set(units.__all__) - {"Unit"})
each_unit = each("name", NAMES)


def module(path):
    """A script of the documentation, which is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


pictures = module(ROOT / "docs" / "hooks" / "pictures.py")
navigation = module(ROOT / "docs" / "hooks" / "navigation.py")
frameworks = module(ROOT / "docs" / "hooks" / "frameworks.py")


def page(name: str) -> str:
    return (PAGES / f"{name.lower()}.md").read_text(encoding="utf-8")


def region(text: str, name: str) -> str:
    """The text between the two marks of a generated table."""
    (found,) = re.findall(f"<!-- {name} -->\n(.*?)<!-- end of {name} -->", text, re.DOTALL)
    return found


@each_unit
def test_a_page_has_words_a_picture_and_the_api(name):
    words, api = page(name).split(f"\n::: numerate.units.{name}\n")
    assert re.match(rf"---\n(\w+: .+\n)+---\n\n# {name}\n", words) and not api.strip()
    for part in (r"\*\*For\*\* ", r"\*\*It fails\*\* ", r"\*\*(Published r|R)ecipe:\*\* "):
        assert len(re.findall(f"^{part}", words, re.MULTILINE)) == 1, part
    ((described, drawn),) = re.findall(r"!\[(.+)\]\((.+)\)", words)
    assert drawn == f"pictures/{name.lower()}.svg" and len(described) > 20
    caption = words.split(f"]({drawn})")[1]
    assert len(caption.split()) > 10


def test_every_page_is_of_a_unit():
    stems = {path.stem for path in PAGES.glob("*.md")} - {"index", "choose"}
    assert stems == {name.lower() for name in NAMES}


def test_every_unit_is_in_the_navigation():
    sections = navigation.sections()
    assert list(sections) == ["Sums", "Products", "Sums or products", "Truth values", "Baselines"]
    pages = [entry for section in sections.values() for entry in section.items()]
    assert sorted(pages) == [(name, f"units/{name.lower()}.md") for name in NAMES]


def test_the_list_names_the_paper_of_the_docstring():
    rows = re.findall(r"^\| \[(\w+)\]\(.*\| (\w+).* (\d{4}) \|$", page("index"), re.MULTILINE)
    assert len(rows) > 20
    for name, author, year in rows:
        reference = getattr(units, name).__doc__.split("```bibtex")[1]
        assert author in reference and f"year={{{year}}}" in reference, name


def test_recipes_that_pages_name_are_there():
    calls = {name: re.findall(r"`recipes\.(\w+)\((.*?)\)`", page(name)) for name in NAMES}
    assert sum(map(len, calls.values())) > 15
    for name, found in calls.items():
        for recipe, argument in found:
            made = getattr(recipes, recipe)(*filter(None, [argument.strip('"')]))
            model = made.model(2, 1)(key=jax.random.key(0))
            layers = list(model.layers) if isinstance(model, Stack) else [model]
            assert {type(layer).__name__ for layer in layers} == {name}


def test_every_unit_has_a_picture():
    assert set(pictures.PICTURES) <= set(NAMES)
    assert all(map(pictures.panels, NAMES))


def test_a_unit_without_a_row_shows_what_it_represents(monkeypatch):
    monkeypatch.setattr(pictures, "PICTURES", {})
    assert [panel.keywords for panel in pictures.panels("NMRU")] == [
        {"operation": "*"},
        {"operation": "/"},
    ]


def test_a_picture_is_see_through_and_the_same_every_time():
    first = pictures.svg("NAU")
    pictures.svg.cache_clear()
    assert pictures.svg("NAU") == first
    root = ElementTree.fromstring(first)
    ground = root.find(".//*[@id='patch_1']/*")
    assert ground is not None and "fill: none" in ground.attrib["style"]


def test_every_unit_declares_what_it_represents():
    for name in NAMES:
        assert getattr(units, name).represents is not units.Unit.represents, name


def test_tables_of_units_are_those_of_the_units_and_their_pages():
    tables = module(ROOT / "docs" / "unit_tables.py")
    for path in map(PAGES.joinpath, tables.tables()):
        text = path.read_text(encoding="utf-8")
        assert text == tables.with_tables(path.name), "run `make units`"


def test_what_units_learn_is_what_was_measured():
    measured = module(ROOT / "docs" / "measured.py")
    assert region(page("choose"), "single-module table").strip() == measured.choose(), (
        "paste what `python docs/measured.py choose` prints"
    )


def test_every_page_shows_its_unit_in_each_framework():
    """The three lines run; tested for one unit."""
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        name = re.search(r"^::: numerate\.units\.(\w+)$", text, re.MULTILINE)
        shown = frameworks.with_frameworks(text)
        if name is None:
            assert shown == text
            continue
        (code,) = re.findall(
            r"```python\n(import jax\nfrom numerate import keras.*?)```", shown, re.DOTALL
        )
        # The NASU has no paper.
        added = shown[text.index(":::") : shown.index(":::")]
        assert ("](https://" in added) == (name[1] != "NASU")
        assert shown.index(code) < shown.index(f"::: numerate.units.{name[1]}")
        assert [line.split("(")[0] for line in code.splitlines()[3:]] == [
            f"unit = units.{name[1]}",
            f"module = torch.{name[1]}",
            f"layer = keras.{name[1]}",
        ]
        if name[1] == "NMU":
            made: dict = {}
            exec(code, made)
            link = "[Neural Arithmetic Units](https://arxiv.org/abs/2001.05016)"
            assert f"From: {link}.\n" in shown
            assert {type(made[n]).__name__ for n in ("unit", "module", "layer")} == {"NMU"}
