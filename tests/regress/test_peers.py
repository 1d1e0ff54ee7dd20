"""The benchmarks that ask other tools: their protocol, the judgement, and resumed runs."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from .lawless import LAWS, simulate

import comparison  # noqa: E402  # isort: skip
from peers import HERE, Peer, parsed  # noqa: E402  # isort: skip
from report import Report, answered  # noqa: E402  # isort: skip

STUB = f"""
import os, sys
sys.path.insert(0, {str(HERE)!r})
from serve import serve

def answer(table):
    print("a library that prints")
    os.system("echo and one in C")
    x, y = table.x, table.y
    kind = int(table.seed)
    if kind == 1:
        raise ValueError("no formula for this table")
    if kind == 2:
        os._exit(1)
    if kind == 3:
        return "x0 +"
    if kind == 4:
        return "+".join(["x0*1.25"] * 1000)
    # The table's shape and units come through, and the limit is that of the caller.
    assert x.shape == (20, 2) and y.shape == (20,) and table.names == ["x0", "x1"]
    assert table.seconds == 0.5 <= table.clock_seconds
    if kind == 5:
        sys.stdin.readline()
    return f"add(mul({{float(y[0] / x[0, 0] / x[0, 1])!r}}, x0), 0.0) * x1 ^ 1"

serve(answer)
"""


@pytest.fixture
def peer(tmp_path):
    script = tmp_path / "stub.py"
    script.write_text(STUB)
    made = Peer([sys.executable, str(script)])
    yield made
    made.close()


def test_a_peer_answers_a_table_and_survives_its_own_crash(peer, monkeypatch):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, 20), rng.uniform(1, 2, 20) * 1e9
    columns = {"a": a, "lambda": b, "target": 3e-12 * a * b}
    for seed, status in ((1, "ValueError: no formula for this table"), (2, "no answer")):
        found = peer(columns, seed, 0.5)
        assert found["formula"] == "" and found["status"] == status
    assert "not readable" in peer(columns, 3, 0.5)["status"]
    assert "characters" in peer(columns, 4, 0.5)["status"]
    monkeypatch.setattr("peers.SLOWEST_SHARE", 100.0)  # so that 62.5 s are 0.6
    assert peer(columns, 5, 0.5)["status"] == "no answer"
    monkeypatch.undo()
    found = peer(columns, 0, 0.5)
    assert found["status"] == "answered" and found["cpu"] >= 0 and found["seconds"] > 0
    # In the columns' own units and names, although the tool had others.
    formula = sympy.sympify(found["formula"])
    assert {s.name for s in formula.free_symbols} == {"a", "lambda"}
    value = sympy.lambdify(sympy.symbols("a lambda"), formula)(a, b)
    np.testing.assert_allclose(value, columns["target"], rtol=1e-12)
    assert "e-12" not in found["text"]


def test_numerate_is_asked_without_other_units_or_another_clock(tmp_path):
    (tmp_path / "stub.py").write_text(STUB)
    own = Peer([sys.executable, str(tmp_path / "stub.py")], own=True)
    rng = np.random.default_rng(0)
    columns = {"a": rng.uniform(1, 2, 20), "b": rng.uniform(1, 2, 20) * 1e9}
    found = own(columns | {"target": 3e-12 * columns["a"] * columns["b"]}, 0, 0.5)
    own.close()
    assert "e-12" in found["text"]


def test_formulas_are_read_as_the_tools_write_them():
    x, y = sympy.symbols("x y", positive=True)
    for text, expected in (
        ("(1.5 + ((2 * x0) / (x1 ^ 2)))", 1.5 + 2 * x / y**2),
        ("div(protected_sqrt(sub(x0, 3.0)), x1)", sympy.sqrt(sympy.Abs(x - 3.0)) / y),
        ("square(ln(x0)) - sqrt(x1)", sympy.log(x) ** 2 - sympy.sqrt(y)),
        ("x10 * x1", 7 * y),  # x10 is not x1 with a 0
    ):
        found = parsed(text, {"x0": x, "x1": y, "x10": sympy.Integer(7)})
        assert sympy.simplify(found - expected) == 0, text


def test_the_rule_forgives_constants_and_no_other_form():
    (law,) = [law for law in LAWS if law.name == "hypotenuse"]
    exact = simulate(law, "additive 1 %", 40, 0)
    names = {n: sympy.Symbol(n) for n in law.columns}

    def rule(formula, noise_free):
        parsed = sympy.parse_expr(formula, local_dict=names)
        return tuple(comparison.verdict(parsed, law, exact, noise_free).values())

    first, second = law.columns
    for formula, expected in (
        (f"sqrt({first}**2 + {second}**2)", (True, True)),
        (f"1e-9 + 1.0000002*sqrt({first}**2 + 0.9999998*{second}**2)", (True, False)),
        (f"sqrt({first}**2 + 1.02*{second}**2)", (True, False)),  # free constants
        (f"0.9*{first} + 0.4*{second}", (False, False)),
        (f"{first} + zoo*{second}", (False, False)),
    ):
        assert rule(formula, True) == expected, formula
    # With noise nothing is judged by its values; a law of no constants may have none.
    assert rule(f"1.01*sqrt({first}**2 + {second}**2)", False) == (True, False)
    assert rule(f"sqrt({first}**2 + {second}**2)", False) == (True, True)


def test_a_run_in_pieces_is_the_same_as_one_run(tmp_path):
    records, asked = tmp_path / "records.jsonl", []

    def task(index):
        def answer():
            asked.append(index)
            return {"right": index % 2 == 0, "seconds": float(index)}

        return {"law": f"law {index}", "seed": 0}, answer

    tasks = [task(i) for i in range(4)]
    assert answered(tasks[:3], records, seconds=0) == []
    first = answered(tasks[:2], records)
    with records.open("a") as file:
        file.write('{"law": "law 2", "see')  # killed here
    rows = answered(tasks, records)
    assert asked == [0, 1, 2, 3] and rows[:2] == first
    assert rows == [about | answer() for about, answer in tasks]
    assert [json.loads(line) for line in records.read_text().splitlines()] == rows


def test_the_summary_has_only_tables_that_all_tools_answered():
    law = SimpleNamespace(name="a law")
    questions = [
        (comparison.EXACT, law, "monomial", None),
        (comparison.EXACT, law, "radical", None),
    ]
    found = {"formula": "", "seconds": 1.0, "cpu": 2.0, "status": "no answer"}
    chosen = {name: ("1.0", lambda *_: dict(found)) for name in ("ours", "theirs")}
    rows = [about | answer() for about, answer in comparison.tasks(questions, chosen, [10.0])]
    report = Report("", seeds="0")
    comparison.summarise(report, rows[:3])
    assert [row["method"] for row in report.rows] == ["ours", "theirs"]
    for row in report.rows:
        assert row["tables"] == 1 and row["worst s"] == 2.0 and row["right %"] == 0
        assert row["monomial"] == "0 of 1" and row["radical"] == "0 of 0"
