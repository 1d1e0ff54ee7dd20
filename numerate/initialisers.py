"""Initialisers of free parameters, by name: all those of published implementations.

An initialiser is a function `(key, shape, dtype) -> array`, as in JAX, for a weight of shape
`(out, in)`.
"""

import inspect
import math
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from scipy.optimize import brentq

from numerate._errors import quoted

Initialiser = Callable[[PRNGKeyArray, tuple[int, int], jnp.dtype], Array]


def uniform(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """U(-2, 2), for any shape.

    !!! example
        >>> import jax
        >>> uniform(jax.random.key(0), (1, 3), "float32").shape
        (1, 3)
    """
    return _symmetric(key, shape, dtype, 2.0)


def glorot_uniform(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """U(-r, r) with r = √(6 / (in + out)).

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> weight = glorot_uniform(jax.random.key(0), (300, 300), "float32")
        >>> 0.0999 < float(jnp.abs(weight).max()) < 0.1001
        True

    Glorot & Bengio (2010), Proceedings of AISTATS 9.
    """
    return _symmetric(key, shape, dtype, math.sqrt(6 / max(sum(shape), 1)))


def kaiming_uniform(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """U(-r, r) with r = √(6 / in), with the gain of a ReLU, as public implementations use it for Ŵ
    and M̂.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> weight = kaiming_uniform(jax.random.key(0), (300, 600), "float32")
        >>> 0.0999 < float(jnp.abs(weight).max()) < 0.1001
        True

    He, Zhang, Ren & Sun (2015), arXiv:1502.01852.
    """
    return _symmetric(key, shape, dtype, math.sqrt(6 / max(shape[1], 1)))


def madsen(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """U(-r, r) for both Ŵ and M̂, with r such that Var[tanh(Ŵ) σ(M̂)] is Glorot's 2/(in + out).

    `madsen_range` gives r. The variance cannot exceed 1/2, so that in + out ≤ 4 has no
    solution; like the authors' code we then solve for in + out = 5, where r is 9.47 and almost
    every weight starts saturated at -1, 0 or 1. This bound is not in their paper.

    !!! example
        >>> import jax
        >>> madsen(jax.random.key(0), (2, 100), "float32").shape
        (2, 100)

    Madsen & Johansen (2020), arXiv:2001.05016, appendix "Moments of NAC+".
    """
    return _symmetric(key, shape, dtype, madsen_range(shape[1], shape[0]))


def madsen_range(in_features: int, out_features: int) -> float:
    """The r for which tanh(Ŵ) σ(M̂) has variance 2/fan, with fan = max(in + out, 5).

    Var(r) = (1 - tanh(r)/r) (r - tanh(r/2)) / (2r), for Ŵ and M̂ both U(-r, r).

    !!! example
        >>> [round(madsen_range(*sizes), 3) for sizes in [(2, 1), (4, 2), (10, 1), (100, 2)]]
        [9.471, 5.426, 2.26, 0.504]
    """
    fan = max(in_features + out_features, 5)

    def excess(r: float) -> float:
        return fan * (1 - math.tanh(r) / r) * (r - math.tanh(r / 2)) / (2 * r) - 2

    return cast(float, brentq(excess, 1e-3, 10.0))


def nau(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """U(-r, r) with r = min(1/2, √(6 / (in + out))): Glorot's, bounded away from ±1.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> float(jnp.abs(nau(jax.random.key(0), (1, 1000), "float32")).max()) < 0.078
        True

    Madsen & Johansen (2020), arXiv:2001.05016; the bound of 1/2 is in their code only.
    """
    r = min(0.5, math.sqrt(6 / max(sum(shape), 1)))
    return _symmetric(key, shape, dtype, r)


def nmu(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """U(1/4, 3/4), for any shape.

    The paper requires mean 1/2 and variance 1/4, which in [0, 1] only a coin toss has; the authors'
    code has this distribution, of variance 1/48.

    !!! example
        >>> import jax
        >>> weight = nmu(jax.random.key(0), (20, 30), "float32")
        >>> bool((weight >= 0.25).all() and (weight <= 0.75).all())
        True

    Madsen & Johansen (2020), arXiv:2001.05016, and its code.
    """
    return jax.random.uniform(key, shape, dtype, 0.25, 0.75)


def glorot_normal(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """N(0, 2/(in + out)).

    !!! example
        >>> import jax
        >>> weight = glorot_normal(jax.random.key(0), (300, 300), "float32")
        >>> 0.057 < float(weight.std()) < 0.058
        True

    Glorot & Bengio (2010), Proceedings of AISTATS 9.
    """
    return jax.random.normal(key, shape, dtype) * math.sqrt(2 / max(sum(shape), 1))


def orthogonal(key: PRNGKeyArray, shape: tuple[int, int], dtype) -> Float[Array, "out in"]:
    """A random matrix with orthonormal columns, or rows if there are fewer rows.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> weight = orthogonal(jax.random.key(0), (5, 3), "float32")
        >>> bool(jnp.allclose(weight.T @ weight, jnp.eye(3), atol=1e-6))
        True

    Saxe, McClelland & Ganguli (2014), arXiv:1312.6120.
    """
    if 0 in shape:
        return jnp.zeros(shape, dtype)
    # The decomposition needs at least float32.
    wide = dtype if jnp.finfo(dtype).bits >= 32 else jnp.float32
    q, r = jnp.linalg.qr(jax.random.normal(key, (max(shape), min(shape)), wide))
    # The signs are a convention of the library; after removing those of r, q is uniform.
    q = q * jnp.sign(jnp.diagonal(r))
    return (q if shape[0] >= shape[1] else q.T).astype(dtype)


def symmetric(r: float) -> Initialiser:
    """U(-r, r), for any shape.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> weight = symmetric(0.5)(jax.random.key(0), (100, 100), "float32")
        >>> 0.499 < float(jnp.abs(weight).max()) <= 0.5
        True
    """
    return lambda key, shape, dtype: _symmetric(key, shape, dtype, r)


def normal(mean: float, deviation: float) -> Initialiser:
    """N(mean, deviation²), for any shape.

    !!! example
        >>> import jax
        >>> weight = normal(1.0, 0.1)(jax.random.key(0), (100, 100), "float32")
        >>> 0.999 < float(weight.mean()) < 1.001
        True
    """
    return lambda key, shape, dtype: mean + deviation * jax.random.normal(key, shape, dtype)


def constant(value: float) -> Initialiser:
    """All parameters equal `value`. The name `"constant"` stands for `constant(0)`.

    !!! example
        >>> import jax
        >>> constant(0.5)(jax.random.key(0), (1, 2), "float32")
        Array([[0.5, 0.5]], dtype=float32)
    """
    return lambda key, shape, dtype: jnp.full(shape, value, dtype)


def _symmetric(key, shape, dtype, r: float):
    return jax.random.uniform(key, shape, dtype, -r, r)


INITIALISERS: dict[str, Initialiser] = {
    "uniform": uniform,
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "kaiming_uniform": kaiming_uniform,
    "orthogonal": orthogonal,
    "madsen": madsen,
    "nau": nau,
    "nmu": nmu,
    "constant": constant(0.0),
}


def initialiser(choice: str | Initialiser) -> Initialiser:
    """The initialiser with a name, or a given function with checks of its results.

    **Raises:** `ValueError` for a name that is not in `INITIALISERS`; the function that is returned
    raises `TypeError` where `choice` cannot be called with `(key, shape, dtype)`, as those of
    `torch.nn.init` cannot, or does not return an array of that shape.

    !!! example
        >>> initialiser("madsen") is madsen
        True
    """
    if not callable(choice):
        check_initialiser(choice)
        return INITIALISERS[choice]

    def draw(key: PRNGKeyArray, shape: tuple[int, int], dtype: Any) -> Array:
        try:
            inspect.signature(choice).bind(key, shape, dtype)
        except (TypeError, ValueError):
            raise TypeError(f"{_WANTED}; {_name(choice)} takes other arguments") from None
        try:
            drawn = choice(key, shape, dtype)
        except (AttributeError, TypeError) as error:  # such as `torch.nn.init.xavier_uniform_`
            raise TypeError(f"{_WANTED}; {_name(choice)} fails with these: {error}") from error
        if getattr(drawn, "shape", None) != shape or not hasattr(drawn, "dtype"):
            got = getattr(drawn, "shape", type(drawn).__name__)
            raise TypeError(f"{_WANTED} of shape {shape}; {_name(choice)} returned {got}")
        return jnp.asarray(drawn, dtype)

    return draw


def check_initialiser(choice: Any, whose: str = "") -> None:
    """Raise `ValueError` unless a choice is a function or in `INITIALISERS`; the sentence begins
    with `whose`.

    !!! example
        >>> check_initialiser("madsen")
        >>> check_initialiser(3, "gate_init: ")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: gate_init: an initialiser must be a function (key, shape, dtype) -> ...; got 3
    """
    if not callable(choice) and not (isinstance(choice, str) and choice in INITIALISERS):
        known = ", ".join(map(repr, INITIALISERS))
        raise ValueError(f"{whose}{_WANTED} or one of {known}; got {quoted(choice)}")


_WANTED = "an initialiser must be a function (key, shape, dtype) -> array"


def _name(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)
