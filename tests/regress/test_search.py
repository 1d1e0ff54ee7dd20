"""The search from one trial formula."""

import time

import numpy as np

from numerate.regress._problem import SEARCH_ROWS, Problem
from numerate.regress._search import Search
from numerate.regress._settings import Settings
from numerate.regress._verify import APPROXIMATE


def test_constants_are_fitted_to_all_training_rows():
    """Formulas are searched on 400 rows; their constants are fitted to all rows."""
    rng, rows = np.random.default_rng(0), 5 * SEARCH_ROWS
    x = rng.uniform(1.0, 2.0, (rows, 1))
    y = np.pi**3 / 11 * x[:, 0] + rng.normal(scale=0.01, size=rows)
    problem = Problem.of(["x"], x, y, np.zeros((rows, 2)), seed=0)
    search = Search(problem, Settings())
    (symbol,) = problem.everything.symbols
    search.consider(2.8 * symbol)
    (candidate,) = search.ranking.candidates.values()
    train = problem.train
    fitted = (x[train, 0] @ y[train]) / (x[train, 0] @ x[train, 0])
    np.testing.assert_allclose(float(candidate.formula.coeff(symbol)), fitted, rtol=1e-9)


def test_a_budget_of_more_seconds_than_the_system_can_wait():
    x = np.arange(1.0, 41.0)[:, None]
    problem = Problem.of(["x"], x, 3 * x[:, 0], np.zeros((40, 2)), seed=0)
    search = Search(problem, Settings(budget=1e300)).run()
    assert search.ranking.chosen().text == "3*x"


def test_statuses_are_judged_before_the_time_is_up(monkeypatch):
    """With many features and rows, a status takes a tenth of a second, and more beside others."""
    x = np.arange(1.0, 41.0)[:, None]
    problem = Problem.of(["x"], x, np.sin(3 * x[:, 0]), np.zeros((40, 2)), seed=0)
    search = Search(problem, Settings(budget=1.0))
    judged = []

    def work():
        for power in range(1, 6):
            search.consider(problem.everything.symbols[0] ** power)
        while not search._is_over():
            time.sleep(0.01)

    def slowly(found, problem):
        judged.append(found.formula)
        return APPROXIMATE, "something"

    monkeypatch.setattr(search, "_work", work)
    monkeypatch.setattr("numerate.regress._candidate.noise_status", slowly)
    ranked = search.run().ranking.ranked()
    before = list(judged)
    assert before and all(candidate.status == APPROXIMATE for candidate in ranked)
    assert judged == before
