"""Training for `mnist-count` and `mnist-add`: recurrent networks on sequences of digits.

Choices that the paper leaves open:

- Every image is encoded by the convolutional network of PyTorch's example (`DigitNet`), without
  dropout. Its ten outputs are the input of a cell, as logits (`raw`) or as probabilities
  (`softmax`), by row of `ENTRIES`.
- LSTM, GRU and RNNs have `hidden` features. A linear layer with bias maps the last state to the
  output.
- NAC, NALU and NAU as cells: h_t = unit([x_t, h_{t-1}]) with h_0 = 0. The output is the last
  state, so they have as many features as the output. Their initial weight of the state is 0.95 on
  the diagonal for NAC and NALU and 1 for NAU: with small initial weights they hardly learned on
  the validation set.
- In rows with "summed" the unit is applied to every x_t, and its outputs are added.
- Adam on batches of sequences of ten, in which every image occurs once an epoch. The learning rate
  has a linear warm-up for a twentieth of the steps and a cosine schedule to 0; units have a higher
  rate than the rest.
- The result is the network at the end. Validation images were only used to choose settings, and
  only in sequences of ten.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from numerate import NAC, NALU, NAU, Recurrent, Stack
from numerate.initialisers import initialiser
from numerate.paper.networks import RNN, SumOverTime
from numerate.study import Job, Row, Tick, seed_keys
from numerate.train import compile_program, run_parallel, static_part, update_step

from ._images import Digits, digits
from ._network import DigitNet
from ._sequences import CLASSES, DigitSequences, drawn, shuffled

LENGTHS = (1, 10, 100, 1000)
TRAINED = 10
# Images held back for validation, or a tenth of the training set if that is less.
_HELD_BACK = 5000
# Mean and standard deviation of the pixels, as in PyTorch's example.
_PIXEL = (0.1307, 0.3081)


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    **Fields:**

    - `seeds`: networks for each unit.
    - `units`: those to run; all of them if empty.
    - `epochs`: of units whose outputs are summed; an epoch has every image once.
    - `cell_epochs`: of NAC, NALU and NAU as cells.
    - `baseline_epochs`: of LSTM, GRU and RNNs.
    - `batch`: sequences in a step.
    - `rate`: Adam's highest learning rate.
    - `unit_rate`: the same for the parameters of units.
    - `hidden`: features of the state of LSTM, GRU and RNNs.
    - `sequences`: the most test sequences of each length; of one digit, all test images.
    - `source`: `mnist`, `small` for the images of scikit-learn, or `any`: MNIST if its files are
        found.
    """

    seeds: int = 6
    units: tuple[str, ...] = ()
    epochs: int = 6
    cell_epochs: int = 3
    baseline_epochs: int = 2
    batch: int = 8
    rate: float = 5e-3
    unit_rate: float = 1e-2
    hidden: int = 32
    sequences: int = 1000
    source: str = "any"


# Networks.


class DigitSequenceModel(eqx.Module):
    """A sequence of images to one output: an encoder of each image, and a decoder of all."""

    encoder: DigitNet
    decoder: Any
    inputs: str = eqx.field(static=True)

    def features(self, image: Float[Array, "28 28"]) -> Float[Array, "features"]:
        logits = self.encoder(image)
        return jax.nn.softmax(logits) if self.inputs == "softmax" else logits

    def __call__(self, images: Float[Array, "time 28 28"]) -> Float[Array, "out"]:
        return self.decoder(jax.vmap(self.features)(images))


class Entry(NamedTuple):
    """A row: `make(hidden, outputs, key=)` makes the decoder; its `kind`; and its `inputs`, the
    logits (`"raw"`) or probabilities (`"softmax"`) of each image."""

    make: Callable[..., Any]
    kind: str
    inputs: str = "raw"


def _network(kind: str) -> Entry:
    def make(hidden: int, outputs: int, *, key: PRNGKeyArray) -> Stack:
        read = partial(eqx.nn.Linear, hidden, outputs)
        return Stack([partial(RNN, kind, CLASSES, hidden), read], key=key)

    return Entry(make, "baseline")


def _recurrent(unit: Any) -> Entry:
    def make(_: int, outputs: int, *, key: PRNGKeyArray) -> Recurrent:
        return Recurrent(unit, CLASSES, outputs, key=key)

    return Entry(make, "cell")


def _summed(unit: Any, inputs: str = "raw") -> Entry:
    def make(_: int, outputs: int, *, key: PRNGKeyArray) -> SumOverTime:
        return SumOverTime(partial(unit, CLASSES, outputs), key=key)

    return Entry(make, "summed", inputs)


