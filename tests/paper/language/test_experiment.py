"""The language experiment: selection, report and a run."""

from importlib import import_module

import numpy as np
import polars as pl
import pytest

from numerate.paper import experiment
from numerate.paper.language.experiment import _key
from tests.paper.committed import check_columns

LANGUAGE = experiment("language")
module = import_module("numerate.paper.language._report")
QUICK = LANGUAGE.scales["quick"]


def rows(*models: tuple[str, int, float, float, float]) -> pl.DataFrame:
    """Rows of models: unit, seed, learning rate, validation error and test error."""
    found = [
        {"unit": unit, "seed": seed, "condition": condition, "size": 16, "rate": rate}
        | {"initialisation": 0, "error": error, "right": 0.5, "hundreds": 2}
        | {"hundreds' sum of errors": error, "snapped error": 0.0, "best step": 1, "running": [0.0]}
        for unit, seed, rate, validation, test in models
        for condition, error in (("train", 0.0), ("validation", validation), ("test", test))
    ]
    return pl.DataFrame(found)


def test_models_are_selected_by_validation_and_not_by_test_error():
    found = rows(("LSTM", 0, 0.01, 2.0, 1.0), ("LSTM", 0, 0.001, 1.0, 9.0))
    best = module.selected(found)
    assert best.filter(pl.col("condition") == "test")["error"].to_list() == [9.0]
    assert sorted(best["condition"]) == ["test", "train", "validation"]


def test_every_seed_has_a_result_even_where_all_models_failed():
    nan = float("nan")
    found = rows(
        ("LSTM", 0, 0.01, nan, nan), ("LSTM", 0, 0.001, 3.0, 3.0), ("LSTM", 1, 0.01, nan, nan)
    )  # fmt: skip
    best = module.selected(found).filter(pl.col("condition") == "test")
    assert best["seed"].to_list() == [0, 1]
    assert best["error"][0] == 3.0
    assert np.isnan(best["error"][1])


def test_tables_have_a_line_for_each_model_beside_the_papers():
    found = rows(("LSTM", 0, 0.01, 2.0, 1.0), ("LSTM + NALU", 0, 0.01, 2.0, 4.0))
    table = LANGUAGE.tables(found, QUICK)["Error on the test numbers"]
    assert [(line.labels, line.values, line.paper) for line in table.lines] == [
        (("LSTM",), (1.0,), "29.4"),
        (("LSTM + NALU",), (4.0,), "0.41"),
    ]


def test_jobs_cover_every_size_rate_and_split_once():
    jobs = LANGUAGE.plan(QUICK, ("LSTM", "sum or product"))
    assert len(set(map(str, jobs))) == len(jobs) == 4 + 2
    lstm = {tuple(job.variant.values()) for job in jobs if job.unit == "LSTM"}
    assert lstm == {(size, rate) for size in (16, 32) for rate in (0.01, 0.001)}
    assert all(job.seeds == range(QUICK.first, QUICK.first + QUICK.seeds) for job in jobs)


@pytest.fixture(scope="module")
def small():
    settings = LANGUAGE.scales["smoke"]
    (job,) = LANGUAGE.plan(settings, ("sum or product",))
    return settings, job


def test_models_start_alike_only_where_nothing_but_the_rate_differs():
    key = _key(16, 0, 0)
    assert all(_key(*other) != key for other in [(16, 1, 0), (16, 0, 1), (17, 0, 0)])
    assert _key(16, 0, 0) == key


@pytest.mark.slow
def test_errors_are_those_of_the_answers(small):
    settings, job = small
    row = LANGUAGE.run(job, settings, lambda fraction: None)[0]
    check_columns("language", [row])
    assert row["condition"] == "train"
    assert len(row["running"]) == sum(len(phrase.split()) for phrase in module.PHRASES)
    assert 0 < row["error"] < 500
    assert 0 <= row["right"] <= 1
