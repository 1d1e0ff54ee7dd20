"""How long whole processes take to start: the command line, and `import numerate.torch`.

Each program is a new Python process. The programs take turns, so that another process on the
machine slows all of them; a ratio or difference is that of two neighbours in one round, and
its median over the rounds is what a bar is held against. The first round is not counted: it
brings the files of the libraries into memory.

    python benchmarks/startup.py [--quick] [--json FILE]
"""

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

from report import Report, parse_args

COMMAND_LINE = "from numerate.cli import main; main()"
LIBRARIES = "import numpy, scipy.optimize, sympy, polars, typer"
# What is run, with its arguments; a program comes right after the one it is compared with.
PROGRAMS = {
    "Python alone": ("pass",),
    "import numerate": ("import numerate",),
    "numerate --help": (COMMAND_LINE, "--help"),
    LIBRARIES: (LIBRARIES,),
    "numerate fit kepler": (COMMAND_LINE, "fit", "kepler"),
    "import torch": ("import torch",),
    "import numerate.torch": ("import numerate.torch",),
}


def seconds(program: tuple[str, ...]) -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-c", *program], check=True, capture_output=True)
    return perf_counter() - started


def compared(
    times: dict[str, list[float]], name: str, other: str, how: Callable[[float, float], float]
) -> list[float]:
    return [how(a, b) for a, b in zip(times[name], times[other], strict=True)]


def main() -> None:
    args = parse_args(__doc__)
    rounds = 3 if args.quick else 21
    report = Report(f"Seconds from start to end of a process, {rounds} rounds", seeds="0")
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for turn in range(rounds + 1):
        for name, program in PROGRAMS.items():
            took = seconds(program)
            if turn:
                times[name].append(took)
    ratios = compared(times, "numerate fit kepler", LIBRARIES, lambda a, b: a / b)
    extra = compared(times, "import numerate.torch", "import torch", lambda a, b: a - b)
    bars = {
        "numerate --help": ("seconds", times["numerate --help"], 0.25),
        "numerate fit kepler": ("times the libraries", ratios, 1.4),
        "import numerate.torch": ("seconds above import torch", extra, 0.3),
    }
    for name, took in times.items():
        row = {"program": name, "best s": min(took), "median s": median(took)}
        if name in bars:
            unit, values, bar = bars[name]
            row |= {
                "bar": f"{unit}: at most {bar}",
                "best": min(values),
                "median": median(values),
                "met": median(values) <= bar,
            }
        report.add(row)
    report.finish(args)


if __name__ == "__main__":
    main()
