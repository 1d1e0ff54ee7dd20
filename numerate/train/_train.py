"""One seed's training as one pure function.

This is one of the package's deep files. `init` makes a state, `advance` takes it `log_every`
steps further and measures, `conclude` turns the last state into a `Run`; `train` is the three
in a row, and `_many.py` runs the same `advance` on many seeds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from numerate.tasks import Task, step_key
from numerate.train._choice import select_branches
from numerate.train._loss import (
    Penalty,
    constrained,
    loss_gradient,
    mean_squared_error,
    total_penalty,
)
from numerate.train._outcome import Outcome
from numerate.train._restart import Restart, empty_memory, is_due, redrawn, remembered
from numerate.train._run import Run

MakeModel = Callable[..., Any]

# Streams of random numbers beside that of the batches, which uses a step's key as it is.
_NOISE, _RESTART = 0x6E6F6973, 0x72657374


@dataclass(frozen=True)
class Config:
    """How to train.

    **Arguments:**

    - `steps`: optimiser steps; a multiple of `log_every`.
    - `batch_size`: examples in the fresh batch of every step.
    - `log_every`: steps between two measurements of the validation and extrapolation errors.
    - `optimiser`: any Optax optimiser; by default Adam with learning rate 1e-3.
    - `penalty_scale`: what the sum of the units' penalties is multiplied with; a number, or
        an Optax schedule of the step. `None` follows every unit's own schedule, its
        `penalty_weight`, over the course of `steps`.
    - `penalty_below`: penalties count only while the batch's mean squared error is below this.
    - `penalty_optimiser`: penalties get a step of their own, after that of the error, by this
        optimiser. By default they are a part of the loss.
    - `restart`: a `Restart`, by which a seed without progress gets new parameters.
    - `stop_below`: a seed stops at the first logged step whose validation error is below this;
        by default none does. The extrapolation error never stops or selects anything.

    **Raises:** `ValueError` for a count below 1, or steps that are no multiple of `log_every`.

    !!! example
        >>> Config(steps=10_000).log_every
        1000
    """

    steps: int = 50_000
    batch_size: int = 128
    log_every: int = 1000
    optimiser: optax.GradientTransformation = field(default_factory=lambda: _ADAM)
    penalty_scale: float | Callable[[Any], Any] | None = None
    penalty_below: float | None = None
    penalty_optimiser: optax.GradientTransformation | None = None
    restart: Restart | None = None
    stop_below: float | None = None

    def __post_init__(self):
        for name in ("steps", "batch_size", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.steps % self.log_every:
            raise ValueError(
                f"steps must be a multiple of log_every, got {self.steps} and {self.log_every}"
            )


# One object, so that two default configurations are equal and share a compiled program.
_ADAM = optax.adam(1e-3)


class State(eqx.Module):
    """All that one seed's training carries on: arrays only, so that it can be mapped over."""

    arrays: PyTree
    optimiser_state: PyTree
    memory: PyTree
    place: PyTree
    key: PRNGKeyArray
    step: Int[Array, ""]
    steps: Int[Array, ""]
    stopped: Bool[Array, ""]
    diverged: Bool[Array, ""]
    best_arrays: PyTree
    best_step: Int[Array, ""]
    best_validation: Float[Array, ""]
    best_extrapolation: Float[Array, ""]
    first_below: Int[Array, ""]


class Log(NamedTuple):
    validation: Float[Array, ""]
    extrapolation: Float[Array, ""]


class Loop(NamedTuple):
    """The pure functions of one training, for a fixed task, model and configuration.

    `init(key, steps, place) -> State`, `advance(state, sets) -> (State, Log)`,
    `conclude(state, logs) -> Run` with logs of shape `(logs,)`, and `sets(place) -> sets`, the
    validation and extrapolation sets. `place` is the seed's own part of a family of tasks; it
    is None for any other task, whose sets all seeds share.
    """

    init: Callable[[PRNGKeyArray, Any, Any], State]
    advance: Callable[[State, Any], tuple[State, Log]]
    conclude: Callable[[State, Log], Run]
    sets: Callable[[Any], Any]


