"""The base class of the units as PyTorch modules."""

import functools
import types
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

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
    check_array,
    check_features,
    check_whole,
    quoted,
    warn_not_chosen,
)
from numerate.ops import register
from numerate.torch._watch import watch

if TYPE_CHECKING:
    from numerate import units

# Now, and not when a unit is first called: `torch.compile` follows an `isinstance` only.
register(torch.Tensor, "torch")

_REMARK = """\
A `torch.nn.Module`: it maps the last axis of any batch. While it is in training mode, units
with noise draw it anew for every example."""

_ARGUMENTS = """\
- `dtype`: of the parameters; PyTorch's default if `None`.
- `seed`: draws the parameters; taken from PyTorch's generator if `None`, so that
    `torch.manual_seed` decides.
- `device`: where the parameters are; PyTorch's default if `None`.
"""

_EXAMPLE = """\
    >>> import torch
    >>> unit = {name}(3, 2, seed=0)
    >>> unit(torch.ones(5, 3)).shape
    torch.Size([5, 2])
"""

# What converts lists, tables, and arrays of other libraries.
_HOW_TO_CONVERT = "torch.as_tensor(numpy.asarray(x, 'float32'))"

_HINTS = {"key": "seed=0 draws its parameters"}

# The adapter class of each unit.
ADAPTERS: "dict[type[units.Unit], type[Unit]]" = {}


