"""The committed results, which rows of today must resemble."""

import json
from pathlib import Path

import polars as pl

RESULTS = Path(__file__).parents[2] / "results"


def committed(name: str) -> tuple[pl.DataFrame, dict]:
    """The rows and the summary of the committed results."""
    summary = json.loads((RESULTS / name / "summary.json").read_text(encoding="utf-8"))
    rows = pl.read_parquet(RESULTS / name / "results.parquet")
    return rows.drop("job", "job_seconds"), summary


def check_columns(name: str, rows: list[dict]) -> None:
    """Those of the committed rows, and the three that every experiment has."""
    known, _ = committed(name)
    for row in rows:
        assert {"unit", "seed", "condition"} <= set(row) <= set(known.columns)
