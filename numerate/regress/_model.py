"""The result of a search, without scikit-learn: the model that the command line uses."""

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import sympy

from numerate.formula import evaluate, floats, formula_text, latex_source, python_source
from numerate.regress._digits import significant, with_error
from numerate.regress._remarks import remarks
from numerate.regress._settings import Settings
from numerate.regress._verify import MEANING


@dataclass(frozen=True)
class FormulaModel:
    """The formulas that a search found for a table. The chosen one makes the predictions.

    `ArithmeticRegressor` holds one as `model_` and adds scikit-learn's interface.

    **Fields:**

    - `formulas`: SymPy expressions, the chosen one first, then from simple to accurate.
    - `equations`: a dictionary for each of them: `formula` (text), `complexity`,
        `relative_rmse`, `holdout_relative_rmse`, `status`.
    - `feature_names`, `target_name`: the names of the columns; `named` is false where the
        table had none.
    - `training_range`: `(2, n_features)`, smallest and largest value of each feature.
    - `noise`: the error model (`kind`, `additive`, `proportional`, `heavy_tailed`, `sentence`),
        or None where every row agrees.
    - `constants`: `value` and `standard_error` of each fitted constant, in the order of
        `numerate.formula.floats`.
    - `left`: what is left in the residuals of an approximate formula, in words.
    - `worst_rows`: `row`, counted from 1, its `deviation` in standard deviations, and whether a
        robust search `left_out` the row.
    - `settings`, `seed`: of the search; `seconds`: that it took; `interrupted`: by Ctrl-C.
    """

    formulas: list[sympy.Expr]
    equations: list[dict[str, Any]]
    feature_names: list[str]
    target_name: str
    named: bool
    training_range: np.ndarray
    settings: Settings
    seed: int
    seconds: float
    interrupted: bool
    noise: dict[str, Any] | None = None
    constants: list[dict[str, float]] = field(default_factory=list)
    left: str = ""
    worst_rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def formula(self) -> sympy.Expr:
        """The chosen formula."""
        return self.formulas[0]

    @property
    def status(self) -> str:
        """`"exact"`, `"within_precision"`, `"within_noise"` or `"approximate"`."""
        return self.equations[0]["status"]

    @property
    def complexity(self) -> int:
        """Variables, constants and operations in the formula."""
        return self.equations[0]["complexity"]

    @property
    def relative_rmse(self) -> float:
        """Root mean squared error on the training rows, relative to the target's spread."""
        return self.equations[0]["relative_rmse"]

    @property
    def holdout_relative_rmse(self) -> float:
        """The same on rows held out."""
        return self.equations[0]["holdout_relative_rmse"]

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The formula's value for each row of `(rows, n_features)`; NaN where undefined."""
        return evaluate(self.formula, dict(zip(self.feature_names, features.T, strict=True)))

    def outside_range(self, features: np.ndarray) -> np.ndarray:
        """How far each value lies outside the training range, `(rows, n_features)`.

        In units of the width of that range; 0 inside it, infinite outside a constant column.
        """
        low, high = self.training_range
        beyond = np.maximum(np.maximum(low - features, features - high), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(beyond > 0, beyond / (high - low), 0.0)

    def latex(self) -> str:
        """The formula as an equation in LaTeX."""
        return latex_source(self.formula, self.target_name)

    def python(self) -> str:
        """The formula as the source of a Python function of NumPy arrays."""
        return python_source(self.formula, self.feature_names, self.target_name)

    def report(self) -> dict[str, Any]:
        """The result as plain data: the object that `numerate fit --json` prints."""
        columns = ("formula", "complexity", "holdout_relative_rmse")
        return {
            "formula": formula_text(self.formula),
            "target": self.target_name,
            "features": list(self.feature_names),
            "status": self.status,
            "relative_rmse": self.relative_rmse,
            "holdout_relative_rmse": self.holdout_relative_rmse,
            "complexity": self.complexity,
            "noise": self.noise,
            "constants": self.constants,
            "left": self.left,
            "worst_rows": self.worst_rows,
            "remarks": remarks(self.constants),
            "equations": [{name: row[name] for name in columns} for row in self.equations],
            "seconds": self.seconds,
            "seed": self.seed,
        }

    def meaning(self) -> str:
        """The meaning of `status`, as a sentence."""
        return self.left or MEANING[self.status]

    def rounded(self) -> sympy.Expr:
        """The formula with its constants to the digits that their standard errors leave."""
        digits = {
            abs(c["value"]): significant(c["value"], c["standard_error"]) for c in self.constants
        }
        short = {
            f: sympy.Float(float(f"{float(f):.{digits.get(abs(float(f)), 15)}g}"))
            for f in floats(self.formula)
        }
        # In one pass: `subs` goes through the formula once for each constant.
        return cast(sympy.Expr, self.formula.xreplace(short))

    def uncertainties(self) -> list[str]:
        """Each fitted constant with its standard error, such as `212.3 ± 0.9`."""
        return [with_error(c["value"], c["standard_error"]) for c in self.constants]
