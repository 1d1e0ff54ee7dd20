"""Every experiment: its last job at the smallest scale, tables and figures; all jobs if slow."""

import dataclasses
import json

import numpy as np
import polars as pl
import pytest

from numerate import bench, paper
from numerate.study import regions, reproduce
from tests.each import each
from tests.paper.committed import RESULTS, check_columns, committed

EXPERIMENTS = paper.experiments() | bench.experiments()
each_experiment = each("name", EXPERIMENTS)
# What runs an experiment takes seconds: a test for each.
each_in_turn = pytest.mark.parametrize("name", EXPERIMENTS)


def checked(experiment):
    """The experiment; its rows are like the committed ones, and its progress only grows."""

    def run(job, settings, tick):
        shares: list[float] = []

        def told(share: float) -> None:
            shares.append(share)
            tick(share)

        rows = experiment.run(job, settings, told)
        check_columns(experiment.name, rows)
        assert {row["unit"] for row in rows} <= set(experiment.units) and len(rows) > 0
        assert shares == sorted(shares) and all(0 <= share <= 1 for share in shares)
        return rows

    return dataclasses.replace(experiment, run=run)


@pytest.mark.parametrize("name", ["toy"])  # the others have slow tests
def test_the_last_job_gives_rows_like_the_committed_ones(name):
    experiment = checked(EXPERIMENTS[name])
    settings = experiment.scales["smoke"]
    experiment.run(experiment.plan(settings)[-1], settings, lambda share: None)


@each_experiment
def test_tables_are_those_committed(name):
    experiment = EXPERIMENTS[name]
    rows, summary = committed(name)
    settings = experiment.scales[summary["scale"]]
    tables = experiment.tables(rows, settings)
    assert {title: table.json() for title, table in tables.items()} == summary["tables"]


@pytest.mark.slow
@each_experiment
def test_figures_are_those_committed(name):
    experiment = EXPERIMENTS[name]
    rows, summary = committed(name)
    figures = experiment.draw(rows, experiment.scales[summary["scale"]])
    assert set(figures) == {file.stem for file in (RESULTS / name).glob("*.svg")}
    assert all(figure.axes for figure in figures.values())


@each_experiment
def test_what_quick_costs_was_measured(name):
    experiment = EXPERIMENTS[name]
    assert set(experiment.cost) <= set(experiment.scales)
    assert 0 < experiment.cost["smoke"] < 60 and 0 < experiment.cost["quick"] <= 1200


@each_experiment
def test_every_setting_is_explained(name):
    assert all(EXPERIMENTS[name].help().values())
    assert np.diff([settings.seeds for settings in EXPERIMENTS[name].scales.values()]).min() >= 0


@pytest.mark.slow
@each_in_turn
def test_smoke(name, tmp_path):
    """All jobs of the smallest scale: all files, and no job is run twice."""
    experiment = checked(EXPERIMENTS[name])
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
