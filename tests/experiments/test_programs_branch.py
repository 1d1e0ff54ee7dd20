"""Programs with branches: what is configured how, and what the page may claim."""

import polars as pl
import pytest

from numerate.bench import experiment
from numerate.bench._program_study import CONDITIONS, ProgramJob, ProgramSettings

BRANCH = experiment("programs-branch")
SMALL = ProgramSettings(seeds=2, steps=2, measures=1, programs=20, hidden=4, cells=4)


def rows(**shares: tuple[float, ...]) -> pl.DataFrame:
    """Rows of models, alike for all numbers of digits, from what seeds have at the end."""
    found = [
        {"unit": unit, "seed": seed, "condition": condition, "digits": share}
        | {"error": 1.0, "curve": [0.5, share]}
        for unit, seeds in shares.items()
        for seed, share in enumerate(seeds)
        for condition in CONDITIONS
    ]
    return pl.DataFrame(found)


@pytest.mark.parametrize(("nalu", "holds"), [((1.0, 0.998, 0.5), True), ((1.0, 0.997, 0.5), False)])
def test_the_claim_holds_where_the_median_nalu_has_the_bar(nalu, holds):
    told = BRANCH.sentences(rows(NALU=nalu, NAC=(1.0, 1.0, 1.0)), SMALL)["verdict"]
    assert told.startswith("The claim holds") == holds
    assert "100.0 / 100.0 / 100.0 % (3 / 3 / 3 of 3 seeds" in told
    assert "an LSTM alone (not run)" in told


def test_steps_are_those_of_the_median_seed():
    found = rows(NALU=(1.0, 0.9, 1.0), NAC=(1.0, 0.9, 0.9))
    told = BRANCH.sentences(found, ProgramSettings(seeds=3, steps=4000, measures=2))["soon"]
    assert "NALU 4,000 / 4,000 / 4,000 steps" in told
    assert "NAC never / never / never" in told


def test_a_model_has_a_row_for_each_number_of_digits():
    found = BRANCH.run(ProgramJob("NAC", 0, 2), SMALL, lambda fraction: None)
    assert [(row["seed"], row["condition"]) for row in found] == [
        (seed, condition) for seed in (0, 1) for condition in CONDITIONS
    ]
    assert all(0 < row["digits"] < 0.9 and len(row["curve"]) == 1 for row in found)


def test_the_best_seed_is_the_one_with_the_least_error_in_training():
    found = rows(NAC=(0.5, 0.75)).with_columns(
        error=pl.when(seed=1, condition="2 digits").then(0.5).otherwise(pl.col("seed"))
    )
    assert (
        "(none) with a NALU and 50.0 / 50.0 / 50.0 % with a NAC"
        in (BRANCH.sentences(found, SMALL)["best"])
    )
