"""The scikit-learn estimator: a table in, a formula out."""

from dataclasses import asdict
from numbers import Integral, Real
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions  # noqa: PLC2701 - its own estimators do
from sklearn.utils.validation import check_is_fitted, validate_data

from numerate._process import uses_threads
from numerate.regress._model import FormulaModel
from numerate.regress._search import Progress
from numerate.regress._settings import Settings
from numerate.regress._store import save_model
from numerate.regress._table import search_columns
from numerate.tables import resolution_of

_MINIMUM_ROWS = 4


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
    - `loss`: `"squared"`, or `"huber"` to leave out rows that are far from the formula.
    - `random_state`: seed of the split and of the starts; the same seed gives the same
        formula unless the budget cuts the search short.

    **Attributes** after `fit`:

    - `formula_`: SymPy expression; a `Rational` is exact, a `Float` was fitted.
    - `status_`: `"exact"`, `"within_precision"`, `"within_noise"` or `"approximate"`.
    - `noise_`: the error model of the target as a dictionary; None where every row agrees.
    - `constants_`: Polars table of the fitted constants: `value`, `standard_error`.
    - `equations_`: Polars table of the formulas found, the chosen one first, then from simple
        to accurate: `formula`, `complexity`, `relative_rmse`, `holdout_relative_rmse`, `status`.
    - `relative_rmse_`, `holdout_relative_rmse_`: root mean squared error over the standard
        deviation of the target, on training rows and on held-out rows (cross-validated below
        100 rows).
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
        "loss": [StrOptions({"squared", "huber"})],
        "random_state": ["random_state"],
    }

    # Without annotations, because scikit-learn requires that arguments are checked in `fit` only.
    def __init__(
        self,
        *,
        budget=60.0,
        max_depth=4,
        n_starts=64,
        closed_forms=True,
        loss="squared",
        random_state=0,
    ):
        self.budget = budget
        self.max_depth = max_depth
        self.n_starts = n_starts
        self.closed_forms = closed_forms
        self.loss = loss
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        sigma: Any = None,
        resolution: np.ndarray | None = None,
    ):
        """Find a formula for `y` `(rows,)` from the columns of `X` `(rows, n_features)`.

        **Arguments:**

        - `sample_weight` `(rows,)`: inverse relative variances of the target.
        - `sigma` `(rows,)`: the standard error of each target.
        - `resolution`, `(rows, n_features + 1)` with the target last: half a unit in the last
            written digit of each value, 0 for full precision. By default it follows from the
            shortest decimals that read back as the values, and is 0 for columns that look
            counted or set.

        **Raises:** `ValueError` for fewer than 4 rows, NaN, infinities or text, and for weights
        or standard errors that are not above 0.
        """
        return self._fit(X, y, resolution, weight=sample_weight, sigma=sigma)

    def _fit(
        self,
        X,
        y,
        resolution=None,
        target_name="y",
        on_progress: Progress | None = None,
        *,
        weight=None,
        sigma=None,
        stated=None,
    ):
        uses_threads()
        self._validate_params()
        single = [getattr(a, "dtype", None) == np.float32 for a in (X, y)]
        self.n_features_in_: int
        checked = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=4)
        X, y = np.asarray(checked[0]), np.asarray(checked[1], np.float64)
        names = [str(n) for n in self._names()]
        if stated is None:
            stated = () if resolution is None else (*names, target_name)
        weight = _positive("sample_weight", weight, len(y), zero=True)
        sigma = _positive("sigma", sigma, len(y))
        if weight is not None and np.any(weight == 0):
            kept = weight > 0
            X, y, weight = X[kept], y[kept], weight[kept]
            sigma = None if sigma is None else sigma[kept]
            resolution = None if resolution is None else np.asarray(resolution)[kept]
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
            settings=Settings(
                *limits, closed_forms=bool(self.closed_forms), robust=self.loss == "huber"
            ),
            seed=self._seed(),
            sigma=sigma,
            sample_weight=weight,
            stated=stated,
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
        self.noise_ = model.noise
        self.constants_ = pl.DataFrame(
            model.constants, schema={"value": pl.Float64, "standard_error": pl.Float64}
        )
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
        settings = asdict(model.settings)
        loss = "huber" if settings.pop("robust") else "squared"
        fitted = cls(**settings, loss=loss, random_state=model.seed)
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


def _positive(name: str, values: Any, count: int, zero: bool = False) -> np.ndarray | None:
    """Weights or standard errors as an array `(rows,)`, or a `ValueError` that names them."""
    if values is None:
        return None
    array = np.broadcast_to(np.asarray(values, np.float64), (count,))
    if not np.all(np.isfinite(array)) or np.any(array < 0) or (not zero and np.any(array == 0)):
        raise ValueError(f"{name} must hold finite numbers {'of at least' if zero else 'above'} 0.")
    if zero and np.sum(array > 0) < _MINIMUM_ROWS:
        raise ValueError(
            f"the weights in {name} are zero in all but {np.sum(array > 0)} rows; "
            f"a formula needs at least {_MINIMUM_ROWS}."
        )
    return array


def _resolution(column: np.ndarray, single: bool) -> np.ndarray:
    """Half a unit in the last place of float32, or in the last decimal digit of the column."""
    return np.spacing(np.abs(column.astype(np.float32))) / 2.0 if single else resolution_of(column)
