"""The child's side of the protocol: a table is a line of JSON in, a formula a line of JSON out.

In: `features`, `(rows, columns)`; `target`, `(rows,)`; `seed`; `seconds`, the limit in seconds of
processor time. Out: `formula` in the names x0, x1, … or `error`, and `cpu`, the seconds of
processor time.

Libraries look at the clock. `clock_seconds` says how long by the clock the limit takes at the share
of a core that this process gets: as long as the limit, where the clock is `processor_clock.c`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_CPU = 5  # times the limit, and a minute, after which the system ends this process


@dataclass(frozen=True)
class Table:
    x: np.ndarray
    y: np.ndarray
    seed: int
    seconds: float
    clock_seconds: float

    @property
    def names(self) -> list[str]:
        return [f"x{i}" for i in range(self.x.shape[1])]


def serve(answer: Callable[[Table], str]) -> None:
    """Answer every line of the input until it ends."""
    # What libraries print, also from C, goes to the errors: the pipe has answers only.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    share = measured_share()
    for line in sys.stdin:
        asked = json.loads(line)
        x, y = np.array(asked["features"], float), np.array(asked["target"], float)
        seconds = asked["seconds"]
        _limit(MOST_CPU * seconds + 60)
        started, used = time.perf_counter(), time.process_time()
        try:
            found = {"formula": answer(Table(x, y, asked["seed"], seconds, seconds / share))}
        except Exception as error:  # whatever a library raises is its answer to this table
            found = {"error": f"{type(error).__name__}: {error}"}
        clock, cpu = time.perf_counter() - started, time.process_time() - used
        answers.write(json.dumps(found | {"cpu": cpu}) + "\n")
        answers.flush()
        # A short answer says little about the share.
        share = min(1.0, max(cpu / clock, 0.02)) if cpu > 0.2 else measured_share()


def measured_share() -> float:
    """The share of a core that this process gets: 0.1 s of it divided by the time of the clock."""
    started, used = time.perf_counter(), time.process_time()
    while time.process_time() - used < 0.1:
        pass
    share = (time.process_time() - used) / (time.perf_counter() - started)
    return min(1.0, max(share, 0.02))


def _limit(seconds: float) -> None:
    """Let the system end this process after so many further seconds of processor time."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    most = int(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
