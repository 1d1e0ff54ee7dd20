"""Experiments with programs: correct digits, training and tables."""

import numpy as np
import polars as pl
import pytest

from numerate.paper import experiment
from numerate.paper.programs._report import CONDITIONS, ProgramSettings
from numerate.paper.programs._training import matching_digits
from numerate.study import Job
from tests.each import each
from tests.paper.committed import check_columns

ADD = experiment("programs-add")
SMALL = ProgramSettings(seeds=2, steps=20, measures=2, programs=20, hidden=4, cells=4)


@each(
    "answer, target, share",
    [
        (118.4, 118, 1),
        (118.6, 118, 2 / 3),
        (7, 1007, 3 / 4),  # zeros in front of the answer match those of the target
        (1007, 7, 3 / 4),
        (18, 118, 2 / 3),
        (-118, 118, 3 / 4),  # a sign counts as a digit
        (-118, -118, 1),
        (-0.4, 0, 1),
        (0, -5, 0),
        (-5, -9, 1 / 2),
        (81, 18, 0),
        (float("nan"), 0, 0),
        (float("inf"), 9, 0),
        (1e30, 0, 15 / 16),
    ],
)
def test_digits_that_match(answer, target, share):
    assert matching_digits([answer], [target])[0] == pytest.approx(share)


def rows(*models: tuple[str, int, list[float]]) -> pl.DataFrame:
    """Rows of models, equal for all numbers of digits, from their curves."""
    found = [
        {"unit": unit, "seed": seed, "condition": condition, "digits": curve[-1]}
        | {"error": 1.0, "curve": curve}
        for unit, seed, curve in models
        for condition in CONDITIONS
    ]
    return pl.DataFrame(found)


def test_tables_have_shares_and_the_first_step_at_the_threshold():
    found = rows(("NALU", 1, [0.5, 1.0]), ("NALU", 0, [0.25, 0.75]), ("LSTM", 0, [1.0, 0.5]))
    tables = ADD.tables(found, SMALL)
    lines = tables["digits, 4 digits"].lines
    assert [(one.labels, one.values, one.solved, one.paper) for one in lines] == [
        (("NALU",), (75.0, 100.0), (False, True), "100.0"),
        (("LSTM",), (50.0,), (False,), "5.8"),
    ]
    steps = {line.labels: line for line in tables["steps"].lines}
    assert steps["NALU", "3 digits"].values == (np.inf, 0.02)
    assert steps["NALU", "3 digits"].paper == "146"
    assert steps["LSTM", "2 digits"].values == (0.01,)


def test_the_papers_steps_are_shown_whether_or_not_ours_get_there():
    found = rows(("NALU", 0, [0.5, 0.75]), ("LSTM", 0, [0.5, 0.75]))
    lines = ADD.tables(found, SMALL)["steps"].lines
    assert [(one.labels[0], one.values, one.paper) for one in lines] == [
        ("NALU", (np.inf,), paper) for paper in ("119", "146", "174")
    ]


def test_sentences_say_what_was_not_run():
    told = ADD.sentences(rows(("NALU", 0, [0.5, 1.0])), SMALL)["verdict"]
    assert "100.0 / 100.0 / 100.0 % (1 / 1 / 1 of 1 seeds" in told
    assert "needs 20 / 20 / 20 steps" in told
    assert "An LSTM alone has (not run)" in told


@pytest.mark.slow
def test_rows_have_a_curve_that_ends_at_the_result():
    row = ADD.run(Job("NAU", range(1)), SMALL, lambda fraction: None)[0]
    check_columns("programs-add", [row])
    assert row["condition"] == "2 digits" and len(row["curve"]) == 2
    assert row["curve"][-1] == pytest.approx(row["digits"], abs=1e-5)
    assert 0 < row["digits"] < 1 and 0 < row["error"] < 300


def test_seeds_that_would_change_the_blocks_of_others_are_refused():
    with pytest.raises(ValueError, match="seeds must start at a multiple of 5"):
        ADD.run(Job("NAU", range(1, 2)), SMALL, lambda fraction: None)
