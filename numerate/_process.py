"""The cores of this process, and whether it was forked. A fork does not copy the threads of Polars
and JAX, so a call that needs them would never return."""

import os

_forked_after_use = False
_used = False


def uses_threads() -> None:
    """Call before work with libraries that start threads.

    **Raises:** `RuntimeError` in a process that was forked after such work.

    !!! example
        >>> uses_threads()
    """
    global _used
    if _forked_after_use:
        raise RuntimeError(
            "this process was forked from one in which numerate had run; threads of Polars and JAX "
            "are not copied by a fork, and a fit would wait for them without end. Start processes "
            "by multiprocessing's method 'spawn' or 'forkserver'. Predictions work here."
        )
    if not _used:
        _used = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_mark)


def _mark() -> None:
    global _forked_after_use
    _forked_after_use = True


def available_cores() -> int:
    """The cores that this process may use, at least 1.

    !!! example
        >>> available_cores() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
