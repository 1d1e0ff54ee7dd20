"""Starts the program as a user does, in a process of its own."""

import os
import resource
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


def shell(command: str, folder: Path, **options: Any) -> tuple[int, str, str]:
    """Exit code, standard output and error of a shell's command, in which `numerate` is ours."""
    done = subprocess.run(
        ["bash", "-c", f'numerate() {{ "{PROGRAM[0]}" -m numerate "$@"; }}\n{command}'],
        cwd=folder, env=environment(), capture_output=True, text=True, timeout=120, **options,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def limited_files(size: int) -> None:
    """For a process that may write files of so many bytes only: a full disk for every user."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def has_handlers(process: subprocess.Popen) -> bool:
    """Whether a process handles SIGTERM by now."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