class Unit(nn.Module):
    """A unit as a PyTorch module, its parameters under the names of the unit's fields.

    A custom `numerate.units.Unit` written with `numerate.ops` becomes a module in one line,
    `class Mine(Unit, unit=MyUnit)`.

    **Shapes:** `(*batch, in_features)` to `(*batch, out_features)`.

    !!! example
        >>> import torch
        >>> from numerate.torch import NAU
        >>> unit = NAU(2, 1, seed=0)
        >>> unit, sum(p.numel() for p in unit.parameters())
        (NAU(in_features=2, out_features=1), 2)
    """

    unit: "ClassVar[type[units.Unit]]"
    in_features: int
    out_features: int

    # Borrowed from the unit.
    weight: torch.Tensor
    equation: Callable[..., torch.Tensor]
    penalty_weight: Callable[[Any], Any]
    scheduled_penalty: Callable[[Any], torch.Tensor]
    bounds: Callable[[], dict[str, tuple[float, float]]]
    choices: Callable[[], tuple[int, ...]]
    is_chosen: bool

    # Whether anything has asked for the penalty, and how many steps were made before.
    _penalty_asked = False
    _steps_alone = 0
    _told_of_bounds = False

    def __init_subclass__(cls, unit: "type[units.Unit] | None" = None, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if unit is not None:
            _take_over(cls, unit)

    def __init__(
        self,
        *args: Any,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        if seed is None:
            seed = int(torch.randint(2**31 - 1, (), device="cpu"))
        layer = type(self).__name__
        check_whole(-(2**63), 2**63 - 1, **{f"{layer}: seed": seed})
        name = _checked_dtype(layer, torch.get_default_dtype() if dtype is None else dtype)
        self._adopt(made(self.unit, *args, seed=int(seed), dtype=name, **kwargs), device)

    def _adopt(self, unit: "units.Unit", device: torch.device | str | None = None) -> None:
        """Set the static fields of a unit as attributes and its arrays as parameters."""
        self._static, self._arrays = tuple(static_fields(unit)), tuple(arrays(unit))
        watch(self)
        for name, value in static_fields(unit).items():
            setattr(self, name, value)
        for name, value in arrays(unit).items():
            _set_array(self, name, value, device)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        watch(self)  # a copy, or one from a file

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The outputs for examples with any leading axes.

        Computed in the precision of the parameters also where that of the inputs is lower, as
        behind a layer under autocast: ε, the least of |x| in a logarithm, would be theirs.

        **Raises:** `ValueError` for another number of features, and `TypeError` for anything but a
        tensor of floating-point numbers.
        """
        name = type(self).__name__
        check_tensor(name, x)
        check_features(name, self.in_features, x)
        x = x.to(_common_dtype(name, x, next(self.parameters()).dtype))
        if not self.training and not self.is_chosen:
            warn_not_chosen(name, "numerate.torch.select_branches(model, x, y)")

        def draw(features: int) -> torch.Tensor:
            return torch.rand(*x.shape[:-1], features, dtype=x.dtype, device=x.device)

        return self.equation(x, draw if self.training else None)

    def penalty(self) -> torch.Tensor:
        """The penalty on the parameters, before `penalty_weight(progress)`."""
        return self.weight.new_zeros(())

    @torch.no_grad()
    def constrain_(self) -> None:
        """Clip the parameters to their bounds, in place.

        Every PyTorch optimiser calls this after every step; a custom optimiser has to. What is
        computed from other parameters, as by `torch.nn.utils.parametrizations`, cannot be clipped:
        the unit warns once where it leaves its bounds.
        """
        for name, (low, high) in self.bounds().items():
            for parameter in _tensors(getattr(self, name)):
                if isinstance(parameter, nn.Parameter):
                    parameter.clamp_(low, high)
                elif not self._told_of_bounds and ((parameter < low) | (parameter > high)).any():
                    self._told_of_bounds = True
                    warnings.warn(
                        f"{self.unit.__name__}.{name} is outside [{low:g}, {high:g}] and cannot be "
                        "clipped: it is computed from other parameters, as by weight_norm; train "
                        "the parameter itself",
                        stacklevel=4,
                    )

    def forgive(self) -> None:
        """Mark the penalty of the unit as handled."""
        self._penalty_asked = True

    def misses_penalty(self, steps: int) -> bool:
        """Whether this is the last of `steps` optimiser steps, all without the unit's penalty."""
        if self._penalty_asked or type(self).penalty is Unit.penalty:
            return False
        self._steps_alone += 1
        self._penalty_asked = self._steps_alone >= steps  # it is told once
        return self._penalty_asked

    def choose_(self, index: int, alternative: int) -> None:
        """Make one of the unit's `choices`, in place."""
        import jax

        with jax.enable_x64(True):
            self._assign(as_unit(self).chosen(index, alternative))

    @torch.no_grad()
    def _assign(self, unit: "units.Unit") -> None:
        """Copy the values of a unit into the existing parameters."""
        import jax

        for name, value in static_fields(unit).items():
            setattr(self, name, value)
        for name, value in arrays(unit).items():
            for old, leaf in zip(
                _tensors(getattr(self, name)), jax.tree.leaves(value), strict=True
            ):
                new, is_own = _tensor(leaf, old.device), name in self._buffers
                if not (is_own or isinstance(old, nn.Parameter) or torch.equal(old, new)):
                    raise ValueError(
                        f"{self.unit.__name__}.{name} is computed from other parameters and "
                        "cannot be set: torch.nn.utils.parametrize.remove_parametrizations("
                        f"unit, {name!r}) makes it a parameter"
                    )
                old.copy_(new)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in self._static)


def _checked_dtype(layer: str, dtype: Any) -> str:
    """The name of a dtype of parameters."""
    name = str(dtype).removeprefix("torch.")
    if not isinstance(dtype, torch.dtype | str) or name not in FLOATS:
        words = ", ".join(f"torch.{word}" for word in FLOATS)
        raise TypeError(f"{layer}: dtype must be one of {words}, got {quoted(dtype)}")
    return name


def check_tensor(layer: str, x: Any) -> None:
    """Raise `TypeError` unless x, the input of a layer, is a dense tensor.

    !!! example
        >>> check_tensor("NAU", torch.eye(2).to_sparse())
        Traceback (most recent call last):
        TypeError: NAU takes a dense tensor, got torch.sparse_coo: x.to_dense() is one
    """
    check_array(layer, x, torch.Tensor, "torch.Tensor", _HOW_TO_CONVERT)
    if x.is_nested:
        how = "torch.nested.to_padded_tensor(x, 0.0) is one"
        raise TypeError(f"{layer} takes a dense tensor, got a nested one: {how}")
    if x.layout != torch.strided:
        raise TypeError(f"{layer} takes a dense tensor, got {x.layout}: x.to_dense() is one")


def _common_dtype(layer: str, x: torch.Tensor, own: torch.dtype) -> torch.dtype:
    """The dtype of a layer's parameters, which is that of its computations."""
    common = torch.promote_types(x.dtype, own)
    # Autocast has its own rule.
    if common != own and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"{layer} has parameters of {own}, got {x.dtype}: x.to({own}) converts the input, "
            f"layer.to({common}) the layer"
        )
    return common


