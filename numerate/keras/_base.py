"""The base class of the units as Keras layers."""

import contextlib
import functools
import inspect
import math
import random
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import KerasTensor, ops

from numerate import units
from numerate._adapters import (
    arrays,
    borrowed,
    described,
    keyword,
    made,
    rebuilt,
    signed,
    static_fields,
    without_self,
)
from numerate._errors import (
    FLOATS,
    bound_arguments,
    check_features,
    check_whole,
    is_finite,
    quoted,
    warn_not_chosen,
)

_REMARK = """\
A `keras.layers.Layer`: it maps the last axis of any batch. Where Keras calls it with
`training=True`, units with noise draw it anew for every example."""

_ARGUMENTS = """\
- `in_features` may be left out: it is then that of the first input.
- an initialiser that is a function is saved with a model only if it is registered with Keras.
    Weights are saved in any case.
- `seed`: draws the parameters and the noise; a random one if `None`, so that
    `keras.utils.set_random_seed` decides.
- `penalty_factor`: `fit` adds this times `penalty()` to the loss, from the first step on.
    The callback `numerate.keras.Penalties` follows a paper's schedule instead.
- further arguments are those of any layer: `dtype`, `name`, `trainable`. Under a global policy
    of mixed precision the layer keeps the precision of its parameters, its outputs included; with
    `dtype="mixed_bfloat16"` of its own, only its outputs are rounded.
"""

_EXAMPLE = """\
    >>> import keras
    >>> layer = {name}(2, seed=0)
    >>> tuple(layer(keras.ops.ones((5, 3))).shape)
    (5, 2)
"""

_HINTS = {
    "key": "seed=0 draws its parameters",
    "units": "out_features is the size of the output",
    "out_features": "the size of the output",
}

# The adapter class of each unit.
ADAPTERS: dict[type[units.Unit], type["Unit"]] = {}


class _Native:
    """A unit whose fields are arrays of the backend, for its equations."""

    weight: Any

    def penalty(self) -> Any:
        return ops.zeros((), self.weight.dtype)


class Interval(keras.constraints.Constraint):
    """Clips a parameter to an interval after every step of an optimiser.

    At the first call it also calls `check`, if given.
    """

    def __init__(self, low: float, high: float, check: Callable[[], None] | None = None):
        self.low, self.high, self.check = low, high, check

    def __call__(self, w: Any) -> Any:
        if self.check is not None:
            self.check()
        return (
            w
            if self.low == -math.inf and self.high == math.inf
            else ops.clip(w, self.low, self.high)
        )

    def get_config(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}


