"""Callbacks of `fit` for penalties and branches, and snapping."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import keras
import numpy as np
from keras import ops

from numerate._errors import quoted
from numerate.keras._base import Unit, as_unit, assign
from numerate.train import PenaltySchedule, check_choice, rounding_error, snapped_units


def units_of(model: Any) -> list[Unit]:
    """Every unit in a model, including those within other layers.

    **Raises:** `TypeError` for anything but a model or a layer.

    !!! example
        >>> from numerate.keras import NAU, NMU
        >>> len(units_of(keras.Sequential([NAU(2), NMU(1)])))
        2
    """
    if not isinstance(model, keras.layers.Layer):
        raise TypeError(f"model must be a model or layer of Keras, got {quoted(model)}")
    layers = model._flatten_layers(include_self=True, recursive=True)
    return [layer for layer in layers if isinstance(layer, Unit)]


class _Scheduled:
    """The penalty of a built layer by a schedule, as the term that `fit` adds to the loss.

    The layer has `step` among its `variables`, not its `weights`, so that a compiled step counts
    and no file has it.
    """

    def __init__(self, layer: Unit, schedule: PenaltySchedule):
        self.layer, self.schedule = layer, schedule
        self.step = keras.Variable(0, dtype="int32", trainable=False, name="step")

    def __call__(self) -> Any:
        """Keras calls this once in each step of `fit`, and where it measures the loss."""
        step: Any = ops.convert_to_tensor(self.step)
        if not isinstance(step, jax.Array):
            step = int(step)  # PyTorch computes eagerly
        total = self.schedule.penalty(self.layer.native(), step)
        if not self.layer.is_training:
            return ops.zeros_like(total)
        self.step.assign(self.step + 1)
        return total


class _Callback(keras.callbacks.Callback):
    def set_model(self, model: Any = None) -> None:
        """Called by `fit`, also where `callbacks` has a class instead of an instance."""
        if not isinstance(self, _Callback):
            raise TypeError(
                "callbacks must be instances, such as Penalties() or SelectBranches(x_val, y_val); "
                "got a class"
            )
        super().set_model(model)


class Penalties(_Callback):
    """Adds the penalties of a model's units to the loss of `fit`, by their schedule.

    **Arguments:**

    - `recipe`: a `numerate.recipes.Recipe`, such as `recipes.mistry2022("NMU")`, whose penalty and
        schedule apply to all units; or a mapping from names of units to recipes, for a mixed model.
        With `None` every unit follows its own paper's schedule, `scheduled_penalty`.
    - `steps`: the number of steps of the training; by default the batches of all epochs of this
      `fit`. A recipe's schedule is scaled to it. With `initial_epoch` it continues from there.

    **Raises:** when `fit` begins, `TypeError` for steps that are no whole number, and `ValueError`
    for a model without units, data with an unknown number of batches if `steps` is not given, a
    mapping without one of the units, and a recipe whose penalty depends on the loss.

    !!! example
        >>> from numerate.keras import NMU
        >>> model = keras.Sequential([NMU(1, in_features=2, seed=0)])
        >>> model.compile(keras.optimizers.Adam(0.1), "mse")
        >>> x = np.random.default_rng(0).uniform(1, 2, (128, 2))
        >>> y = x.prod(axis=1, keepdims=True)
        >>> history = model.fit(x, y, epochs=100, callbacks=[Penalties()], verbose=0)
        >>> model.get_weights()[0].tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, recipe: Any = None, *, steps: int | None = None):
        super().__init__()
        self.recipe, self.steps = recipe, steps
        self._terms: list[_Scheduled] = []
        self._batches = 0

    def on_train_begin(self, logs: Any = None) -> None:
        told = self.params or {}
        batches, epochs = told.get("steps"), told.get("epochs")
        steps = self.steps
        if steps is None:
            if not batches or not epochs:
                raise ValueError(
                    "the number of batches of the data is unknown: give Penalties the steps of "
                    "the whole training"
                )
            steps = batches * epochs
        self._batches = batches or 0
        schedule = PenaltySchedule(self.recipe, steps)
        model: Any = self.model
        units = units_of(model)
        schedule.check(units)
        self._terms = [_Scheduled(unit, schedule) for unit in units if unit.has_penalty]
        for term in self._terms:
            term.layer.regularise(term)
        _compile_anew(model)
        # If an exception ends this `fit`, no callback is called, but the next training calls this.
        model.make_train_function = partial(_end, model, self._terms)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if self._batches:
            for term in self._terms:
                term.step.assign(epoch * self._batches)

    def on_train_end(self, logs: Any = None) -> None:
        _end(self.model, self._terms)


def _compile_anew(model: Any) -> None:
    """Keras keeps compiled steps, and with them the penalties of the `fit` that they are for."""
    type(model).make_train_function(model, force=True)
    model.test_function = None


def _end(model: Any, terms: list[_Scheduled], force: bool = False) -> None:
    """End the penalties of a `fit`, unless it makes its own step anew, which is `force`."""
    if not force:
        vars(model).pop("make_train_function", None)
        for term in terms:
            term.layer.regularise(None)
    _compile_anew(model)


