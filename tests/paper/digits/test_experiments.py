"""Counting and adding digits: measurements, tables, and independent seeds."""

import dataclasses
from importlib import import_module

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from numerate.paper import experiment
from numerate.paper.digits import DigitSequences
from numerate.study import Job
from numerate.tables import InputError
from tests.each import each

COUNT, ADD = experiment("mnist-count"), experiment("mnist-add")
core = import_module("numerate.paper.digits._training")
show = import_module("numerate.paper.digits._report")
STUDY = import_module("numerate.paper.digits.add").STUDY
ADD_TASK = DigitSequences("add")
LABELS = np.arange(200) % 10


def adder(error):
    """Features are the labels themselves; every digit adds an error."""
    return lambda features, order: (1.0 * features[order] + error).sum(-1, keepdims=True)


def test_errors_grow_with_the_length_as_the_error_of_a_digit_does():
    for length in (1, 10, 100):
        found = core.errors(ADD_TASK, adder(0.25), jnp.asarray(LABELS), LABELS, length, 7)
        np.testing.assert_allclose(found["mae"], 0.25 * length)
        np.testing.assert_allclose(found["bias"], 0.25 * length)
        np.testing.assert_allclose(found["mse"], (0.25 * length) ** 2)


def test_one_digit_is_right_when_the_rounded_sum_is():
    shares = [
        core.errors(ADD_TASK, adder(error), jnp.asarray(LABELS), LABELS, 1, 7)["accuracy"]
        for error in (0.4, -0.6)
    ]
    assert shares == [1.0, 0.0]
    assert core.errors(ADD_TASK, adder(0), jnp.asarray(LABELS), LABELS, 10, 7)["accuracy"] is None


def test_lengths_have_the_sequences_that_there_are():
    counts = [
        core.errors(ADD_TASK, adder(0), jnp.asarray(LABELS), LABELS, length, 50)["sequences"]
        for length in (1, 10, 100)
    ]
    assert counts == [200, 20, 50]


def test_what_is_not_finite_stays_so():
    def broken(features, order):
        return jnp.full((len(order), 1), jnp.nan)

    assert np.isnan(core.errors(ADD_TASK, broken, None, LABELS, 10, 7)["mae"])


def rows(**errors: tuple[float, ...]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"unit": unit, "seed": seed, "data": "MNIST", "condition": name, "accuracy": 0.98}
            | {"mae": error * factor, "mse": 1.0, "bias": error}
            for unit, values in errors.items()
            for seed, error in enumerate(values)
            for name, factor in (("validation", 1), ("1", 1), ("10", 1), ("100", 10), ("1000", 100))
        ]
    )


def test_tables_have_the_papers_error_and_its_half():
    tables = show.tables(STUDY, rows(NAC=(0.2, 0.4)), core.Settings())
    line = tables["1000 digits, MNIST"].lines[0]
    assert (line.labels, line.values) == (("NAC",), (20.0, 40.0))
    assert line.paper == "57.3 (half: 28.6)" and line.solved == (True, False)
    (accuracy,) = tables["One digit, MNIST"].lines
    assert (accuracy.paper, accuracy.values, accuracy.solved) == ("97.6 %", (98, 98), (True, True))


def test_sentences_name_the_least_median_and_the_line_that_all_have_to_beat():
    found = rows(**{"constant": (40.0,), "LSTM": (39.0,), "NAC": (0.5, 0.3), "NAU, summed": (0.1,)})
    said = show.sentences(STUDY, found, core.Settings())
    assert "outputs of a unit: NAU, summed 10. The paper's best is 57.3" in said["verdict"]
    assert (
        "weights: NAC 40. Standard recurrent networks: LSTM 3900. Constant prediction 45"
        in said["verdict"]
    )
    assert said["bias"].startswith("| NAU, summed | error |")
    assert "| 1000 | 4000 | 8000 | 8811.6 |" in said["factor two"]


@each("found", [COUNT, ADD])
def test_every_setting_is_explained(found):
    assert all(found.help().values())


def test_there_is_no_setting_that_tells_where_files_are():
    texts = [name for name, v in dataclasses.asdict(core.Settings()).items() if isinstance(v, str)]
    assert texts == ["source"]


SMALL = core.Settings(epochs=1, cell_epochs=1, baseline_epochs=1, sequences=20, source="small")


def test_the_constant_answer_is_ten_times_the_mean():
    (ten,) = [
        row
        for row in ADD.run(Job(core.CONSTANT, range(1)), SMALL, lambda fraction: None)
        if row["condition"] == "1000"
    ]
    assert abs(ten["mae"] - (4.5 * 1000 - 45)) < 100 and ten["data"] == "8×8 digits"


def test_mnist_that_is_not_there_is_said_before_anything_runs(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMERATE_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = dataclasses.replace(SMALL, source="mnist")
    core.split.cache_clear()
    with pytest.raises(InputError, match="MNIST is missing"):
        ADD.run(Job("NAC", range(1)), settings, lambda fraction: None)
