"""Names are data: whatever stands in a header, each export can be read and runs nothing."""

import ast
import contextlib
import csv
import io
import json
import re
import time
import unicodedata

import numpy as np
import pytest
import sympy
from hypothesis import given
from matplotlib.mathtext import MathTextParser
from sympy.printing.latex import (
    greek_letters_set,
    modifier_dict,
    other_symbols,
    tex_greek_dictionary,
)

from numerate._names import identifiers, is_control, quoted, visible
from numerate.cli._console import output, print_json, say
from numerate.cli._predict import _header
from numerate.cli._report import print_report
from numerate.formula import formula_text, python_source
from numerate.plot import save_plot
from numerate.regress import FormulaModel, search_table
from numerate.regress._settings import Settings
from numerate.tables import Table
from tests.strategies import examples, headers


def model_of(one, two, target):
    formula = sympy.Symbol(one) ** 1.5 / sympy.Symbol(two) + 2
    equation = {"formula": formula_text(formula), "complexity": 6, "relative_rmse": 0.0}
    equation |= {"holdout_relative_rmse": 0.0, "status": "exact"}
    return FormulaModel(
        [formula], [equation], [one, two], target, True, np.array([[1.0, 1], [2, 2]]),
        Settings(), 0, 0.0, False,
    )  # fmt: skip


def obeyed(text):
    """The characters of a text that a terminal would not show."""
    return [c for c in text if c != "\n" and is_control(c)]


def python_computes_the_formula_and_has_no_other_code(model, names):
    one, two, target = names
    a, b = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    source = model.python()
    tree = ast.parse(source)
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == ["Import", "FunctionDef"], source
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used == {argument.arg for argument in tree.body[1].args.args}, source
    assert not any(isinstance(node, ast.Call) for node in ast.walk(tree))
    scope: dict = {}
    exec(source, scope)
    (function,) = scope.keys() - {"numpy", "__builtins__"}
    np.testing.assert_allclose(scope[function](a, b), a**1.5 / b + 2, rtol=1e-12)
    # The comments say which column is which, in a form that can be read back.
    told = dict(re.findall(r"^# (\S+) is the column (.*)\.$", source, re.MULTILINE))
    arguments = [function, *(argument.arg for argument in tree.body[1].args.args)]
    for word, name in zip(arguments, (target, one, two), strict=True):
        assert json.loads(told.get(word, json.dumps(word))) == name
    assert not obeyed(source)


# Ours, and SymPy's for plain names such as alpha, PI and xhat.
COMMANDS = {"frac", "mathrm", "backslash", "wedge", "sim"}
COMMANDS |= {name for letter in greek_letters_set for name in (letter, letter.capitalize())}
COMMANDS |= set(other_symbols) | set(
    re.findall(
        r"\\([A-Za-z]+)",
        " ".join([f("x") for f in modifier_dict.values()])
        + " ".join(tex_greek_dictionary.values()),
    )
)


def latex_has_no_command_of_a_name(model, names):
    source = model.latex()
    assert set(re.findall(r"\\([A-Za-z]+)", source)) <= COMMANDS, source
    assert not obeyed(source)
    plain = re.sub(r"\\[^A-Za-z]", "", source)
    depth = 0
    for letter in plain:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0, source
    assert depth == 0 and not set("$#&%~") & set(plain), source


def text_quotes_what_is_no_identifier(model, names):
    text = formula_text(model.formula)
    assert not obeyed(text)
    outside = re.sub(r"`(?:[^`]|``)*`", "q", text)
    others = {c for c in unicodedata.normalize("NFKC", outside) if not f"_{c}".isidentifier()}
    assert others <= set(".*/+() "), text
    with pytest.raises(SyntaxError):
        if "`" in text:
            compile(text, "", "eval")
        else:
            raise SyntaxError("all names are identifiers")


def json_is_what_was_named_and_has_no_control_characters(model, names):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        print_json(model.report())
    (line,) = printed.getvalue().splitlines()
    assert not obeyed(line)
    report = json.loads(line)
    assert [*report["features"], report["target"]] == names


def no_cell_of_a_spreadsheet_begins_a_formula(model, names):
    line = _header(names)
    (cells,) = csv.reader(io.StringIO(line))
    assert len(set(cells)) == 3
    # Invisible characters are left out by some programs, and semicolons split cells in others.
    begins = {text: re.split("[;\t\n]", text) for text in (*cells, *names)}
    for text, parts in begins.items():
        firsts = [next((c for c in p if c.isprintable() and c not in ' "'), "") for p in parts]
        begins[text] = {unicodedata.normalize("NFKC", first)[:1] for first in firsts} & set("=+-@")
    assert not any(begins[cell] for cell in cells)
    assert not obeyed(line.replace("\t", ""))
    assert {name for name in names if not (begins[name] or obeyed(name))} <= set(cells)


