"""One thread of linear algebra while a search runs.

The matrices of a search are small: threads of OpenBLAS or MKL wait for each other longer than they
compute, and much longer where other programs run.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_limited = threading.Lock()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limits the linear algebra of the process to one thread.

    Of searches that run at the same time the first one does so, and lifts the limit when it ends:
    threadpoolctl lets only one thread of Python change it.
    """
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":  # as the command line has it
        yield
    elif _limited.acquire(blocking=False):
        try:
            with _libraries().limit(limits=1, user_api="blas"):
                yield
        finally:
            _limited.release()
    else:
        yield


@cache
def _libraries():
    # Not at the top, because the command line does without. Finding the libraries takes
    # milliseconds, so it is done once: NumPy's and SciPy's are loaded by then.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