def _kept(value: float, name: str = "glorot_uniform") -> Any:
    """Initial weights of a cell that keeps its state: `value` on the diagonal of the state."""

    def start(key: PRNGKeyArray, shape: tuple[int, int], dtype: Any) -> Array:
        outputs = shape[0]
        return initialiser(name)(key, shape, dtype).at[:, -outputs:].set(value * jnp.eye(outputs))

    return start


# tanh(3) σ(3) = 0.95.
_KEPT = {"w_hat_init": _kept(3.0), "m_hat_init": _kept(3.0)}

ENTRIES = {
    "LSTM": _network("lstm"),
    "GRU": _network("gru"),
    "RNN-tanh": _network("tanh"),
    "RNN-ReLU": _network("relu"),
    "NAC": _recurrent(partial(NAC, **_KEPT)),
    "NALU": _recurrent(partial(NALU, **_KEPT)),
    "NAU": _recurrent(partial(NAU, w_hat_init=_kept(1.0, "nau"))),
    "NAC, summed": _summed(NAC),
    "NAU, summed": _summed(NAU),
    "NAU, softmax summed": _summed(NAU, "softmax"),
}
# The baseline that every network has to beat: one prediction for all sequences.
CONSTANT = "constant"


def sequence_model(
    unit: str, settings: Settings, task: DigitSequences, *, key: PRNGKeyArray
) -> DigitSequenceModel:
    """The untrained network of a row."""
    entry, (first, second) = ENTRIES[unit], jax.random.split(key)
    decoder = entry.make(settings.hidden, task.out_features, key=second)
    return DigitSequenceModel(DigitNet(CLASSES, key=first), decoder, entry.inputs)


# Training.


class _Program(NamedTuple):
    init: Callable[..., Any]
    epoch: Callable[..., Any]
    seen: Callable[..., Any]
    answers: Callable[..., Any]


def scaled(images: Array) -> Array:
    """Pixels from 0 to 255, normalised as the inputs of the network."""
    return (images.astype(jnp.float32) / 255 - _PIXEL[0]) / _PIXEL[1]


def _epochs(unit: str, settings: Settings) -> int:
    kinds = {"summed": settings.epochs, "cell": settings.cell_epochs}
    return kinds.get(ENTRIES[unit].kind, settings.baseline_epochs)


