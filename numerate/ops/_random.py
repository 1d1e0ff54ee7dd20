"""Random numbers for training batches: counter-based, three multiplications per number.

Training draws a fresh batch at every step. With JAX's default generator (threefry, twenty rounds)
drawing it takes longer than the update. Here a number is a 32-bit integer hash of its position,
keyed by two words that differ between seeds and steps. `docs/engine.md` lists the statistical tests
that it passes; it is not meant for cryptography.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

# Multipliers of the two-round hash with the lowest known avalanche bias, found by exhaustive
# search (C. Wellons and contributors, "hash-prospector", public domain; bias 0.107).
_FIRST, _SECOND = 0x21F0AAAD, 0xD35A2D97
# 2^32/golden ratio and its square: they keep the all-zero key away from the hash's fixed point.
_GOLDEN, _SILVER = 0x9E3779B9, 0x61C88647


def step_key(key: PRNGKeyArray, step: int | Array) -> PRNGKeyArray:
    """The key of one training step, which differs between all seeds and steps.

    **Arguments:** `key`, a seed's key of JAX's default kind (threefry, two words); `step`.

    **Returns:** an ordinary JAX key, which `jax.random` accepts too.

    **Raises:** `ValueError` for a key of another kind.

    !!! example
        >>> import jax
        >>> key = step_key(jax.random.key(0), 7)
        >>> jax.random.uniform(key).shape
        ()
    """
    first, second = _words(key)
    step = jnp.asarray(step).astype(jnp.uint32)
    a = _hash(step ^ _hash(first ^ _hash(second ^ jnp.uint32(_GOLDEN))))
    b = _hash(step ^ _hash(second ^ _hash(first ^ jnp.uint32(_SILVER))))
    return jax.random.wrap_key_data(jnp.stack([a, b]))


def bits(key: PRNGKeyArray, shape: tuple[int, ...]) -> UInt32[Array, "*shape"]:
    """Random 32-bit words. Up to 2³² words of one key are all different.

    **Arguments:** `key`, from `step_key`: unlike `jax.random`, neighbouring keys such as
    `jax.random.key(0)` and `jax.random.key(1)` are not mixed here; `shape`.

    !!! example
        >>> import jax
        >>> bits(step_key(jax.random.key(0), 0), (2, 3)).dtype
        dtype('uint32')
    """
    first, second = _words(key)
    count = 1
    for size in shape:
        count *= size
    # A Weyl sequence instead of the position itself: after two rounds alone, words whose positions
    # differ in one bit are dependent, which a test of pairs at distance 256 detects in 2^20 words.
    position = jax.lax.iota(jnp.uint32, count).reshape(shape) * jnp.uint32(_GOLDEN)
    return _hash(position + first, second)


def uniform(
    key: PRNGKeyArray,
    shape: tuple[int, ...],
    *,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype=None,
) -> Float[Array, "*shape"]:
    """Uniform numbers in [minval, maxval), with 24 random bits each, or 53 in float64.

    Rounding may return `maxval` itself where `minval` is far from 0.

    !!! example
        >>> import jax
        >>> x = uniform(step_key(jax.random.key(0), 0), (1000,), minval=1.0, maxval=2.0)
        >>> bool((x >= 1).all() and (x <= 2).all())
        True
    """
    dtype = jnp.dtype(dtype or jnp.result_type(float))
    if dtype == jnp.float64:
        high, low = bits(key, (2, *shape))
        unit = (high >> 5).astype(dtype) * 2.0**-27 + (low >> 6).astype(dtype) * 2.0**-53
    else:
        unit = ((bits(key, shape) >> 8).astype(jnp.float32) * 2.0**-24).astype(dtype)
    return minval + (maxval - minval) * unit


def _words(key: PRNGKeyArray) -> tuple[UInt32[Array, ""], UInt32[Array, ""]]:
    words = jax.random.key_data(key)
    if words.shape != (2,):
        raise ValueError(
            f"key must be one key of two words, as jax.random.key(seed) makes by default, "
            f"got {jax.random.key_impl(key)} with words of shape {words.shape}"
        )
    return words[0], words[1]


def _hash(
    word: UInt32[Array, "*shape"], second: UInt32[Array, ""] | int = 0
) -> UInt32[Array, "*shape"]:
    """A bijection of 32-bit words for every `second`, which is mixed in between the rounds."""
    word = (word ^ (word >> 16)) * jnp.uint32(_FIRST)
    word = (word ^ (word >> 15) ^ jnp.uint32(second)) * jnp.uint32(_SECOND)
    return word ^ (word >> 15)
