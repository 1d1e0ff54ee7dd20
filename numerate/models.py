"""Networks of units: layers in sequence."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray

Layer = Callable[..., Any]


class Stack(eqx.Module):
    """Layers in sequence: units, recurrent units, or any layers of Equinox.

    **Arguments:**

    - `layers`: each either an Equinox module or a function of `key=` that makes one, such as
      `functools.partial(NAC, 100, 2)`. With functions, `functools.partial(Stack, layers)` is a
      function of `key=` too, which makes new layers for every seed.
    - `key`: split among the layers to be made; optional if there are none.

    **Shapes:** the input shape of the first layer to the output shape of the last one.

    **Raises:** `ValueError` if a layer takes another number of features than the previous one
    returns, or if `key` is missing.

    !!! example
        >>> from functools import partial
        >>> import jax, jax.numpy as jnp
        >>> from numerate.units import NAC, NACMul
        >>> model = Stack([partial(NAC, 100, 2), partial(NACMul, 2, 1)], key=jax.random.key(0))
        >>> model(jnp.ones(100)).shape, model[0].weight.shape
        ((1,), (2, 100))
    """

    layers: tuple[eqx.Module, ...]

    def __init__(self, layers: Sequence[eqx.Module | Layer], *, key: PRNGKeyArray | None = None):
        made = [_make(layer, i, key) for i, layer in enumerate(layers)]
        for i, (before, after) in enumerate(zip(made, made[1:], strict=False), start=1):
            _check_fit(i, before, after)
        self.layers = tuple(made)

    def __call__(
        self, x: Float[Array, "..."], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "..."]:
        """The output for one example. `key` is split among the layers."""
        for i, layer in enumerate(self.layers):
            x = layer(x, key=None if key is None else jax.random.fold_in(key, i))  # pyright: ignore[reportCallIssue]
        return x

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)


def _make(layer: eqx.Module | Layer, index: int, key: PRNGKeyArray | None) -> eqx.Module:
    if isinstance(layer, eqx.Module):
        return layer
    if key is None:
        raise ValueError(f"key is needed to make layers[{index}], {layer!r}; got None")
    # With `fold_in`, a layer's key does not depend on the layers after it.
    return layer(key=jax.random.fold_in(key, index))


def _check_fit(index: int, before: eqx.Module, after: eqx.Module) -> None:
    given = _size(before, "out_features", "hidden_size")
    taken = _size(after, "in_features", "input_size")
    if given is not None and taken is not None and given != taken:
        raise ValueError(
            f"layers[{index}] must take what layers[{index - 1}] gives, {given} features; "
            f"it takes {taken}"
        )


def _size(layer: eqx.Module, *names: str) -> int | str | None:
    """The first of the attributes that a layer has, or None, which fits any neighbour."""
    return next((getattr(layer, n) for n in names if hasattr(layer, n)), None)
