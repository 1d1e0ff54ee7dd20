"""An ordinary loop: Adam on the squared error, with the penalties and constraints of the unit."""

from collections.abc import Callable
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, PRNGKeyArray

from numerate import units
from numerate.train import penalised

from ._networks import Network
from ._tasks import OPERATIONS, digit_images, examples, target

CONDITIONS = ("inside", "beyond")


@cache
def program(unit: str, network: str, settings: Any) -> Callable[[PRNGKeyArray], Array]:
    """What trains one network of a seed for each operation.

    **Returns:** a function of a key, for `map_seeds`: the errors `(operations, conditions)`, each
    the root of the mean squared error over the standard deviation of the targets.
    """
    images = digit_images(settings.source) if network == "CNN" else dict.fromkeys(CONDITIONS)
    schedule = optax.cosine_decay_schedule(settings.rate, settings.steps)
    adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
    optimiser = penalised(adam, steps=settings.steps)

    def one(operation: Array, key: PRNGKeyArray) -> Array:
        keys = jax.random.split(key, 5)
        model = Network(network, getattr(units, unit), key=keys[0])
        start, static = eqx.partition(model, eqx.is_inexact_array)

        def loss(parameters: Any, key: PRNGKeyArray) -> Array:
            drawn, noise = jax.random.split(key)
            batch = examples(network, "inside", settings.batch, drawn, images["inside"])
            noises = jax.random.split(noise, settings.batch)
            model = eqx.combine(parameters, static)
            y = jax.vmap(lambda x, k: model(x, key=k))(batch.inputs, noises)
            return jnp.mean(jnp.square(y - target(operation, batch.hidden)))

        def step(carry: Any, key: PRNGKeyArray) -> Any:
            parameters, state = carry
            updates, state = optimiser.update(jax.grad(loss)(parameters, key), state, parameters)
            return (eqx.apply_updates(parameters, updates), state), None

        begin = start, optimiser.init(start)
        (trained, _), _ = jax.lax.scan(step, begin, jax.random.split(keys[1], settings.steps))

        def errors(condition: str, key: PRNGKeyArray) -> Array:
            """By the alternative that a unit with branches is read as."""
            # Images come from the test in both conditions: what is beyond is the size of the sets.
            data = examples(network, condition, settings.tests, key, images["beyond"])
            y = target(operation, data.hidden)
            model = eqx.combine(trained, static)
            found = [jax.vmap(m)(data.inputs) for m in alternatives(model)]
            return jnp.stack([jnp.sqrt(jnp.mean(jnp.square(f - y))) / jnp.std(y) for f in found])

        # Which branch speaks is chosen by other examples of the training's range.
        chosen = jnp.argmin(jnp.nan_to_num(errors("inside", keys[2]), nan=jnp.inf))
        return jnp.stack([errors(c, k)[chosen] for c, k in zip(CONDITIONS, keys[3:], strict=True)])

    every = jnp.arange(len(OPERATIONS))
    return lambda key: jax.vmap(lambda op: one(op, jax.random.fold_in(key, op)))(every)


def alternatives(model: Network) -> list[Network]:
    """The model with each choice that its unit leaves to validation data, or as it is."""
    options = model.head.choices()
    if not options:
        return [model]
    return [
        eqx.tree_at(lambda m: m.head, model, model.head.chosen(0, a)) for a in range(options[0])
    ]
