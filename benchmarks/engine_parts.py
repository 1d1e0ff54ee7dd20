"""Ablation of the engine's speed: the engine without one part at a time.

    python benchmarks/engine_parts.py [--json FILE] [--quick]

The work is that of `engine.py`, for one chunk on one core: model-steps per second.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
from report import Report, parse_args

from numerate.tasks import Arithmetic
from numerate.train import (
    Config,
    _loss,  # noqa: PLC2701 - takes the engine apart
    _train,  # noqa: PLC2701
    compile_program,
)
from numerate.units import NALU

CONFIG = Config(steps=1000, log_every=1000)
CHUNK_SIZES = (16, 32, 64, 128)


@dataclass(frozen=True)
class Threefry(Arithmetic):
    """The same task with JAX's default generator."""

    def sample(self, key, batch_size):
        x = jax.random.uniform(key, (batch_size, 2), minval=1.0, maxval=2.0)
        return x, x[:, :1] * x[:, 1:]


def batch_last(static: Any, penalty: Any) -> Callable[..., Any]:
    """The gradient as `jax.vmap` lays it out by itself: seeds first, batch last."""

    def loss(trained, frozen, x, y):
        model = eqx.combine(trained, frozen, static)
        return jnp.mean((jax.vmap(model)(x) - y) ** 2)

    def error_and_gradient(trained, frozen, x, y, key, when):
        return jax.value_and_grad(loss)(trained, frozen, x, y)

    return error_and_gradient


def program(chunk: int, *, small: bool, task: Arithmetic, gradient: Any) -> Callable[[], Any]:
    """One chunk's `log_every` steps and measurement, compiled, as a function to be timed."""
    keys = jax.random.split(jax.random.key(0), chunk)
    with mock.patch.object(_train, "loss_gradient", gradient):
        loop = _train.training_loop(keys[0], task, partial(NALU, 2, 1), CONFIG)
        init = jax.jit(jax.vmap(lambda key: loop.init(key, CONFIG.steps, None)))
        sets = loop.sets(None)
        advance = jax.vmap(loop.advance, in_axes=(0, None))
        compiled = compile_program(
            advance, jax.eval_shape(init, keys), sets, small=small, donate_argnums=0
        )
    return lambda: jax.block_until_ready(compiled(init(keys), sets))


def main() -> None:
    args = parse_args(__doc__)
    ours: dict[str, Any] = {
        "small": True,
        "task": Arithmetic("mul"),
        "gradient": _loss.loss_gradient,
    }
    variants = {f"ours, {chunk} seeds": program(chunk, **ours) for chunk in CHUNK_SIZES}
    for name, change in {
        "without: one machine function": {"small": False},
        "without: own generator (threefry)": {"task": Threefry("mul")},
        "without: seeds last": {"gradient": batch_last},
        "without any of the three": {
            "small": False, "task": Threefry("mul"), "gradient": batch_last
        },
    }.items():  # fmt: skip
        variants[f"{name}, 32 seeds"] = program(32, **(ours | change))
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(3 if args.quick else 25):
        for name, run in variants.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    report = Report("Model-steps per second of one chunk", seeds="0")
    for name, found in times.items():
        seeds = int(name.split()[-2])
        report.add({"what": name, "model-steps/s": seeds * CONFIG.steps / min(found)})
    report.finish(args)


if __name__ == "__main__":
    main()