class SelectBranches(_Callback):
    """Selects the branch of every `NASU` of a model by validation data, at the end of each epoch.

    **Arguments:** `x`, `y`: validation data.

    **Raises:** `ValueError`, when `fit` begins, where outputs and `y` differ in shape.

    !!! example
        >>> from numerate.keras import NASU
        >>> model = keras.Sequential([NASU(1, in_features=2, seed=0)])
        >>> model.compile(keras.optimizers.Adam(0.01), "mse")
        >>> x = np.random.default_rng(0).uniform(1, 2, (12800, 2))
        >>> y = x[:, :1] / x[:, 1:]
        >>> callbacks = [Penalties(), SelectBranches(x[:100], y[:100])]
        >>> history = model.fit(x, y, epochs=3, callbacks=callbacks, verbose=0)
        >>> model.layers[0].operation
        ('product',)
    """

    def __init__(self, x: Any, y: Any):
        super().__init__()
        self.x, self.y = x, np.asarray(y)

    def on_train_begin(self, logs: Any = None) -> None:
        select_branches(self.model, self.x, self.y)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        select_branches(self.model, self.x, self.y)


def select_branches(model: Any, x: Any, y: Any) -> Any:
    """Select the branch of every `NASU` of a model by the error on validation data, in place.

    **Arguments:** `model`: any model with units; `x`, `y`: validation data, where `x` has an array
    for each input of a model of several, as in `fit`.

    **Returns:** the model. Other layers do not change.

    **Raises:** `TypeError` for anything but a layer or model of one output, `ValueError` for one
    without units, where outputs and `y` differ in shape, and for `y` without rows or that are not
    finite. The model is then as it was before.
    """
    with _evaluating(model, x, y) as (units, error):
        _select(units, error, y)
    return model


def snap(model: Any, x: Any, y: Any) -> Any:
    """Snap weights to integers, in place, where that does not increase the error.

    The integers are those of the unit's paper: -1, 0 and 1 for the weights of a NAC or a NAU, 0 and
    1 for those of an NMU and for gates, exponents for the power units. Branches that are not chosen
    yet are chosen first. Variables of other layers do not change. Where the error is not a number,
    as with targets that are NaN or without rows, no weight changes.

    **Arguments:** `model`: any model with units; `x`, `y`: data, preferably validation data.

    **Returns:** the model.

    **Raises:** `TypeError` for anything but a layer or model, `ValueError` for one without units
    and where outputs and `y` differ in shape. The model is then as it was before.

    !!! example
        >>> from numerate.initialisers import constant
        >>> from numerate.keras import NAU
        >>> model = keras.Sequential([NAU(1, in_features=2, w_hat_init=constant(0.98))])
        >>> x = np.random.default_rng(0).uniform(1, 2, (100, 2))
        >>> snap(model, x, x.sum(axis=1, keepdims=True)).get_weights()[0].tolist()
        [[1.0, 1.0]]
    """
    with _evaluating(model, x, y) as (units, error):
        if not all(unit.is_chosen for unit in units):
            _select(units, error, y)

        def put(new: list[Any]) -> None:
            for unit, values in zip(units, new, strict=True):
                assign(unit, values)

        def loss(new: list[Any]) -> float:
            put(new)
            return error()

        with jax.enable_x64(True):
            floor = rounding_error(np.asarray(y, "float32"))
            put(snapped_units([as_unit(unit) for unit in units], loss, floor))
    return model


def _select(units: list[Unit], error: Callable[[], float], y: Any) -> None:
    check_choice(np.asarray(y, float))
    for unit in units:
        if not unit.is_chosen:
            for index in range(len(unit.choices())):
                unit.choose(index, 0)
    # The last unit first, with the others unchanged, as in `numerate.train.select`.
    for unit in reversed(units):
        for index, alternatives in enumerate(unit.choices()):
            errors = []
            for alternative in range(alternatives):
                unit.choose(index, alternative)
                errors.append(error())
            unit.choose(index, errors.index(min(errors)))


@contextmanager
def _evaluating(model: Any, x: Any, y: Any) -> Iterator[tuple[list[Unit], Callable[[], float]]]:
    """The units of a model, which is built for x, and a function that measures its error.

    Layers are in evaluation mode. If anything fails, the units are as they were before.
    """
    y, units = np.asarray(y), units_of(model)
    if not units:
        raise ValueError(f"a {type(model).__name__} has no units of numerate")
    # As in `fit`, a dictionary, or a list for a model of several inputs, has one array for each.
    if isinstance(x, dict):
        x = {name: ops.convert_to_tensor(array) for name, array in x.items()}
    elif isinstance(x, list | tuple) and len(getattr(model, "inputs", None) or ()) > 1:
        x = [ops.convert_to_tensor(array) for array in x]
    else:
        x = ops.convert_to_tensor(x)

    def outputs() -> np.ndarray:
        found = model(x, training=False)
        if isinstance(found, dict | list | tuple):
            raise TypeError(f"model must have one output, got a {type(found).__name__} of them")
        return np.asarray(ops.convert_to_numpy(found), float)

    def error() -> float:
        squares = np.square(outputs() - y)
        error = float(np.mean(squares)) if squares.size else np.nan
        return np.inf if np.isnan(error) else error

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* has not chosen a branch")  # it is about to
        shape = outputs().shape
    if shape != y.shape:
        raise ValueError(
            "the model must give as many features as the targets have, shape "
            f"{y.shape}; it gives shape {shape}"
        )
    before = [unit.get_weights() for unit in units]
    try:
        yield units, error
    except BaseException:
        for unit, weights in zip(units, before, strict=True):
            unit.set_weights(weights)
        raise
