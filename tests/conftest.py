"""What all tests share: strict dtype promotion, and both precisions."""

import jax
import jax.numpy as jnp
import pytest

# A float32 unit must never turn into a float64 one, or the reverse, behind the user's back.
jax.config.update("jax_numpy_dtype_promotion", "strict")


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
    """The one rule for how close to rounding results must be."""
    return {"float32": 1e-6, "float64": 1e-12}[dtype.name]


@pytest.fixture
def float64():
    """Runs a test in JAX's 64-bit mode."""
    with jax.enable_x64(True):
        yield jnp.dtype("float64")
