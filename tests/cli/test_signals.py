"""Ctrl-C and SIGTERM at any moment: no traceback, the answer if there is one, in time."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

from tests.cli.programs import environment, has_handlers, start


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Noise, on which the search goes on until its budget is spent."""
    path = tmp_path_factory.mktemp("table") / "noise.csv"
    values = np.random.default_rng(0).normal(size=(300, 4))
    pl.DataFrame(values, schema=list("abcy")).write_csv(path)
    return path


def wait_for_handlers(process):
    until = time.monotonic() + 60
    while not has_handlers(process):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.005)


def ended(process, seconds=60.0):
    """Standard output and error of a process that ends in time."""
    begun = time.monotonic()
    out, error = process.communicate(timeout=120)
    assert time.monotonic() - begun < seconds
    assert "Traceback" not in error and "Exception ignored" not in error, error
    return out, error


def test_the_first_moment_ends_without_a_traceback(table):
    """Libraries are imported then."""
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = start(["fit", table])
        wait_for_handlers(process)
        process.send_signal(number)
        out, error = ended(process)
        assert (process.returncode, out) == (code, "")
        assert error == "note: stopped.\n" or "stopped before any formula" in error


def test_no_module_is_imported_before_the_handlers_that_they_do_not_need():
    """Until then, Ctrl-C is Python's and ends in a traceback."""
    program = "import numerate.cli, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], env=environment(), capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert "numerate.cli._signals" in done.stdout.split(), done.stderr
    assert not {"typing", "re", "pathlib", "typer"} & set(done.stdout.split())


# Signals itself before anything of the command line is there.
EARLY = """
import os, signal, sys

class Signalling:
    def find_spec(self, name, path=None, target=None):
        if name == "numerate.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Signalling())
import numerate.__main__
"""


def test_a_signal_before_the_handlers_ends_the_process_at_once():
    done = subprocess.run(
        [sys.executable, "-S", "-c", EARLY], env=environment(), capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_signal_at_the_very_end_is_no_failure():
    """The result is written then, and Python ends."""
    program = """
import os, signal
from numerate.cli import main

class Late:
    # Called when handlers are gone, with arguments because all names are gone, too.
    def __del__(self, kill=os.kill, own=os.getpid(), numbers=(signal.SIGTERM, signal.SIGINT)):
        for number in numbers:
            kill(own, number)

late = Late()
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "datasets"], env=environment(), capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "") and "kepler" in done.stdout


# Signals itself where the command line's library is at work, which has an exit code of its own.
WITHIN_TYPER = """
import os, signal
import numerate.cli._app as app

make = app._Commands.make_context

def signalled(*arguments, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    return make(*arguments, **options)

app._Commands.make_context = signalled
from numerate.cli import main
main()
"""


def test_a_signal_that_typer_catches_has_the_same_sentence_and_code():
    done = subprocess.run(
        [sys.executable, "-c", WITHIN_TYPER, "datasets"], env=environment(), capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.endswith("note: stopped.\n") and done.stderr.count("stopped") == 1


# Signals itself when something was found, which cannot be seen from outside.
SIGNALLED = """
import os, signal, sys
import numerate.cli, numerate.regress

search = numerate.regress.search_table

def signalled(table, *, on_progress, **options):
    def signalling(fraction, message):
        on_progress(fraction, message)
        if message.startswith("known forms"):
            os.kill(os.getpid(), signal.SIGTERM)
    return search(table, on_progress=signalling, **options)

numerate.regress.search_table = signalled
numerate.cli.main()
"""


def test_sigterm_keeps_the_answer_as_ctrl_c_does(tmp_path):
    arguments = ["fit", "boyle", "--out", str(tmp_path / "m"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED, *arguments], env=environment(), capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr == "warning: stopped by SIGTERM; this is the best formula until then.\n"
    assert json.loads(done.stdout)["target"] == "P"
    assert (tmp_path / "m").stat().st_size > 500


# Signals itself where it waits for the other end of a pipe.
WAITING = """
import os, signal, sys, threading, time
from numerate.cli import main

def function():
    return sys._current_frames()[threading.main_thread().ident].f_code.co_name

def signal_when_waiting():
    while [function(), time.sleep(0.1), function()] not in WAITS:
        pass
    os.kill(os.getpid(), signal.SIGINT)

WAITS = [[name, None, name] for name in ("_standard_input", "open", "write_file")]
threading.Thread(target=signal_when_waiting, daemon=True).start()
main()
"""


def test_one_ctrl_c_ends_a_wait_for_a_pipe(tmp_path):
    for name in ("in.csv", "out"):
        os.mkfifo(tmp_path / name)
    formula = '{"formula": "a**(3/2)"'
    for arguments, printed, sentence in (
        ("fit -", "", "note: stopped before any formula was found.\n"),
        ("fit in.csv", "", "note: stopped before any formula was found.\n"),
        ("fit kepler --json --out out", formula, "warning: stopped before out was written.\n"),
    ):
        process = subprocess.Popen(
            [sys.executable, "-c", WAITING, *arguments.split()], cwd=tmp_path, text=True,
            env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.wait(60) == 130, arguments
        out, error = process.communicate()
        assert out.startswith(printed) and len(out.splitlines()) == bool(printed)
        assert error.splitlines(True)[-1] == sentence and "Traceback" not in error


@pytest.mark.parametrize("waits", [[1.5], pytest.param(range(1, 16), marks=pytest.mark.slow)])
def test_the_second_ctrl_c_ends_the_process_within_two_seconds(table, waits):
    for wait in waits:
        process = start(["fit", table, "--budget", "60"])
        wait_for_handlers(process)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        ended(process, 2.0)
        assert process.returncode in (0, 130)
