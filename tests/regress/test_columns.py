"""Tables of many columns and of many rows."""

import threading

import numpy as np
import pytest
import sympy
from threadpoolctl import threadpool_info, threadpool_limits

from numerate import ArithmeticRegressor
from numerate.formula import Parametric, Rows, evaluate, gradient
from numerate.regress import _columns
from numerate.regress._problem import first_of_each
from numerate.regress._selection import related
from numerate.regress._threads import one_thread

FEW = {
    "x3*x7/x20": lambda x: x[3] * x[7] / x[20],
    "x20*(x3 + x7)": lambda x: (x[3] + x[7]) * x[20],
    "x20 + 2*x3*x7": lambda x: 2 * x[3] * x[7] + x[20],
}


def test_few_of_many_columns_are_found_by_ranks_also_without_a_mean_effect(subtests):
    rng = np.random.default_rng(0)
    for name, law in FEW.items():
        for noise in (0.0, 0.01):
            with subtests.test(name, noise=noise):
                x = rng.uniform(-2, 2, (800, 60))
                y = law(x.T)
                y = y + noise * np.sqrt(np.mean(y**2)) * rng.normal(size=len(y))
                rows = table(x, y)
                assert related(rows, y) == [3, 7, 20]
                assert related(rows, rng.permutation(y)) == []
                if not noise:
                    model = ArithmeticRegressor().fit(x, y)
                    assert (str(model.formula_), model.status_) == (name, "exact")


def test_products_are_found_among_more_columns_than_rows():
    x = np.random.default_rng(1).uniform(1, 5, (12, 30))
    model = ArithmeticRegressor().fit(x, 2 * x[:, 3] / x[:, 7])
    assert (str(model.formula_), model.status_) == ("2*x3/x7", "exact")


def table(x: np.ndarray, y: np.ndarray) -> Rows:
    return Rows.of({f"x{i}": c for i, c in enumerate(x.T)}, y)


LAWS = {
    "a + b": lambda a, b, c: a + b,
    "a - b": lambda a, b, c: a - b,
    "a b": lambda a, b, c: a * b,
    "a / b": lambda a, b, c: a / b,
    "a^2": lambda a, b, c: a**2,
    "sqrt a": lambda a, b, c: np.sqrt(a),
    "a b c": lambda a, b, c: a * b * c,
    "1 / (a b)": lambda a, b, c: 1 / (a * b),
    "5 a / (b + 1)": lambda a, b, c: 5 * a / (b + 1),
}


# Every other law every day: a + b, a b, a^2, a b c and a quotient, over both ranges.
@pytest.mark.parametrize("start", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_functions_of_sums_of_many_columns_are_found_exactly(start, subtests):
    for low in (1.0, -2.0):
        for seed, (name, law) in list(enumerate(LAWS.items()))[start::2]:
            if low < 0 and name in ("sqrt a", "1 / (a b)"):
                continue
            with subtests.test(name, low=low):
                rng = np.random.default_rng(seed)
                x = rng.uniform(low, 2, (500, 40))
                a, b, c = (x[:, rng.choice(40, 15, replace=False)].sum(axis=1) for _ in range(3))
                y = law(a, b, c)
                rows = table(x, y)
                found = [*_columns.sums(rows), *_columns.products(rows, rng)][0]
                assert not found.atoms(sympy.Float)
                left = evaluate(found, rows.columns()) - y
                # Where a/b is large, its rounding errors are, too.
                assert np.all(np.abs(left) <= 1e-10 * np.maximum(np.abs(y), 1.0))


def test_weights_that_are_not_whole_are_decimals_and_verified():
    rng = np.random.default_rng(3)
    x = rng.uniform(1, 2, (600, 20))
    u, v = rng.uniform(0.5, 5, (2, 20))
    model = ArithmeticRegressor().fit(x, (x @ u) / (x @ v + 1))
    new = rng.uniform(1, 6, (100, 20))
    assert model.status_ == "exact"
    np.testing.assert_allclose(model.predict(new), (new @ u) / (new @ v + 1), rtol=1e-9)


def test_many_rows_in_blocks_give_what_they_give_at_once(monkeypatch):
    rng = np.random.default_rng(4)
    x = np.round(rng.uniform(1, 2, (500, 3)), 1)
    a, b, c = symbols = table(x, x[:, 0]).symbols
    formula = sympy.Float(1.9) * a**2 / b + sympy.Float(0.4) * sympy.sqrt(c)
    y = evaluate(formula, table(x, x[:, 0]).columns()) + 0.1 * rng.normal(size=500)
    rows, view = table(x, y), Parametric(formula, symbols)
    free = np.ones(2, bool)

    def everything():
        columns = rows.columns()
        return (
            evaluate(formula, columns),
            gradient(formula, columns),
            np.sort(first_of_each([*x.T, np.round(y)])),
        )

    whole, (values, loss) = everything(), view.fit(view.values, free, rows)
    monkeypatch.setattr("numerate.formula._expression.BLOCK", 64)
    monkeypatch.setattr("numerate.formula._fit._MANY_ROWS", 100)
    monkeypatch.setattr("numerate.regress._problem._SORTED", 10)
    for found, expected in zip(everything(), whole, strict=True):
        np.testing.assert_array_equal(found, expected)
    found, found_loss = view.fit(view.values, free, rows)
    np.testing.assert_allclose(found, values, rtol=1e-8)
    assert found_loss == pytest.approx(loss, rel=1e-12)


def test_a_search_has_one_thread_of_linear_algebra_and_gives_back_the_others(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    seen = []
    with threadpool_limits(1, user_api="blas"):
        pass  # when it ends, another thread than this one can set limits

    def searching():
        with threadpool_limits(2, user_api="blas"):
            with one_thread():
                inner = threading.Thread(target=_enter, args=(seen,))
                inner.start()
                inner.join()
                seen.append(threads())
            seen.append(threads())

    thread = threading.Thread(target=searching)
    thread.start()
    thread.join()
    assert [set(found) for found in seen] == [{1}, {1}, {2}]


def _enter(seen: list) -> None:
    with one_thread():
        seen.append(threads())


def threads() -> list[int]:
    return [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]
