"""How tests compile, and which backend Keras has in doctests and pages."""

import os

import jax

os.environ.setdefault("KERAS_BACKEND", "jax")  # `tests/adapters` runs it on each
# There is a process for each core already, and threads that wait for each other are slow.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Compiling takes longer than running what was compiled. So the tests of every day do without the
# optimisations of LLVM, and without XLA's newer code generator, which takes three times as long as
# the one before. What needs them uses the fixture `optimised`; slow tests all have them.
QUICK = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"


def pytest_configure(config):
    if config.option.markexpr != "slow":
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()
        os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # for processes that tests start
        jax.config.update("jax_disable_most_optimizations", True)