EXPORTS = (
    python_computes_the_formula_and_has_no_other_code,
    latex_has_no_command_of_a_name,
    text_quotes_what_is_no_identifier,
    json_is_what_was_named_and_has_no_control_characters,
    no_cell_of_a_spreadsheet_begins_a_formula,
)


def check_exports(names):
    model = model_of(*names)
    for holds in EXPORTS:
        holds(model, names)


@given(names=headers())
@examples(200)
def test_every_export_of_any_names(names):
    check_exports(names)


@pytest.mark.slow
@given(names=headers())
@examples(2000)
def test_every_export_of_many_names(names):
    check_exports(names)


@given(names=headers())
@examples(8)
def test_latex_is_read_by_matplotlib(names):
    # Its subset of LaTeX has few other letters, and not all of the escapes.
    source = model_of(*names).latex().encode("ascii", "replace").decode()
    subset = re.sub(r"\\[^A-Za-z]", "+", source)
    MathTextParser("path").parse(f"${subset}$")


@given(names=headers())
@examples(30)
def test_terminals_show_names_and_obey_none(names, capsys):
    print_report(output(), model_of(*names))
    say(f"a column is called {names[0]}", "warning")
    captured = capsys.readouterr()
    assert not obeyed(captured.out + captured.err)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TTY_INTERACTIVE", "1")
        patch.setenv("FORCE_COLOR", "1")
        print_report(output(), model_of(*names))
    shown = capsys.readouterr().out
    assert "\x1b" in shown  # the program's own colours
    assert not obeyed(re.sub(r"\x1b\[[0-9;]*m", "", shown))


def assert_figure_is_drawn(path, names):
    x = np.linspace(1, 2, 12).reshape(6, 2)
    y = x[:, 0] ** 1.5 / x[:, 1] + 2
    table = Table(tuple(names), np.column_stack([x, y]), np.zeros((6, 3)), "t")
    save_plot(model_of(*names), table, path)
    text = path.read_text()
    assert text.startswith("<?xml") and not obeyed(text)


@given(names=headers())
@examples(1)
def test_figures_of_any_names(names, tmp_path):
    assert_figure_is_drawn(tmp_path / "fit.svg", names)


@pytest.mark.slow
@given(names=headers())
@examples(100)
def test_many_figures_of_any_names(names, tmp_path):
    assert_figure_is_drawn(tmp_path / "fit.svg", names)


def test_a_table_with_such_names_is_fitted():
    names = ("__import__('os').system('id')", "=1+1\x1b[31m", "class")
    x = np.random.default_rng(0).uniform(1, 2, (50, 2))
    table = Table(names, np.column_stack([x, x[:, 0] * x[:, 1]]), np.zeros((50, 3)), "t")
    model = search_table(table)
    assert model.status == "exact"
    assert model.report()["formula"] in (
        r"`=1+1\x1b[31m`*`__import__('os').system('id')`",
        r"`__import__('os').system('id')`*`=1+1\x1b[31m`",
    )


def test_names_that_a_formula_does_not_know_are_no_code():
    formula = sympy.Symbol("__import__('os').system('id')")
    with pytest.raises(ValueError, match="is no feature"):
        python_source(formula, ["a"], "y")


def test_identifiers_are_distinct_for_the_parser():
    names = ["ﬁ", "fi", "x²", "x2", "µ", "μ", "a b", "a_b", "a-b"]
    words = identifiers(names)
    parsed = {a.arg for a in ast.parse(f"def f({', '.join(words)}): 0").body[0].args.args}
    assert len(parsed) == len(names)


def test_no_program_finds_a_formula_within_a_header():
    assert _header(["\ufeff=1+1", "x;=cmd|' /C calc'!A0;z", "a-b;c", "y"]) == (
        "'\ufeff=1+1,x;'=cmd|' /C calc'!A0;z,a-b;c,y\n"
    )
    # A filler has no shape, and a mark is part of the character before it.
    assert _header(["\u3164=1", "a\t\u034f+1", "e\u0301=1"]) == "'\u3164=1,a\t'\u034f+1,e\u0301=1\n"


def test_many_names_that_become_one_are_distinct_at_once():
    begun, count = time.process_time(), 4000
    words = identifiers(["".join("!?"[int(bit)] for bit in f"{i:012b}") for i in range(count)])
    cells = _header(
        ["".join(("\x1b", "\\x1b")[int(bit)] for bit in f"{i:012b}") for i in range(count)]
    ).split(",")
    assert len(set(words)) == len(set(cells)) == count
    assert time.process_time() - begun < 1 and max(map(len, words + cells)) < 60


def test_what_is_harmless_stays_as_it_is():
    for text in ("semi-major axis", "Größe", "漢字", "a\u00a0b", "👩\u200d🔬"):
        assert visible(text) == text
    assert quoted("Größe") == "Größe"
