"""Processes that are killed, and disks that are full or for reading only: files are whole, and the
next run goes on."""

import random
import shlex
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from numerate.regress import load_model
from tests.cli.programs import environment, shell, start

# An experiment of many short jobs, each of which writes the results anew.
MANY_JOBS = """
import sys
from dataclasses import dataclass
from pathlib import Path
from numerate.study import Experiment, Line, Table, reproduce

@dataclass(frozen=True)
class Settings:
    seeds: int = 1
    units: tuple[str, ...] = ()

def run(job, settings, tick):
    return [{"unit": job.unit, "condition": "c", "error": 1.0, "seed": s} for s in job.seeds]

def tables(rows, settings):
    return {"Errors": Table(("unit",), "error", (Line(("all",), tuple(rows["error"])),))}

units = tuple(f"U{i}" for i in range(60))
many = Experiment(name="many", title="t", claim="c", units=units, cost={},
                  scales={"smoke": Settings()}, run=run, tables=tables)
print("started", flush=True)
assert reproduce(many, Settings(), Path(sys.argv[1])).complete
"""


def many_jobs(folder):
    return subprocess.Popen(
        [sys.executable, "-c", MANY_JOBS, str(folder)], env=environment(), stdout=subprocess.PIPE
    )


@pytest.mark.slow
def test_results_survive_kills_and_are_completed(tmp_path):
    rng, folder = random.Random(0), tmp_path / "results"
    folder.mkdir()
    done = 0
    for _ in range(20):
        process = many_jobs(folder)
        assert process.stdout.readline() == b"started\n"
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        if (folder / "results.parquet").exists():
            kept = len(pl.read_parquet(folder / "results.parquet"))
            assert kept >= done
            done = kept
    # What a kill between the naming of a new file and its renaming leaves, a moment of 10 µs.
    (folder / ".numerate-0123456789abcdef.tmp").write_bytes(b"half")
    process = many_jobs(folder)
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert len(pl.read_parquet(folder / "results.parquet")) == 60
    names = {path.name for path in folder.iterdir()}
    assert names == {"results.parquet", "summary.json", "table.md"}


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_model_is_the_old_one_or_the_new_one(tmp_path, times):
    path, rng = tmp_path / "m", random.Random(1)
    first = start(["fit", "kepler", "--out", path])
    first.communicate(timeout=120)
    assert first.returncode == 0
    old = path.read_bytes()
    for _ in range(times):
        process = start(["fit", "boyle", "--out", path, "--budget", "1"])
        time.sleep(rng.uniform(0, 4))
        process.kill()
        process.communicate()
        assert path.read_bytes() == old or load_model(path).target_name == "P"
        assert list(tmp_path.iterdir()) == [path]


ON_A_SMALL_DISK = r"""
unshare -rm bash -c '
    mount -t tmpfs -o size=64k small disk 2> /dev/null || exit 99
    numerate() { "$0" -m numerate "$@"; echo "exit $?"; }
    cd disk
    head -c 40000 /dev/zero > fill
    numerate fit kepler --out m --plot p.svg | grep -e ^T -e ^exit
    echo old > p.csv
    numerate predict m ../big.csv --out p.csv
    cat p.csv
    mkdir results
    head -c 8000 /dev/zero > more
    "$0" -c "$MANY_JOBS" results 2>&1 | tail -1 | sed "s/[a-z.]* cannot/FILE cannot/"
    ls -A . results | grep -v -e parquet -e summary
    mount -o remount,ro small .
    numerate show m | grep -e ^T -e ^exit
    numerate fit kepler --out new
' "$PYTHON" || exit $?
"""


@pytest.mark.slow
def test_a_disk_of_64_kib_and_one_for_reading_only(tmp_path):
    """In a name space of its own, in which every user may mount disks, where the kernel permits."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "big.csv").write_text("a\n" + "1.5\n" * 9000)
    exports = f"export PYTHON={shlex.quote(sys.executable)} MANY_JOBS={shlex.quote(MANY_JOBS)}"
    code, out, error = shell(exports + ON_A_SMALL_DISK, tmp_path)
    if code == 99 or "unshare" in error:
        pytest.skip(f"no disk can be mounted here: {error.strip() or 'mount is not permitted'}")
    assert out.splitlines() == [
        "T = a**(3/2)", "exit 2",
        "exit 2", "old",
        "numerate._errors.InputError: results/FILE cannot be written: No space left on device.",
        ".:", "fill", "m", "more", "p.csv", "results", "", "results:",
        "T = a**(3/2)", "exit 0",
        "exit 2",
    ]  # fmt: skip
    full = "cannot be written: No space left on device."
    assert [line for line in error.splitlines() if line.startswith("error: ")] == [
        f"error: p.svg {full}",
        f"error: p.csv {full}",
        "error: new cannot be written: Read-only file system.",
    ]
    assert "Traceback" not in error and not list((tmp_path / "disk").iterdir())
