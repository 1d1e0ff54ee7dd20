"""Runs the examples of the documentation: Python blocks and shell sessions of a Markdown page.

- A ```` ```python ```` block continues the blocks above it. `print(…)  # text` must print the text;
  a remark may follow after a colon.
- A ```` ```console ```` block is a session: the lines below `$ command` are its whole output. `$
  cat FILE` shows a file that the commands after it may read. A line that ends in … may continue.
  Times may differ, and other numbers after their sixth digit.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from numerate.cli import app

ROOT = Path(__file__).parents[1]
_PRINTED = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def check_python(page: Path) -> None:
    """Run the Python blocks of a page in the working directory, and compare what they print."""
    namespace = {"__name__": page.stem}
    for block in blocks(page, "python"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(block, str(page), "exec"), namespace)
        lines, shown = printed.getvalue().splitlines(), _PRINTED.findall(block)
        if len(lines) == len(shown):
            shown = list(map(_without_remark, shown, lines))
        _compare(lines, shown, block)


def check_console(page: Path, folder: Path) -> None:
    """Run the shell sessions of a page in a folder, and compare what they print."""
    code = 0
    for block in blocks(page, "console"):
        for command, shown in _commands(block):
            if command.startswith("cat "):
                (folder / command.removeprefix("cat ")).write_text(shown)
                continue
            code, printed = _run(command.replace("$?", str(code)), folder)
            printed, shown = _steady(printed), _steady(shown)
            if shown.endswith("…\n"):
                shown = shown.removesuffix("…\n")
                printed = printed[: len(shown)]
            _compare(printed, shown, command)


def _without_remark(shown: str, printed: str) -> str:
    return printed if shown.startswith(f"{printed}: ") else shown


def _compare(printed: str | list, shown: str | list, source: str) -> None:
    assert printed == shown, f"{source}\nprints\n{printed}\nbut the page shows\n{shown}"


def _commands(block: str) -> list[tuple[str, str]]:
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def _run(command: str, folder: Path) -> tuple[int, str]:
    """The exit code and the output of a command. The command line runs in this process, as starting
    Python takes longer than most commands; the shell runs what comes before a pipe."""
    before, _, last = command.rpartition(" | ")
    if not last.startswith("numerate "):
        return _shell(command, folder)
    given = _shell(before, folder)[1] if before else None
    with contextlib.chdir(folder):
        done = CliRunner().invoke(app, shlex.split(last)[1:], input=given)
    return done.exit_code, done.output


def _shell(command: str, folder: Path) -> tuple[int, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def _steady(text: str) -> str:
    """The text without parts that differ between runs or processors."""
    text = re.sub(r"\d+(\.\d+)? s, seed", "… s, seed", text)
    text = re.sub(r'"seconds": [\d.e-]+', '"seconds": …', text)
    return re.sub(r"\d+\.\d{7,}", lambda found: f"{float(found[0]):.6g}", text)