class Unit(keras.layers.Layer):
    """A unit as a Keras layer, its variables under the names of the unit's fields.

    A custom `numerate.units.Unit` written with `numerate.ops` becomes a layer in one line,
    `class Mine(Unit, unit=MyUnit)`.

    **Shapes:** `(*batch, in_features)` to `(*batch, out_features)`.

    !!! example
        >>> import keras
        >>> from numerate.keras import NAU
        >>> layer = NAU(1)
        >>> tuple(layer(keras.ops.ones((5, 2))).shape), layer.in_features, layer.count_params()
        ((5, 1), 2, 2)
    """

    unit: ClassVar[type[units.Unit]]
    _native: ClassVar[type[_Native]]
    # The native unit's.
    weight: Any
    equation: Callable[..., Any]

    def __init_subclass__(cls, unit: type[units.Unit] | None = None, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if unit is not None:
            _take_over(cls, unit)

    def __init__(
        self,
        out_features: int,
        *sizes: int,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ):
        if sizes:
            name = type(self).__name__
            raise TypeError(
                f"{name} takes one size, that of its output, as all layers of Keras do: "
                f"{name}({sizes[0]}) learns from its first input that it has {out_features} "
                f"features, or takes in_features={out_features}; "
                f"got {name}{(out_features, *sizes)}"
            )
        layer = type(self).__name__
        if seed is not None:
            check_whole(-(2**31), 2**31 - 1, **{f"{layer}: seed": seed})
            seed = int(seed)
        if not is_finite(penalty_factor) or penalty_factor < 0:
            raise ValueError(
                f"{layer}: penalty_factor must be at least 0, got {quoted(penalty_factor)}"
            )
        known = inspect.signature(self.unit).parameters.keys() - {"dtype", "key"}
        given = {name: kwargs.pop(name) for name in list(kwargs) if name in known}
        if kwargs.get("dtype") is None:  # of mixed precision, that of the parameters
            kwargs["dtype"] = keras.config.dtype_policy().variable_dtype
        super().__init__(**kwargs)
        if self.variable_dtype not in FLOATS:
            words = ", ".join(map(repr, FLOATS))
            raise TypeError(
                f"{layer}: the dtype of parameters must be one of {words}, "
                f"got {self.variable_dtype!r}"
            )
        self.seed, self.penalty_factor = seed, penalty_factor
        self._seed = random.randrange(2**31) if seed is None else seed
        self._noise = keras.random.SeedGenerator(self._seed)
        self._term: Any = None
        self.is_training = False
        self._penalty_asked = penalty_factor != 0
        self._inits = {name: v for name, v in given.items() if name.endswith("_init")}
        self.supports_masking = True
        # Arguments are checked now; the size of the input may be known later.
        shapes = self._shapes(in_features or 0, out_features, given)
        self._static = tuple(static_fields(shapes))
        for name in self._static:
            setattr(self, name, getattr(shapes, name))
        self.in_features = in_features
        # Whether choices are open. Not read from the variables when it is called, as they have no
        # values while a program is traced.
        self.doubts = bool(shapes.choices())

    def _shapes(self, in_features: int, out_features: int, given: dict[str, Any]) -> units.Unit:
        """The unit with shapes in place of arrays: nothing is drawn."""
        make = functools.partial(self.unit, in_features, out_features, **given)
        return eqx.filter_eval_shape(lambda key: make(key=key), jax.random.key(0))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the variables for inputs of a shape."""
        if input_shape is None or any(not isinstance(n, int | None) for n in input_shape):
            raise TypeError(f"{type(self).__name__} takes one tensor, got shapes {input_shape}")
        if self.in_features is None:
            if not input_shape or input_shape[-1] is None:
                raise ValueError(
                    f"{type(self).__name__} needs an input whose last axis has a known size, "
                    f"got shape {tuple(input_shape)}"
                )
            self.in_features = input_shape[-1]
        check_features(type(self).__name__, self.in_features, KerasTensor(input_shape))
        given = self._static_values() | self._inits
        sizes = given.pop("in_features"), given.pop("out_features")
        shapes = self._shapes(*sizes, given)

        @functools.cache
        def drawn() -> units.Unit:
            return made(self.unit, *sizes, seed=self._seed, dtype=self.variable_dtype, **given)

        bounds = shapes.bounds()
        self._fields = {
            name: self._variables(name, value, drawn, bounds.get(name, (-math.inf, math.inf)))
            for name, value in arrays(shapes).items()
        }
        for name in self._fields.keys() - set(dir(Unit)):  # Keras has `weights` of its own
            setattr(self, name, self._fields[name])
        self._regularise()

    def _variables(
        self, name: str, value: Any, drawn: Callable[[], units.Unit], bounds: Any
    ) -> Any:
        """The variable of a field, or a tuple of variables."""
        if value is None:
            return None

        def variable(leaf: Any, index: int | None) -> Any:
            def initial(shape: Any, dtype: Any = None) -> Any:
                field = getattr(drawn(), name)
                return _tensor(field if index is None else field[index], dtype)

            whole = np.issubdtype(leaf.dtype, np.integer)
            made = self.add_weight(
                name=name if index is None else f"{name}_{index}",
                shape=leaf.shape,
                dtype=leaf.dtype.name if whole else None,
                initializer=initial,
                constraint=None if whole else Interval(*bounds, check=self._check_penalty),
                trainable=not whole,
                autocast=False,
            )
            if whole:  # a choice: `set_weights` of a model tells a layer nothing
                made.assign = functools.partial(self._decided, made.assign)
            return made

        if isinstance(value, tuple):
            return [variable(leaf, i) for i, leaf in enumerate(value)]
        return variable(value, None)

    def _decided(self, assign: Callable[[Any], Any], value: Any) -> Any:
        """Assign choices, and remember whether all are made."""
        value = assign(value)
        with contextlib.suppress(TypeError):  # others are still lent to a compiled step
            self.doubts = not self.is_chosen
        return value

    def call(self, x: Any, training: bool | None = False) -> Any:
        """The outputs for examples with any leading axes.

        Computed in the precision of the parameters even if that of the layer is lower: in bfloat16,
        the exponents of a product would have two correct digits.

        **Raises:** `ValueError` for another number of features, and `TypeError` for anything but
        floating-point numbers.
        """
        if not hasattr(x, "shape"):
            raise TypeError(f"{type(self).__name__} takes one tensor, got {quoted(x)}")
        check_features(type(self).__name__, cast(int, self.in_features), x)
        x = ops.cast(x, self.variable_dtype)

        def draw(features: int) -> Any:
            shape = (*x.shape[:-1], features)
            return keras.random.uniform(shape, dtype=self.variable_dtype, seed=self._noise)

        self.is_training = bool(training)
        native = self.native()
        if not training and self.doubts and not _is_symbolic():
            warn_not_chosen(type(self).__name__, "the callback numerate.keras.SelectBranches")
        y = native.equation(x, draw if training else None)
        return ops.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        if self.in_features is not None:
            check_features(type(self).__name__, self.in_features, KerasTensor(input_shape))
        return (*input_shape[:-1], self.out_features)

    @property
    def fields(self) -> dict[str, Any]:
        """The variables of a built layer: of each field one, several or none."""
        if not hasattr(self, "_fields"):
            name = type(self).__name__
            raise ValueError(
                f"{name} has no parameters yet: call it on data first, or layer.build((None, "
                "in_features))"
            )
        return self._fields

    def native(self) -> Any:
        """The unit with arrays of the backend as its fields."""
        native = self._native()
        for name, value in self._static_values().items():
            setattr(native, name, value)
        for name, field in self.fields.items():
            setattr(native, name, _mapped(ops.convert_to_tensor, field))
        return native

    @property
    def is_chosen(self) -> bool:
        """Whether all `choices` are made. A traced layer counts as chosen."""
        return self.native().is_chosen

    @property
    def has_penalty(self) -> bool:
        return self._native.penalty is not _Native.penalty

    @property
    def variables(self) -> list[Any]:
        """All state of the layer: its weights, that of its noise, and the step of its penalty."""
        return super().variables + ([] if self._term is None else [self._term.step])

    def regularise(self, term: Any) -> None:
        """Let `fit` add a term to the loss, instead of that of `penalty_factor`; `None` ends it.

        The term is a function without arguments, and its `step` a variable that it may change.
        """
        self._penalty_asked = self._penalty_asked or term is not None
        self._term = term
        self._regularise()

    def _regularise(self) -> None:
        # Keras has regularizers of single variables, so that of all is attached to the first.
        first = next(iter(self.trainable_variables), None)
        term = self._term
        if term is None and self.penalty_factor:
            term = self._constant_term
        if first is not None:
            first.regularizer = None if term is None else lambda _: term()

    def _constant_term(self) -> Any:
        return self.penalty_factor * self.penalty()

    def _check_penalty(self) -> None:
        if self.has_penalty and not self._penalty_asked:
            self._penalty_asked = True  # warn once
            warnings.warn(
                f"{type(self).__name__} trains without the penalty on its parameters"
                ": fit(..., callbacks=[numerate.keras.Penalties()]) adds it by its schedule",
                stacklevel=2,
            )

    def penalty(self) -> Any:
        """The penalty on the parameters, before `penalty_weight(progress)`."""
        self._penalty_asked = True
        return self.native().penalty()

    def penalty_weight(self, progress: Any) -> Any:
        """The factor of the penalty at a `progress` from 0 to 1, by the paper's schedule."""
        return self.native().penalty_weight(progress)

    def scheduled_penalty(self, progress: Any) -> Any:
        """The term to add to the loss at a `progress` from 0 to 1, by the paper's schedule."""
        self._penalty_asked = True
        return self.native().scheduled_penalty(progress)

    def bounds(self) -> dict[str, tuple[float, float]]:
        """The intervals that Keras clips the variables to after every step."""
        return self.native().bounds()

    def choices(self) -> tuple[int, ...]:
        """The number of alternatives for each choice that validation data decide."""
        return self.native().choices()

    def choose(self, index: int, alternative: int) -> None:
        """Make one of the unit's `choices`, in place."""
        with jax.enable_x64(True):
            assign(self, as_unit(self).chosen(index, alternative))

    def _static_values(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._static}

    def get_config(self) -> dict[str, Any]:
        inits = {name: _to_json(value) for name, value in self._inits.items() if _is_known(value)}
        own = {"seed": self.seed, "penalty_factor": self.penalty_factor}
        return {**super().get_config(), **self._static_values(), **inits, **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Unit":
        return cls(**{name: _from_json(name, value) for name, value in config.items()})


def _is_symbolic() -> bool:
    """Whether Keras only asks for shapes, as where `fit` builds a model."""
    with keras.SymbolicScope() as scope:
        return scope.original_scope is not None


def _is_known(init: Any) -> bool:
    """Whether another program can load an initialiser: by name, or registered in Keras."""
    if isinstance(init, str):
        return True
    return keras.saving.get_registered_object(keras.saving.get_registered_name(init)) is init


def _to_json(init: Any) -> Any:
    return init if isinstance(init, str) else keras.saving.serialize_keras_object(init)


def _from_json(name: str, value: Any) -> Any:
    """An argument as it was given: JSON has no tuples and no functions."""
    if name.endswith("_init") and isinstance(value, dict):
        return keras.saving.deserialize_keras_object(value)
    return tuple(value) if isinstance(value, list) else value


def _take_over(cls: type[Unit], unit: type[units.Unit]) -> None:
    """Give a layer's class the methods, the signature and the docstring of a unit."""

    def __init__(self, *args, **kwargs):
        if len(args) < 2:  # more sizes have a sentence of their own
            bound_arguments(type(self).__name__, signature, args, kwargs, _HINTS)
        Unit.__init__(self, *args, **kwargs)

    added = [
        keyword("in_features", int | None),
        keyword("seed", int | None),
        keyword("penalty_factor", float, 0.0),
        inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD),
    ]
    cls.unit, ADAPTERS[unit] = unit, cls
    cls._native = type(cls.__name__, (_Native,), borrowed(unit))
    cls.__init__ = signed(__init__, unit, added)
    signature = without_self(cls.__init__)
    cls.__doc__ = described(unit, _REMARK, _ARGUMENTS, _EXAMPLE.format(name=cls.__name__))
    for name, value in borrowed(unit).items():
        if not hasattr(Unit, name):
            setattr(cls, name, _asked_of_native(name, value))
    keras.saving.register_keras_serializable("numerate")(cls)


def _asked_of_native(name: str, value: Any) -> Any:
    """A property or method of the layer that calls that of the native unit."""
    if isinstance(value, property):
        return property(lambda self: getattr(self.native(), name), doc=value.__doc__)

    @functools.wraps(value)
    def method(self, *args, **kwargs):
        return getattr(self.native(), name)(*args, **kwargs)

    return method


def _mapped(function: Callable[[Any], Any], field: Any) -> Any:
    """A field of a unit with a function applied to its variables: one, several or none."""
    if field is None:
        return None
    return tuple(map(function, field)) if isinstance(field, list) else function(field)


# NumPy has no bfloat16, so values are converted via float32.
def _tensor(array: Any, dtype: Any) -> Any:
    narrow = array.dtype.name == "bfloat16"
    values = np.asarray(array).astype("float32" if narrow else array.dtype)
    return ops.convert_to_tensor(values, dtype)


def _values(variable: Any) -> Any:
    values = ops.convert_to_tensor(variable)
    if variable.dtype == "bfloat16":
        values = ops.cast(values, "float32")
    return np.asarray(ops.convert_to_numpy(values), jnp.dtype(variable.dtype))


def as_unit(layer: Unit) -> units.Unit:
    """The JAX unit with the values of a built layer."""
    values = {name: _mapped(_values, field) for name, field in layer.fields.items()}
    return rebuilt(layer.unit, layer._static_values(), values)


def assign(layer: Unit, unit: units.Unit) -> None:
    """Copy the values of a unit into a built layer."""
    for name, value in static_fields(unit).items():
        setattr(layer, name, value)
    new = iter(jax.tree.leaves(list(arrays(unit).values())))
    for field in layer.fields.values():
        _mapped(lambda old: old.assign(_tensor(next(new), old.dtype)), field)
    layer.doubts = not unit.is_chosen


keras.saving.register_keras_serializable("numerate")(Interval)
