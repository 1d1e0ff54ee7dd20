"""Formulas recovered from tables that a reader can check, and their status."""

import numpy as np
import polars as pl
import pytest
import sympy

import numerate
from numerate import ArithmeticRegressor
from numerate.formula import Rows
from numerate.regress._closed import most_related
from tests.each import each

A, B, C, D = sympy.symbols("a b c d")
TARGETS = {
    "sum": A + B,
    "difference": A - B,
    "product": A * B,
    "quotient": A / B,
    "square": A**2,
    "product over c": A * B / C,
    "sum times c": (A + B) * C,
    "two products": A * B + C * D,
    "quotient plus c": A / B + C,
    "sum of squares": A**2 + B**2,
    "hypotenuse": sympy.sqrt(A**2 + B**2),
}


def table(formula, low, rows=200, seed=0):
    """Columns a..d drawn uniformly, 0.1 away from zero, and the formula's value."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1 if low < 0 else low, 2, (rows, 4))
    x *= rng.choice([-1.0, 1.0], x.shape) if low < 0 else 1.0
    names = [s.name for s in sorted(formula.free_symbols, key=str)]
    columns = dict(zip("abcd", x.T, strict=True))
    y = sympy.lambdify(names, formula, "numpy")(*(columns[n] for n in names))
    return pl.DataFrame({n: columns[n] for n in names}), y


# What training takes grows with rows and starts, so that tables with noise, on which nothing
# ends the search, have few of both.
FEW = {"max_depth": 2, "n_starts": 8}


@each("low", [1, -2])
def test_recovers_the_formula_exactly(low):
    for formula in TARGETS.values():
        model = ArithmeticRegressor().fit(*table(formula, low))
        assert sympy.simplify(model.formula_ - formula) == 0, (formula, model.formula_)
        assert model.status_ == "exact", formula


@pytest.mark.slow
def test_trained_stacks_alone_recover_it_too():
    for name in ("sum times c", "two products", "quotient plus c"):
        model = ArithmeticRegressor(closed_forms=False, max_depth=2)
        model.fit(*table(TARGETS[name], 1, rows=80))
        assert sympy.simplify(model.formula_ - TARGETS[name]) == 0, (name, model.formula_)


def test_constants_are_recognised():
    for formula in (
        2 * sympy.pi * sympy.sqrt(A / B),
        sympy.Rational(981, 100) * A**2 / 2,
        (3 * A + 1) / (B + 2),  # by training
    ):
        model = ArithmeticRegressor(max_depth=2).fit(*table(formula, 1, rows=80))
        positive = {s: sympy.Symbol(s.name, positive=True) for s in formula.free_symbols}
        difference = (model.formula_ - formula).subs(positive)
        assert sympy.simplify(difference) == 0, (formula, model.formula_)


def test_magnitude_of_the_target_does_not_matter():
    x, y = table(A * B, 1)
    for size in (1e-100, 1e-9, 1e100):
        model = ArithmeticRegressor(max_depth=2).fit(x, y * size)
        assert model.status_ == "exact", size
        predicted = model.predict(pl.DataFrame({"a": [30.0], "b": [7.0]}))
        np.testing.assert_allclose(predicted, 210 * size)


def test_magnitude_of_a_feature_does_not_matter():
    x, y = table(A / B, 1)
    for size in (1e-19, 1e20):
        model = ArithmeticRegressor(max_depth=2).fit(x.with_columns(pl.col("a") * size), y)
        assert model.status_ == "exact", size
        new = pl.DataFrame({"a": [30.0 * size], "b": [7.0]})
        np.testing.assert_allclose(model.predict(new), 30 / 7, err_msg=str(size))


def test_noise_leaves_the_law_and_is_not_called_exact():
    x, y = table(A * B, 1, rows=80)
    noisy = y * (1 + 0.01 * np.random.default_rng(1).normal(size=len(y)))
    model = ArithmeticRegressor(**FEW).fit(x, noisy)
    assert model.formula_ == A * B
    assert model.status_ == "within_noise"


def test_rounded_decimals_are_explained_by_their_precision():
    x, y = table(A / B, 1)
    model = numerate.fit(x.with_columns(y=pl.Series(np.round(y, 2))))
    assert model.formula_ == A / B
    assert model.status_ == "within_precision"


def test_single_precision_is_explained_by_its_last_place():
    x, y = table(A * B, 1)
    model = ArithmeticRegressor().fit(x.to_numpy().astype(np.float32), y.astype(np.float32))
    assert str(model.formula_) == "x0*x1"
    assert model.status_ == "within_precision"


def test_two_features_are_found_among_fifty():
    x = np.random.default_rng(0).normal(size=(300, 50))
    model = ArithmeticRegressor().fit(x, x[:, 3] * x[:, 17])
    assert str(model.formula_) == "x17*x3"
    assert model.status_ == "exact"


def test_tied_values_have_one_rank():
    x = np.random.default_rng(0).integers(0, 3, (60, 12)).astype(float)
    y = x[:, 2] * x[:, 9]
    rows = Rows.of({f"x{i}": column for i, column in enumerate(x.T)}, y)
    kept = most_related(rows, 8)
    assert {2, 9} < set(kept)
    # The order of the rows says nothing, so it must not decide which features are kept.
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(60)
        assert most_related(rows.take(order), 8) == kept


@pytest.mark.parametrize("rows", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_many_rows(rows):
    x = np.random.default_rng(0).uniform(1, 2, (rows, 3))
    model = ArithmeticRegressor().fit(x, x[:, 0] * x[:, 1] / x[:, 2])
    assert str(model.formula_) == "x0*x1/x2"
    assert model.status_ == "exact"


def test_the_ends_of_float64():
    x, y = table(A * B / C, 1)
    for size in (1e300, 1e-300):
        assert ArithmeticRegressor(max_depth=1).fit(x, y * size).status_ == "exact", size


def test_irrelevant_constant_and_repeated_columns_are_left_out():
    x, y = table(A * B, 1)
    rng = np.random.default_rng(5)
    x = x.with_columns(copy=pl.col("a"), one=pl.lit(1.0), noise=pl.Series(rng.normal(size=len(y))))
    model = ArithmeticRegressor().fit(x, y)
    assert model.formula_ == A * B
    assert model.feature_names_ == ["a", "b", "copy", "one", "noise"]


@pytest.mark.slow
def test_embedded_data_show_their_law():
    for data, exponent, status in (
        ("kepler", sympy.Rational(3, 2), "within_precision"),
        ("galilean", sympy.Rational(3, 2), "approximate"),  # four rows prove nothing
        ("boyle", sympy.Integer(-1), "approximate"),  # his residuals have a trend
    ):
        # As `numerate.fit`, but of few starts; to full depth where the data are approximate.
        table = numerate.tables.read_table(data)
        x = pl.DataFrame(dict(zip(table.names[:-1], table.values.T, strict=False)))
        model = ArithmeticRegressor(n_starts=8, budget=1)
        model.fit(x, table.values[:, -1], resolution=table.resolution)
        (symbol,) = model.formula_.free_symbols
        assert sympy.simplify(model.formula_ / symbol**exponent).is_number, (data, model.formula_)
        assert model.status_ == status, data
        assert model.equations_["formula"][0] == model.report()["formula"], data


@pytest.mark.slow
def test_same_seed_same_answer():
    x, y = table(A * B + C, 1, rows=40)
    noisy = y + 0.1 * np.random.default_rng(2).normal(size=len(y))
    one, two = (ArithmeticRegressor(**FEW, random_state=7).fit(x, noisy) for _ in range(2))
    assert one.equations_.equals(two.equations_)


def test_equations_are_short_formulas_and_the_pareto_front():
    x, y = table(sympy.sqrt(A), 1, rows=80)
    model = ArithmeticRegressor(**FEW, budget=3).fit(x, y + np.sin(5 * x["a"].to_numpy()))
    front = model.equations_[1:]
    assert len(front) > 2
    assert front["complexity"].is_sorted()
    found = front.filter(pl.col("complexity") > 9)  # beside a line and power laws
    assert found["holdout_relative_rmse"].is_sorted(descending=True)
    assert model.equations_["formula"].n_unique() == len(model.equations_)


@pytest.mark.parametrize(
    "law", ["curve", *(pytest.param(law, marks=pytest.mark.slow) for law in ("line", "power"))]
)
def test_simple_forms_stand_beside_the_chosen_one(law):
    rng, x = np.random.default_rng(0), sympy.Symbol("x0")
    inputs = rng.uniform(0.1, 3, 60)
    noise = 1 + 0.01 * rng.normal(size=60)
    p, q, r = sympy.symbols("p q r", cls=sympy.Wild, exclude=[x])
    line, power, curve = p + q * x, p * x**q, p * x / (x + r)
    own, target = {
        "curve": (curve, 4.2 * inputs / (inputs + 0.9)),
        "line": (line, 3 + 1.7 * inputs),
        "power": (power, inputs**1.3),
    }[law]
    model = ArithmeticRegressor(**FEW).fit(inputs[:, None], target * noise)
    first, *others = model.formulas_
    assert first.match(own), first
    # A curve whose constants the rows of a line do not determine says nothing.
    wanted = [line, power] if law == "line" else [line, power, curve]
    for form in wanted:
        assert any(f.match(form) for f in model.formulas_), (form, others)


def test_save_and_load(tmp_path):
    x, y = table(sympy.sqrt(A**2 + B**2), 1)
    model = ArithmeticRegressor().fit(x, y)
    model.save(tmp_path / "m.safetensors")
    again = numerate.load(tmp_path / "m.safetensors")
    assert again.report() == model.report()
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    np.testing.assert_array_equal(again.outside_range(x), model.outside_range(x))


def test_other_files_are_refused(tmp_path):
    for content in (b"", b"not a model", b"\x00" * 64):
        (tmp_path / "m").write_bytes(content)
        with pytest.raises(numerate.tables.InputError, match="not a model"):
            numerate.load(tmp_path / "m")


def test_ctrl_c_keeps_the_best_formula_so_far():
    x, y = table(A * B, 1)

    def interrupt(fraction, message):
        if "*" in message:  # a formula of columns is the best so far
            raise KeyboardInterrupt

    data = x.with_columns(y=pl.Series(y + np.random.default_rng(0).normal(size=len(y))))
    model = numerate.fit(data, on_progress=interrupt)
    assert model.interrupted_
    assert len(model.equations_) >= 1


def test_outside_range_is_in_units_of_the_training_span():
    model = ArithmeticRegressor().fit([[1.0], [2.0], [3.0], [5.0]], [2.0, 4.0, 6.0, 10.0])
    np.testing.assert_allclose(model.outside_range([[0.0], [4.0], [13.0]]), [[0.25], [0.0], [2.0]])


def test_python_source_and_latex_say_the_same():
    x, y = table(A / B + C, 1)
    model = ArithmeticRegressor().fit(x, y)
    scope: dict = {}
    exec(model.python(), scope)
    np.testing.assert_allclose(scope["y"](*(x[n].to_numpy() for n in "abc")), y)
    assert model.latex() == r"y = \frac{a}{b} + c"
