"""A million sequential steps of a two-weight NAC: `examples/two_weights.py` against Python loops.

    python benchmarks/two_weights.py [--json FILE] [--quick]

Two loops in pure Python do the same: one as the equations are written, over lists of weights,
and one with both weights unrolled by hand into local variables, as fast as Python gets. The
bars are against the first: 40 times faster once compiled, 10 times with compilation counted.
"""

import json
import math
import random
import runpy
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from report import Report, parse_args

EXAMPLE = runpy.run_path(str(Path(__file__).resolve().parent.parent / "examples/two_weights.py"))
STEPS, UNIT = EXAMPLE["STEPS"], EXAMPLE["zero_unit"]()
BAR, BAR_WITH_COMPILATION = 40, 10
FIRST_CALL = "--first-call"


def python_lists(steps: int) -> list[float]:
    """The loop as the equations are written."""
    rng = random.Random(0)
    w_hat, m_hat = [0.0, 0.0], [0.0, 0.0]
    for _ in range(steps):
        x = [rng.random(), rng.random()]
        tanh = [math.tanh(w) for w in w_hat]
        sigmoid = [1 / (1 + math.exp(-m)) for m in m_hat]
        y = sum(t * s * xi for t, s, xi in zip(tanh, sigmoid, x, strict=True))
        error = y - (x[0] - x[1])
        for i in range(2):
            w_hat[i] -= error * x[i] * (1 - tanh[i] ** 2) * sigmoid[i]
            m_hat[i] -= error * x[i] * tanh[i] * sigmoid[i] * (1 - sigmoid[i])
    return [math.tanh(w) / (1 + math.exp(-m)) for w, m in zip(w_hat, m_hat, strict=True)]


def python_unrolled(steps: int) -> list[float]:
    """The same without lists and inner loops."""
    draw, tanh, exp = random.Random(0).random, math.tanh, math.exp
    w0 = w1 = m0 = m1 = 0.0
    for _ in range(steps):
        x0, x1 = draw(), draw()
        t0, t1 = tanh(w0), tanh(w1)
        s0, s1 = 1 / (1 + exp(-m0)), 1 / (1 + exp(-m1))
        error = t0 * s0 * x0 + t1 * s1 * x1 - (x0 - x1)
        g0, g1 = error * x0 * s0, error * x1 * s1
        w0 -= g0 * (1 - t0 * t0)
        w1 -= g1 * (1 - t1 * t1)
        m0 -= g0 * t0 * (1 - s0)
        m1 -= g1 * t1 * (1 - s1)
    return [tanh(w0) / (1 + exp(-m0)), tanh(w1) / (1 + exp(-m1))]


def ours(steps: int) -> list[float]:
    assert steps == STEPS
    return EXAMPLE["train"](UNIT).tolist()[-1]


CONTENDERS: dict[str, Callable[[int], list[float]]] = {
    "Python, lists": python_lists,
    "Python, unrolled by hand": python_unrolled,
    "numerate": ours,
    "numerate, compilation counted": ours,
}


def seconds(run: Callable[[int], list[float]]) -> tuple[float, list[float]]:
    start = time.perf_counter()
    weights = run(STEPS)
    return time.perf_counter() - start, weights


def first_call() -> tuple[float, list[float]]:
    """Tracing, compilation and run in a new process, in which only the untrained unit was compiled
    before. Importing JAX is not counted, as importing `math` is not."""
    command = [sys.executable, __file__, FIRST_CALL]
    return tuple(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def main() -> None:
    args = parse_args(__doc__)
    repeats = 1 if args.quick else 7
    ours(STEPS)
    found: dict[str, list[tuple[float, list[float]]]] = {name: [] for name in CONTENDERS}
    # Taking turns, so that what else the machine does falls on all alike.
    for _ in range(repeats):
        for name, run in CONTENDERS.items():
            counted = name == "numerate, compilation counted"
            found[name].append(first_call() if counted else seconds(run))
    report = Report(f"{STEPS:,} steps of a two-weight NAC learning x0 - x1", seeds="0")
    slow = min(time for time, _ in found["Python, lists"])
    for name, runs in found.items():
        times = [time for time, _ in runs]
        report.add(
            {
                "what": name,
                "seconds": min(times),
                "median seconds": statistics.median(times),
                "times faster": slow / min(times),
                "l0": runs[0][1][0],
                "l1": runs[0][1][1],
            }
        )
    report.note(f"Best and median of {repeats}. 'times faster' is against the loop over lists.")
    ratios = [row["times faster"] for row in report.rows[2:]]
    met = ratios[0] >= BAR and ratios[1] >= BAR_WITH_COMPILATION
    report.note(
        f"Bars: {BAR} times once compiled and {BAR_WITH_COMPILATION} times with compilation "
        f"counted: {'met' if met else 'NOT met'}."
    )
    report.finish(args)


if __name__ == "__main__":
    if FIRST_CALL in sys.argv:
        print(json.dumps(seconds(ours)))
    else:
        main()