def _take_over(cls: type[Unit], unit: "type[units.Unit]") -> None:
    """Give a module's class the methods, the signature and the docstring of a unit."""

    def __init__(self, *args, **kwargs):
        bound_arguments(type(self).__name__, signature, args, kwargs, _HINTS)
        Unit.__init__(self, *args, **kwargs)

    added = [
        keyword("dtype", torch.dtype | None),
        keyword("seed", int | None),
        keyword("device", torch.device | str | None),
    ]
    cls.unit, ADAPTERS[unit] = unit, cls
    cls.__init__ = signed(__init__, unit, added)
    signature = without_self(cls.__init__)
    cls.__doc__ = described(unit, _REMARK, _ARGUMENTS, _EXAMPLE.format(name=cls.__name__))
    for name, value in borrowed(unit).items():
        setattr(cls, name, _remembered(value) if name == "penalty" else value)
    if cls.forward is Unit.forward:
        cls.forward = _copied(Unit.forward, f"{cls.__qualname__}.forward")


def _remembered(penalty: Callable[[Any], torch.Tensor]) -> Callable[[Any], torch.Tensor]:
    """A unit's penalty, which records its calls."""

    @functools.wraps(penalty)
    def remembered(self: Unit) -> torch.Tensor:
        self._penalty_asked = True
        return penalty(self)

    return remembered


def _copied(function: Any, qualname: str) -> Any:
    """A copy of a function with its own code object.

    `torch.compile` compiles a code object at most eight times, so that a `forward` shared by all
    classes would fail for the ninth unit of a program.
    """
    code = function.__code__.replace(co_qualname=qualname)
    copied = types.FunctionType(code, function.__globals__, function.__name__)
    copied.__doc__, copied.__qualname__ = function.__doc__, qualname
    copied.__annotations__ = function.__annotations__
    return copied


def as_unit(module: Unit) -> "units.Unit":
    """The JAX unit with the values of a module."""
    static = {name: getattr(module, name) for name in module._static}
    values = {name: _values(getattr(module, name)) for name in module._arrays}
    return rebuilt(module.unit, static, values)


def _set_array(module: nn.Module, name: str, value: Any, device: Any) -> None:
    if value is None:
        module.register_parameter(name, None)
    elif isinstance(value, tuple):
        setattr(module, name, nn.ParameterList([nn.Parameter(_tensor(v, device)) for v in value]))
    elif np.issubdtype(value.dtype, np.integer):
        module.register_buffer(name, _tensor(value, device))
    else:
        setattr(module, name, nn.Parameter(_tensor(value, device)))


def _tensors(field: Any) -> list[torch.Tensor]:
    return list(field) if isinstance(field, nn.ParameterList) else [field]


# NumPy has no bfloat16, so values are converted via float64.
def _tensor(array: Any, device: Any = None) -> torch.Tensor:
    dtype = getattr(torch, array.dtype.name)
    wide = np.float64 if dtype.is_floating_point else array.dtype
    return torch.tensor(np.asarray(array).astype(wide), dtype=dtype, device=device)


def _values(field: Any) -> Any:
    if field is None:
        return None
    if isinstance(field, nn.ParameterList):
        return tuple(map(_values, field))
    import jax.numpy as jnp

    wide = field.detach().cpu()
    wide = wide.double() if wide.is_floating_point() else wide
    return wide.numpy().astype(jnp.dtype(str(field.dtype).removeprefix("torch.")))
