"""Recurrent units, as cells for `keras.layers.RNN`."""

from typing import Any

import keras
from keras import ops

from numerate._errors import check_features
from numerate.keras._base import Unit


@keras.saving.register_keras_serializable("numerate")
class RecurrentCell(keras.layers.Layer):
    """One step of a recurrent unit, h' = unit([x, h]), for `keras.layers.RNN`.

    **Arguments:**

    - `unit`: the layer; its number of outputs is the size of the state.
    - further arguments are those of any layer.

    **Raises:** `TypeError` for a class instead of a layer and for an input or state that is not
    floating-point, and `ValueError` for one of another size.

    **Shapes:** `(batch, input_size)` and a list with the state `(batch, hidden_size)` to the
    next state and a list with the same.

    In training, a unit with noise needs `unroll=True` of the `RNN` on the JAX backend: otherwise
    the steps are one `scan`, in which Keras's random generator cannot change its state.

    !!! example
        >>> import keras
        >>> from numerate.keras import NALU
        >>> layer = keras.layers.RNN(RecurrentCell(NALU(2)))
        >>> tuple(layer(keras.ops.ones((5, 10, 3))).shape)
        (5, 2)
    """

    def __init__(self, unit: Unit, **kwargs: Any):
        if not isinstance(unit, Unit):
            got = unit.__name__ if isinstance(unit, type) else repr(unit)
            raise TypeError(f"unit must be a layer of numerate.keras, such as NAU(2); got {got}")
        kwargs.setdefault("dtype", unit.dtype_policy)
        super().__init__(**kwargs)
        self.unit = unit
        self.state_size = self.output_size = unit.out_features

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Build the unit for inputs of a shape, beside the state."""
        if not self.unit.built:
            self.unit.build((*input_shape[:-1], input_shape[-1] + self.state_size))

    def call(self, x: Any, states: list[Any], training: bool | None = False) -> tuple[Any, list]:
        """The next state, twice: as the output and as the state."""
        check_features("RecurrentCell", self.unit.in_features - self.state_size, x)
        check_features("the state of RecurrentCell", self.state_size, states[0])
        h = self.unit(ops.concatenate([x, states[0]], axis=-1), training=training)
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unit": keras.saving.serialize_keras_object(self.unit)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RecurrentCell":
        unit = keras.saving.deserialize_keras_object(config["unit"])
        return cls(**{**config, "unit": unit})
