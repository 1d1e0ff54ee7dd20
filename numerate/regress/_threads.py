"""The threads of a search: one for linear algebra, and one that trains ahead.

The matrices of a search are small: threads of OpenBLAS or MKL wait for each other longer than they
compute, and much longer where other programs run. A second core is used by training the next stacks
while the formulas of the last are snapped.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from numerate._process import available_cores

Result = TypeVar("Result")

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


def ahead(
    tasks: Sequence[Callable[[], Result]], early: Sequence[bool]
) -> Generator[Callable[[], Result], None, None]:
    """For each task a function that waits for its result.

    While a result is used, the next task runs in a thread, if it is marked `early` and the process
    has a second core. Whoever ends the loop before its end waits for a task that has begun.
    """
    if available_cores() == 1:
        yield from tasks
        return
    planned = deque(zip(tasks, early, strict=True))
    running: deque[Future[Result]] = deque()

    def take() -> Result:
        if not running:
            running.append(pool.submit(planned.popleft()[0]))
        result = running.popleft().result()
        if planned and planned[0][1]:
            running.append(pool.submit(planned.popleft()[0]))
        return result

    with ThreadPoolExecutor(1) as pool:
        for _ in tasks:
            yield take
