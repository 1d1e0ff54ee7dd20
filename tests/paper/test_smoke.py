"""Every experiment runs, leaves all its files, and goes on where it was."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest

from numerate.paper import experiments
from numerate.study import regions, reproduce

EXPERIMENTS = experiments()


@pytest.mark.usefixtures("unoptimised")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_smoke(name, tmp_path):
    experiment = EXPERIMENTS[name]
    settings = experiment.scales["smoke"]
    seen = []
    result = reproduce(
        experiment, settings, tmp_path, scale="smoke", on_progress=lambda *told: seen.append(told)
    )
    assert result.complete and not result.notes and result.tables
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert all(file.stat().st_size > 0 for file in result.files)
    stems = {file.stem for file in result.files}
    assert all({f"{stem}.svg", f"{stem}.png"} <= {f.name for f in result.files}
               for stem in stems - {"results", "summary", "table"})  # fmt: skip
    assert len(stems) > 3  # a figure as well

    rows = pl.read_parquet(tmp_path / "results.parquet")
    assert set(rows["unit"]) <= set(experiment.units)
    assert rows["seed"].n_unique() == settings.seeds
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["complete"] and summary["rows"] == len(rows)
    assert {"run", "verdict", *result.tables} <= set(regions(experiment, tmp_path))

    def again(*_):
        raise AssertionError("a job was run twice")

    once_more = reproduce(dataclasses.replace(experiment, run=again), settings, tmp_path)
    assert once_more.complete
    assert pl.read_parquet(tmp_path / "results.parquet").equals(rows, null_equal=True)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_quick_costs_was_measured(name):
    experiment = EXPERIMENTS[name]
    assert set(experiment.cost) <= set(experiment.scales)
    assert 0 < experiment.cost["smoke"] < 60 and 0 < experiment.cost["quick"] <= 1200


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_setting_is_explained(name):
    assert all(EXPERIMENTS[name].help().values())
    assert np.diff([settings.seeds for settings in EXPERIMENTS[name].scales.values()]).min() >= 0
