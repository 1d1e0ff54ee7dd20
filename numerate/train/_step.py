"""One update step for any loss, batch and Optax optimiser.

The loss gives gradients, the optimiser turns them into updates, and every unit in the model is
projected to its constraints. Clipping, learning rate schedules and skipping gradients that are not
finite are Optax transformations of the optimiser.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import PRNGKeyArray, PyTree

from numerate._errors import check_maker
from numerate.train._loss import apply_constraints, total_penalty

# `(trained, frozen, batch, value) -> (value, gradients)`; the second value is for measurements.
Gradient = Callable[[PyTree, PyTree, tuple, Any], tuple[Any, PyTree]]
Step = Callable[..., tuple[PyTree, Any, Any]]


class Descent(NamedTuple):
    """A gradient and its optimiser.

    With `penalty` the optimiser is called with the keyword `penalty=True`, and neither parameters
    nor its state change if the whole gradient is zero.
    """

    gradient: Gradient
    optimiser: optax.GradientTransformation
    penalty: bool = False


def static_part(make: Callable[..., Any], key: PRNGKeyArray | None = None) -> PyTree:
    """The parts of a model that are not arrays. They depend on no number, so nothing is computed.

    **Arguments:** `make`, a function of `key=` that makes the model; `key`, of the kind that `make`
    expects, by default one of JAX's default kind.

    **Raises:** `TypeError` for a model that is already an instance, and for a class that needs its
    sizes.

    !!! example
        >>> from functools import partial
        >>> from numerate.units import NAC
        >>> unit = NAC(2, 1, key=jax.random.key(0))
        >>> static = static_part(partial(NAC, 2, 1))
        >>> eqx.tree_equal(eqx.combine(eqx.filter(unit, eqx.is_array), static), unit)
        Array(True, dtype=bool)
    """
    check_model(make)
    shapes = eqx.filter_eval_shape(make, key=jax.random.key(0) if key is None else key)
    return eqx.filter(shapes, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct), inverse=True)


def check_model(make: Any) -> None:
    """Raise `TypeError` unless a model can be made as `make(key=key)`."""
    check_maker("model", make, eqx.Module, "functools.partial(NAU, 2, 1)")
    try:
        inspect.signature(make).bind(key=None)
    except TypeError as error:
        name = getattr(make, "__name__", repr(make))
        raise TypeError(
            f"model must be a function of key= alone, such as functools.partial(NAU, 2, 1); "
            f"{name} cannot be called so: {error}"
        ) from None


def update_step(
    loss: Callable[..., Any],
    optimiser: optax.GradientTransformation,
    static: PyTree,
    *,
    has_aux: bool = False,
) -> Step:
    """A pure function that makes one optimiser step, to be compiled, scanned or mapped.

    It takes the gradient of the loss, updates the parameters, and projects every `Unit` to its
    constraints.

    **Arguments:**

    - `loss`: a function `loss(model, *batch)` that returns a scalar; with `has_aux`, a pair of it
      and anything else.
    - `optimiser`: any Optax optimiser. Its state starts as `optimiser.init(arrays)`.
    - `static`: the `static_part` of the model.
    - `has_aux`: whether the loss returns a pair.

    **Returns:** `step(arrays, opt_state, *batch, progress=None, **extra)`, which returns the new
    arrays and optimiser state, and the loss, or the second value that it returned. `arrays` are
    those of the model, `eqx.filter(model, eqx.is_array)`; only floating ones are trained. With
    `progress`, the completed fraction of the training from 0 to 1, the scheduled penalties of all
    units are added to the loss. `extra` is for optimisers with extra arguments.

    !!! example
        >>> import jax.numpy as jnp
        >>> from functools import partial
        >>> from numerate.units import NAU
        >>> make = partial(NAU, 2, 1)
        >>> arrays = eqx.filter(make(key=jax.random.key(0)), eqx.is_array)
        >>> optimiser = optax.adam(0.1)
        >>> error = lambda model, x, y: jnp.mean((jax.vmap(model)(x) - y) ** 2)
        >>> step = jax.jit(update_step(error, optimiser, static_part(make)))
        >>> opt_state, x = optimiser.init(arrays), jnp.eye(2)
        >>> for _ in range(100):
        ...     arrays, opt_state, loss = step(arrays, opt_state, x, x[:, :1], progress=0.0)
        >>> abs(arrays.w_hat.round(1)).tolist()
        [[1.0, 0.0]]
    """

    def total(trained: PyTree, frozen: PyTree, batch: tuple, progress: Any) -> tuple[Any, Any]:
        model = eqx.combine(trained, frozen, static)
        value, aux = loss(model, *batch) if has_aux else (loss(model, *batch), None)
        if progress is not None:
            value = value + total_penalty(model, progress)
        return value, (aux if has_aux else value)

    def gradient(trained: PyTree, frozen: PyTree, batch: tuple, _: Any) -> tuple[Any, PyTree]:
        gradients, value = jax.grad(total, has_aux=True)(trained, frozen, *batch)
        return value, gradients

    steps = gradient_step([Descent(gradient, optimiser)], static)

    def step(
        arrays: PyTree, opt_state: Any, *batch: Any, progress: Any = None, **extra: Any
    ) -> tuple[PyTree, Any, Any]:
        arrays, (opt_state,), value = steps(arrays, (opt_state,), batch, progress, **extra)
        return arrays, opt_state, value

    return step


def gradient_step(descents: Sequence[Descent], static: PyTree) -> Step:
    """`update_step` for custom gradients, each with its optimiser, applied in order.

    A gradient is a function `(trained, frozen, batch, value) -> (value, gradients)`, which gets the
    value that the previous one returned. The step is
    `(arrays, opt_states, *batch, **extra) -> (arrays, opt_states, value)`, with a state for each of
    `optimisers(descents)` and the value of the last descent. Descents with the same optimiser share
    its state.
    """
    distinct = optimisers(descents)

    def step(arrays: PyTree, opt_states: tuple, *batch: Any, **extra: Any) -> Any:
        trained, frozen = eqx.partition(arrays, eqx.is_inexact_array)
        value, states = None, list(opt_states)
        for descent in descents:
            index = distinct.index(descent.optimiser)
            value, gradients = descent.gradient(trained, frozen, batch, value)
            updates, states[index] = _updates(descent, gradients, states[index], trained, extra)
            trained = optax.apply_updates(trained, updates)
        model = apply_constraints(eqx.combine(trained, frozen, static))
        return eqx.filter(model, eqx.is_array), tuple(states), value

    return step


def optimisers(descents: Sequence[Descent]) -> list[optax.GradientTransformation]:
    """The distinct optimisers of the descents."""
    return list(dict.fromkeys(descent.optimiser for descent in descents))


def _updates(
    descent: Descent, gradients: PyTree, state: Any, trained: PyTree, extra: dict[str, Any]
) -> tuple[PyTree, Any]:
    if not descent.penalty:
        return descent.optimiser.update(gradients, state, trained, **extra)
    optimiser = optax.with_extra_args_support(descent.optimiser)
    updates, new = optimiser.update(gradients, state, trained, penalty=True, **extra)
    counts = jnp.any(jnp.stack([jnp.any(leaf != 0) for leaf in jax.tree.leaves(gradients)]))
    updates = jax.tree.map(lambda leaf: jnp.where(counts, leaf, jnp.zeros_like(leaf)), updates)
    return updates, jax.tree.map(lambda yes, no: jnp.where(counts, yes, no), new, state)
