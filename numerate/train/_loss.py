"""The loss of a model on a batch, laid out in memory for many seeds at once.

A unit is a handful of elementwise equations, so under `vmap` over seeds its cost is the memory
layout. `jax.vmap` puts the seeds first and the batch last; then every gradient is a sum over
the last axis, which compilers for CPUs leave scalar. The functions here carry their own rule
for `vmap`: the seeds go last. Everything elementwise then runs over neighbouring seeds in SIMD
registers, sums over the batch included (measured in `docs/engine.md`).
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, PyTree

from numerate.units import Unit

Model = Callable[[Float[Array, "in"]], Float[Array, "out"]]
SeedLoss = Callable[..., Any]


def total_penalty(model: PyTree) -> Float[Array, ""]:
    """The sum of `penalty()` over every `Unit` in a model; 0 where there is none.

    !!! example
        >>> import jax
        >>> from numerate.units import NAC
        >>> float(total_penalty(NAC(2, 1, key=jax.random.key(0))))
        0.0
    """
    units = jax.tree.leaves(model, is_leaf=_is_unit)
    return sum((unit.penalty() for unit in units if _is_unit(unit)), start=jnp.zeros(()))


def constrained(model: PyTree) -> PyTree:
    """The model with every `Unit` in it projected to where its parameters may lie.

    !!! example
        >>> import jax
        >>> from numerate.units import NAC
        >>> unit = NAC(2, 1, key=jax.random.key(0))
        >>> bool((constrained(unit).weight == unit.weight).all())
        True
    """
    return jax.tree.map(
        lambda node: node.constrained() if _is_unit(node) else node, model, is_leaf=_is_unit
    )


def _is_unit(node: Any) -> bool:
    return isinstance(node, Unit)


def mean_squared_error(static: PyTree) -> SeedLoss:
    """A function `(arrays, x, y) -> ()` of one seed: the error of the model that `arrays` and
    `static` make up, on x `(batch, in)` and y `(batch, out)`."""

    def of_seeds(arrays: PyTree, x: Array, y: Array) -> Float[Array, "seeds"]:
        return _errors(static, arrays, x, y)

    return _seeds_last(of_seeds)


def loss_gradient(static: PyTree) -> SeedLoss:
    """A function `(trained, frozen, x, y, penalty_scale) -> gradient` of one seed: that of the
    mean squared error plus `penalty_scale` times the units' penalties, by `trained`."""

    def of_seeds(trained: PyTree, frozen: PyTree, x: Array, y: Array, scale: Array) -> PyTree:
        def sum_of_losses(trained: PyTree) -> Float[Array, ""]:
            arrays = eqx.combine(trained, frozen)
            penalties = jax.vmap(
                lambda arrays: total_penalty(eqx.combine(arrays, static)), in_axes=-1
            )
            return jnp.sum(_errors(static, arrays, x, y) + scale * penalties(arrays))

        # No loss depends on another seed's weights: the gradient of the sum is every seed's own.
        return jax.grad(sum_of_losses)(trained)

    return _seeds_last(of_seeds)


def _errors(static: PyTree, arrays: PyTree, x: Array, y: Array) -> Float[Array, "seeds"]:
    """The error of every seed: arrays `(..., seeds)`, x `(batch, in, seeds)`, y alike.

    The order of the two maps is the layout: the inner one meets operands that all have their
    seeds last, and leaves them there.
    """

    def predict(arrays: PyTree, x: Float[Array, "in"]) -> Float[Array, "out"]:
        return eqx.combine(arrays, static)(x)

    each_seed = jax.vmap(predict, in_axes=(-1, -1), out_axes=-1)
    each_example = jax.vmap(each_seed, in_axes=(None, 0), out_axes=0)
    return jnp.mean(jnp.square(each_example(arrays, x) - y), axis=(0, 1))


def _seeds_last(of_seeds: Callable[..., Any]) -> SeedLoss:
    """From a function of many seeds, on the last axis, one of a single seed whose `vmap` it is."""

    @custom_vmap
    def of_one(*arguments):
        result = of_seeds(*jax.tree.map(lambda leaf: leaf[..., None], arguments))
        return jax.tree.map(lambda leaf: leaf[..., 0], result)

    @of_one.def_vmap
    def of_many(axis_size, in_batched, *arguments):
        def last(leaf, batched: bool):
            if batched:
                return jnp.moveaxis(leaf, 0, -1)
            return jnp.broadcast_to(leaf[..., None], (*leaf.shape, axis_size))

        result = of_seeds(*jax.tree.map(last, arguments, tuple(in_batched)))
        result = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), result)
        return result, jax.tree.map(lambda _: True, result)

    return of_one
