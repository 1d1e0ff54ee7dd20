"""Random numbers of small arrays by one compiled program, instead of one for every shape.

The i-th number of a draw depends on the key and on i, not on the shape, so the first numbers of a
longer draw are those that were asked for. That is so for JAX's default generator; a test compares
them. Only draws outside of compiled programs are made in this way.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax._src import core, random

LENGTHS = (64, 2048)  # of the draws that are compiled
KEYS = 32


def share_programs() -> None:
    """Lets `jax.random.uniform`, `normal` and `split` share programs, until the process ends."""
    for name, shared in (("uniform", _drawn), ("normal", _drawn), ("split", _split)):
        function = shared(getattr(jax.random, name))
        for module in (jax.random, random):  # JAX's initialisers have the second
            setattr(module, name, function)


def _drawn(draw: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(draw)
    def drawn(key: Any, shape: Any = (), *args: Any, **kwargs: Any) -> Any:
        if not (isinstance(shape, tuple) and all(isinstance(n, int) for n in shape)):
            return draw(key, shape, *args, **kwargs)
        size = math.prod(shape)
        numbers = all(np.ndim(a) == 0 for a in (*args, *kwargs.values()))
        if not (0 < size <= LENGTHS[-1] and numbers and _is_one_key(key)):
            return draw(key, shape, *args, **kwargs)
        length = next(n for n in LENGTHS if n >= size)
        longer = np.asarray(draw(key, (length,), *args, **kwargs))
        return jax.device_put(longer[:size].reshape(shape))

    return drawn


def _split(split: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(split)
    def keys(key: Any, num: Any = 2) -> Any:
        if not (isinstance(num, int) and 0 < num <= KEYS and _is_one_key(key)):
            return split(key, num)
        longer = np.asarray(jax.random.key_data(split(key, KEYS)))
        return jax.random.wrap_key_data(longer[:num])

    return keys


def _is_one_key(key: Any) -> bool:
    """Whether it is a key as `jax.random.key` makes it, and no program is being traced."""
    if not (isinstance(key, jax.Array) and key.shape == () and core.trace_state_clean()):
        return False
    typed = jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key)
    return typed and str(jax.random.key_impl(key)) == "threefry2x32"
