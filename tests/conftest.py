"""Shared fixtures: both precisions, and strict dtype promotion."""

import contextlib

import jax
import jax.numpy as jnp
import pytest

from tests.each import TOLERANCES


@pytest.fixture
def key():
    return jax.random.key(2018)


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """Runs a test once in each precision, float64 in JAX's 64-bit mode."""
    with jax.enable_x64(request.param == "float64"):
        yield jnp.dtype(request.param)


@pytest.fixture
def tolerance(dtype):
    """The tolerance of all comparisons."""
    return TOLERANCES[dtype.name]


@pytest.fixture
def float64():
    """Runs a test in JAX's 64-bit mode."""
    with jax.enable_x64(True):
        yield jnp.dtype("float64")


@pytest.fixture
def strict_promotion():
    """Makes mixed dtypes an error, so that no unit converts float32 to float64. Not for every test,
    because Optax's Adam raises a float to an int32 step count.
    """
    with jax.numpy_dtype_promotion("strict"):
        yield


@pytest.fixture
def optimised():
    """As `optimising`; the value is the options of `jax.jit` for the code generator."""
    with optimising():
        yield {"xla_cpu_use_fusion_emitters": True}


@contextlib.contextmanager
def optimising():
    """Compiles with XLA's optimisations, as for users: for tests of rounding, of speed and of
    bitwise equal results."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
