"""The identity: figure 1 and table 5 of Trask et al. (2018).

A network with one input, three hidden layers of eight features and one output learns the identity
from -5 to 5 and is tested on numbers up to 20 and up to 1000. There are a hundred networks for
every nonlinearity of PyTorch, and for stacks of units with the same sizes.

Choices that the paper leaves open, each a setting:

- The optimiser is plain gradient descent. Only with it the network without nonlinearity has the
  paper's error, below 0.0001; Adam and RMSProp oscillate around the solution. All three are run.
- The training numbers are the eleven integers, all at every step.
- Layers have biases, and the initialisation of PyTorch, whose names of nonlinearities the paper
  uses: weights and biases from U(-r, r) with r = 1/√inputs.
- A unit replaces a whole layer, without bias or nonlinearity. It has the initialisation of its
  paper and its constraint, but no penalty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from numerate import Config, Stack, train_many, units
from numerate.study import Experiment, Job, Row, Tick, finished, seed_keys
from numerate.tasks import Task, uniform

from . import _report
from ._report import ALL, NEAR, NONLINEARITIES


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    **Fields:**

    - `seeds`: networks for each nonlinearity.
    - `units`: the nonlinearities and units to run; all of them if empty.
    - `steps`: of the optimiser.
    - `rate`: its learning rate.
    - `optimisers`: `sgd`, `adam` or `rmsprop`; figure 1 is drawn for the first.
    - `inputs`: the `integers` from -5 to 5, or 64 `uniform` numbers, new at every step.
    - `start`: initial weights and biases, `pytorch`, or `glorot` with zero biases.
    """

    seeds: int = 100
    units: tuple[str, ...] = ()
    steps: int = 10_000
    rate: float = 0.01
    optimisers: tuple[Literal["sgd", "adam", "rmsprop"], ...] = ("sgd", "adam", "rmsprop")
    inputs: Literal["integers", "uniform"] = "integers"
    start: Literal["pytorch", "glorot"] = "pytorch"


WIDTH, DEPTH, FAR = 8, 3, 1000


@dataclass(frozen=True)
class Identity(Task):
    """y = x from -5 to 5."""

    inputs: str

    in_features = out_features = 1

    def sample(self, key: Array, batch_size: int) -> tuple[Array, Array]:
        if self.inputs == "integers":
            return self.validation()
        x = uniform(key, (batch_size, 1), minval=-5.0, maxval=5.0)
        return x, x

    def validation(self) -> tuple[Array, Array]:
        return _integers(5), _integers(5)

    def extrapolation(self) -> tuple[Array, Array]:
        return _integers(FAR), _integers(FAR)

    @property
    def threshold(self) -> float:
        return 0.25**2


def _integers(reach: int) -> Array:
    return jnp.arange(-reach, reach + 1.0)[:, None]


# Networks.


def network(activation: str, start: str, *, key: Array) -> units.MLP:
    """A network of the paper."""
    made = units.MLP(1, 1, hidden_size=WIDTH, depth=DEPTH, activation=activation, key=key)
    return made if start == "glorot" else _as_in_pytorch(made, key)


def _as_in_pytorch(network: units.MLP, key: Array) -> units.MLP:
    """The network with weights and biases from U(-r, r), r = 1/√inputs of the layer."""

    def drawn(key: Array, like: Array, inputs: int) -> Array:
        return jax.random.uniform(key, like.shape, like.dtype, -1, 1) / jnp.sqrt(inputs)

    pairs = zip(network.weights, network.biases, strict=True)
    keys = jax.random.split(key, (len(network.weights), 2))
    new = [
        (drawn(k[0], weight, weight.shape[1]), drawn(k[1], bias, weight.shape[1]))
        for k, (weight, bias) in zip(keys, pairs, strict=True)
    ]
    weights, biases = (tuple(part) for part in zip(*new, strict=True))
    return eqx.tree_at(lambda n: (n.weights, n.biases), network, (weights, biases))


@cache
def _model(unit: str, start: str) -> Callable[..., Any]:
    """The network as a function of `key=`, the same object for the same arguments."""
    if unit in NONLINEARITIES:
        return partial(network, NONLINEARITIES[unit][0], start)
    kind, sizes = getattr(units, unit), (1, *[WIDTH] * DEPTH, 1)
    layers = [partial(kind, n, m) for n, m in zip(sizes, sizes[1:], strict=False)]
    return partial(Stack, layers)


@cache
def _optimiser(name: str, rate: float) -> optax.GradientTransformation:
    # RMSProp's constants are PyTorch's.
    makers = {"sgd": optax.sgd, "adam": optax.adam, "rmsprop": partial(optax.rmsprop, decay=0.99)}
    return makers[name](rate)


# Runs.


def jobs(unit: str, settings: Settings) -> list[Job]:
    return [Job(unit, range(settings.seeds), {"optimiser": o}) for o in settings.optimisers]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    optimiser = job.variant["optimiser"]
    config = Config(
        steps=settings.steps,
        log_every=settings.steps,  # The result is the network at the end.
        batch_size=64,
        optimiser=_optimiser(optimiser, settings.rate),
        penalty_scale=0.0,
    )
    task, model = Identity(settings.inputs), _model(job.unit, settings.start)
    run = finished(train_many(seed_keys(job.seeds), task, model, config, progress=False))
    failed = ~np.isfinite(np.asarray(run.validation))
    near, far = (_errors(run.model, reach, failed) for reach in (NEAR, FAR))
    keep_curve = optimiser == settings.optimisers[0]
    return [
        {
            "unit": job.unit,
            "condition": optimiser,
            "seed": seed,
            "error": float(errors.mean()),
            "error at 20": float(curve[[0, -1]].mean()),
            # With all curves in full precision the file would be four times as large.
            "curve": _short(curve).tolist() if keep_curve else None,
        }
        for seed, errors, curve in zip(job.seeds, far, near, strict=True)
    ]


def _errors(model: Any, reach: int, failed: np.ndarray) -> np.ndarray:
    """|y - x| of every network at every integer, `(seeds, 2 reach + 1)`."""
    x = _integers(reach)
    y = np.asarray(eqx.filter_vmap(lambda one: jax.vmap(one)(x))(model), float)
    errors = np.abs(y - np.asarray(x))[:, :, 0]
    errors[failed] = np.nan
    return errors


def _short(curve: np.ndarray) -> np.ndarray:
    """In float32 with eight significant bits, enough for the figure and small when compressed."""
    bits = curve.astype(np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x8000)) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(curve), rounded.view(np.float32), np.nan).astype(np.float32)


EXPERIMENT = Experiment(
    name="identity",
    title="a scalar autoencoder, from −5…5 to −20…20 and −1000…1000 (figure 1, table 5)",
    claim="networks with standard nonlinearities do not learn the identity outside their training "
    "range; the stronger the nonlinearity, the larger the error.",
    units=ALL,
    scales={
        "smoke": Settings(seeds=2, steps=200, optimisers=("sgd",), units=("Tanh", "None", "NAC")),
        "quick": Settings(),
        "paper": Settings(),
    },
    cost={"smoke": 25.0, "quick": 522.0, "paper": 522.0},
    jobs=jobs,
    run=run,
    tables=_report.tables,
    draw=_report.draw,
    summarise=_report.summarise,
    sentences=_report.sentences,
)
