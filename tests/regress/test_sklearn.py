"""The estimator keeps scikit-learn's contract, every point of it."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from numerate import ArithmeticRegressor


# Shallow and with few starts: the checks fit over a hundred small tables of noise, and what
# they hold is the same at every depth.
@parametrize_with_checks([ArithmeticRegressor(max_depth=2, n_starts=8)])
def test_scikit_learn_check(estimator, check):
    check(estimator)
