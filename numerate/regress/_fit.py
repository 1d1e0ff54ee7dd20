"""`numerate.fit` and `numerate.load`: a fitted estimator in one call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from numerate.regress._estimator import ArithmeticRegressor
from numerate.regress._store import load_model
from numerate.tables import read_table


def fit(
    data: Any,
    *,
    target: str | None = None,
    features: Sequence[str] | None = None,
    seed: int = 0,
    budget: float = 60.0,
    loss: str = "squared",
    sigma: str | None = None,
    exact: Sequence[str] = (),
    written: Mapping[str, float] | None = None,
    on_progress: Callable[[float, str], None] | None = None,
) -> ArithmeticRegressor:
    """Find the formula of one column of a table in terms of the others.

    **Arguments:**

    - `data`: a CSV, TSV, Parquet or NDJSON file, the name of an embedded data set, a Polars or
        pandas data frame, a mapping of columns, or a `numerate.tables.Table`.
    - `target`: the column to explain; the last one by default.
    - `features`: the columns a formula may use; by default all others that hold numbers.
    - `seed`, `budget`: as `random_state` and `budget` of `ArithmeticRegressor`.
    - `loss`: `"huber"` leaves out rows that are far from the formula.
    - `sigma`: the column of the target's standard errors.
    - `exact`: columns whose values are exact whatever their digits say.
    - `written`: half a unit in the last written digit, by column, where the digits do not show it.
    - `on_progress`: called with the fraction done and what is being done.

    **Returns:** a fitted `ArithmeticRegressor`; its `interrupted_` is true if Ctrl-C ended the
    search early.

    **Raises:** `numerate.tables.InputError` (a `ValueError`) naming the column and row at fault.

    !!! example
        >>> fit("kepler").formula_
        a**(3/2)
    """
    table = read_table(
        data, target=target, features=features, sigma=sigma, exact=exact, written=written
    )
    *names, target_name = table.names
    frame = pl.DataFrame(dict(zip(names, table.values.T, strict=False)))
    model = ArithmeticRegressor(budget=budget, loss=loss, random_state=seed)
    return model._fit(
        frame,
        table.values[:, -1],
        table.resolution,
        target_name,
        on_progress,
        sigma=table.sigma,
        stated=table.stated,
    )


def load(path: Any) -> ArithmeticRegressor:
    """Read a fitted model that `save` wrote. Nothing in the file is executed.

    **Raises:** `numerate.tables.InputError` (a `ValueError`) for a missing file or one that is
    not such a model.

    !!! example
        >>> import numpy as np, pathlib, tempfile
        >>> X = np.random.default_rng(0).uniform(1, 2, (50, 2))
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
        >>> ArithmeticRegressor().fit(X, X[:, 0] / X[:, 1]).save(path)
        >>> load(path).formula_
        x0/x1
    """
    return ArithmeticRegressor._of(load_model(path))
