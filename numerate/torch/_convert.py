"""Conversion of models between JAX and PyTorch, with their parameters."""

from typing import TYPE_CHECKING, Any

from torch import nn

from numerate.torch._base import ADAPTERS, Unit, as_unit
from numerate.torch._cells import Recurrent, RecurrentCell

if TYPE_CHECKING:
    import equinox as eqx

    from numerate import units

_Dropout = nn.Dropout | nn.AlphaDropout | nn.FeatureAlphaDropout


def to_torch(model: "eqx.Module") -> nn.Module:
    """The PyTorch module of a unit, of a `Recurrent` or of a `Stack` of these.

    **Arguments:** `model`, of `numerate`. A `Stack` becomes a `torch.nn.Sequential`.

    **Returns:** a module with the values of its parameters, on PyTorch's default device.

    **Raises:** `ValueError` for any other layer.

    !!! example
        >>> import jax
        >>> from numerate.units import NAU
        >>> to_torch(NAU(2, 1, key=jax.random.key(0)))
        NAU(in_features=2, out_features=1)
    """
    from numerate import cells, models, units
    from numerate.torch import _units  # noqa: F401 - fills ADAPTERS

    match model:
        case units.Unit() if type(model) in ADAPTERS:
            return _module(ADAPTERS[type(model)], model)
        case cells.Recurrent():
            return Recurrent(lambda *_: to_torch(model.unit), model.input_size, model.hidden_size)  # pyright: ignore[reportArgumentType]
        case models.Stack():
            return nn.Sequential(*map(to_torch, model.layers))
    raise ValueError(
        f"model must be a unit, a Recurrent or a Stack of numerate, got {type(model).__name__}"
    )


def from_torch(module: nn.Module) -> Any:
    """The JAX model of a module, the inverse of `to_torch`.

    **Arguments:** `module`: a unit of `numerate.torch`, its `Recurrent` or `RecurrentCell`, or
    a `torch.nn.Sequential` of these. Its layers that change nothing are left out: `Identity`,
    dropout in evaluation, and `Flatten` of an input that is flat.

    **Returns:** a unit, a `numerate.Recurrent` or a `numerate.Stack` with the values of its
    parameters.

    **Raises:** `ValueError` for any other module, for one with a `forward` or forward hooks of its
    own, for dropout in training, and for float64 parameters while JAX is not in 64-bit mode.

    !!! example
        >>> from numerate.torch import NAU
        >>> from_torch(NAU(2, 1, seed=0)).w_hat.shape
        (1, 2)
    """
    import jax

    from numerate import cells, models

    _check_own_forward(module)
    match module:
        case Unit():
            return as_unit(module)
        case RecurrentCell():
            sizes = module.input_size, module.hidden_size
            key = jax.random.key(0)  # nothing is drawn from it
            return cells.Recurrent(lambda *_, key: as_unit(module.unit), *sizes, key=key)  # pyright: ignore[reportArgumentType]
        case nn.Sequential():
            return models.Stack([from_torch(layer) for layer in module if not _is_idle(layer)])
    if isinstance(module, _Dropout):
        kind = type(module).__name__
        raise ValueError(f"module must be in evaluation, where {kind} does nothing: module.eval()")
    raise ValueError(
        "module must be a unit or a RecurrentCell of numerate.torch or a Sequential of these, "
        f"got {type(module).__name__}"
    )


def _check_own_forward(module: nn.Module) -> None:
    """Raise for a unit, a cell or a Sequential that computes more than its class."""
    if isinstance(module, Unit):
        known = [ADAPTERS[module.unit].forward]
    elif isinstance(module, RecurrentCell | nn.Sequential):
        known = [RecurrentCell.forward, Recurrent.forward, nn.Sequential.forward]
    else:
        return
    kind = type(module).__name__
    if getattr(module.forward, "__func__", None) not in known:
        raise ValueError(f"{kind} has a forward of its own, which cannot be converted")
    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError(f"{kind} has forward hooks, which may change its outputs: remove them")


def _is_idle(layer: nn.Module) -> bool:
    """Whether a layer between units, whose features are the last of two axes, changes nothing."""
    if isinstance(layer, nn.Flatten):
        return layer.start_dim in (1, -1)
    return isinstance(layer, nn.Identity) or (isinstance(layer, _Dropout) and not layer.training)


def _module(adapter: type[Unit], unit: "units.Unit") -> Unit:
    module = adapter.__new__(adapter)
    nn.Module.__init__(module)
    module._adopt(unit)
    return module
