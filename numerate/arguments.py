"""Checks and defaults of the arguments that all layers take."""

from numbers import Integral

import jax
import jax.numpy as jnp

DType = jax.typing.DTypeLike | None


def default_float(dtype: DType) -> jnp.dtype:
    """`dtype`, or JAX's default floating type for `None`: float64 in 64-bit mode, else float32.

    !!! example
        >>> default_float(None), default_float("float16")
        (dtype('float32'), dtype('float16'))
    """
    return jnp.dtype(jnp.result_type(float) if dtype is None else dtype)


def check_sizes(**sizes: int) -> None:
    """Raise `ValueError` unless every size is at least 0, and `TypeError` unless it is whole.

    !!! example
        >>> check_sizes(in_features=2.0)
        Traceback (most recent call last):
        TypeError: in_features must be a whole number, got 2.0
        >>> check_sizes(in_features=3, out_features=-1)
        Traceback (most recent call last):
        ValueError: out_features must be at least 0, got -1
    """
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, Integral):
            raise TypeError(f"{name} must be a whole number, got {size!r}")
        if size < 0:
            raise ValueError(f"{name} must be at least 0, got {size}")


def check_positive(**settings: float) -> None:
    """Raise `ValueError` unless every setting is above 0.

    !!! example
        >>> check_positive(scale=0.0)
        Traceback (most recent call last):
        ValueError: scale must be positive, got 0.0
    """
    for name, value in settings.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def check_one_of(*known: str, **settings: str) -> None:
    """Raise `ValueError` unless every setting is one of the known words.

    !!! example
        >>> check_one_of("clipped", "straight-through", gate_gradient="none")
        Traceback (most recent call last):
        ValueError: gate_gradient must be one of 'clipped', 'straight-through', got 'none'
    """
    for name, value in settings.items():
        if value not in known:
            words = ", ".join(map(repr, known))
            raise ValueError(f"{name} must be one of {words}, got {value!r}")


def check_eps(eps: float | None) -> float | None:
    """`eps` itself; raises `ValueError` if it is negative, which makes logarithms NaN.

    !!! example
        >>> check_eps(-1.0)
        Traceback (most recent call last):
        ValueError: eps must be at least 0, or None for machine epsilon; got -1.0
    """
    if eps is not None and not eps >= 0:
        raise ValueError(f"eps must be at least 0, or None for machine epsilon; got {eps}")
    return eps
