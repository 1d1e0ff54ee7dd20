"""Programs with branches: configured units, and the claims of the page."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from numerate.paper import experiment
from numerate.paper.programs._report import CONDITIONS, ProgramSettings, _least
from numerate.paper.programs._training import Training
from numerate.paper.programs.branch import BEST, STUDY
from numerate.study import Job
from tests.each import each
from tests.paper.committed import check_columns

BRANCH = experiment("programs-branch")
SMALL = ProgramSettings(seeds=2, steps=2, measures=1, programs=20, hidden=4, cells=4)


def rows(**shares: tuple[float, ...]) -> pl.DataFrame:
    """Rows of models, equal for all numbers of digits, from the final results of seeds."""
    found = [
        {"unit": unit, "seed": seed, "condition": condition, "digits": share}
        | {"error": 1.0, "curve": [0.5, share]}
        for unit, seeds in shares.items()
        for seed, share in enumerate(seeds)
        for condition in CONDITIONS
    ]
    return pl.DataFrame(found)


@each("nalu, holds", [((1.0, 0.998, 0.5), True), ((1.0, 0.997, 0.5), False)])
def test_the_claim_holds_where_the_median_nalu_reaches_the_threshold(nalu, holds):
    told = BRANCH.sentences(rows(NALU=nalu, NAC=(1.0, 1.0, 1.0)), SMALL)["verdict"]
    assert told.startswith("The claim holds in") == holds
    assert "100.0 / 100.0 / 100.0 % (3 / 3 / 3 of 3 seeds" in told
    assert "An LSTM alone has (not run)" in told


def test_the_page_names_the_unit_that_reaches_the_threshold():
    found = rows(NALU=(0.5,), NAC=(1.0,))
    assert BRANCH.sentences(found, SMALL)["verdict"].startswith(
        "The claim does not hold for the NALU, but for “NAC”, in 2 steps"
    )
    told = BRANCH.sentences(rows(NALU=(0.5,), NAC=(0.5,)), SMALL)["verdict"]
    assert told.startswith("The claim is not reached in")


def test_steps_are_those_of_the_median_seed():
    found = rows(NALU=(1.0, 0.9, 1.0), NAC=(1.0, 0.9, 0.9))
    told = BRANCH.sentences(found, ProgramSettings(seeds=3, steps=4000, measures=2))["soon"]
    assert "NALU 4,000 / 4,000 / 4,000 steps" in told
    assert "NAC never / never / never" in told


def test_the_best_seed_is_the_one_with_the_least_error_in_training():
    found = rows(NAC=(0.5, 0.75)).with_columns(
        error=pl.when(seed=1, condition="2 digits").then(0.5).otherwise(pl.col("seed"))
    )
    assert (
        "(none) with a NALU and 50.0 / 50.0 / 50.0 % with a NAC"
        in (BRANCH.sentences(found, SMALL)["best"])
    )


@pytest.mark.slow
def test_rows_of_a_unit_are_its_first_models_and_the_best():
    both = BRANCH.run(Job("NAC", range(2)), SMALL, lambda fraction: None)
    check_columns("programs-branch", both)
    study = dataclasses.replace(STUDY, tries={})
    tries = STUDY.tries["NAC"]
    every = study.run(Job("NAC", range(2 * tries)), SMALL, lambda fraction: None)

    def results(rows, seed):
        return [(r["condition"], r["digits"], r["error"]) for r in rows if r["seed"] == seed]

    for seed in range(2):
        tried = [results(every, tries * seed + model) for model in range(tries)]
        errors = [model[0][2] for model in tried]
        assert len(set(errors)) == tries
        assert results([r for r in both if r["unit"] == "NAC"], seed) == tried[0]
        assert results([r for r in both if r["unit"] == BEST], seed) == tried[np.argmin(errors)]
    assert [(row["unit"], row["seed"], row["condition"]) for row in both] == [
        (unit, seed, condition)
        for unit in ("NAC", BEST)
        for seed in range(2)
        for condition in CONDITIONS
    ]
    assert all(0 < row["digits"] < 0.9 and len(row["curve"]) == 1 for row in both)


def test_a_model_without_a_finite_error_is_never_the_best():
    assert _least(np.array([[np.nan, 2.0, 1.0], [3.0, np.inf, 4.0]])).tolist() == [2, 0]


@each("units", [("NAC",), (BEST,), ("NAC", BEST)])
def test_rows_of_the_same_models_are_one_job(units):
    assert BRANCH.plan(SMALL, units) == [Job("NAC", range(2))]


def test_a_gain_grows_exponentially_and_then_stays():
    training = Training(steps=100, batch=1, rate=0.1, measures=1, sharpening=16.0)
    shares = [0.0, 0.425, 0.85, 1.0]
    assert [float(training.sharpness(p)) for p in shares] == pytest.approx([1, 4, 16, 16])
    assert float(training._replace(sharpening=1.0).sharpness(0.5)) == 1
