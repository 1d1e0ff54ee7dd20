"""The estimator passes scikit-learn's estimator checks."""

import pytest
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

from numerate import ArithmeticRegressor

# A weight says how precise a row is. A row that is repeated is no further evidence.
WEIGHTS = {
    "check_sample_weight_equivalence_on_dense_data": "weights are precisions, not counts",
}
# Without closed forms and layers to train, what is found is the mean.
NO_SEARCH = {"max_depth": 1, "closed_forms": False}
MEAN = {"check_regressors_train": "the mean explains nothing"}
# Checks that see more of a formula than of the mean.
OF_A_FORMULA = {
    "check_regressors_train",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_estimators_pickle",
}
# Of the checks, those of what random starts could break: the same fit twice, one column alone,
# and a constructor's settings that a fit changes.
OF_RANDOM_STARTS = {
    "check_fit_idempotent",
    "check_fit2d_1feature",
    "check_estimators_overwrite_params",
}


def run(names, **settings):
    """Some checks; one that fails names itself in the traceback."""
    model = ArithmeticRegressor(n_starts=8, **settings)
    ran = set()
    for estimator, check in estimator_checks_generator(model, mark=None):
        name = check.func.__name__
        if name in names:
            check(estimator)
            ran.add(name)
    assert ran == names


def test_scikit_learn_checks():
    model = ArithmeticRegressor(**NO_SEARCH, n_starts=8)
    check_estimator(model, on_skip=None, expected_failed_checks=WEIGHTS | MEAN)


def test_formulas_pass_the_checks_that_see_them():
    run(OF_A_FORMULA, max_depth=1)


@pytest.mark.slow
def test_trained_stacks_pass_the_checks_that_could_see_them():
    run(OF_RANDOM_STARTS, max_depth=2, closed_forms=False)


# They fit about ninety small tables of noise, so that nothing ends a search early.
@pytest.mark.slow
@pytest.mark.parametrize("max_depth", [1, 2])
def test_scikit_learn_checks_with_all_searches(max_depth):
    model = ArithmeticRegressor(max_depth=max_depth, n_starts=8)
    check_estimator(model, on_skip=None, expected_failed_checks=WEIGHTS)
