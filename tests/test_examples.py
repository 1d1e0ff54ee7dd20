"""The examples print what their docstrings state."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def printed(example, **environment):
    """The lines that an example prints."""
    command, environment = [sys.executable, str(EXAMPLES / example)], os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.splitlines()


def test_two_weights():
    lines = printed("two_weights.py")
    steps, first, second = zip(*(line.replace(",", "").split() for line in lines[1:]), strict=True)
    assert [int(step) for step in steps] == list(range(50_000, 1_000_001, 50_000))
    assert abs(float(first[-1]) - 0.9972) < 0.0002 and abs(float(second[-1]) + 0.9972) < 0.0002


@pytest.mark.slow
def test_a_pytorch_lstm_reads_out_with_a_nalu():
    (line,) = printed("torch_lstm_nalu.py")
    error, constant = map(float, re.findall(r"\d+\.\d+", line))
    # A tenth of what is wrong without reading: it has found the two marked numbers.
    assert error < constant / 10


@pytest.mark.slow
def test_a_keras_model_of_a_nau_and_an_nmu_finds_the_formula():
    lines = printed("keras_nau_nmu.py", KERAS_BACKEND="jax")
    rows = [list(map(float, re.findall(r"-?\d+\.", line))) for line in lines[1:4]]
    # (a + b) (c + d), or (-a - b) (-c - d), in either order.
    assert sorted(rows[:2], key=lambda row: row[0] == 0)[0] in ([1, 1, 0, 0], [-1, -1, 0, 0])
    assert [sum(column) for column in zip(*rows[:2], strict=True)] in ([1] * 4, [-1] * 4)
    assert rows[2] == [1, 1]
    # A dozen roundings in float32, the largest of a thousand examples; 2e-7 where it was written.
    assert float(lines[4].split()[-1]) < 2e-6


@pytest.mark.slow
def test_an_equinox_cnn_counts_with_a_nac():
    lines = printed("equinox_cnn_nac.py")
    shown, counted = (list(map(int, re.findall(r"\d+", line))) for line in lines[1:3])
    assert sum(shown) == 400 and len(counted) == 10
    assert sum(abs(a - b) for a, b in zip(shown, counted, strict=True)) < 40
    assert int(re.findall(r"\d+", lines[3])[0]) >= 95
