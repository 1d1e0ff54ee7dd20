"""The training of one seed as one pure function.

This long file is the core of the engine. `init` makes a state, `advance` makes `log_every` steps
and measures the errors, and `conclude` turns the last state into a `Run`. `train` calls the three
in order, and `_many.py` runs the same `advance` on many seeds.
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
from numerate.train._loss import Penalty, loss_gradient, mean_squared_error, total_penalty
from numerate.train._outcome import Outcome
from numerate.train._restart import Restart, appended, empty_history, is_due, redrawn
from numerate.train._run import Run
from numerate.train._step import Descent, gradient_step, optimisers, static_part

MakeModel = Callable[..., Any]

# Further random streams; the batch of a step uses the step's key itself.
_NOISE, _RESTART = 0x6E6F6973, 0x72657374


@dataclass(frozen=True)
class Config:
    """How to train.

    **Arguments:**

    - `steps`: optimiser steps; a multiple of `log_every`.
    - `batch_size`: examples in the fresh batch of every step.
    - `log_every`: steps between two measurements of the validation and extrapolation errors.
    - `optimiser`: any Optax optimiser; by default Adam with learning rate 1e-3.
    - `penalty_scale`: a factor of the sum of the units' penalties; a number, or an Optax schedule
        of the step. With `None` every unit follows its own schedule, `scheduled_penalty`, over
        `steps`.
    - `penalty_progress`: a function from the completed fraction of the training to the progress
      that the units' schedules receive; by default the fraction itself. It moves the start and end
      of the schedules.
    - `penalty_below`: penalties are only added if the batch's mean squared error is below this.
    - `penalty_optimiser`: makes a separate step for the penalties after that for the error, if
      their gradient is not zero. If it is `optimiser` itself, both steps share its state, and an
      optimiser with extra arguments receives the keyword `penalty=True`. By default penalties are a
      part of the loss.
    - `restart`: a `Restart`, which gives new parameters to a seed that makes no progress.
    - `stop_below`: a seed stops at the first logged step with a validation error below this; by
        default it does not stop early. The extrapolation error never stops or selects anything.

    **Raises:** `ValueError` for a count below 1, steps that are no multiple of `log_every`, or both
    `penalty_scale` and `penalty_progress`.

    !!! example
        >>> Config(steps=10_000).log_every
        1000
    """

    steps: int = 50_000
    batch_size: int = 128
    log_every: int = 1000
    optimiser: optax.GradientTransformation = field(default_factory=lambda: _ADAM)
    penalty_scale: float | Callable[[Any], Any] | None = None
    penalty_progress: Callable[[Any], Any] | None = None
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
        if self.penalty_scale is not None and self.penalty_progress is not None:
            raise ValueError("penalty_scale replaces the schedules of penalty_progress: give one")


# One object, so that two default configurations are equal and share a compiled program.
_ADAM = optax.adam(1e-3)


class State(eqx.Module):
    """The state of one seed's training: arrays only, so that it can be mapped over."""

    arrays: PyTree
    opt_states: tuple
    history: PyTree
    instance: PyTree
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

    `init(key, steps, instance) -> State`, `advance(state, sets) -> (State, Log)`,
    `conclude(state, logs) -> Run` with logs of shape `(logs,)`, and `sets(instance) -> sets`,
    the validation and extrapolation sets. `instance` identifies the seed's task in a family; it is
    None for any other task, whose sets all seeds share.
    """

    init: Callable[[PRNGKeyArray, Any, Any], State]
    advance: Callable[[State, Any], tuple[State, Log]]
    conclude: Callable[[State, Log], Run]
    sets: Callable[[Any], Any]


def train(key: PRNGKeyArray, task: Task, model: MakeModel, config: Config | None = None) -> Run:
    """Train one seed: a pure function of `key`, which `jax.jit` and `jax.vmap` transform.

    Every step draws a fresh batch, takes the gradient of the mean squared error plus the units'
    penalties, makes one optimiser step and projects every unit to its constraints. Units with
    noise are called with a key of the step and example. Every `log_every` steps the branches of
    units are selected by the validation error, and the errors on the task's fixed validation and
    extrapolation sets are measured. The run is `solved` if, at the logged step of lowest
    validation error, the extrapolation error is below the task's threshold.

    **Arguments:**

    - `key`: the seed, a JAX key of the default kind; the weights and all batches follow from it.
    - `task`: the source of the data.
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
    """The functions that `train` and `train_many` use. Only the kind of `key` matters."""
    static = static_part(model, key)
    error = mean_squared_error(static)
    descents = _descents(static, config)
    update = gradient_step(descents, static)

    def fresh(key: PRNGKeyArray) -> PyTree:
        return eqx.filter(model(key=key), eqx.is_array)

    def init(key: PRNGKeyArray, steps: Any, instance: Any) -> State:
        arrays = fresh(key)
        trained = _floats(arrays)
        infinite = jnp.asarray(jnp.inf, _dtype(trained))
        false, zero = jnp.asarray(False), jnp.asarray(0, jnp.int32)
        return State(
            arrays=arrays,
            opt_states=tuple(optimiser.init(trained) for optimiser in optimisers(descents)),
            history=None if config.restart is None else empty_history(_dtype(trained)),
            instance=instance,
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

    def one_step(i: Array, task: Task, steps: Array, carry: tuple, key: PRNGKeyArray) -> tuple:
        arrays, opt_states, losses = carry
        step = step_key(key, i)
        x, y = task.sample(step, config.batch_size)
        when = jnp.asarray(_when(config, i, steps), _dtype(_floats(arrays)))
        noise = step_key(step, _NOISE)
        arrays, opt_states, loss = update(arrays, opt_states, x, y, noise, when)
        losses = None if losses is None else losses + jnp.stack([loss, loss**2])
        return arrays, opt_states, losses

    def selected(arrays: PyTree, x: Array, y: Array) -> PyTree:
        """The arrays of the model with its branches selected by the validation error."""

        def error_of(model: PyTree) -> Array:
            return error(eqx.filter(model, eqx.is_array), x, y)

        return eqx.filter(select_branches(eqx.combine(arrays, static), error_of), eqx.is_array)

    def restarted(state: State, arrays: PyTree, log: Log, losses: Any) -> tuple[PyTree, PyTree]:
        """The parameters and the history after a measurement, by the rule for restarts."""
        rule = config.restart
        if rule is None:
            return arrays, None
        signal = losses / config.log_every
        if rule.signal == "validation":
            signal = jnp.stack([log.validation, log.validation**2])
        history = appended(state.history, *signal)
        measurement = state.step // config.log_every + 1
        due = is_due(rule, history, measurement)
        new = redrawn(rule, fresh, step_key(step_key(state.key, state.step), _RESTART))
        return _where(due, new, arrays), _where(due, empty_history(log.validation.dtype), history)

    def measured_steps(state: State, sets: Any) -> tuple[State, Log]:
        # The count is a constant: with bounds that differ between seeds, a loop under `vmap`
        # would compare and select at every step.
        seed_task = task.at(state.instance)
        losses = None if config.restart is None else jnp.zeros(2, state.best_validation.dtype)
        arrays, opt_states, losses = jax.lax.fori_loop(
            0,
            config.log_every,
            lambda i, carry: one_step(state.step + i, seed_task, state.steps, carry, state.key),
            (state.arrays, state.opt_states, losses),
        )
        step = state.step + config.log_every
        arrays = selected(arrays, *sets[0])
        log = Log(*(error(arrays, x, y) for x, y in sets))
        better = log.validation < state.best_validation
        below = (log.extrapolation < seed_task.threshold) & (state.first_below == 0)
        diverged = ~_all_finite(arrays)
        stopped = diverged
        if config.stop_below is not None:
            stopped |= log.validation < config.stop_below
        best_arrays = _where(better, arrays, state.best_arrays)
        arrays, history = restarted(state, arrays, log, losses)
        return State(
            arrays=arrays,
            opt_states=opt_states,
            history=history,
            instance=state.instance,
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
        """`log_every` steps and a measurement; a seed that has stopped does not change."""
        nothing = jnp.full_like(state.best_validation, jnp.nan)
        return jax.lax.cond(
            state.stopped,
            lambda: (state, Log(nothing, nothing)),
            lambda: measured_steps(state, sets),
        )

    def conclude(state: State, log: Log) -> Run:
        threshold = task.at(state.instance).threshold
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

    def sets(instance: Any) -> Any:
        seed_task = task.at(instance)
        return seed_task.validation(), seed_task.extrapolation()

    return Loop(init, advance, conclude, sets)


def _descents(static: PyTree, config: Config) -> list[Descent]:
    """The gradients of a step: that of the loss, and that of the penalties if it is separate."""
    penalty, separate = _penalty(config), config.penalty_optimiser
    of_loss = loss_gradient(static, penalty if separate is None else _no_penalty)

    def of_penalty(trained: PyTree, frozen: PyTree, when: Array, error: Array) -> Array:
        return penalty(eqx.combine(trained, frozen, static), when, error)

    def loss(trained: PyTree, frozen: PyTree, batch: tuple, _: Any) -> tuple[Array, PyTree]:
        return of_loss(trained, frozen, *batch)

    def penalties(trained: PyTree, frozen: PyTree, batch: tuple, error: Array) -> Any:
        return error, jax.grad(of_penalty)(trained, frozen, batch[-1], error)

    first = Descent(loss, config.optimiser)
    return [first] if separate is None else [first, Descent(penalties, separate, penalty=True)]


def _floats(arrays: PyTree) -> PyTree:
    return eqx.filter(arrays, eqx.is_inexact_array)


def _dtype(arrays: PyTree) -> Any:
    return jnp.result_type(*jax.tree.leaves(arrays))


def _when(config: Config, step: Array, steps: Array) -> Any:
    """The factor of the penalties at a step, or the progress if units follow their schedules."""
    if config.penalty_scale is None:
        progress = step / steps
        return progress if config.penalty_progress is None else config.penalty_progress(progress)
    return config.penalty_scale(step) if callable(config.penalty_scale) else config.penalty_scale


def _penalty(config: Config) -> Penalty:
    """A function `(model, when, error) -> ()`: the model's penalties at a step."""

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


def _all_finite(arrays: PyTree) -> Bool[Array, ""]:
    leaves = jax.tree.leaves(_floats(arrays))
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves]))


def _where(condition: Bool[Array, ""], yes: PyTree, no: PyTree) -> PyTree:
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
