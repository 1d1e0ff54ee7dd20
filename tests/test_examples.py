"""The examples do what their text says."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def test_two_weights():
    command = [sys.executable, str(EXAMPLES / "two_weights.py")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    steps, first, second = zip(*(line.replace(",", "").split() for line in lines[1:]), strict=True)
    assert [int(step) for step in steps] == list(range(50_000, 1_000_001, 50_000))
    assert abs(float(first[-1]) - 0.9972) < 0.0002 and abs(float(second[-1]) + 0.9972) < 0.0002