def train(key: PRNGKeyArray, task: Task, model: MakeModel, config: Config | None = None) -> Run:
    """Train one seed: a pure function of `key`, which `jax.jit` and `jax.vmap` transform.

    Every step draws a fresh batch, takes the gradient of the mean squared error plus the units'
    penalties, makes one optimiser step and projects every unit to its constraint. Units with
    noise are called with a key of the step and example. Every `log_every` steps the choices that
    units leave open are made by the validation error, and the errors on the task's fixed
    validation and extrapolation sets are measured. The run is `solved` if, at the logged step of
    lowest validation error, the extrapolation error is below the task's threshold.

    **Arguments:**

    - `key`: the seed, a JAX key of the default kind; the weights and all batches follow from it.
    - `task`: where the data come from.
    - `model`: a function of `key=` that makes the untrained model, such as
        `functools.partial(NALU, 2, 1)`; the model maps one example.
    - `config`: how to train.

    **Returns:** a `Run` without an axis of seeds. It never raises because learning failed.

    For many seeds, or a progress bar, use `train_many`.

    !!! example
        >>> import functools, jax
        >>> from numerate.tasks import Arithmetic
        >>> from numerate.units import NAC
        >>> task = Arithmetic("sub", (1.0, 2.0))
        >>> config = Config(steps=200, log_every=100)
        >>> run = train(jax.random.key(0), task, functools.partial(NAC, 2, 1), config)
        >>> print(run)
        1 seed: 1 not solved
    """
    config = config or Config()
    loop = training_loop(key, task, model, config)
    sets = loop.sets(None)
    logs = config.steps // config.log_every
    state, log = jax.lax.scan(
        lambda state, _: loop.advance(state, sets), loop.init(key, config.steps, None), length=logs
    )
    return loop.conclude(state, log)


def training_loop(key: PRNGKeyArray, task: Task, model: MakeModel, config: Config) -> Loop:
    """The functions that `train` and `train_many` are made of. `key` gives only its kind."""
    static = _static_part(key, model)
    error = mean_squared_error(static)
    own_step = config.penalty_optimiser
    gradient = loss_gradient(static, _penalty(config) if own_step is None else _no_penalty)
    penalty_gradient = jax.grad(_penalty_of(static, config))

    def fresh(key: PRNGKeyArray) -> PyTree:
        return eqx.filter(model(key=key), eqx.is_array)

    def init(key: PRNGKeyArray, steps: Any, place: Any) -> State:
        arrays = fresh(key)
        trained = eqx.filter(arrays, eqx.is_inexact_array)
        infinite = jnp.asarray(jnp.inf, _dtype(trained))
        false, zero = jnp.asarray(False), jnp.asarray(0, jnp.int32)
        return State(
            arrays=arrays,
            optimiser_state=(
                config.optimiser.init(trained),
                None if own_step is None else own_step.init(trained),
            ),
            memory=None if config.restart is None else empty_memory(_dtype(trained)),
            place=place,
            key=key,
            step=zero,
            steps=jnp.asarray(steps, jnp.int32),
            stopped=false,
            diverged=false,
            best_arrays=arrays,
            best_step=zero,
            best_validation=infinite,
            best_extrapolation=infinite,
            first_below=zero,
        )

    def one_step(i: Array, here: Task, steps: Array, carry: tuple, key: PRNGKeyArray) -> tuple:
        arrays, (optimiser_state, penalty_state), losses = carry
        step = step_key(key, i)
        x, y = here.sample(step, config.batch_size)
        trained, frozen = eqx.partition(arrays, eqx.is_inexact_array)
        when = jnp.asarray(_when(config, i, steps), _dtype(trained))
        loss, gradients = gradient(trained, frozen, x, y, step_key(step, _NOISE), when)
        updates, optimiser_state = config.optimiser.update(gradients, optimiser_state, trained)
        trained = optax.apply_updates(trained, updates)
        if own_step is not None:
            gradients = penalty_gradient(trained, frozen, when, loss)
            updates, penalty_state = own_step.update(gradients, penalty_state, trained)
            trained = optax.apply_updates(trained, updates)
        projected = constrained(eqx.combine(trained, frozen, static))
        losses = None if losses is None else losses + jnp.stack([loss, loss**2])
        return eqx.filter(projected, eqx.is_array), (optimiser_state, penalty_state), losses

    def chosen(arrays: PyTree, x: Array, y: Array) -> PyTree:
        """The arrays with every choice that a unit leaves open made by the validation error."""

        def error_of(model: PyTree) -> Array:
            return error(eqx.filter(model, eqx.is_array), x, y)

        return eqx.filter(select_branches(eqx.combine(arrays, static), error_of), eqx.is_array)

    def restarted(state: State, arrays: PyTree, log: Log, losses: Any) -> tuple[PyTree, PyTree]:
        """The parameters and the memory after a measurement, by the rule of restarts."""
        rule = config.restart
        if rule is None:
            return arrays, None
        signal = losses / config.log_every
        if rule.signal == "validation":
            signal = jnp.stack([log.validation, log.validation**2])
        memory = remembered(state.memory, *signal)
        measurement = state.step // config.log_every + 1
        due = is_due(rule, memory, measurement)
        new = redrawn(rule, fresh, step_key(step_key(state.key, state.step), _RESTART))
        return _where(due, new, arrays), _where(due, empty_memory(log.validation.dtype), memory)

    def measured_steps(state: State, sets: Any) -> tuple[State, Log]:
        # The count is a constant: with bounds that differ between seeds, a loop under `vmap`
        # would compare and select at every step.
        here = task.at(state.place)
        losses = None if config.restart is None else jnp.zeros(2, state.best_validation.dtype)
        arrays, optimiser_state, losses = jax.lax.fori_loop(
            0,
            config.log_every,
            lambda i, carry: one_step(state.step + i, here, state.steps, carry, state.key),
            (state.arrays, state.optimiser_state, losses),
        )
        step = state.step + config.log_every
        arrays = chosen(arrays, *sets[0])
        log = Log(*(error(arrays, x, y) for x, y in sets))
        better = log.validation < state.best_validation
        below = (log.extrapolation < here.threshold) & (state.first_below == 0)
        diverged = ~_all_finite(arrays)
        stopped = diverged
        if config.stop_below is not None:
            stopped |= log.validation < config.stop_below
        best_arrays = _where(better, arrays, state.best_arrays)
        arrays, memory = restarted(state, arrays, log, losses)
        return State(
            arrays=arrays,
            optimiser_state=optimiser_state,
            memory=memory,
            place=state.place,
            key=state.key,
            step=step,
            steps=state.steps,
            stopped=stopped,
            diverged=diverged,
            best_arrays=best_arrays,
            best_step=jnp.where(better, step, state.best_step),
            best_validation=jnp.where(better, log.validation, state.best_validation),
            best_extrapolation=jnp.where(better, log.extrapolation, state.best_extrapolation),
            first_below=jnp.where(below, step, state.first_below),
        ), log

    def advance(state: State, sets: Any) -> tuple[State, Log]:
        """`log_every` steps and a measurement; a seed that has stopped stays as it is."""
        nothing = jnp.full_like(state.best_validation, jnp.nan)
        return jax.lax.cond(
            state.stopped,
            lambda: (state, Log(nothing, nothing)),
            lambda: measured_steps(state, sets),
        )

    def conclude(state: State, log: Log) -> Run:
        threshold = task.at(state.place).threshold
        solved = state.best_extrapolation < threshold
        logs = log.validation.shape[0]
        unfinished = ~state.stopped & (state.step < logs * config.log_every)
        outcome = jnp.where(solved, Outcome.SOLVED, Outcome.NOT_SOLVED)
        outcome = jnp.where(~solved & state.diverged, Outcome.DIVERGED, outcome)
        outcome = jnp.where(unfinished, Outcome.INTERRUPTED, outcome)
        return Run(
            model=eqx.combine(state.best_arrays, static),
            outcome=outcome.astype(jnp.int8),
            stopped_at=state.step,
            best_step=state.best_step,
            validation=state.best_validation,
            extrapolation=state.best_extrapolation,
            solved_at=jnp.where(solved, state.first_below, 0),
            steps=jnp.arange(1, logs + 1) * config.log_every,
            validation_log=log.validation,
            extrapolation_log=log.extrapolation,
            threshold=threshold,
        )

    def sets(place: Any) -> Any:
        here = task.at(place)
        return here.validation(), here.extrapolation()

    return Loop(init, advance, conclude, sets)


