"""The estimator passes scikit-learn's estimator checks."""

import pytest
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from numerate import ArithmeticRegressor

# Of the checks, those of what random starts could break: the same fit twice, one column alone,
# and a constructor's settings that a fit changes.
TRAINED = ("check_fit_idempotent", "check_fit2d_1feature", "check_estimators_overwrite_params")
# A weight says how precise a row is. A row that is repeated is no further evidence.
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": "weights are precisions, not counts",
}


# The checks fit over a hundred small tables of noise, so that nothing ends a search early. Few of
# them could see how deep it was. A check that fails names itself in the traceback.
@pytest.mark.parametrize(
    "max_depth", [1, pytest.param(2, marks=pytest.mark.slow)], ids="max_depth={}".format
)
def test_scikit_learn_checks(max_depth):
    model = ArithmeticRegressor(max_depth=max_depth, n_starts=8)
    check_estimator(model, on_skip=None, expected_failed_checks=WEIGHTS)


def test_trained_stacks_pass_the_checks_that_could_see_them():
    found = set()
    for estimator, check in estimator_checks_generator(
        ArithmeticRegressor(max_depth=2, n_starts=8), mark=None
    ):
        name = check.func.__name__
        if name in TRAINED:
            check(estimator)
            found.add(name)
    assert found == set(TRAINED)
