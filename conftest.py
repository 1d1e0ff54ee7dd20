"""How tests compile, and which backend Keras has in doctests and pages."""

import gc
import os
import shutil
import tempfile

import jax
import pytest
from threadpoolctl import threadpool_limits

from tests.draws import share_programs
from tests.each import forget_programs, share_contexts

os.environ.setdefault("KERAS_BACKEND", "jax")  # `tests/adapters` runs it on each
os.environ.setdefault("NUMERATE_COMPILATION_CACHE", "off")  # a test leaves no files behind
# There is a process for each core already, and threads that wait for each other are slow.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Compiling takes longer than running what was compiled. So the tests of every day do without the
# optimisations of LLVM, and without XLA's newer code generator, which takes three times as long as
# the one before. What needs them uses the fixture `optimised`; slow tests all have them.
QUICK = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
# A program that one process has compiled is read by the others, and again after a process has
# forgotten it: that takes a tenth of the time. The folder is new for every run of the tests.
CACHE = "JAX_COMPILATION_CACHE_DIR"
EVERYTHING = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def pytest_configure(config):
    threadpool_limits(1, user_api="blas")
    if config.option.markexpr != "slow":
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()
        os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # for processes that tests start
        jax.config.update("jax_disable_most_optimizations", True)
        share_programs()
    if CACHE not in os.environ:  # as it is in the workers of this run
        os.environ[CACHE] = tempfile.mkdtemp(prefix="numerate-programs-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(CACHE), ignore_errors=True))
    os.environ |= EVERYTHING
    share_contexts()
    jax.config.update("jax_compilation_cache_dir", os.environ[CACHE])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.hookimpl(trylast=True)  # after the choice by `-m`
def pytest_collection_modifyitems(items):
    """The tests that say how many minutes they take come first, and are shared out among the
    workers by their minutes, so that at the end no core waits for another."""

    def minutes(item) -> float:
        return max((m.kwargs.get("minutes", 0) for m in item.iter_markers("slow")), default=0)

    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    queues: list[list] = [[] for _ in range(workers)]
    for item in sorted(items, key=minutes, reverse=True):
        if minutes(item):
            min(queues, key=lambda queue: sum(map(minutes, queue))).append(item)
    # Each worker starts with an equal part of the list, which `worksteal` cuts in this way.
    others, left = [item for item in items if not minutes(item)], len(items)
    for index, queue in enumerate(queues):
        more = max(left // (workers - index) - len(queue), 0)
        queue += others[:more]
        del others[:more]
        left -= len(queue)
    items[:] = [item for queue in queues for item in queue]


def pytest_collection_finish(session):
    # What the libraries have made is there until the end, and need not be searched again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def _forget_programs():
    yield
    forget_programs()
