"""A search over the columns of a table, without scikit-learn."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import sympy

from numerate._process import uses_threads
from numerate.formula import evaluate, formula_text, measured, with_floats
from numerate.regress._candidate import Candidate, on_all_rows
from numerate.regress._model import FormulaModel
from numerate.regress._noise import WRITTEN, Noise, errors
from numerate.regress._problem import Problem
from numerate.regress._search import Progress, Search
from numerate.regress._settings import Settings
from numerate.regress._verify import APPROXIMATE, EXACT, WITHIN_PRECISION
from numerate.tables import Table

_COLUMNS = ("complexity", "relative_rmse", "holdout_relative_rmse", "status")
_WORST = 4.0  # standard deviations from which a row is named
_MOST_NAMED = 5
_ROBUST_ROUNDS = 3
_LEFT_OUT = 0.2  # of the rows, at most, by a robust search


def search_table(
    table: Table,
    *,
    seed: int = 0,
    budget: float = 60.0,
    robust: bool = False,
    on_progress: Progress | None = None,
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
        settings=Settings(budget=budget, robust=robust),
        seed=seed,
        sigma=table.sigma,
        stated=table.stated,
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
    sigma: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    stated: Sequence[str] = (),
    on_progress: Progress | None = None,
) -> FormulaModel:
    """Search and rank formulas: `features` `(rows, n_features)`, `target` `(rows,)`, `resolution`
    `(rows, n_features + 1)` with the target last; all finite.

    `sigma` `(rows,)` are standard errors of the target, `sample_weight` `(rows,)` the inverse of
    relative variances; `stated` names columns whose resolution is not to be judged by their
    values.
    """
    started = time.monotonic()
    uses_threads()
    used = _informative(features)
    known = np.isin([*feature_names, target_name], list(stated))
    resolution = np.where(known, resolution, measured(features, target, resolution))
    base = np.ones(len(target)) if sigma is None else sigma
    if sample_weight is not None:
        base = base / np.sqrt(sample_weight)
    order = _row_order(features, target, resolution, base)
    ordered = np.empty(features.shape, order="F")
    for into, column in zip(ordered.T, features.T, strict=True):
        into[:] = column[order]
    features, target, base = ordered, target[order], base[order]
    # Of large tables, no column of zeros is stored.
    none = not resolution.any()
    resolution = np.broadcast_to(0.0, resolution.shape) if none else resolution[order]
    everything = np.arange(len(target))
    chosen = features if len(used) == features.shape[1] else features[:, used]

    def problem(rows: np.ndarray) -> Problem:
        return Problem.of(
            [feature_names[i] for i in used],
            chosen if len(rows) == len(target) else features[rows][:, used],
            target[rows],
            resolution[: len(rows), : len(used) + 1] if none else resolution[rows][:, [*used, -1]],
            seed,
            base[rows],
            sigma is not None,
            order[rows] + 1,
        )

    kept = everything
    report = on_progress or (lambda fraction, message: None)
    search = Search(problem(kept), settings, report).run()
    for _ in range(_ROBUST_ROUNDS if settings.robust else 0):
        fewer = _without_outliers(search.ranking.chosen(), chosen, target, base)
        if np.array_equal(fewer, kept):
            break
        kept = fewer
        left = settings.budget - (time.monotonic() - started)
        search = Search(problem(kept), replace(settings, budget=max(left, 1.0)), report).run()
    with np.errstate(all="ignore"):
        ranked = search.ranking.ranked()
        best = on_all_rows(ranked[0])
        found = _described([best, *ranked[1:]]) | {
            "noise": _noise(best),
            "constants": _constants(best),
            "left": best.judged[1],
            "worst_rows": _worst(best, chosen, target, base, kept, order),
        }
    return FormulaModel(
        **found,
        feature_names=list(feature_names),
        target_name=_free_name(target_name, feature_names),
        named=named,
        training_range=np.stack([features.min(axis=0), features.max(axis=0)]),
        settings=settings,
        seed=seed,
        seconds=time.monotonic() - started,
        interrupted=search.interrupted,
    )


def _described(ranked: list[Candidate]) -> dict:
    formulas = [_with_plain_symbols(candidate.formula) for candidate in ranked]
    equations = [
        {"formula": formula_text(formula)} | {name: getattr(c, name) for name in _COLUMNS}
        for formula, c in zip(formulas, ranked, strict=True)
    ]
    return {"formulas": formulas, "equations": equations}


def _noise(candidate: Candidate) -> dict | None:
    """The error model of a formula as plain data; None if every row agrees."""
    if candidate.exact_status == EXACT or candidate.agrees:
        return None
    if candidate.exact_status == WITHIN_PRECISION:
        return Noise(WRITTEN).report()
    return candidate.found.noise.report()


def _constants(candidate: Candidate) -> list[dict]:
    """Each fitted constant with its standard error."""
    rows = candidate.problem.everything
    if candidate.exact_status != APPROXIMATE:
        # Rounding to written digits is an error between −1 and 1 of the largest one.
        limit = candidate.problem.allowed(candidate.formula, np.arange(len(rows)))
        rows = replace(rows, scale=np.maximum(np.nan_to_num(limit), np.finfo(float).tiny))
    elif len(candidate.found.rows) == len(rows):
        rows = candidate.found.rows
    found = list(errors(candidate.formula, rows))
    if candidate.exact_status == APPROXIMATE:
        # A coefficient that may be 3 need not be 3, which adds to the errors of the others.
        every = {v: e for v, e in errors(with_floats(candidate.formula), rows) if np.isfinite(e)}
        found = [(value, every.get(value, error)) for value, error in found]
    return [{"value": float(value), "standard_error": error} for value, error in found]


def _standardised(candidate: Candidate, features, target, base) -> np.ndarray:
    columns = dict(zip(candidate.problem.everything.columns(), features.T, strict=True))
    value = evaluate(candidate.formula, columns)
    return candidate.found.noise.standardised(value, target, base)


def _without_outliers(candidate: Candidate, features, target, base) -> np.ndarray:
    """The rows within five standard deviations, these estimated by the median."""
    residual = np.abs(_standardised(candidate, features, target, base))
    residual = np.where(np.isfinite(residual), residual, np.inf)
    limit = max(5 * 1.4826 * float(np.median(residual)), np.finfo(float).tiny)
    limit = max(limit, float(np.quantile(residual, 1 - _LEFT_OUT)))
    return np.flatnonzero(residual <= limit)


def _worst(candidate: Candidate, features, target, base, kept, order) -> list[dict]:
    """The rows that deviate most, by at least four robust standard deviations, worst first."""
    if candidate.exact_status != APPROXIMATE or not candidate.formula.free_symbols:
        return []
    residual = np.abs(_standardised(candidate, features, target, base))
    unit = 1.4826 * float(np.median(residual[kept]))
    if not unit > 0:
        return []
    return [
        {
            "row": int(order[i]) + 1,
            "deviation": float(residual[i] / unit),
            "left_out": i not in kept,
        }
        for i in np.argsort(-residual, kind="stable")[:_MOST_NAMED]
        if residual[i] > _WORST * unit
    ]


def _row_order(features, target, resolution, base) -> np.ndarray:
    """The order in which rows are searched: how a table is sorted says nothing, so it decides
    neither which rows are held out nor how sums are rounded."""
    order = np.argsort(features[:, 0], kind="stable")
    first = features[order, 0]
    if np.all(first[1:] != first[:-1]):
        return order  # the first column alone decides
    keys = [base, *resolution.T, target, *features.T[::-1]]
    return np.lexsort([key for key in keys if np.any(key != key[0])] or keys[-1:])


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
