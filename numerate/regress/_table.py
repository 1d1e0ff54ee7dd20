"""A search over the columns of a table, without scikit-learn."""

import time
from collections.abc import Sequence

import numpy as np
import sympy

from numerate.formula import formula_text, measured
from numerate.regress._model import FormulaModel
from numerate.regress._problem import Problem
from numerate.regress._search import Progress, Search, Settings
from numerate.tables import Table

_COLUMNS = ("complexity", "relative_rmse", "holdout_relative_rmse", "status")


def search_table(
    table: Table, *, seed: int = 0, budget: float = 60.0, on_progress: Progress | None = None
) -> FormulaModel:
    """Find the formula of a table's last column in terms of the others.

    `numerate.fit` does the same and returns a scikit-learn estimator; this is what the command
    line uses, because importing scikit-learn takes longer than most searches.

    **Arguments:** a table of `numerate.tables.read_table`; the rest as for `numerate.fit`.

    !!! example
        >>> from numerate.tables import read_table
        >>> search_table(read_table("kepler")).formula
        a**(3/2)
    """
    *names, target_name = table.names
    # In column-major order, as data frames are: the order in memory decides how sums are rounded.
    features = np.asfortranarray(table.values[:, :-1])
    return search_columns(
        features,
        table.values[:, -1],
        table.resolution,
        feature_names=names,
        target_name=target_name,
        settings=Settings(budget=budget),
        seed=seed,
        on_progress=on_progress,
    )


def search_columns(
    features: np.ndarray,
    target: np.ndarray,
    resolution: np.ndarray,
    *,
    feature_names: Sequence[str],
    target_name: str,
    settings: Settings,
    seed: int,
    named: bool = True,
    on_progress: Progress | None = None,
) -> FormulaModel:
    """Search and rank formulas: `features` `(rows, n_features)`, `target` `(rows,)`, `resolution`
    `(rows, n_features + 1)` with the target last; all finite."""
    started = time.monotonic()
    used = _informative(features)
    problem = Problem.of(
        [feature_names[i] for i in used],
        features[:, used],
        target,
        measured(features, target, resolution)[:, [*used, -1]],
        seed,
    )
    search = Search(problem, settings, on_progress or (lambda fraction, message: None)).run()
    ranked = search.ranked()
    formulas = [_with_plain_symbols(candidate.formula) for candidate in ranked]
    equations = [
        {"formula": formula_text(formula)} | {name: getattr(c, name) for name in _COLUMNS}
        for formula, c in zip(formulas, ranked, strict=True)
    ]
    return FormulaModel(
        formulas=formulas,
        equations=equations,
        feature_names=list(feature_names),
        target_name=_free_name(target_name, feature_names),
        named=named,
        training_range=np.stack([features.min(axis=0), features.max(axis=0)]),
        settings=settings,
        seed=seed,
        seconds=time.monotonic() - started,
        interrupted=search.interrupted,
    )


def _informative(features: np.ndarray) -> list[int]:
    """The columns that are neither constant nor equal to an earlier one."""
    used: list[int] = []
    for index, column in enumerate(features.T):
        varies = np.any(column != column[0])
        if varies and not any(np.array_equal(column, features[:, i]) for i in used):
            used.append(index)
    return used or [0]


def _free_name(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _with_plain_symbols(formula: sympy.Expr) -> sympy.Expr:
    """Replace symbols by ones without assumptions, which equal `sympy.Symbol("a")`."""
    plain = {s: sympy.Symbol(str(s)) for s in formula.free_symbols}
    return formula.xreplace(plain)  # pyright: ignore[reportReturnType]
