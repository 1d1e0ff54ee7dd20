"""Formulas as text, as numbers, and as files."""

import time

import numpy as np
import pytest
import sympy

from numerate.formula import (
    Parametric,
    Rows,
    complexity,
    evaluate,
    explained_error,
    formula_text,
    from_data,
    gradient,
    latex_source,
    python_source,
    simplify,
    snap,
    to_data,
)
from tests.each import each

FORMULAS = [
    "a",
    "2.5*a*b/c",
    "sqrt(a**2 + b**2)",
    "a**1.5 - 1/(b + 3)",
    "Abs(a - b)**0.3*sign(a - b)",
]
FORMULAS += ["pi*a**2", "-a/b**2", "a**(2/3)", "a - b*c", "9.81*a"]


def parse(text):
    symbols = {n: sympy.Symbol(n, real=True) for n in "abc"}
    return sympy.sympify(text, symbols, rational=False)


def plain(formula):
    return formula.xreplace({s: sympy.Symbol(s.name) for s in formula.free_symbols})


def columns(rows=50):
    rng = np.random.default_rng(0)
    return {n: rng.uniform(0.5, 3, rows) for n in "abc"}


@each("text", FORMULAS)
def test_evaluate_agrees_with_sympy(text):
    formula, values = parse(text), columns()
    expected = [
        float(formula.subs({s: values[s.name][i] for s in formula.free_symbols})) for i in range(50)
    ]
    np.testing.assert_allclose(evaluate(formula, values), expected, rtol=1e-13)


@each("text", FORMULAS)
def test_gradient_agrees_with_finite_differences(text):
    formula, values = parse(text), columns()
    exact = gradient(formula, values)
    for i, name in enumerate(values):
        step = 1e-6 * values[name]
        above = evaluate(formula, values | {name: values[name] + step})
        below = evaluate(formula, values | {name: values[name] - step})
        numerical = (above - below) / (2 * step)
        # A third of a power of |a - b| is steep where they are close: second order shows.
        np.testing.assert_allclose(exact[:, i], numerical, rtol=1e-5, atol=1e-8)


def test_written_decimals_explain_what_they_can_change_to_first_order():
    values = {"a": np.array([4.0, 0.0]), "b": np.array([-3.0, 2.0])}
    half = np.array([[0.05, 0.5, 0.01], [0.05, 0.5, 0.01]])
    np.testing.assert_allclose(explained_error(parse("3*a - b"), values, half), [0.66, 0.66])
    # A root is infinitely steep at zero: no first order says what its decimals explain.
    np.testing.assert_allclose(explained_error(parse("sqrt(a)"), values, half), [0.0225, np.nan])
    assert not explained_error(parse("sqrt(a)"), values, np.zeros((2, 3))).any()


@each("text", FORMULAS)
def test_files_give_back_the_same_formula(text):
    formula = plain(parse(text))
    assert from_data(to_data(formula)) == formula


NINE = ["rational", "9"]
LARGE = ["rational", "9" * 300]


@each(
    "data, reason",
    [
        (["**", NINE, ["**", NINE, NINE]], "an exponent is beyond 256"),
        (["**", ["rational", "3/2"], ["rational", str(10**8)]], "an exponent is beyond 256"),
        (["**", ["rational", "2"], ["rational", str(-(10**9))]], "an exponent is beyond 256"),
        (["**", ["symbol", "a"], ["float", "1e9"]], "an exponent is beyond 256"),
        (["**", ["*", LARGE, ["symbol", "a"]], NINE], "more than 1000 digits"),
        (["+", *[["*", NINE, ["symbol", "a"]]] * 20_000], "a formula written"),
        (["+", *[["*", NINE, ["symbol", "a"]]] * 500], "at most 1000 nodes"),
        (["rational", "9" * 400], "not finite"),
        (["rational", "9" * 5000], "not a formula"),
        (["rational", "1/1" + "0" * 350], "too small"),
        (["float", "inf"], "not finite"),
        (["float", "nan"], "not finite"),
        (["*", ["float", "1e200"], ["float", "1e200"]], "not finite"),
        (["**", ["rational", "-1"], ["rational", "1/2"]], "not finite and real"),
        (["**", ["rational", "0"], ["rational", "-1"]], "not finite and real"),
        (["**", ["rational", "0"], ["float", "0.0"]], "has no value"),
        (["**", ["rational", "-2"], ["+", NINE, ["rational", "-9"]]], "not finite and real"),
        (["symbol", "__import__('os').system('id')"], "is no feature"),
        (["Abs", ["symbol", "a"], ["symbol", "a"]], "not a formula"),
        (["+", ["symbol", "a"]], "not a formula"),
        ([["+"], ["symbol", "a"]], "not a formula"),
        (["rational", ["1"]], "not a formula"),
        ({"+": 1}, "not a formula"),
        (None, "not a formula"),
    ],
)
def test_formulas_of_strangers_are_refused_at_once(data, reason):
    before = time.process_time()
    with pytest.raises(ValueError, match=reason):
        from_data(data, {"a"})
    assert time.process_time() - before < 1


def test_a_deep_formula_is_refused_and_a_large_one_is_read():
    deep: list = ["symbol", "a"]
    for _ in range(40):
        deep = ["Abs", deep]
    assert from_data(deep, {"a"}).free_symbols == {sympy.Symbol("a")}
    with pytest.raises(ValueError, match="at most 40 levels"):
        from_data(["Abs", deep], {"a"})
    terms = [["*", ["float", f"{i}.5"], ["symbol", "a"]] for i in range(1, 200)]
    large = from_data(["+", *terms], {"a"})
    np.testing.assert_allclose(evaluate(large, {"a": np.array([2.0])}), [2 * (199 * 100 + 99.5)])


