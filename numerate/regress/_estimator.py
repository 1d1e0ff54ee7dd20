"""The scikit-learn estimator: a table in, a formula out."""

from dataclasses import asdict
from numbers import Integral, Real
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval  # noqa: PLC2701 - its own estimators do
from sklearn.utils.validation import check_is_fitted, validate_data

from numerate.regress._model import FormulaModel
from numerate.regress._search import Progress, Settings
from numerate.regress._store import save_model
from numerate.regress._table import search_columns
from numerate.tables import resolution_of


class ArithmeticRegressor(RegressorMixin, BaseEstimator):
    """Finds the formula of + − × ÷, powers and roots that a table follows.

    Small stacks of sum and product layers, the two halves of a NALU, are fitted from many
    random starts, snapped to exact weights, simplified, ranked on held-out rows, and verified
    on all rows. An exact formula also holds outside the training range.

    **Arguments:**

    - `budget`: seconds after which no further kind of stack is tried.
    - `max_depth`: most layers in a stack, 1 to 4.
    - `n_starts`: random starts of each kind of stack.
    - `closed_forms`: solve stacks that need no training directly, before any is trained.
    - `random_state`: seed of the split and of the starts; the same seed gives the same
        formula unless the budget cuts the search short.

    **Attributes** after `fit`:

    - `formula_`: SymPy expression; a `Rational` is exact, a `Float` was fitted.
    - `status_`: `"exact"`, `"within_precision"` or `"approximate"`.
    - `equations_`: Polars table of the formulas found, the chosen one first, then from simple
        to accurate: `formula`, `complexity`, `relative_rmse`, `holdout_relative_rmse`, `status`.
    - `relative_rmse_`, `holdout_relative_rmse_`: root mean squared error over the standard
        deviation of the target, on training rows and on held-out rows (cross-validated below
        40 rows).
    - `complexity_`: variables, constants and operations in the formula.
    - `training_range_`: `(2, n_features)`, smallest and largest value of each feature.
    - `feature_names_`, `target_name_`, `seconds_`, `interrupted_`.
    - `model_`: all of this as a `FormulaModel`, which needs no scikit-learn.

    !!! example
        >>> import numpy as np
        >>> X = np.random.default_rng(0).uniform(1, 2, (100, 3))
        >>> model = ArithmeticRegressor().fit(X, X[:, 0] * X[:, 1] / X[:, 2])
        >>> model.formula_, model.status_
        (x0*x1/x2, 'exact')
        >>> model.predict([[20.0, 30.0, 6.0]])
        array([100.])
    """

    _parameter_constraints = {
        "budget": [Interval(Real, 0, None, closed="neither")],
        "max_depth": [Interval(Integral, 1, 4, closed="both")],
        "n_starts": [Interval(Integral, 8, None, closed="left")],
        "closed_forms": ["boolean"],
        "random_state": ["random_state"],
    }

    # Without annotations, because scikit-learn requires that arguments are checked in `fit` only.
    def __init__(self, *, budget=60.0, max_depth=4, n_starts=64, closed_forms=True, random_state=0):
        self.budget = budget
        self.max_depth = max_depth
        self.n_starts = n_starts
        self.closed_forms = closed_forms
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, resolution: np.ndarray | None = None):
        """Find a formula for `y` `(rows,)` from the columns of `X` `(rows, n_features)`.

        `resolution`, `(rows, n_features + 1)` with the target last, is half a unit in the last
        written digit of each value, 0 for full precision. By default it follows from the
        shortest decimals that read back as the values.

        **Raises:** `ValueError` for fewer than 4 rows, NaN, infinities or text.
        """
        return self._fit(X, y, resolution)

    def _fit(self, X, y, resolution=None, target_name="y", on_progress: Progress | None = None):
        self._validate_params()
        single = [getattr(a, "dtype", None) == np.float32 for a in (X, y)]
        self.n_features_in_: int
        checked = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=4)
        X, y = np.asarray(checked[0]), np.asarray(checked[1], np.float64)
        names = [str(n) for n in self._names()]
        if resolution is None:
            columns = [(c, single[0]) for c in X.T] + [(y, single[1])]
            resolution = np.stack([_resolution(c, s) for c, s in columns], axis=-1)
        limits = (float(self.budget), int(self.max_depth), int(self.n_starts))
        model = search_columns(
            X,
            y,
            np.asarray(resolution),
            feature_names=names,
            target_name=target_name,
            settings=Settings(*limits, closed_forms=bool(self.closed_forms)),
            seed=self._seed(),
            named=hasattr(self, "feature_names_in_"),
            on_progress=on_progress,
        )
        return self._keep(model)

    def _names(self):
        return getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])

    def _seed(self) -> int:
        state = self.random_state
        whole = isinstance(state, Integral)
        return int(state if whole else check_random_state(state).randint(2**31))

    def _keep(self, model: FormulaModel):
        """Make this the fitted estimator of a model."""
        self.model_ = model
        self.formula_, self.formulas_ = model.formula, model.formulas
        self.equations_ = pl.DataFrame(model.equations)
        self.status_, self.complexity_ = model.status, model.complexity
        self.relative_rmse_ = model.relative_rmse
        self.holdout_relative_rmse_ = model.holdout_relative_rmse
        self.training_range_ = model.training_range
        self.feature_names_, self.target_name_ = model.feature_names, model.target_name
        self.seed_, self.seconds_ = model.seed, model.seconds
        self.interrupted_ = model.interrupted
        return self

    @classmethod
    def _of(cls, model: FormulaModel):
        """The fitted estimator of a model that was found or saved before."""
        fitted = cls(**asdict(model.settings), random_state=model.seed)
        fitted.n_features_in_ = len(model.feature_names)
        if model.named:
            names = np.array(model.feature_names, object)
            fitted.feature_names_in_ = names  # pyright: ignore[reportAttributeAccessIssue]
        return fitted._keep(model)

    def predict(self, X: Any) -> np.ndarray:
        """The formula's value for each row, `(rows,)`; NaN where it is not defined."""
        check_is_fitted(self)
        return self.model_.predict(self._checked(X))

    def _checked(self, X: Any) -> np.ndarray:
        return np.asarray(validate_data(self, X, dtype=np.float64, reset=False))

    def outside_range(self, X: Any) -> np.ndarray:
        """How far each value lies outside the training range, `(rows, n_features)`.

        In units of the width of that range; 0 inside it, infinite outside a constant column.
        """
        check_is_fitted(self)
        return self.model_.outside_range(self._checked(X))

    def latex(self) -> str:
        """The formula as an equation in LaTeX."""
        check_is_fitted(self)
        return self.model_.latex()

    def python(self) -> str:
        """The formula as the source of a Python function of NumPy arrays."""
        check_is_fitted(self)
        return self.model_.python()

    def report(self) -> dict[str, Any]:
        """The result as plain data: the object that `numerate fit --json` prints."""
        check_is_fitted(self)
        return self.model_.report()

    def meaning(self) -> str:
        """The meaning of `status_`, as a sentence."""
        check_is_fitted(self)
        return self.model_.meaning()

    def save(self, path: Any) -> None:
        """Write the fitted model to one file of plain data; `numerate.load` reads it."""
        check_is_fitted(self)
        save_model(self.model_, path)


def _resolution(column: np.ndarray, single: bool) -> np.ndarray:
    """Half a unit in the last place of float32, or in the last decimal digit of the column."""
    return np.spacing(np.abs(column.astype(np.float32))) / 2.0 if single else resolution_of(column)
