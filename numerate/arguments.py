"""Checks and defaults of the arguments that all layers take."""

import functools
import inspect
from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from numerate._errors import FLOATS, bound_arguments, check_array, is_finite, quoted
from numerate.initialisers import check_initialiser

DType = jax.typing.DTypeLike | None

_Constructor = TypeVar("_Constructor", bound=Callable[..., None])

_HINTS = {
    "key": "key=jax.random.key(0) draws its parameters",
    "seed": "key=jax.random.key(seed) draws its parameters",
    "device": "jax.device_put moves it, and jax.default_device makes it there",
}


def checked(construct: _Constructor) -> _Constructor:
    """A layer's `__init__` whose errors name the layer and the argument.

    A missing or unknown argument, and values that are no key or no initialiser, are refused before
    the constructor runs. The messages of its own errors begin with the layer's name. Every unit's
    constructor is checked so.

    **Raises:** `TypeError` and `ValueError`, as the constructor does.

    !!! example
        >>> class Layer:
        ...     @checked
        ...     def __init__(self, in_features, *, key):
        ...         check_sizes(in_features=in_features)
        >>> Layer(2, key=0)
        Traceback (most recent call last):
        TypeError: Layer: key must be one key, such as jax.random.key(0), got 0
        >>> Layer(-2, key=jax.random.key(0))
        Traceback (most recent call last):
        ValueError: Layer: in_features must be at least 0, got -2
    """
    signature = inspect.signature(construct)
    signature = signature.replace(parameters=list(signature.parameters.values())[1:])

    @functools.wraps(construct)
    def checked_construct(self, *args, **kwargs):
        layer = type(self).__name__
        given = bound_arguments(layer, signature, args, kwargs, _HINTS)
        try:
            for name, value in given.items():
                if value is signature.parameters[name].default:
                    continue
                if name == "key":
                    check_key(key=value)
                if name.endswith("_init"):
                    check_initialiser(value, f"{name}: ")
            construct(self, *args, **kwargs)
        except (TypeError, ValueError) as error:
            said = str(error)
            # JAX has classes of its own for what is wrong in a traced program.
            if type(error) in (TypeError, ValueError) and not said.startswith(layer):
                error.args = (f"{layer}: {said}",)
            raise

    return checked_construct  # pyright: ignore[reportReturnType]


def check_key(**keys: Any) -> None:
    """Raise `TypeError` unless every key is one of `jax.random`, of the new or the old style.

    !!! example
        >>> check_key(key=jax.random.key(0))
        >>> check_key(key=1)
        Traceback (most recent call last):
        TypeError: key must be one key, such as jax.random.key(0), got 1
    """
    for name, key in keys.items():
        got = quoted(key)
        if hasattr(key, "shape") and hasattr(key, "dtype"):
            if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
                if key.shape == ():
                    continue
                got = f"keys of shape {key.shape}: jax.vmap maps over keys"
            elif key.dtype == jnp.uint32 and key.shape == _old_key().shape:
                continue
            else:
                got = f"an array of shape {tuple(key.shape)} and dtype {key.dtype}"
        raise TypeError(f"{name} must be one key, such as jax.random.key(0), got {got}")


def _old_key() -> Any:
    return jax.eval_shape(jax.random.PRNGKey, 0)


def default_float(dtype: DType) -> jnp.dtype:
    """`dtype`, or JAX's default floating type for `None`: float64 in 64-bit mode, else float32.

    !!! example
        >>> default_float(None), default_float("float16")
        (dtype('float32'), dtype('float16'))
        >>> default_float("int32")
        Traceback (most recent call last):
        TypeError: dtype must be 'float16', 'bfloat16', 'float32' or 'float64', got 'int32'
    """
    try:
        chosen = jnp.dtype(jnp.result_type(float) if dtype is None else dtype)
    except TypeError:
        chosen = None
    if chosen is None or chosen.name not in FLOATS:
        words = ", ".join(map(repr, FLOATS[:-1]))
        raise TypeError(f"dtype must be {words} or {FLOATS[-1]!r}, got {quoted(dtype)}")
    return chosen


def check_jax_array(name: str, x: Any) -> None:
    """Raise `TypeError` unless x, the input of a layer called `name`, is an array of JAX or NumPy.

    !!! example
        >>> check_jax_array("NAU", [1.0, 2.0])
        Traceback (most recent call last):
        TypeError: NAU takes a jax.Array, got a list: jax.numpy.asarray(x) converts it
    """
    check_array(name, x, (jax.Array, np.ndarray), "jax.Array", "jax.numpy.asarray(x)")


def widened(x: jax.Array, layer: Any) -> jax.Array:
    """x as an array of JAX, in the precision of a layer's parameters if its own is lower.

    In half precision, ε, the least of |x| in a logarithm, would be that of the input.

    !!! example
        >>> from numerate.units import NAU
        >>> unit = NAU(2, 1, key=jax.random.key(0))
        >>> widened(jnp.ones(2, "float16"), unit).dtype
        dtype('float32')
    """
    if x.dtype.itemsize >= 4:
        return jnp.asarray(x)
    dtype = parameter_dtype(layer)
    return jnp.asarray(x, dtype if dtype.itemsize > x.dtype.itemsize else None)


def parameter_dtype(layer: Any) -> jnp.dtype:
    """The dtype of an Equinox layer's parameters.

    !!! example
        >>> from numerate.units import NAU
        >>> parameter_dtype(NAU(2, 1, dtype="float16", key=jax.random.key(0)))
        dtype('float16')
    """
    return jax.tree.leaves(eqx.filter(layer, eqx.is_inexact_array))[0].dtype


def check_sizes(*, least: int = 0, **sizes: int) -> None:
    """Raise `ValueError` unless every size is at least `least`, and `TypeError` unless it is whole.

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
            raise TypeError(f"{name} must be a whole number, got {quoted(size)}")
        if size < least:
            raise ValueError(f"{name} must be at least {least}, got {size}")


def check_positive(**settings: float) -> None:
    """Raise `ValueError` unless every setting is a finite number above 0.

    !!! example
        >>> check_positive(scale=0.0)
        Traceback (most recent call last):
        ValueError: scale must be positive, got 0.0
    """
    for name, value in settings.items():
        if not (is_finite(value) and value > 0):
            raise ValueError(f"{name} must be positive, got {quoted(value)}")


def check_flag(**settings: bool) -> None:
    """Raise `TypeError` unless every setting is `True` or `False`.

    !!! example
        >>> check_flag(use_bias="no")
        Traceback (most recent call last):
        TypeError: use_bias must be True or False, got 'no'
    """
    for name, value in settings.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {quoted(value)}")


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
            raise ValueError(f"{name} must be one of {words}, got {quoted(value)}")


def check_eps(eps: float | None) -> float | None:
    """`eps` itself; raises `ValueError` unless it is finite and not negative, which makes
    logarithms NaN.

    !!! example
        >>> check_eps(-1.0)
        Traceback (most recent call last):
        ValueError: eps must be at least 0, or None for machine epsilon; got -1.0
    """
    if eps is not None and not (is_finite(eps) and eps >= 0):
        raise ValueError(f"eps must be at least 0, or None for machine epsilon; got {quoted(eps)}")
    return eps
