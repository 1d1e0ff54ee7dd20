"""Do ordinary training loops learn arithmetic? Six tasks in PyTorch, Keras and JAX, many seeds.

Each loop is the one of the documentation: model, loss, optimiser, and one call that adds the
penalties. Inputs are uniform on [1, 2]; a seed has solved its task if the mean squared error on
inputs from [5, 10] is below 1e-4. These are only used for this test.

    python benchmarks/loops.py [--quick] [--json FILE]

`--quick` runs two seeds instead of ten. Keras runs on the backend of `KERAS_BACKEND`, JAX if that
is not set.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

os.environ.setdefault("KERAS_BACKEND", "jax")

import equinox as eqx
import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch
from report import Report, parse_args

import numerate.keras as layers
import numerate.torch as modules
from numerate import Stack, recipes, units
from numerate.initialisers import constant, normal
from numerate.train import penalised

STEPS, RATE, BATCH = 5000, 0.1, 128
TRAINED, TESTED, ROWS = (1.0, 2.0), (5.0, 10.0), 1000
SOLVED = 1e-4
ONE, HALF, NEAR_ONE, NEAR_HALF = constant(1.0), constant(0.5), normal(1.0, 0.3), normal(0.5, 0.25)
WIDE = normal(0.0, 0.5)
_STARTS = {id(ONE): "from 1", id(HALF): "from 1/2"}
_STARTS |= {id(NEAR_ONE): "from N(1, 0.3²)", id(NEAR_HALF): "from N(1/2, 1/4²)"}
_STARTS |= {id(WIDE): "from N(0, 1/2²)"}
# So that an input which a step shuts out can come back.
PASSES = "straight-through"
# Without the penalty of its large setting, which draws exponents to 0.
POWERS = {"NAU": recipes.mistry2022("NAU"), "RealNPU": recipes.heim2020("RealNPU")}


class Task(NamedTuple):
    """The target, the number of inputs, and the units with their sizes."""

    target: Callable[[Any], Any]
    inputs: int
    layers: list[tuple[str, int, dict[str, Any]]]
    clip: float | None = None
    recipe: dict[str, Any] | None = None


TASKS = {
    "a + b": Task(lambda x: x[:, 0] + x[:, 1], 2, [("NAU", 1, {})]),
    "a · b": Task(lambda x: x[:, 0] * x[:, 1], 2, [("NMU", 1, {})]),
    "a / b": Task(lambda x: x[:, 0] / x[:, 1], 2, [("NRU", 1, {})]),
    "(a + b) · c": Task(
        lambda x: (x[:, 0] + x[:, 1]) * x[:, 2],
        3,
        [("NAU", 2, {"w_hat_init": NEAR_HALF}), ("NMU", 1, {})],
    ),
    "(a + b) / c": Task(
        lambda x: (x[:, 0] + x[:, 1]) / x[:, 2],
        3,
        [
            ("RealNPU", 2, {"gate_init": ONE, "gate_gradient": PASSES, "w_hat_init": WIDE}),
            ("NAU", 1, {"w_hat_init": ONE}),
        ],
        1.0,
        POWERS,
    ),
    "√(a² + b²)": Task(
        lambda x: (x[:, 0] ** 2 + x[:, 1] ** 2) ** 0.5,
        2,
        [
            ("RealNPU", 2, {"gate_init": ONE, "w_hat_init": NEAR_ONE}),
            ("NAU", 1, {"w_hat_init": HALF}),
            ("RealNPU", 1, {"gate_init": ONE, "w_hat_init": HALF}),
        ],
        1.0,
        POWERS,
    ),
}


def in_pytorch(task: Task, seed: int) -> float:
    """The error beyond the range of a model trained by the loop of the PyTorch page."""
    torch.manual_seed(seed)
    sizes = _sizes(task)
    model = torch.nn.Sequential(
        *(
            getattr(modules, n)(i, o, **more)
            for (n, _, more), (i, o) in zip(task.layers, sizes, strict=True)
        )
    )
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    modules.penalise(model, optimiser, task.recipe, steps=STEPS)
    for _ in range(STEPS):
        x = torch.empty(BATCH, task.inputs).uniform_(*TRAINED)
        loss = (model(x) - task.target(x)[:, None]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        if task.clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), task.clip)
        optimiser.step()
        rate.step()
    x = torch.empty(ROWS, task.inputs).uniform_(*TESTED)
    with torch.no_grad():
        return float((model.eval()(x) - task.target(x)[:, None]).square().mean())


def in_keras(task: Task, seed: int) -> float:
    """The error beyond the range of a model trained by `fit`."""
    keras.utils.set_random_seed(seed)
    model: Any = keras.Sequential(
        [keras.Input((task.inputs,))]
        + [getattr(layers, name)(size, **more) for name, size, more in task.layers]
    )
    rate: Any = keras.optimizers.schedules.CosineDecay(RATE, STEPS)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=task.clip), "mse")
    rng = np.random.default_rng(seed)
    x = rng.uniform(*TRAINED, (BATCH * STEPS // 10, task.inputs)).astype("float32")
    callbacks = [layers.Penalties(task.recipe)]
    y = task.target(x)[:, None]
    model.fit(x, y, batch_size=BATCH, epochs=10, callbacks=callbacks, verbose=0)
    x = rng.uniform(*TESTED, (ROWS, task.inputs)).astype("float32")
    return float(np.mean((model.predict(x, verbose=0) - task.target(x)[:, None]) ** 2))


def in_jax(task: Task, seed: int) -> float:
    """The error beyond the range of a model trained by the loop of the JAX page."""
    key = jax.random.key(seed)
    parts = [
        partial(getattr(units, n), i, o, **more)
        for (n, _, more), (i, o) in zip(task.layers, _sizes(task), strict=True)
    ]
    model = Stack(parts, key=key)
    adam = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))
    if task.clip:
        adam = optax.chain(optax.clip_by_global_norm(task.clip), adam)
    optimiser = penalised(adam, task.recipe, steps=STEPS)

    def loss(model: Any, x: jax.Array) -> jax.Array:
        return jnp.mean((jax.vmap(model)(x)[:, 0] - task.target(x)) ** 2)

    @eqx.filter_jit
    def step(model: Any, state: Any, key: jax.Array) -> tuple[Any, Any]:
        low, high = TRAINED
        x = jax.random.uniform(key, (BATCH, task.inputs), minval=low, maxval=high)
        gradients = eqx.filter_grad(loss)(model, x)
        updates, state = optimiser.update(gradients, state, eqx.filter(model, eqx.is_inexact_array))
        return eqx.apply_updates(model, updates), state

    state = optimiser.init(eqx.filter(model, eqx.is_inexact_array))
    for batch in jax.random.split(key, STEPS):
        model, state = step(model, state, batch)
    low, high = TESTED
    x = jax.random.uniform(key, (ROWS, task.inputs), minval=low, maxval=high)
    return float(loss(model, x))


def _sizes(task: Task) -> list[tuple[int, int]]:
    outs = [size for _, size, _ in task.layers]
    return list(zip([task.inputs, *outs[:-1]], outs, strict=True))


def _layers(task: Task) -> str:
    """The units with their sizes, and their initial weights if given."""
    shown = []
    for (name, _, more), (i, o) in zip(task.layers, _sizes(task), strict=True):
        start = _STARTS.get(id(more.get("w_hat_init")))
        parts = [f"{i}, {o}", start, more.get("gate_gradient")]
        shown.append(f"{name}({', '.join(part for part in parts if part)})")
    return " → ".join(shown) + ("; gradients clipped to norm 1" if task.clip else "")


FRAMEWORKS = {"PyTorch": in_pytorch, "Keras": in_keras, "JAX": in_jax}


def main() -> None:
    args = parse_args(__doc__)
    seeds = 2 if args.quick else 10
    report = Report(
        f"Seeds that solved a task by an ordinary loop, {STEPS} steps of batch {BATCH}",
        seeds=f"0..{seeds - 1}",
    )
    for name, task in TASKS.items():
        for framework, train in FRAMEWORKS.items():
            start = perf_counter()
            errors = [train(task, seed) for seed in range(seeds)]
            report.add(
                {
                    "task": name,
                    "layers": _layers(task),
                    "framework": framework,
                    "solved": sum(error < SOLVED for error in errors),
                    "of": seeds,
                    "worst error": max(errors),
                    "seconds a seed": (perf_counter() - start) / seeds,
                }
            )
            print(report.rows[-1], file=sys.stderr, flush=True)
    report.finish(args)


if __name__ == "__main__":
    main()
