"""How long whole processes take to start: the command line, and `import numerate.torch`.

The bytecode of every module is kept, as it is of a package that pip has installed.

Each program is a new Python process. The programs take turns, so that other processes on the
machine slow all of them. A ratio or difference is that of two neighbours in one round; its median
over the rounds is compared with the bar. The first round is not counted, because it loads the
files of the libraries into memory.

    python benchmarks/startup.py [--quick] [--json FILE]
"""

import operator
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import NamedTuple

from report import Report, parse_args

COMMAND_LINE = "from numerate.cli import main; main()"
INSTALLED = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
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


class Bar(NamedTuple):
    """The limit of a program's time, alone or compared with the previous program."""

    program: str
    beside: str | None
    value: Callable[[float, float], float]
    unit: str
    most: float


BARS = [
    Bar("numerate --help", None, lambda a, b: a, "seconds", 0.25),
    Bar("numerate fit kepler", LIBRARIES, operator.truediv, "times its libraries", 1.4),
    Bar("import numerate.torch", "import torch", operator.sub, "seconds above import torch", 0.3),
]


class Took(NamedTuple):
    """Seconds of a process: wall time, and processor time, which other processes affect less."""

    wall: float
    cpu: float


def run(program: tuple[str, ...]) -> Took:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run([sys.executable, "-c", *program], check=True, capture_output=True, env=INSTALLED)
    wall, after = perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def held_against(bars: list[Bar], times: dict[str, list[Took]], report: Report) -> None:
    """A sentence for each bar: best and median over the rounds, and the processor time."""
    for bar in bars:
        pairs = list(zip(times[bar.program], times[bar.beside or bar.program], strict=True))
        wall = [bar.value(a.wall, b.wall) for a, b in pairs]
        cpu = [bar.value(a.cpu, b.cpu) for a, b in pairs]
        verdict = "met" if median(wall) <= bar.most else "not met"
        report.note(
            f"{bar.program}, {bar.unit}: median {median(wall):.3g}, best {min(wall):.3g}, of "
            f"processor time {median(cpu):.3g}; the bar is {bar.most}: {verdict}."
        )


def main() -> None:
    args = parse_args(__doc__)
    rounds = 3 if args.quick else 15
    report = Report(f"Seconds of whole processes, {rounds} rounds", seeds="0")
    times: dict[str, list[Took]] = {name: [] for name in PROGRAMS}
    for turn in range(rounds + 1):
        for name, program in PROGRAMS.items():
            took = run(program)
            if turn:
                times[name].append(took)
    for name, took in times.items():
        wall, cpu = zip(*took, strict=True)
        report.add(
            {
                "program": name,
                "best s": min(wall),
                "median s": median(wall),
                "best processor s": min(cpu),
                "median processor s": median(cpu),
            }
        )
    held_against(BARS, times, report)
    report.finish(args)


if __name__ == "__main__":
    main()
