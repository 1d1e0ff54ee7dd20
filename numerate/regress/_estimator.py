"""The scikit-learn estimator: a table in, a formula out."""

import time
from numbers import Integral, Real
from typing import Any

import numpy as np
import polars as pl
import sympy
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from numerate.formula import evaluate, formula_text, python_source
from numerate.regress._problem import Problem
from numerate.regress._search import Progress, Search, Settings
from numerate.regress._verify import MEANING
from numerate.tables import resolution_of


class ArithmeticRegressor(RegressorMixin, BaseEstimator):
    """Finds the formula of + − × ÷, powers and roots that a table follows.

    Small stacks of sum and product layers, the two halves of a NALU, are fitted from many
    random starts, snapped to exact weights, simplified, ranked on rows that were held out,
    and verified on all. An exact formula goes on being right outside the training range.

    **Arguments:**

    - `budget`: seconds after which no further kind of stack is tried.
    - `max_depth`: most layers in a stack, 1 to 4.
    - `n_starts`: random starts of each kind of stack.
    - `closed_forms`: solve stacks that need no training outright, before any is trained.
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

    # No annotations: scikit-learn asks that nothing is checked before `fit`.
    def __init__(self, *, budget=60.0, max_depth=4, n_starts=64, closed_forms=True, random_state=0):
        self.budget = budget
        self.max_depth = max_depth
        self.n_starts = n_starts
        self.closed_forms = closed_forms
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, resolution: np.ndarray | None = None):
        """Find a formula for `y` `(rows,)` from the columns of `X` `(rows, n_features)`.

        `resolution`, `(rows, n_features + 1)` with the target last, is half a unit in the last
        written place of each value, 0 for full precision; by default it is read off the
        shortest decimals that give the same numbers.

        **Raises:** `ValueError` for fewer than 4 rows, NaN, infinities or text.
        """
        return self._fit(X, y, resolution)

    def _fit(self, X, y, resolution=None, target_name="y", on_progress: Progress | None = None):
        self._validate_params()
        single = [getattr(a, "dtype", None) == np.float32 for a in (X, y)]
        self.n_features_in_: int
        checked = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=4)
        X, y = np.asarray(checked[0]), np.asarray(checked[1], np.float64)
        self.feature_names_ = [str(n) for n in self._names()]
        self.target_name_ = _free_name(target_name, self.feature_names_)
        if resolution is None:
            columns = [(c, single[0]) for c in X.T] + [(y, single[1])]
            resolution = np.stack([_resolution(c, s) for c, s in columns], axis=-1)
        started = time.monotonic()
        search = self._searched(X, y, np.asarray(resolution), on_progress)
        self._keep(search)
        self.training_range_ = np.stack([X.min(axis=0), X.max(axis=0)])
        self.seconds_ = time.monotonic() - started
        return self

    def _names(self):
        return getattr(self, "feature_names_in_", [f"x{i}" for i in range(self.n_features_in_)])

    def _searched(self, X, y, resolution, on_progress) -> Search:
        state = self.random_state
        whole = isinstance(state, Integral)
        self.seed_ = int(state if whole else check_random_state(state).randint(2**31))
        used = _informative(X)
        problem = Problem.of(
            [self.feature_names_[i] for i in used],
            X[:, used],
            y,
            resolution[:, [*used, -1]],
            self.seed_,
        )
        limits = (float(self.budget), int(self.max_depth), int(self.n_starts))
        settings = Settings(*limits, closed_forms=bool(self.closed_forms))
        search = Search(problem, settings, on_progress or (lambda fraction, message: None))
        return search.run()

    def _keep(self, search: Search) -> None:
        ranked = [_with_plain_symbols(c.formula) for c in search.ranked()]
        best, columns = search.ranked()[0], ("complexity", "relative_rmse")
        columns += ("holdout_relative_rmse", "status")
        self.formula_, self.formulas_ = ranked[0], ranked
        self.equations_ = pl.DataFrame(
            {"formula": [formula_text(f) for f in ranked]}
            | {name: [getattr(c, name) for c in search.ranked()] for name in columns}
        )
        self.status_, self.complexity_ = best.status, best.complexity
        self.relative_rmse_ = best.relative_rmse
        self.holdout_relative_rmse_ = best.holdout_relative_rmse
        self.interrupted_ = search.interrupted

    def predict(self, X: Any) -> np.ndarray:
        """The formula's value for each row, `(rows,)`; NaN where it is not defined."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return evaluate(self.formula_, dict(zip(self.feature_names_, X.T, strict=True)))

    def outside_range(self, X: Any) -> np.ndarray:
        """How far each value lies outside the training range, `(rows, n_features)`.

        In units of the width of that range; 0 inside it, infinite outside a constant column.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        low, high = self.training_range_
        beyond = np.maximum(np.maximum(low - X, X - high), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(beyond > 0, beyond / (high - low), 0.0)

    def latex(self) -> str:
        """The formula as an equation in LaTeX."""
        check_is_fitted(self)
        names = {sympy.Symbol(n): sympy.latex(sympy.Symbol(n)) for n in self.feature_names_}
        left = sympy.latex(sympy.Symbol(self.target_name_))
        return f"{left} = {sympy.latex(self.formula_, symbol_names=names)}"

    def python(self) -> str:
        """The formula as the source of a Python function of NumPy arrays."""
        check_is_fitted(self)
        return python_source(self.formula_, self.feature_names_, self.target_name_)

    def report(self) -> dict[str, Any]:
        """What was found, as plain data: the object that `numerate fit --json` prints."""
        check_is_fitted(self)
        columns = ["formula", "complexity", "holdout_relative_rmse"]
        return {
            "formula": formula_text(self.formula_),
            "target": self.target_name_,
            "features": list(self.feature_names_),
            "status": self.status_,
            "relative_rmse": self.relative_rmse_,
            "holdout_relative_rmse": self.holdout_relative_rmse_,
            "complexity": self.complexity_,
            "equations": self.equations_.select(columns).to_dicts(),
            "seconds": self.seconds_,
            "seed": self.seed_,
        }

    def meaning(self) -> str:
        """What `status_` says, as a sentence."""
        check_is_fitted(self)
        return MEANING[self.status_]

    def save(self, path: Any) -> None:
        """Write the fitted model to one file of plain data; `numerate.load` reads it."""
        from numerate.regress._store import save

        check_is_fitted(self)
        save(self, path)


def _resolution(column: np.ndarray, single: bool) -> np.ndarray:
    """Half a unit in the last place: of float32, or of the decimals that the column has."""
    return np.spacing(np.abs(column.astype(np.float32))) / 2.0 if single else resolution_of(column)


def _informative(X: np.ndarray) -> list[int]:
    """Columns that vary and do not repeat an earlier one: no other can be told apart."""
    used: list[int] = []
    for index, column in enumerate(X.T):
        varies = np.any(column != column[0])
        if varies and not any(np.array_equal(column, X[:, i]) for i in used):
            used.append(index)
    return used or [0]


def _free_name(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _with_plain_symbols(formula: sympy.Expr) -> sympy.Expr:
    """Symbols without assumptions, so that `sympy.Symbol("a")` is the a in the formula."""
    plain = {s: sympy.Symbol(str(s)) for s in formula.free_symbols}
    return formula.xreplace(plain)  # pyright: ignore[reportReturnType]
