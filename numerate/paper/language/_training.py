"""Training of many text models in parallel, each selected by its validation error."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from numerate.study import Tick
from numerate.train import compile_program, static_part, total_penalty, update_step

from ._models import SumOrProductModel, answers, prefixes, stacked_prefixes
from ._numerals import Numbers, Numerals


class TextModelTraining(NamedTuple):
    """The settings of a training.

    **Fields:** `make`, a function of `key=`, the same object for the same model; `steps` of Adam,
    each on the whole training set; `measure_every`, steps between measurements of the validation
    error; `scale`, the divisor of targets; `relative`, whether squared errors are divided by the
    number; `falling`, whether the learning rate has a cosine schedule to 0; `zero`, as for
    `Numerals`; `models`, the number of models in a program.
    """

    make: Callable[..., Any]
    steps: int
    measure_every: int
    scale: float
    relative: bool
    falling: bool
    zero: bool
    models: int


class NumeralsData(NamedTuple):
    """The data of the models of a program, which are on the first axis.

    `everyone` holds all numbers, and `members` whether each is in the training, validation and test
    set.
    """

    tree: Any
    targets: Any
    members: Any


class _State(NamedTuple):
    arrays: Any
    opt_state: Any
    best_arrays: Any
    best: Any
    best_step: Any
    step: Any


# Numbers of prefixes of each length in the training sets, sufficient for nearly all splits, so that
# these share one program.
_LEVELS = (29, 31, 9, 100, 116)


def numerals_data(tasks: list[Numerals]) -> NumeralsData:
    """The data of the models of these splits, one after another."""
    tree = stacked_prefixes([task.train.tokens for task in tasks], at_least=_LEVELS)
    targets = np.stack([task.train.values for task in tasks])
    sets = [[part.values for part in (t.train, t.validation, t.test)] for t in tasks]
    numbers = everyone(tasks[0]).values
    members = np.array([[np.isin(numbers, part) for part in parts] for parts in sets])
    return NumeralsData(tree, targets.astype(np.float32), members)


def everyone(task: Numerals) -> Numbers:
    """All thousand numbers of the task, in order."""
    return task.numbers(range(1 - task.zero, 1001 - task.zero))


class TrainedModels(NamedTuple):
    """Each model at its lowest validation error, and the step of that measurement.

    `judge(phrases)` gives the answers to all numbers, those with integer weights, and the answers
    after every word of the phrases, each with a leading axis of models.
    """

    judge: Callable[[Any], Any]
    best_step: np.ndarray


def learn(
    training: TextModelTraining, data: NumeralsData, keys: Any, rate: float, tick: Tick
) -> TrainedModels:
    """Train a model for each of the keys, `training.models` of them, on its data."""
    program = prepare(training)
    state = program.init(keys)
    for _ in range(training.steps // training.measure_every):
        state = program.advance(state, data, rate)
        tick(int(state.step[0]) / training.steps)
    arrays = state.best_arrays
    return TrainedModels(
        lambda phrases: jax.device_get(program.judge(arrays, phrases)), np.asarray(state.best_step)
    )


class _Program(NamedTuple):
    init: Callable[..., _State]
    advance: Callable[..., _State]
    judge: Callable[..., Any]


@lru_cache(maxsize=4)
def prepare(training: TextModelTraining) -> _Program:
    """The compiled functions for parallel models of one size."""
    make, steps, scale = training.make, training.steps, training.scale
    all_numbers = everyone(Numerals(training.zero))
    tree, numbers = prefixes(all_numbers.tokens), all_numbers.values.astype(np.float32)
    static = static_part(make)
    optimiser = optax.chain(optax.scale_by_adam(), _scale_by_rate())

    def init(key: Any) -> _State:
        arrays = eqx.filter(make(key=key), eqx.is_array)
        infinite, zero = jnp.asarray(jnp.inf), jnp.asarray(0)
        return _State(arrays, optimiser.init(arrays), arrays, infinite, zero, zero)

    def loss(model: Any, data: NumeralsData, progress: Any) -> Any:
        errors = answers(model, data.tree) - data.targets / scale
        if training.relative:
            # Otherwise hundreds would dominate. With squared errors relative to the number, small
            # numbers, which determine the values of words, have the same weight.
            errors = errors / jnp.sqrt(1.0 + data.targets)
        return jnp.mean(jnp.square(errors)) + _penalty(model, progress) / scale**2

    update = update_step(loss, optimiser, static)

    def one_step(i: Any, state: _State, data: NumeralsData, rate: Any) -> _State:
        progress = state.step / steps
        if training.falling:
            rate = rate * 0.5 * (1 + jnp.cos(jnp.pi * progress))
        arrays, opt_state, _ = update(state.arrays, state.opt_state, data, progress, rate=rate)
        return state._replace(arrays=arrays, opt_state=opt_state, step=state.step + 1)

    def advance(state: _State, data: NumeralsData, rate: Any) -> _State:
        state = jax.lax.fori_loop(
            0, training.measure_every, lambda i, s: one_step(i, s, data, rate), state
        )
        read = answers(eqx.combine(state.arrays, static), tree) * scale
        error = jnp.mean(jnp.abs(read - numbers), where=data.members[1])
        better = error < state.best
        kept = jax.tree.map(lambda a, b: jnp.where(better, a, b), state.arrays, state.best_arrays)
        return state._replace(
            best_arrays=kept,
            best=jnp.where(better, error, state.best),
            best_step=jnp.where(better, state.step, state.best_step),
        )

    def judge(arrays: Any, phrases: Any) -> tuple[Any, Any, Any]:
        model = eqx.combine(arrays, static)
        snapped = model.snapped() if isinstance(model, SumOrProductModel) else model
        running = jax.vmap(model)(phrases) * scale
        return answers(model, tree) * scale, answers(snapped, tree) * scale, running

    start = jax.jit(jax.vmap(init))
    keys = jax.random.split(jax.random.key(0), training.models)
    example = (jax.eval_shape(start, keys), numerals_data([Numerals()] * training.models), 0.1)
    return _Program(
        start,
        compile_program(jax.vmap(advance, in_axes=(0, 0, None)), *example, donate_argnums=0),
        jax.jit(jax.vmap(judge, in_axes=(0, None))),
    )


def _scale_by_rate() -> optax.GradientTransformationExtraArgs:
    """Scale updates by a learning rate given at each update: one program serves all rates."""

    def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
        return jax.tree.map(lambda leaf: -extra["rate"] * leaf, updates), state

    return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def _penalty(model: Any, progress: Any) -> Any:
    """The penalties of units by their schedules; that of the words grows in the second half."""
    penalty = total_penalty(model, progress)
    if isinstance(model, SumOrProductModel):
        penalty += 0.1 * jnp.clip(2 * progress - 1, 0, 1) * model.penalty()
    return penalty