def _optimiser(settings: Settings, steps: int, arithmetic: bool) -> optax.GradientTransformation:
    def adam(rate: float) -> optax.GradientTransformation:
        return optax.adam(
            optax.warmup_cosine_decay_schedule(0.0, rate, max(steps // 20, 1), max(steps, 2))
        )

    rates = {"net": settings.rate, "unit": settings.unit_rate if arithmetic else settings.rate}
    parts: dict[Any, Any] = {name: adam(rate) for name, rate in rates.items()}
    return optax.chain(optax.clip_by_global_norm(1.0), optax.partition(parts, _parts))


def _parts(model: DigitSequenceModel) -> Any:
    """The name of the learning rate of each array."""
    names = eqx.tree_at(lambda w: w.encoder, model, jax.tree.map(lambda _: "net", model.encoder))
    return eqx.tree_at(lambda w: w.decoder, names, jax.tree.map(lambda _: "unit", model.decoder))


@lru_cache(maxsize=1)
def _program(unit: str, settings: Settings, task: DigitSequences, images: int) -> _Program:
    steps = images // (settings.batch * TRAINED) * _epochs(unit, settings)
    optimiser = _optimiser(settings, steps, ENTRIES[unit].kind != "baseline")

    def init(key: PRNGKeyArray) -> tuple[Any, Any]:
        model = eqx.filter(sequence_model(unit, settings, task, key=key), eqx.is_array)
        return model, optimiser.init(model)

    def loss(model: DigitSequenceModel, images: Array, labels: Array) -> Array:
        errors = (jax.vmap(model)(scaled(images)) - task.truth(labels)) / task.standard_deviation(
            TRAINED
        )
        return jnp.square(errors).mean()

    static = static_part(partial(sequence_model, unit, settings, task))
    update = update_step(loss, optimiser, static)

    def epoch(state: Any, images: Array, labels: Array, key: PRNGKeyArray, number: Array) -> Any:
        order = shuffled(jax.random.fold_in(key, number), len(labels), settings.batch, TRAINED)

        def step(carry: Any, batch: Array) -> tuple[Any, None]:
            arrays, opt_state, count = carry
            progress = count / steps
            arrays, opt_state, _ = update(
                arrays, opt_state, images[batch], labels[batch], progress=progress
            )
            return (arrays, opt_state, count + 1), None

        (arrays, opt_state, _), _ = jax.lax.scan(step, (*state, number * len(order)), order)
        return arrays, opt_state

    def seen(arrays: Any, images: Array) -> Array:
        features = jax.vmap(eqx.combine(arrays, static).features)
        return jax.lax.map(lambda block: features(scaled(block)), images)

    def answers(arrays: Any, features: Array, order: Array) -> Array:
        return jax.vmap(eqx.combine(arrays, static).decoder)(features[order])

    return _Program(
        *(compile_program(part, one_thread=True) for part in (init, epoch, seen, answers))
    )


class Split(NamedTuple):
    """Training images, and those held back for validation."""

    images: Array
    labels: Array
    held_images: np.ndarray
    held_labels: np.ndarray


@lru_cache(maxsize=1)
def split(source: str) -> tuple[Digits, Split]:
    found = digits(source)
    kept = len(found.train_labels) - min(_HELD_BACK, len(found.train_labels) // 10)
    images, labels = found.train_images, found.train_labels
    train = jnp.asarray(images[:kept]), jnp.asarray(labels[:kept])
    return found, Split(*train, images[kept:], labels[kept:])


def run(task: DigitSequences, job: Job, settings: Settings, tick: Tick) -> list[Row]:
    """Trains the seeds in parallel, one on each core."""
    found, parts = split(settings.source)
    if job.unit == CONSTANT:
        return _constant(task, job, found, settings)
    program = _program(job.unit, settings, task, len(parts.labels))
    keys, epochs = seed_keys(job.seeds), _epochs(job.unit, settings)

    def one(index: int, report: Tick) -> list[Row]:
        state, key = program.init(keys[index]), jax.random.fold_in(keys[index], 1)
        for number in range(epochs):
            state = program.epoch(state, parts.images, parts.labels, key, number)
            jax.block_until_ready(state)
            report((number + 1) / epochs)
        measured = _measured(program, state[0], task, found, parts, settings)
        cell = {"unit": job.unit, "seed": job.seeds[index], "data": found.name}
        return [cell | row for row in measured]

    return [row for rows in run_parallel(one, len(job.seeds), tick) for row in rows]


def _constant(task: DigitSequences, job: Job, found: Digits, settings: Settings) -> list[Row]:
    """The errors of a constant prediction, the best one for sequences of the training length."""

    def answers(_: Any, order: np.ndarray) -> Array:
        return jnp.broadcast_to(task.guess(TRAINED), (len(order), task.out_features))

    measured = [
        {"condition": str(length), "length": length}
        | errors(task, answers, None, found.test_labels, length, settings.sequences)
        for length in LENGTHS
    ]
    cell = {"unit": CONSTANT, "data": found.name}
    return [cell | {"seed": seed} | row for seed in job.seeds for row in measured]


def _measured(
    program: _Program, arrays: Any, task: DigitSequences, found: Digits, parts: Split, settings: Any
) -> list[Row]:
    held = _features(program, arrays, parts.held_images), parts.held_labels
    test = _features(program, arrays, found.test_images), found.test_labels
    conditions = [("validation", TRAINED, held)]
    conditions += [(str(length), length, test) for length in LENGTHS]
    return [
        {"condition": name, "length": length}
        | errors(task, partial(program.answers, arrays), *images, length, settings.sequences)
        for name, length, images in conditions
    ]


def _features(program: _Program, arrays: Any, images: np.ndarray) -> Array:
    """The features of each image, computed for a hundred images at a time."""
    blocks = -(-len(images) // 100)
    padded = np.concatenate([images, images[: blocks * 100 - len(images)]])
    seen = program.seen(arrays, padded.reshape(blocks, 100, *images.shape[1:]))
    return seen.reshape(blocks * 100, -1)[: len(images)]


def _sequences(images: int, length: int, most: int) -> int:
    """The number of sequences: all images at length 1; no image twice up to the training length."""
    whole = images // length
    return whole if length == 1 else min(most, whole) if length <= TRAINED else most


def errors(
    task: DigitSequences, answers: Any, features: Any, labels: np.ndarray, length: int, most: int
) -> Row:
    """The errors on sequences of one length; non-finite errors are kept."""
    order = drawn(len(labels), length, _sequences(len(labels), length, most))
    given, truth = answers(features, order), task.truth(jnp.asarray(labels[order]))
    off = np.asarray(given - truth, float)
    right = task.right(given, labels[order][:, 0]) if length == 1 else None
    return {
        "sequences": len(order),
        "mae": float(np.abs(off).mean()),
        "mse": float(np.square(off).mean()),
        "bias": float(np.abs(off.mean(0)).mean()),
        "accuracy": None if right is None else float(right.mean()),
    }
