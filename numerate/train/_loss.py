"""Losses, penalties and constraints; the mean squared error is laid out for many seeds at once.

Most units are a few elementwise equations, so under `vmap` over seeds the memory layout determines
their speed. `jax.vmap` puts the seeds first and the batch last; every gradient is then a sum over
the last axis, which CPU compilers do not vectorise. The error and its gradient here have their own
rule for `vmap`, which puts the seeds last. Elementwise operations and sums over the batch then run
over neighbouring seeds in SIMD registers (measured in `docs/engine.md`).
"""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, PyTree

from numerate.ops import step_key
from numerate.units import Unit

Model = Callable[[Float[Array, "in"]], Float[Array, "out"]]
SeedLoss = Callable[..., Any]
# The number of rows of a validation or extrapolation set computed at once. XLA would split more
# rows over threads, which it cannot do inside one machine function (see `_compile.py`).
BLOCK = 128

Penalty = Callable[[PyTree, Array, Array], Any]


def units_of(model: PyTree) -> list[Unit]:
    """Every `Unit` in a model, in the order of its fields.

    !!! example
        >>> import jax
        >>> from numerate.units import NAC
        >>> len(units_of(eqx.nn.Sequential([NAC(2, 1, key=jax.random.key(0))])))
        1
    """
    return [unit for unit in jax.tree.leaves(model, is_leaf=is_unit) if is_unit(unit)]


def total_penalty(model: PyTree, progress: Any = None) -> Float[Array, ""]:
    """The sum of `penalty()` over every `Unit` in a model; 0 where there is none.

    **Arguments:** `model`; `progress`, the completed fraction of the training, from 0 to 1. If it
    is given, the sum is that of the units' `scheduled_penalty(progress)`.

    !!! example
        >>> import jax
        >>> from numerate.units import NAU
        >>> from numerate.initialisers import constant
        >>> unit = NAU(2, 1, w_hat_init=constant(0.75), key=jax.random.key(0))
        >>> [round(float(total_penalty(unit, progress)), 6) for progress in (None, 0.0, 1.0)]
        [0.25, 0.0, 0.0025]
    """
    penalties = [
        unit.penalty() if progress is None else unit.scheduled_penalty(progress)
        for unit in units_of(model)
    ]
    return sum(penalties, start=jnp.zeros(()))


def apply_constraints(model: PyTree) -> PyTree:
    """The model with the parameters of every `Unit` projected to their constraints.

    !!! example
        >>> import jax
        >>> from numerate.units import NAC
        >>> unit = NAC(2, 1, key=jax.random.key(0))
        >>> bool((apply_constraints(unit).weight == unit.weight).all())
        True
    """
    return jax.tree.map(
        lambda node: node.constrained() if is_unit(node) else node, model, is_leaf=is_unit
    )


def is_unit(node: Any) -> bool:
    return isinstance(node, Unit)


def mean_squared_error(static: PyTree) -> SeedLoss:
    """A function `(arrays, x, y) -> ()` of one seed: the mean squared error of the model
    `eqx.combine(arrays, static)` on x `(rows, in)` and y `(rows, out)`."""

    def of_seeds(arrays: PyTree, x: Array, y: Array) -> Float[Array, "seeds"]:
        rows = x.shape[0]
        blocks = rows // BLOCK
        if blocks < 2:
            return _errors(static, arrays, x, y)

        def add(total: Array, block: tuple[Array, Array]) -> tuple[Array, None]:
            return total + BLOCK * _errors(static, arrays, *block), None

        def in_blocks(leaf: Array) -> Array:
            return leaf[: blocks * BLOCK].reshape(blocks, BLOCK, *leaf.shape[1:])

        start = jnp.zeros(x.shape[-1], y.dtype)
        total, _ = jax.lax.scan(add, start, (in_blocks(x), in_blocks(y)))
        rest = rows - blocks * BLOCK
        if rest:
            total += rest * _errors(static, arrays, x[-rest:], y[-rest:])
        return total / rows

    return _seeds_last(of_seeds)


def loss_gradient(static: PyTree, penalty: Penalty) -> SeedLoss:
    """A function `(trained, frozen, x, y, key, when) -> (error, gradients)` of one seed: the mean
    squared error, with noise from `key`, and the gradients of its sum with
    `penalty(model, when, error)` with respect to `trained`."""

    def of_seeds(trained: PyTree, frozen: PyTree, x, y, key, when) -> tuple[Array, PyTree]:
        def sum_of_losses(trained: PyTree) -> tuple[Float[Array, ""], Float[Array, "seeds"]]:
            arrays = eqx.combine(trained, frozen)
            errors = _errors(static, arrays, x, y, key)

            def penalty_of(arrays: PyTree, when: Array, error: Array) -> Any:
                return penalty(eqx.combine(arrays, static), when, error)

            penalties = jax.vmap(penalty_of, in_axes=-1)(arrays, when, errors)
            return jnp.sum(errors + penalties), errors

        # The loss of a seed depends only on its own weights, so the gradient of the sum holds the
        # gradient of each seed.
        gradients, errors = jax.grad(sum_of_losses, has_aux=True)(trained)
        return errors, gradients

    return _seeds_last(of_seeds)


def _errors(
    static: PyTree, arrays: PyTree, x: Array, y: Array, key: Array | None = None
) -> Float[Array, "seeds"]:
    """The error of every seed: arrays `(..., seeds)`, x `(batch, in, seeds)` and y
    `(batch, out, seeds)`.

    The order of the two maps decides the layout: the operands of the inner one all have their seeds
    last, and keep them there. Keys `(seeds,)` are for the noise of training.
    """

    def predict(arrays: PyTree, x: Float[Array, "*in"], key, example) -> Float[Array, "out"]:
        model = eqx.combine(arrays, static)
        if key is None or not _takes_key(model):
            return model(x)
        return model(x, key=step_key(key, example))

    each_seed = jax.vmap(predict, in_axes=(-1, -1, -1, None), out_axes=-1)
    each_example = jax.vmap(each_seed, in_axes=(None, 0, None, 0), out_axes=0)
    examples = jnp.arange(x.shape[0], dtype=jnp.uint32)
    outputs = each_example(arrays, x, key, examples)
    check_targets(outputs.shape[:-1], y.shape[:-1])
    return jnp.mean(jnp.square(outputs - y), axis=(0, 1))


def check_targets(outputs: tuple[int, ...], targets: tuple[int, ...]) -> None:
    """Raise `ValueError` if outputs and targets differ in shape, which would broadcast them."""
    if outputs != targets:
        raise ValueError(
            f"the model must give as many features as the targets have, shape {targets}; "
            f"it gives shape {outputs}"
        )


def _takes_key(model: Any) -> bool:
    return "key" in inspect.signature(model).parameters


def _seeds_last(of_seeds: Callable[..., Any]) -> SeedLoss:
    """A function of one seed whose rule for `vmap` is `of_seeds`, with seeds on the last axis."""

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
