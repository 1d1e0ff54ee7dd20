"""Other tools that turn tables into formulas, each in an environment and a process of its own.

    peer = installed("PyOperon", folder)          # there from PyPI, once
    peer({"a": …, "b": …, "target": …}, 0, 10.0)  # the last column is the target

Each tool has a script beside this file, which is run by the Python of the tool's environment
(`serve.py` has the protocol). A process that crashes, or that does not end in time, has no answer;
the next table starts a new one.

A limit of time is one of processor time, because the machine may be shared. On Linux with a C
compiler the clock that a tool sees is that of its processor time (`processor_clock.c`). Elsewhere,
and for numerate, which has several threads, the share of a core that it gets is measured before.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sympy

from .serve import MOST_CPU

HERE = Path(__file__).parent
SLOWEST_SHARE = 0.05  # of a core; a process that has had less by the clock is not waited for
FAR_FROM_ONE = 1e3
LONGEST = 4000  # characters of a formula that is still read: a law has no hundreds of terms


@dataclass(frozen=True)
class Tool:
    """`packages`: what pip installs, step by step; the last one is the tool."""

    script: str
    packages: tuple[tuple[str, ...], ...]


TOOLS = {
    "PyOperon": Tool("run_pyoperon.py", (("pyoperon==0.6.2",),)),
    "gplearn": Tool("run_gplearn.py", (("gplearn==0.4.3",),)),
    "GP_ELITE": Tool("run_gp_elite.py", (("gp-elite==0.9.0",),)),
    # Its source is compiled with a pybind11 that must be there before.
    "RILS-ROLS": Tool(
        "run_rils_rols.py",
        (("pybind11", "setuptools", "wheel"), ("--no-build-isolation", "rils-rols==1.6.7")),
    ),
}


class NotInstalledError(Exception):
    """A tool that could not be installed, with the last error of pip as the reason."""


def installed(name: str, folder: Path) -> Peer:
    """The tool of this name, one of `TOOLS`, installed in a folder of `folder`."""
    return Peer([str(_python(name, folder)), str(HERE / TOOLS[name].script)])


def numerate() -> Peer:
    """numerate itself, in the environment of the caller."""
    return Peer([sys.executable, str(HERE / "run_numerate.py")], own=True)


class Peer:
    """A tool that answers tables: `command` starts its process. `own`: it is this repository's, so
    it imports what the caller imports, and its columns have no other units."""

    def __init__(self, command: list[str], own: bool = False):
        self._command = command
        self._own = own
        self._process: subprocess.Popen | None = None

    def __call__(self, columns: Mapping[str, np.ndarray], seed: int, limit: float) -> dict:
        """`formula`, as SymPy's representation or empty, and what the tool wrote as `text`; `cpu`
        and `seconds`, by the processor and by the clock; `status`: `answered`, `no answer`, or
        why there is no formula.

        `limit` is in seconds of processor time. Columns of sizes far from 1 are given in units of
        a power of ten, as users of these tools do: they look for constants near 1.
        """
        *names, target = columns
        unit = {n: 1.0 if self._own else _unit(c) for n, c in columns.items()}
        x = np.stack([columns[n] / unit[n] for n in names], axis=-1)
        y = columns[target] / unit[target]
        asked = {"features": x.tolist(), "target": y.tolist(), "seed": seed, "seconds": limit}
        started = time.perf_counter()
        reply = self._asked(json.dumps(asked), (MOST_CPU * limit + 60) / SLOWEST_SHARE)
        seconds = time.perf_counter() - started
        if not reply:
            return {"formula": "", "cpu": limit, "seconds": seconds, "status": "no answer"}
        found = json.loads(reply)
        times = {"cpu": found["cpu"], "seconds": seconds}
        text = found.get("formula", "")
        if not text:
            return {"formula": "", "status": found["error"]} | times
        if len(text) > LONGEST:
            status = f"a formula of {len(text)} characters"
            return {"formula": "", "text": text[:LONGEST], "status": status} | times
        values = {
            f"x{i}": sympy.Symbol(n) if unit[n] == 1 else sympy.Symbol(n) / sympy.Float(unit[n])
            for i, n in enumerate(names)
        }
        try:
            formula = parsed(text, values)
        except Exception as error:  # the reader evaluates the text
            return {"formula": "", "text": text, "status": f"not readable: {error}"} | times
        if unit[target] != 1:
            formula = sympy.Float(unit[target]) * formula
        return {"formula": sympy.srepr(formula), "text": text, "status": "answered"} | times

    def close(self) -> None:
        """End the process; the next table starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _environment(self) -> dict[str, str]:
        found = dict(os.environ)
        if self._own:  # its threads wait for each other by the system's clock
            return found
        found.pop("PYTHONPATH", None)  # what is there is not for the tool's environment
        clock = _processor_clock()
        return found | ({"LD_PRELOAD": str(clock)} if clock else {})

    def _asked(self, line: str, most: float) -> str:
        if self._process is None:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=self._environment(),
            )
        assert self._process.stdin and self._process.stdout
        timer = threading.Timer(most, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            reply = self._process.stdout.readline()
        except BrokenPipeError:
            reply = ""
        finally:
            timer.cancel()
        if not reply.endswith("\n"):  # it died, perhaps in the middle of the line
            self.close()
            return ""
        return reply


def parsed(text: str, values: Mapping[str, sympy.Expr]) -> sympy.Expr:
    """A formula as any of the tools writes it, with these expressions for its names."""
    words = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul": lambda a, b: a * b,
        "div": lambda a, b: a / b,
        "square": lambda a: a**2,
        "protected_sqrt": lambda a: sympy.sqrt(sympy.Abs(a)),
        "abs": sympy.Abs,
        "ln": sympy.log,
    }
    return sympy.parse_expr(text.replace("^", "**"), local_dict=words | dict(values))


