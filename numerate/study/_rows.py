"""Look-up in the rows of results."""

from collections.abc import Iterable
from typing import Any

import polars as pl


def units_run(rows: pl.DataFrame, units: Iterable[str]) -> list[str]:
    """The units that have rows, in the order of `units`.

    !!! example
        >>> units_run(pl.DataFrame({"unit": ["NAU", "NAC", "NAU"]}), ["NAC", "NALU", "NAU"])
        ['NAC', 'NAU']
    """
    found = set(rows["unit"])
    return [unit for unit in units if unit in found]


def by_seed(rows: pl.DataFrame, column: str, **where: Any) -> tuple[Any, ...]:
    """A column of the rows with some values, in the order of seeds; NaN for null.

    **Arguments:** `rows`; `column`, the measure; the values of other columns, such as
    `unit="NAC", condition="test"`.

    !!! example
        >>> rows = pl.DataFrame({"unit": ["NAC"] * 3, "seed": [2, 1, 0], "error": [0.2, None, 0.0]})
        >>> by_seed(rows, "error", unit="NAC"), by_seed(rows, "error", unit="NALU")
        ((0.0, nan, 0.2), ())
    """
    found = rows.filter(**where).sort("seed", maintain_order=True)[column]
    return tuple(float("nan") if value is None else value for value in found.to_list())
