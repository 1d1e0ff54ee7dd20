"""The errors of trained models, measured without the rounding of float32."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from numerate.tasks import Task

_CHUNK = 32


def errors_in_float64(models: Any, task: Task, instances: Any) -> Float[np.ndarray, "seeds 2"]:
    """Mean squared errors of many models on a task's validation and extrapolation set.

    In float32 the error of a perfect model may exceed the threshold of success. Models are
    converted to float64, and the sets drawn again, with 53 random bits.

    **Arguments:**

    - `models`: models with a leading axis of seeds, as returned by `train_many`.
    - `task`: the task whose sets are used; for a family, one with the same `instances` as in
      training.
    - `instances`: `task.instances(seeds)`.

    **Returns:** `(seeds, 2)`, not finite if a model's output is not. An error does not depend on
    the other models.

    !!! example
        >>> from functools import partial
        >>> from numerate.study import seed_keys
        >>> from numerate.tasks import SimpleFunction
        >>> from numerate.units import NAC
        >>> models = eqx.filter_vmap(lambda key: NAC(100, 1, key=key))(seed_keys(range(2)))
        >>> task = SimpleFunction(("add",), set_size=50)
        >>> errors_in_float64(models, task, task.instances(2)).shape
        (2, 2)
    """
    count = _seeds(models)
    found = []
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda a: a.astype(float) if eqx.is_inexact_array(a) else a, models)
        for start in range(0, count, _CHUNK):
            # Padded, so that one program computes all, each bit for bit as if alone.
            chunk = np.minimum(np.arange(start, start + _CHUNK), count - 1)
            errors = _errors(_taken(wide, chunk), task, _taken(instances, chunk))
            found.append(np.asarray(errors)[: count - start])
    return np.concatenate(found)


def _seeds(models: Any) -> int:
    return len(jax.tree.leaves(eqx.filter(models, eqx.is_array))[0])


def _taken(tree: Any, chunk: np.ndarray) -> Any:
    def take(leaf: Any) -> Any:
        return jnp.asarray(leaf)[chunk] if isinstance(leaf, jax.Array | np.ndarray) else leaf

    return jax.tree.map(take, tree)


@eqx.filter_jit
def _errors(models: Any, task: Task, instances: Any) -> Float[Array, "seeds 2"]:
    def error(model: Any, x: Array, y: Array) -> Array:
        return jnp.mean(jnp.square(jax.vmap(model)(x) - y))

    def both(model: Any, instance: Any) -> Array:
        here = task.at(instance)
        return jnp.stack([error(model, *here.validation()), error(model, *here.extrapolation())])

    return eqx.filter_vmap(both)(models, instances)