def _unit(column: np.ndarray) -> float:
    """1, or the power of ten of the column's size, where this is far from 1."""
    size = float(np.median(np.abs(column)))
    if 1 / FAR_FROM_ONE <= size <= FAR_FROM_ONE or not np.isfinite(size) or size == 0:
        return 1.0
    return 10.0 ** np.floor(np.log10(size))


def version(name: str, folder: Path) -> str:
    """The installed version of a tool, from the versions of everything in its environment."""
    package = TOOLS[name].packages[-1][-1].partition("==")[0]
    return versions(name, folder)[package]


def versions(name: str, folder: Path) -> dict[str, str]:
    """The version of every package in the environment of a tool."""
    return json.loads((_place(name, folder) / "versions.json").read_text())


@functools.cache
def _processor_clock() -> Path | None:
    """The library with the clock of processor time; None where it cannot be had."""
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        return None
    made = Path(tempfile.mkdtemp(prefix="processor-clock-")) / "processor_clock.so"
    atexit.register(shutil.rmtree, made.parent, ignore_errors=True)
    source = HERE / "processor_clock.c"
    _run(compiler, "-shared", "-fPIC", "-O2", "-o", made, source)
    return made


def _place(name: str, folder: Path) -> Path:
    return folder / TOOLS[name].packages[-1][-1].partition("==")[0]


def _python(name: str, folder: Path) -> Path:
    """The Python of the tool's environment, which is made and filled unless it is complete."""
    place = _place(name, folder)
    python = place / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (place / "versions.json").exists():
        try:
            venv.create(place, with_pip=True)
            for packages in TOOLS[name].packages:
                _run(python, "-m", "pip", "install", "--quiet", *packages)
            found = json.loads(_run(python, "-m", "pip", "list", "--format", "json"))
        except subprocess.CalledProcessError as error:
            lines = (error.stderr or error.stdout or str(error)).strip().splitlines()
            said = [line for line in lines if line.lower().startswith("error")] or lines
            raise NotInstalledError(f"{name} could not be installed: {said[-1]}") from error
        listed = {row["name"].replace("_", "-").lower(): row["version"] for row in found}
        (place / "versions.json").write_text(json.dumps(listed, indent=1))
    return python


def _run(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    return done.stdout
