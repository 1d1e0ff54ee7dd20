"""Functions over sequences: the paper's numbers, both interpretations, and independent seeds."""

import dataclasses
from importlib import import_module

import jax
import jax.numpy as jnp
import polars as pl
import pytest

from numerate.paper import experiment
from tests.each import each

RECURRENT = experiment("simple-recurrent")
module = import_module("numerate.paper.functions.recurrent")
TINY = dataclasses.replace(
    RECURRENT.scales["smoke"], steps=20, rows=20, long=20, long_rows=5, units=("NAC",)
)


# Tables 1 and 9 as printed, which the page computes from table 8.
@each(
    "unit, function, condition, printed",
    [
        ("LSTM", "add", "extrapolation", 96.1),
        ("GRU", "square", "extrapolation", 99.2),
        ("RNN-tanh", "div", "extrapolation", 96.3),
        ("RNN-ReLU", "sqrt", "extrapolation", 34.1),
        ("NAC", "mul", "interpolation", 1.5),
        ("NAC", "square", "extrapolation", 123.7),
        ("NALU", "first", "extrapolation", 0.0),
    ],
)
def test_scores_of_the_paper(unit, function, condition, printed):
    assert module.PAPER[unit, function, condition] == pytest.approx(printed, abs=0.051)


def test_where_table_9_says_above_999_so_do_we():
    for unit, function in (("NAC", "div"), ("NAC", "sqrt"), ("NALU", "div")):
        assert module.PAPER[unit, function, "extrapolation"] > 999


def test_sums_are_run_once_and_belong_to_both_readings():
    assert module._functions(module.AS_WRITTEN) == tuple(module.SIGNS)
    assert module._functions(module.LINEAR) == ("mul", "div", "square", "sqrt")
    jobs = RECURRENT.plan(RECURRENT.scales["quick"], ("NAC", "GRU"))
    assert [(job.unit, job.variant["reading"]) for job in jobs] == [
        (unit, reading) for unit in ("GRU", "NAC") for reading in module.READINGS
    ]


def made(reading: str, errors: dict[str, tuple[float, float]]) -> list[dict]:
    """Rows of one seed of a NALU, from its errors inside and outside."""
    return [
        {"unit": "NALU", "reading": reading, "function": function, "seed": 0}
        | {"condition": condition, "error": error, "random": 30.0 if index == 0 else 3000.0}
        | {"threshold": 0.1}
        for function, pair in errors.items()
        for index, (condition, error) in enumerate(zip(module.CONDITIONS, pair, strict=True))
    ]


def test_each_reading_has_its_own_lines_and_the_sums_of_both():
    written, linear = module.READINGS
    errors = {f: (0.0, 0.0 if f in ("add", "mul") else 30.0) for f in module.SIGNS}
    other = {f: (0.0, 300.0) for f in ("mul", "div", "square", "sqrt")}
    rows = pl.DataFrame(made(written, errors) + made(linear, other))
    tables = RECURRENT.tables(rows, TINY)
    by_reading = {
        reading: {line.labels[1]: line.values for line in tables[key].lines}
        for reading in module.READINGS
        for key in [f"extrapolation, {reading}"]
    }
    assert by_reading[written]["a × b"] == (0.0,) and by_reading[linear]["a × b"] == (10.0,)
    assert by_reading[written]["a − b"] == by_reading[linear]["a − b"] == (1.0,)
    said = RECURRENT.sentences(rows, TINY)
    assert "a hundred times the length, by a factor of 100 to 100 with the" in said["verdict"]
    assert (
        "linear in time: NALUs that extrapolate: a 0 %, a + b 100 %, a − b 0 %" in said["verdict"]
    )
    assert said["random"].splitlines()[2].startswith("| a | 100 | 100 | 8.69e+03 |")


@pytest.mark.slow
@each("unit", RECURRENT.units)
def test_every_model_reads_sequences_of_any_length(unit):
    model = module.MODELS[unit](key=jax.random.key(0))
    for time in (1, 3):
        assert jax.eval_shape(model, jnp.ones((time, 10))).shape == (1,)
