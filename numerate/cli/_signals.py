"""Ctrl-C and SIGTERM. The first asks for the best answer until now; the second ends the process.

Python calls handlers of signals between two of its own instructions, so one that arrives while a
program is compiled waits for the compiler. A thread therefore waits for the second signal.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TYPE_CHECKING = False  # as in `numerate`
if TYPE_CHECKING:
    from typing import Any

_PATIENCE = 1.0  # seconds after the second signal in which the process may end by itself
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM") if hasattr(signal, name))


class _State:
    """The signal that arrived first, or 0; whether it may interrupt what is being done, and whether
    every later one may, too; whether Python lost the interruption, as it does in destructors;
    whether the user was told."""

    first = 0
    may_interrupt = True
    waits = False
    lost = False
    told = False
    installed = False


_state = _State()


def install() -> None:
    """Handles the signals of this process from now on."""
    if _state.installed or threading.current_thread() is not threading.main_thread():
        return
    _state.installed = True
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # ignored by a program in the background
            signal.signal(number, _interrupt)
    threading.Thread(target=_watch, args=(reader,), daemon=True).start()
    report = sys.unraisablehook

    def hook(unraisable: "Any") -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _state.lost = True
        else:
            report(unraisable)

    sys.unraisablehook = hook


def ignore() -> None:
    """Ignores signals from here on. To be called when a command has finished: a signal during
    Python's own shutdown would change its exit code."""
    if _state.installed:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def arrived() -> bool:
    """Whether a signal asked this process to end."""
    return _state.first != 0


def exit_code() -> int:
    """The exit code of programs that a signal ended."""
    return 128 + (_state.first or signal.SIGINT)


def name_of_signal() -> str:
    """What stopped the work, in words."""
    return "SIGTERM" if _state.first == signal.SIGTERM else "Ctrl-C"


def tell() -> None:
    """To be called where a command says that a signal stopped it."""
    _state.told = True


def is_told() -> bool:
    """Whether a command said that a signal stopped it."""
    return _state.told


def check() -> None:
    """Raises `KeyboardInterrupt` if a signal arrived and Python lost its interruption."""
    if _state.lost:
        _state.lost = False
        raise KeyboardInterrupt


@contextmanager
def finishing() -> Iterator[None]:
    """A block that the first signal does not interrupt: what was found is written and printed."""
    before, _state.may_interrupt = _state.may_interrupt, False
    try:
        yield
    finally:
        _state.may_interrupt = before


@contextmanager
def waiting() -> Iterator[None]:
    """A block that every signal interrupts, also within `finishing`: it may wait for ever."""
    _state.waits = True
    try:
        yield
    finally:
        _state.waits = False


def _interrupt(number: int, frame: "Any") -> None:
    is_first = not _state.first
    _state.first = _state.first or number
    if _state.waits or (is_first and _state.may_interrupt):
        raise KeyboardInterrupt


def _watch(reader: int) -> None:
    count = 0
    while count < 2:
        count += sum(number in _SIGNALS for number in os.read(reader, 64))
    threading.Event().wait(_PATIENCE)
    from numerate._output import remove_temporaries

    remove_temporaries()
    os._exit(exit_code())
