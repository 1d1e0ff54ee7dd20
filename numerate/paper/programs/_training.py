"""Training of models of programs with RMSE, and the share of correct digits."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from numerate.study import Tick, seed_keys
from numerate.tasks import step_key
from numerate.train import compile_program, run_parallel, static_part, update_step

from ._models import ConfiguredUnit
from ._task import Programs

# The number of seeds in a compiled program, one program per core. A block always has the same
# seeds.
BLOCK = 5
DIGITS = (2, 3, 4)
_DIGITS = 16
# The share of the steps in which the gain of a configured unit grows. In the last steps it is
# constant.
_SHARPENING = 0.85


class Training(NamedTuple):
    """The settings of a training.

    **Fields:** `steps` of Adam, with a cosine schedule from `rate` to 0; programs in a `batch`;
    number of `measures`, at equal distances; `sharpening`, the final factor of a configured unit's
    gain. The gain grows exponentially, and the learning rate is divided by the root of its factor,
    since a step of the LSTM's weights then changes the unit's more. With `skips_overflow` a batch
    whose gradient is not finite is skipped; otherwise a single overflow makes a model NaN.
    """

    steps: int
    batch: int
    rate: float
    measures: int
    sharpening: float = 1.0
    skips_overflow: bool = False

    def sharpness(self, progress: Any) -> Any:
        """The factor of the gain after a share of the steps."""
        return self.sharpening ** jnp.minimum(progress / _SHARPENING, 1.0)


class Learned(NamedTuple):
    """**Fields:** `steps` of the measures; `digits`, `(seeds, measures, 3)`, the share of correct
    digits in programs with numbers of two, three and four digits; `rmse`, of the same shape."""

    steps: np.ndarray
    digits: np.ndarray
    rmse: np.ndarray


def matching_digits(answers: Any, targets: Any) -> np.ndarray:
    """The share of correct digits of every rounded answer.

    Answer and target are aligned at the last digit, with leading zeros. The sign counts as a digit
    if either is negative. NaN and infinite answers have no correct digits.

    !!! example
        >>> matching_digits([118.4, 18.0, -118.0, 1180.0], [118.0, 118.0, 118.0, 118.0])
        array([1.        , 0.66666667, 0.75      , 0.25      ])
    """
    answers, targets = np.asarray(answers, float), np.asarray(targets, float)
    wrong = ~np.isfinite(answers)
    limit = 10.0 ** (_DIGITS - 1)
    given = np.rint(np.clip(np.where(wrong, 0, answers), -limit, limit)).astype(np.int64)
    wanted = np.rint(targets).astype(np.int64)
    a, b = np.abs(given)[..., None], np.abs(wanted)[..., None]
    powers = 10 ** np.arange(_DIGITS, dtype=np.int64)
    counted = (np.maximum(a, b) >= powers) | (powers == 1)
    same = (a // powers % 10 == b // powers % 10) & counted
    signed = (given < 0) | (wanted < 0)
    right = same.sum(axis=-1) + (signed & ((given < 0) == (wanted < 0)))
    return np.where(wrong, 0.0, right / (counted.sum(axis=-1) + signed))


def learn(
    make: Callable[..., Any],
    task: Programs,
    training: Training,
    seeds: range,
    tick: Tick,
    root: int = 0,
) -> Learned:
    """Train a model for every seed, and measure it during training.

    **Arguments:** `make`, a function of `key=`, the same object for the same model; `seeds`,
    starting at a multiple of 5; `root`, as for `seed_keys`.

    **Raises:** `ValueError` for other seeds, because a seed's block must not depend on the number
    of seeds.
    """
    if seeds.start % BLOCK:
        raise ValueError(f"seeds must start at a multiple of {BLOCK}, got {seeds}")
    blocks = range(seeds.start, seeds.stop, BLOCK)
    init, advance = _program(make, task, training)

    def block(index: int, report: Tick) -> np.ndarray:
        first = blocks[index]
        state, answers = init(seed_keys(range(first, first + BLOCK), root)), []
        for measure in range(training.measures):
            state, answer = advance(state)
            answers.append(np.asarray(answer))
            report((measure + 1) / training.measures)
        return np.stack(answers, axis=1)

    answers = np.concatenate(run_parallel(block, len(blocks), tick))[: len(seeds)]
    targets = np.stack([np.asarray(task.fixed(d)[1])[:, 0] for d in DIGITS])
    with np.errstate(over="ignore", invalid="ignore"):
        rmse = np.sqrt(np.mean(np.square(answers.astype(float) - targets), axis=-1))
    digits = matching_digits(answers, targets).mean(axis=-1)
    every = training.steps // training.measures
    return Learned(every * np.arange(1, training.measures + 1), digits, rmse)


@lru_cache(maxsize=4)
def _program(make: Callable[..., Any], task: Programs, training: Training) -> tuple[Any, Any]:
    static = static_part(make)
    cosine = optax.cosine_decay_schedule(training.rate, training.steps)

    def rate(step: Any) -> Any:
        return cosine(step) / jnp.sqrt(training.sharpness(step / training.steps))

    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))
    if training.skips_overflow:
        optimiser = optax.apply_if_finite(optimiser, max_consecutive_errors=training.steps)
    programs = jnp.concatenate([task.fixed(digits)[0] for digits in DIGITS])

    def init(key: Array) -> Any:
        arrays = eqx.filter(make(key=key), eqx.is_array)
        return arrays, optimiser.init(arrays), key, jnp.asarray(0)

    def sharpened(model: Any, progress: Array) -> Any:
        if isinstance(model, ConfiguredUnit) and training.sharpening != 1:
            return model.sharpened(training.sharpness(progress))
        return model

    def loss(model: Any, x: Array, y: Array, progress: Array) -> Array:
        model = sharpened(model, progress)
        answers, penalty = jax.vmap(lambda one: _answer(model, one, progress))(x)
        # The root has no gradient at 0, if all answers are exact.
        return jnp.sqrt(jnp.mean(jnp.square(answers - y)) + 1e-8) / 100 + jnp.mean(penalty)

    update = update_step(loss, optimiser, static)

    def one_step(_: Any, state: Any) -> Any:
        arrays, opt_state, key, step = state
        x, y = task.sample(step_key(key, step), training.batch)
        progress = step / training.steps
        arrays, opt_state, _ = update(arrays, opt_state, x, y[:, 0], progress)
        return arrays, opt_state, key, step + 1

    def advance(state: Any) -> Any:
        state = jax.lax.fori_loop(0, training.steps // training.measures, one_step, state)
        model = sharpened(eqx.combine(state[0], static), state[3] / training.steps)
        return state, jax.vmap(model)(programs)[:, 0].reshape(len(DIGITS), -1)

    start = jax.jit(jax.vmap(init))
    example = jax.eval_shape(start, seed_keys(range(BLOCK)))
    return start, compile_program(jax.vmap(advance), example, donate_argnums=0)


def _answer(model: Any, tokens: Array, progress: Array) -> tuple[Array, Array]:
    """The answer, and the penalties of the configured units."""
    if not isinstance(model, ConfiguredUnit):
        return model(tokens)[0], jnp.zeros(())
    registers, penalty = model.run(tokens)
    return registers[-1, 0], penalty * model.penalty_weight(progress)
