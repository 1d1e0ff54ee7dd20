"""Work on all cores: results in order, shares that only grow, and an end when one ends."""

import subprocess
import sys
import threading

import pytest

from numerate.study import on_all_cores


def test_results_are_in_order_and_shares_only_grow():
    shares = []

    def work(place, tell):
        for step in range(4):
            tell((step + 1) / 4)
        return place

    assert on_all_cores(work, 5, shares.append) == [0, 1, 2, 3, 4]
    assert shares == sorted(shares) and len(shares) == 20 and shares[-1] == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_ends_the_others_at_their_next_share(monkeypatch, error):
    monkeypatch.setattr("numerate.study._seeds._cores", lambda: 2)
    begun, told = threading.Event(), []

    def work(place, tell):
        if place == 1:
            begun.wait()
            raise error("the second")
        while True:  # without an end of its own
            tell(0.0)
            told.append(place)
            begun.set()

    with pytest.raises(error, match="the second"):
        on_all_cores(work, 9, lambda share: None)
    assert set(told) <= {0, 2}  # the second core may have begun another


# Here waits without a limit go on after the signal: some library asks for that.
SCRIPT = """
import os, signal, threading, time
from numerate.study import on_all_cores
threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
def work(place, tell):
    while True:
        time.sleep(0.02)
        tell(0.0)
try:
    on_all_cores(work, 2, lambda share: None)
except KeyboardInterrupt:
    print("ended")
"""


def test_ctrl_c_ends_work_that_has_no_end():
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout == "ended\n"