@each(
    "data",
    [
        ["exec", "print()"],
        ["symbol"],
        ["float", "x"],
        ["float", " 1 "],
        ["float", "1\n"],
        [],
        "a",
        ["+", ["rational", "1/0"]],
    ],
)
def test_files_of_anything_else_are_refused(data):
    with pytest.raises(ValueError, match="not a formula written by numerate|not finite"):
        from_data(data)


def test_roots_that_sympy_draws_without_end_are_refused():
    """It looks for a common divisor of the numbers, and puts the 1.0 that it finds beside them."""
    x, number = ["symbol", "a"], ["float", "1.5"]
    product = ["*", number, number, ["float", "2.5"], x]
    nested = ["*", number, ["*", ["+", number, number], ["*", ["float", "2.5"], x]]]
    for base, exponent in (
        (product, ["rational", "1/5"]),
        (nested, ["rational", "1/5"]),
        (product, ["*", ["rational", "1/5"], x]),
    ):
        with pytest.raises(ValueError, match="a root is of a product of more than 2 numbers"):
            from_data(["+", ["**", base, exponent], x])
        assert from_data(["**", base, ["rational", "2"]])
    assert from_data(["**", ["*", number, ["*", number, x]], ["rational", "1/5"]])


@each("text", FORMULAS)
def test_python_source_computes_the_formula(text):
    formula, values, scope = parse(text), columns(), {}
    exec(python_source(plain(formula), ["a", "b", "c"], "y"), scope)
    np.testing.assert_allclose(scope["y"](*values.values()), evaluate(formula, values), rtol=1e-13)


WIDE = ["rational", "23053573255497999294248"]  # more than integers of NumPy hold
TINY = ["float", "-3e-177"]


@each(
    "number",
    [
        WIDE,
        ["**", WIDE, ["rational", "1/2"]],
        ["**", ["rational", "-2"], ["rational", "65"]],
        ["+", WIDE, ["rational", "-23053573255497999294247"]],
        ["+", ["**", ["rational", "2"], ["rational", "70"]], ["*", ["rational", "-1"], WIDE]],
        ["sign", ["*", TINY, TINY]],
        ["**", ["float", "8e67"], ["rational", "-10"]],
        ["sign", ["rational", "7"]],
        ["**", ["sign", ["float", "1.5"]], ["rational", "-2"]],
        ["**", ["**", ["rational", "1"], ["rational", "12"]], ["rational", "-109/12"]],
        ["float", "0.1234567890123456"],
    ],
)
def test_every_export_of_numbers_that_nobody_writes(number):
    for head in ("+", "*"):
        formula, scope = from_data([head, ["symbol", "a"], number]), {}
        exec(python_source(formula, ["a"], "y"), scope)
        a = np.array([1.0, 2.0])
        np.testing.assert_array_equal(scope["y"](a), evaluate(formula, {"a": a}))
        assert latex_source(formula, "y") and formula_text(formula)


def test_python_source_renames_what_python_cannot_say():
    formula = sympy.Symbol("semi-major axis") * sympy.Symbol("class")
    source = python_source(formula, ["semi-major axis", "class"], "2T")
    scope: dict = {}
    exec(source, scope)
    assert scope["_2T"](3.0, 2.0) == 6.0


@each(
    "text, length",
    [("a", 1), ("a - b", 3), ("a*b/c", 5), ("sqrt(a)", 2), ("a**2", 3), ("1/a", 3), ("2*a/3", 5)],
)
def test_complexity_counts_what_a_person_writes(text, length):
    assert complexity(parse(text)) == length


@each("text", FORMULAS)
def test_jacobian_agrees_with_finite_differences(text):
    """Every Float's slope; a formula without one gets a factor that is."""
    formula = parse(text) * sympy.Float(1.25)
    values = columns()
    rows = Rows.of(values, np.zeros(50))
    symbols = {sympy.Symbol(n, real=True): s for n, s in zip("abc", rows.symbols, strict=True)}
    view = Parametric(formula.xreplace(symbols), rows.symbols)
    step = 1e-6
    for i, slope in enumerate(view.jacobian(view.values, rows).T):
        moved = [view.values + d * (np.arange(len(view.values)) == i) for d in (step, -step)]
        above, below = (view.residual(m, rows) for m in moved)
        np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=1e-6, atol=1e-8)


def test_snap_refuses_to_round_what_the_rows_can_tell():
    x = np.linspace(1, 2, 50)
    rows = Rows.of({"x": x}, 0.3333 * x)
    assert snap(0.33 * rows.symbols[0], rows) == sympy.Rational(3333, 10000) * rows.symbols[0]


def test_snap_leaves_what_overflows():
    rows = Rows.of({"x": np.linspace(1, 2, 9)}, np.ones(9))
    wild = rows.symbols[0] ** sympy.Float(1e6)
    assert snap(wild, rows) == wild


def test_simplify_keeps_a_rewriting_only_where_the_rows_agree():
    x = np.linspace(-2, 2, 9)
    rows = Rows.of({"x": x}, np.abs(x))
    assert simplify(sympy.sqrt(rows.symbols[0] ** 2), rows) == sympy.Abs(rows.symbols[0])


def test_text_writes_decimals_as_decimals():
    assert formula_text(sympy.sympify("a*981/100 + b*3/2")) == "9.81*a + 3*b/2"
