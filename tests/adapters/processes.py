"""Runs scripts of this folder in separate processes."""

import os
import subprocess
import sys

from tests.pages import ROOT


def start(*arguments, **environment):
    """A Python process in the root of the repository, in parallel to the caller."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        # The equations are tested here and not the compiler, whose optimisations take longer.
        env=os.environ | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process):
    """The output of a process, which must exit with code 0."""
    printed, errors = process.communicate()
    assert process.returncode == 0, printed + errors
    return printed


def failure(code, **environment):
    """The last line that a program prints when it fails."""
    process = start("-c", code, **environment)
    _, errors = process.communicate()
    assert process.returncode == 1, errors
    return errors.splitlines()[-1]
