"""Conversion of models between JAX and Keras, with their parameters."""

from typing import Any

import equinox as eqx
import jax
import keras

from numerate import cells, models, units
from numerate._adapters import static_fields
from numerate.keras._base import ADAPTERS, Unit, as_unit, assign
from numerate.keras._cells import RecurrentCell


def to_keras(model: eqx.Module) -> Any:
    """The Keras layer of a unit, of a `Recurrent` or of a `Stack` of these.

    **Arguments:** `model`, of `numerate`. A `Recurrent` becomes a `keras.layers.RNN` and a
    `Stack` a `keras.Sequential`.

    **Returns:** a built layer, with the values of its parameters.

    **Raises:** `ValueError` for any other layer.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.units import NAU
        >>> unit = NAU(2, 1, key=jax.random.key(0))
        >>> layer = to_keras(unit)
        >>> bool(abs(float(layer(jnp.ones((1, 2)))[0, 0]) - float(unit(jnp.ones(2))[0])) < 1e-6)
        True
    """
    match model:
        case units.Unit() if type(model) in ADAPTERS:
            return _layer(ADAPTERS[type(model)], model)
        case cells.Recurrent():
            layer = keras.layers.RNN(RecurrentCell(to_keras(model.unit)))
            layer.build((None, None, model.input_size))
            return layer
        case models.Stack():
            return _sequential([to_keras(layer) for layer in model.layers], model.layers[0])
    raise ValueError(
        f"model must be a unit, a Recurrent or a Stack of numerate, got {type(model).__name__}"
    )


def from_keras(layer: Any) -> Any:
    """The JAX model of a built layer, the inverse of `to_keras`.

    **Arguments:** `layer`: a unit of `numerate.keras`, a `keras.layers.RNN` of its
    `RecurrentCell`, or a `keras.Sequential` or a functional `keras.Model` in which these follow one
    another. Layers between them that do nothing in evaluation, such as a `Dropout`, are left out.

    **Returns:** a unit, a `numerate.Recurrent` or a `numerate.Stack` with the values of its
    parameters.

    **Raises:** `ValueError` for any other layer, for one with a `call` of its own, for one that is
    not built, and for float64 parameters while JAX is not in 64-bit mode.

    !!! example
        >>> from numerate.keras import NAU
        >>> layer = NAU(1)
        >>> layer.build((None, 2))
        >>> from_keras(layer).w_hat.shape
        (1, 2)
    """
    if isinstance(layer, Unit | RecurrentCell | keras.Model) and _has_own_call(layer):
        kind = type(layer).__name__
        raise ValueError(f"{kind} has a call of its own, which cannot be converted")
    match layer:
        case Unit():
            return as_unit(layer)
        case RecurrentCell():
            unit, hidden = as_unit(layer.unit), layer.state_size
            key = jax.random.key(0)  # nothing is drawn from it
            return cells.Recurrent(lambda *_, key: unit, unit.in_features - hidden, hidden, key=key)
        case keras.layers.RNN():
            return from_keras(layer.cell)
        case keras.Model() if layers := _chain(layer):
            return models.Stack([from_keras(part) for part in layers if not _does_nothing(part)])
    raise ValueError(
        "layer must be a unit or a RecurrentCell of numerate.keras, or an RNN, a functional chain "
        f"or a Sequential of these, got {type(layer).__name__}"
    )


def _has_own_call(layer: Any) -> bool:
    """Whether a subclass computes something else than a unit, a cell or a graph of layers."""
    given = next(vars(home)["call"] for home in type(layer).__mro__ if "call" in vars(home))
    if isinstance(layer, keras.Model):
        return not given.__module__.startswith("keras.")
    return given not in (Unit.call, RecurrentCell.call)


def _chain(model: Any) -> list[Any]:
    """The layers of a model in which one follows another; none for any other model."""
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise ValueError("the Sequential has no parameters yet: call it on data first")
        return model.layers
    if len(getattr(model, "inputs", [])) != 1 or len(model.outputs) != 1:
        return []
    (tensor,), layers = model.outputs, []
    while tensor is not model.inputs[0]:
        layer, index, _ = tensor._keras_history
        node = layer._inbound_nodes[index]
        # An argument such as `training=True` makes a layer another one.
        if len(node.input_tensors) != 1 or any(node.arguments.kwargs.values()):
            return []
        layers.append(layer)
        (tensor,) = node.input_tensors
    return layers[::-1]


_NOTHING = (
    keras.layers.InputLayer,
    keras.layers.Identity,
    keras.layers.Dropout,
    keras.layers.AlphaDropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.SpatialDropout1D,
    keras.layers.ActivityRegularization,
)


def _does_nothing(layer: Any) -> bool:
    """Whether a layer of Keras returns its input in evaluation."""
    if isinstance(layer, keras.layers.Activation):
        return layer.activation is keras.activations.linear
    if isinstance(layer, keras.layers.Flatten):
        taken: Any = layer.input
        return len(taken.shape) == 2
    return isinstance(layer, _NOTHING)


def _layer(adapter: type[Unit], unit: units.Unit) -> Unit:
    dtype = unit.weight.dtype.name
    layer = adapter(**static_fields(unit), dtype=dtype)
    layer.build((None, unit.in_features))
    layer.built = True
    assign(layer, unit)
    return layer


def _sequential(layers: list[Any], first: Any) -> keras.Sequential:
    recurrent = isinstance(first, cells.Recurrent)
    shape = (None, first.input_size) if recurrent else (first.in_features,)
    return keras.Sequential([keras.Input(shape), *layers])
