"""An ordinary loop: Adam on the squared error, with the penalties and constraints of the units.

All targets and last layers of a seed are one program, because most of the time would go into
compiling one for each: every network has all last layers, of which one is used and trained.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, PRNGKeyArray

from numerate import units
from numerate.train import projected

from ._networks import FEATURES, TRUNKS
from ._tasks import OPERATIONS, Examples, digit_images, examples, target

UNITS = ("Linear", "NAC", "NALU", "NAU", "NMU", "NASU")
CONDITIONS = ("inside", "beyond")

# What the loss compares: the target alone, or the two hidden quantities as well.
SUPERVISION = ("target", "quantities")

# Every combination of these, a target and a last layer, by their numbers.
_SHAPE = len(SUPERVISION), len(OPERATIONS), len(UNITS)
_SUPERVISION, _TARGETS, _HEADS = map(jnp.asarray, np.indices(_SHAPE).reshape(3, -1))


class Network(eqx.Module):
    """One of four networks with two features, and every unit as its last layer.

    **Arguments:** `trunk`, one of `TRUNKS`; `key`.

    !!! example
        >>> network = Network("LSTM", key=jax.random.key(0))
        >>> network(jnp.ones((5, 3)), UNITS.index("NMU")).shape
        ()
    """

    trunk: Any
    heads: list[units.Unit]

    def __init__(self, trunk: str, *, key: PRNGKeyArray):
        one, *keys = jax.random.split(key, 1 + len(UNITS))
        self.trunk = TRUNKS[trunk](one)
        self.heads = [
            getattr(units, unit)(FEATURES, 1, key=k) for unit, k in zip(UNITS, keys, strict=True)
        ]

    def __call__(self, x: Any, head: Any) -> Array:
        """The output of one example by a last layer, given by its number."""
        return self.output(self.trunk(x), head)

    def output(self, features: Array, head: Any, key: PRNGKeyArray | None = None) -> Array:
        """That for the features of one example; in training with a key."""
        # Another unit gets ones: a gradient of 0 times an infinite slope would be NaN.
        own = [jnp.where(head == i, features, 1.0) for i in range(len(UNITS))]
        found = [unit(f, key=key)[0] for unit, f in zip(self.heads, own, strict=True)]
        return jnp.stack(found)[head]

    def penalty(self, head: Any, progress: Any) -> Array:
        """The penalty of a last layer, by the schedule of its paper."""
        return jnp.stack([unit.scheduled_penalty(progress) for unit in self.heads])[head]


def alternatives(network: Network) -> list[tuple[int, Network]]:
    """The last layers by number, each with every choice that it leaves to validation data."""
    options = [
        [unit.chosen(0, i) for i in range(unit.choices()[0])] if unit.choices() else [unit]
        for unit in network.heads
    ]
    # The other layers are computed as well, and warn if a choice is left.
    network = eqx.tree_at(lambda n: n.heads, network, [first for first, *_ in options])
    return [
        (index, eqx.tree_at(lambda n, i=index: n.heads[i], network, head))
        for index, heads in enumerate(options)
        for head in heads
    ]


@cache
def program(network: str, settings: Any) -> Callable[[PRNGKeyArray], Array]:
    """What trains a network of one seed for each target and last layer.

    **Returns:** a function of a key: the errors `(supervision, targets, units, conditions)`, each
    the root of the mean squared error over the standard deviation of the targets.
    """
    images = digit_images(settings.source) if network == "CNN" else dict.fromkeys(CONDITIONS)
    schedule = optax.cosine_decay_schedule(settings.rate, settings.steps)
    adam = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule))
    optimiser = projected(adam)
    static = eqx.partition(Network(network, key=jax.random.key(0)), eqx.is_inexact_array)[1]

    def batches(key: PRNGKeyArray) -> Examples:
        keys = jax.random.split(key, settings.steps)
        draw = jax.vmap(lambda k: examples(network, "inside", settings.batch, k, images["inside"]))
        return draw(keys)

    def learn(start: Any, drawn: Examples, key: PRNGKeyArray) -> Any:
        """The parameters of every combination, from the same start on the same data."""

        def loss(parameters: Any, combination: Any, step: Any) -> Array:
            (supervision, operation, head), (batch, progress, key) = combination, step
            model = eqx.combine(parameters, static)
            features = jax.vmap(model.trunk)(batch.inputs)
            noise = jax.random.split(key, settings.batch)
            y = jax.vmap(lambda f, k: model.output(f, head, k))(features, noise)
            error = jnp.mean(jnp.square(y - target(operation, batch.hidden)))
            of_quantities = jnp.mean(jnp.square(features - batch.hidden))
            return error + supervision * of_quantities + model.penalty(head, progress)

        def update(parameters: Any, state: Any, combination: Any, step: Any) -> Any:
            gradients = jax.grad(loss)(parameters, combination, step)
            updates, state = optimiser.update(gradients, state, parameters)
            return eqx.apply_updates(parameters, updates), state

        def every(carry: Any, step: Any) -> Any:
            combinations = _SUPERVISION, _TARGETS, _HEADS
            parameters, state = carry
            return jax.vmap(update, (0, 0, 0, None))(parameters, state, combinations, step), None

        copies = jax.tree.map(lambda a: jnp.broadcast_to(a, (len(_HEADS), *a.shape)), start)
        begin = copies, jax.vmap(optimiser.init)(copies)
        progress = jnp.arange(settings.steps) / settings.steps
        keys = jax.random.split(key, settings.steps)
        return jax.lax.scan(every, begin, (drawn, progress, keys))[0][0]

    def errors(trained: Any, data: Examples) -> Array:
        """Of every combination by every alternative; infinite if that is of another layer."""

        def of(parameters: Any, operation: Array, head: Array) -> Array:
            y = target(operation, data.hidden)
            found = []
            for index, model in alternatives(eqx.combine(parameters, static)):
                outputs = jax.vmap(lambda x, m=model, i=index: m(x, i))(data.inputs)
                error = jnp.sqrt(jnp.mean(jnp.square(outputs - y))) / jnp.std(y)
                found.append(jnp.where(head == index, error, jnp.inf))
            return jnp.stack(found)

        return jax.vmap(of)(trained, _TARGETS, _HEADS)

    # Three programs: a compiler takes several times as long for one of them all.
    jitted = jax.jit(batches), jax.jit(learn), jax.jit(errors)
    tests = jax.jit(
        lambda condition, key: examples(network, condition, settings.tests, key, images["beyond"]),
        static_argnums=0,
    )

    def run(key: PRNGKeyArray) -> Array:
        drawn, trained, measured = jitted
        keys = jax.random.split(key, 6)
        start = eqx.filter(Network(network, key=keys[0]), eqx.is_inexact_array)
        parameters = trained(start, drawn(keys[1]), keys[5])
        # Images come from the test in both conditions: what is beyond is the size of the sets.
        # The branch is chosen by other examples of the training's range.
        validation, *found = (
            measured(parameters, tests(condition, k))
            for condition, k in zip(("inside", *CONDITIONS), keys[2:5], strict=True)
        )
        chosen = jnp.argmin(jnp.nan_to_num(validation, nan=jnp.inf), axis=1)[:, None]
        best = [jnp.take_along_axis(f, chosen, axis=1)[:, 0] for f in found]
        return jnp.stack(best, axis=1).reshape(*_SHAPE, len(CONDITIONS))

    return run
