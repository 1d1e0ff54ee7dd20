"""The script that checks docstrings, `tests/docstrings.py`, finds mistakes."""

import re

import pytest

from numerate.units import NAC
from tests import docstrings
from tests.each import each


def test_all_units_and_cells_are_checked():
    assert {"NAC", "NAU", "sNMU", "Recurrent"} <= set(docstrings.DOCUMENTED)
    assert list(docstrings.mistakes()) == []


@each(
    "old, new, rule",
    [
        ("**Shapes:**", "**Sizes:**", "all parts are there in order"),
        (".\n\n", "\n\n", "the first line is a sentence of its own"),
        (" = ", " is ", "the equation stands first"),
        ("logistic", "some", "what is σ"),
        ("`out_features`", "the outputs", "every argument of the constructor is described"),
        ("**Penalty:** none", "**Penalty:** some", "the penalty is documented"),
        ("**Constraint:** none", "**Constraint:** some", "the constraint is documented"),
        (">>> ", "... ", "the example runs and uses the class"),
        ("year={", "date={", "bibtex parses and says who what and when: .* has no year"),
        ("title={Neural", "title={Real", "trask2018nalu"),
    ],
)
def test_a_mistake_is_found(old, new, rule, monkeypatch):
    assert NAC.__doc__ and old in NAC.__doc__
    with monkeypatch.context() as patched:
        patched.setattr(NAC, "__doc__", NAC.__doc__.replace(old, new))
        assert re.search(rule, "\n".join(docstrings.mistakes()))


@each(
    "text, why",
    [
        ("@book{a, title={A}", "balanced"),
        ("title={A}", "start with"),
        ("@book{a, title={A} year={2000}}", "comma"),
        ("@book{a, title=A}", "must be name"),
    ],
)
def test_the_parser_finds_mistakes(text, why):
    with pytest.raises(AssertionError, match=why):
        docstrings.entries(type("Wrong", (), {"__doc__": f"One.\n\n```bibtex\n{text}\n```\n"}))
