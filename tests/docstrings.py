"""Checks that the docstrings of all units and cells have all parts, in the same order.

    python -m tests.docstrings

prints what is missing; `make lint` runs it.
"""

import doctest
import inspect
import re
import sys
from collections.abc import Iterator

import equinox as eqx

import numerate.cells
import numerate.units
from numerate.units import Unit

# What each docstring has after its first line, each part once and in this order.
PARTS = (
    "**Arguments:**",
    "**Shapes:**",
    "**Represents exactly**",
    "**Cannot**",
    "**Penalty:**",
    "**Constraint:**",
    "**Raises:**",
    "**Differs from the authors' code in**",
    "!!! example",
    "```bibtex",
)

# Symbols that are not defined by an equation of their own, and a word that defines them.
SYMBOLS = {"σ": "logistic", "⊙": "elementwise"}


def classes_of(module) -> dict[str, type]:
    """The units and cells of a module, without the abstract class of all units."""
    names = getattr(module, "__all__", vars(module))
    found = {name: getattr(module, name) for name in names}
    return {
        name: value
        for name, value in found.items()
        if inspect.isclass(value)
        and issubclass(value, eqx.Module)
        and value.__module__.startswith(module.__name__)
        and value is not Unit
    }


DOCUMENTED = classes_of(numerate.units) | classes_of(numerate.cells)


def doc_of(kind: type) -> str:
    return inspect.cleandoc(kind.__dict__["__doc__"])


def part(kind: type, name: str) -> str:
    """The text from a part's name up to the next part's."""
    return doc_of(kind).split(name, 1)[1].split(PARTS[PARTS.index(name) + 1])[0]


def all_parts_are_there_in_order(kind):
    doc = doc_of(kind)
    assert {name: doc.count(name) for name in PARTS} == dict.fromkeys(PARTS, 1)
    assert sorted(PARTS, key=doc.index) == list(PARTS)
    assert "" not in [part(kind, name).strip(" :.\n") for name in PARTS[:-1]]


def the_first_line_is_a_sentence_of_its_own(kind):
    first, second, *_ = doc_of(kind).splitlines()
    assert first.endswith(".") and second == ""


def the_equation_stands_first_and_its_symbols_are_defined(kind):
    text = doc_of(kind).split("\n", 1)[1].split("**Shapes:**")[0]
    assert re.search(r"\w\S* = \S", text.split("**Arguments:**")[0]), "there is no equation"
    for symbol, meaning in SYMBOLS.items():
        assert symbol not in text or meaning in text, f"what is {symbol}?"


def every_argument_of_the_constructor_is_described(kind):
    """In its own list, or in that of a unit that it refers to."""
    described = part(kind, "**Arguments:**")
    for other in re.findall(r"as for `(\w+)`", described):
        described += part(getattr(numerate.units, other), "**Arguments:**")
    arguments = set(inspect.signature(kind).parameters)
    assert arguments - set(re.findall(r"`(\w+)`", described)) == set()


def the_penalty_is_documented_if_there_is_one(kind):
    none = part(kind, "**Penalty:**").strip(" .\n").startswith("none")
    if issubclass(kind, Unit):
        assert none == (kind.penalty is Unit.penalty)


def the_constraint_is_documented_if_there_is_one(kind):
    none = part(kind, "**Constraint:**").strip(" .\n").startswith("none")
    if issubclass(kind, Unit):
        assert none == (kind.bounds is Unit.bounds and kind.constrained is Unit.constrained)


def the_example_runs_and_uses_the_class(kind):
    examples = doctest.DocTestParser().get_examples(part(kind, "!!! example"))
    assert any(kind.__name__ in example.source for example in examples)
    assert any(example.want for example in examples)


def entries(kind: type) -> dict[str, dict[str, str]]:
    """The BibTeX of a docstring, by key: a strict parser."""
    (block,) = re.findall(r"^```bibtex\n(.*?)^```$", doc_of(kind), re.DOTALL | re.MULTILINE)
    found = {}
    while block.strip():
        head = re.match(r"\s*@\w+\{([\w:-]+),", block)
        assert head, f"an entry must start with @kind{{key,: {block}"
        body, block = braced(block[block.index("{") :])
        found[head[1]] = fields(body.removeprefix(head[1]).strip().removeprefix(","))
    return found


def braced(text: str) -> tuple[str, str]:
    """The inside of the braces that a text starts with, and what comes after them."""
    depth = 0
    for index, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            return text[1:index], text[index + 1 :]
    raise AssertionError(f"braces are not balanced: {text}")


def fields(body: str) -> dict[str, str]:
    found = {}
    while body.strip():
        head = re.match(r"\s*(\w+)\s*=\s*(?=\{)", body)
        assert head, f"a field must be name={{value}}: {body}"
        found[head[1]], body = braced(body[head.end() :])
        assert re.match(r"\s*(,|$)", body), f"a comma must stand between fields: {body}"
        body = body.strip().removeprefix(",")
    return found


def bibtex_parses_and_says_who_what_and_when(kind):
    assert entries(kind)
    for key, entry in entries(kind).items():
        for name in ("title", "author", "year"):
            assert entry.get(name, "").strip(), f"{key} has no {name}"
        assert re.fullmatch(r"(19|20)\d\d", entry["year"])


def one_paper_has_one_key_and_one_text():
    """`citation` drops duplicates by key, so the same key must be the same entry."""
    by_key, by_title = {}, {}
    for kind in DOCUMENTED.values():
        for key, entry in entries(kind).items():
            assert by_key.setdefault(key, entry) == entry, key
            title = " ".join(entry["title"].lower().split())
            assert by_title.setdefault(title, key) == key, f"{title} has two keys"


def mistakes() -> Iterator[str]:
    """The mistakes in the docstrings: the class, the rule and the details."""
    for name, kind in DOCUMENTED.items():
        for rule in RULES:
            try:
                rule(kind)
            except (AssertionError, IndexError, ValueError) as error:
                yield f"{name}: {rule.__name__.replace('_', ' ')}: {error}"
    try:
        one_paper_has_one_key_and_one_text()
    except AssertionError as error:
        yield str(error)


RULES = (
    all_parts_are_there_in_order,
    the_first_line_is_a_sentence_of_its_own,
    the_equation_stands_first_and_its_symbols_are_defined,
    every_argument_of_the_constructor_is_described,
    the_penalty_is_documented_if_there_is_one,
    the_constraint_is_documented_if_there_is_one,
    the_example_runs_and_uses_the_class,
    bibtex_parses_and_says_who_what_and_when,
)

if __name__ == "__main__":
    found = list(mistakes())
    print("\n".join(found))
    sys.exit(bool(found))
