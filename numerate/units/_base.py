"""What every unit offers to the engine, the formula read-out and the reader."""

import abc
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

DType = jax.typing.DTypeLike | None

# Not `typing.Self`: beartype, which decorates method by method, cannot resolve it.
SelfUnit = TypeVar("SelfUnit", bound="Unit")


class Unit(eqx.Module):
    """A layer that does arithmetic: maps one example `(in_features,)` to `(out_features,)`.

    A unit computes and nothing else; batches and seeds are `jax.vmap` outside, training and
    measuring are the engine's. Subclasses are final and declare both sizes as static fields.
    """

    in_features: eqx.AbstractVar[int]
    out_features: eqx.AbstractVar[int]

    @abc.abstractmethod
    def __call__(
        self, x: Float[Array, "in"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "out"]:
        """The output for one example. `key` is ignored by units without randomness; it is
        there so that units are layers of `eqx.nn.Sequential`."""

    @property
    @abc.abstractmethod
    def weight(self) -> Float[Array, "*branches out in"]:
        """The effective weights that the unit computes with, after every reparametrisation."""

    def penalty(self) -> Float[Array, ""]:
        """What the unit adds to the loss."""
        return jnp.zeros((), self.weight.dtype)

    def constrained(self: SelfUnit) -> SelfUnit:
        """The unit with its parameters projected to where they may lie, after a step."""
        return self


def check_sizes(**sizes: int) -> None:
    """Raise `ValueError` unless every size is at least 0."""
    for name, size in sizes.items():
        if size < 0:
            raise ValueError(f"{name} must be at least 0, got {size}")


def check_eps(eps: float | None) -> float | None:
    """`eps` itself; raises `ValueError` if it is negative, which makes logarithms NaN."""
    if eps is not None and not eps >= 0:
        raise ValueError(f"eps must be at least 0, or None for machine epsilon; got {eps}")
    return eps


def default_float(dtype: DType) -> jnp.dtype:
    """`dtype`, or JAX's default floating type for `None`: float64 in 64-bit mode, else float32."""
    return jnp.dtype(jnp.result_type(float) if dtype is None else dtype)
