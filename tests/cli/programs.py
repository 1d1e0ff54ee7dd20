"""Starts the program as a user does, in a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "numerate")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def start(arguments: Sequence[Any], **options: Any) -> subprocess.Popen:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], env=environment(), **options)


def shell(command: str, folder: Path, most: int | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and error of a shell's command, in which `numerate` is ours and
    may write files of `most` bytes only."""
    line = ["bash", "-c", f'numerate() {{ "{PROGRAM[0]}" -m numerate "$@"; }}\n{command}']
    done = subprocess.run(
        line if most is None else limited(most, line),
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


# Sets the limit in a process of its own: a function between fork and exec would fork this one,
# which JAX warns of.
_LIMITED = """
import os, resource, signal, sys
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def limited(size: int, command: Sequence[str]) -> list[str]:
    """A command that may write files of so many bytes only: a full disk for every user."""
    return [sys.executable, "-c", _LIMITED, str(size), *command]


def has_handlers(process: subprocess.Popen) -> bool:
    """Whether a process handles SIGTERM by now."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
