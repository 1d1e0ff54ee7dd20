"""The tutorial's rows, and independent ones."""

import numpy as np

from numerate.paper.toy import TutorialRows
from numerate.paper.toy._task import TUTORIAL
from numerate.tasks import step_key
from tests.each import each

each_function = each("function", TUTORIAL)


@each_function
def test_published_rows_lie_on_a_line_and_independent_ones_do_not(function, key):
    for data, rank in (
        ("published", 1),
        ("independent", TutorialRows(function, "add").in_features),
    ):
        x, _ = TutorialRows(function, data).sample(step_key(key, 0), 500)
        off = np.asarray(x, float) - np.mean(np.asarray(x, float), axis=0)
        assert np.linalg.matrix_rank(off, tol=1e-3 * np.abs(off).max() * len(off)) == rank


def test_targets_are_the_functions():
    rows = {name: TutorialRows(name, "published").extrapolation() for name in TUTORIAL}
    for name, (x, y) in rows.items():
        a, b, *c = np.asarray(x, float).T
        truth = {"add": a + b, "mul": a * b, "mixed": a / 4 + b / 2 + sum(v**2 for v in c)}[name]
        np.testing.assert_allclose(y[:, 0], truth, rtol=1e-6)


@each_function
def test_threshold_is_an_error_of_one_in_a_hundred_thousand(function):
    task = TutorialRows(function, "independent")
    _, y = task.extrapolation()
    off = np.asarray(y, float) * 1e-5
    np.testing.assert_allclose(task.threshold, np.mean(off**2), rtol=1e-5)
