"""How the rows of a table are split."""

import numpy as np

from numerate.regress._problem import Problem
from tests.each import each


@each("rows, folds", [(3, 3), (15, 15), (20, 20), (21, 10), (39, 10)])
def test_each_row_is_left_out_once(rows, folds):
    """One at a time up to 20 rows, in ten parts beyond."""
    values = np.arange(float(rows))
    problem = Problem.of(["x"], values[:, None], values, np.zeros((rows, 2)), seed=0)
    parts = list(problem.folds())
    assert len(parts) == folds
    assert sorted(np.concatenate([test for _, test in parts])) == values.tolist()
    for fit, test in parts:
        assert sorted([*fit, *test]) == values.tolist()