def _static_part(key: PRNGKeyArray, model: MakeModel) -> PyTree:
    """What of a model is no array: found by its shapes alone, so nothing is computed."""
    shapes = eqx.filter_eval_shape(model, key=key)
    return eqx.filter(shapes, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct), inverse=True)


def _dtype(arrays: PyTree) -> Any:
    return jnp.result_type(*jax.tree.leaves(arrays))


def _when(config: Config, step: Array, steps: Array) -> Any:
    """What the penalty depends on at a step: its scale, or how far the training is."""
    if config.penalty_scale is None:
        return step / steps
    return config.penalty_scale(step) if callable(config.penalty_scale) else config.penalty_scale


def _penalty(config: Config) -> Penalty:
    """A function `(model, when, error) -> ()` of the model's penalties at a step."""

    def penalty(model: PyTree, when: Array, error: Array) -> Any:
        if config.penalty_scale is None:
            total = total_penalty(model, when)
        else:
            total = when * total_penalty(model)
        if config.penalty_below is None:
            return total
        return jnp.where(jax.lax.stop_gradient(error) < config.penalty_below, total, 0.0)

    return penalty


def _no_penalty(model: PyTree, when: Array, error: Array) -> float:
    return 0.0


def _penalty_of(static: PyTree, config: Config) -> Callable[..., Array]:
    penalty = _penalty(config)

    def of_arrays(trained: PyTree, frozen: PyTree, when: Array, error: Array) -> Array:
        return penalty(eqx.combine(trained, frozen, static), when, error)

    return of_arrays


def _all_finite(arrays: PyTree) -> Bool[Array, ""]:
    leaves = jax.tree.leaves(eqx.filter(arrays, eqx.is_inexact_array))
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]))


def _where(condition: Bool[Array, ""], yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
