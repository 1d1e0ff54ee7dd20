"""Shared code of the adapters for PyTorch and Keras.

A unit's methods only use `numerate.ops` and the unit's own fields, so that a class of another
library with fields of the same names can have the same methods.

JAX is imported on the first access to a unit, so that `import numerate.torch` does not load it.
"""

import dataclasses
import inspect
import re
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numerate.units import Unit

_OWN = (
    "constrained",
    "chosen",
    "snapped",
    "whole_parameters",
)  # each library updates parameters in its own way
# Those that do not need JAX.
_DEFAULTS = ("penalty_weight", "scheduled_penalty", "bounds", "choices", "is_chosen")


def borrowed(unit: "type[Unit]") -> dict[str, Any]:
    """The methods and properties of a unit that a class of another library can have unchanged."""
    from numerate.units import Unit

    homes = [home for home in reversed(unit.__mro__) if issubclass(home, Unit) and home != Unit]
    names = {name: vars(Unit)[name] for name in _DEFAULTS}
    names |= {name: vars(home)[name] for home in homes for name in vars(home)}
    return {
        name: value if isinstance(value, staticmethod) else getattr(unit, name)
        for name, value in names.items()
        if isinstance(value, staticmethod | property) or callable(value)
        if not name.startswith("__") and name not in _OWN
    }


def adapted(base: type, home: str) -> dict[str, type]:
    """An adapter class of module `home` for each unit of `numerate.units`, by name."""
    from numerate import units

    return {
        name: types.new_class(
            name, (base,), {"unit": getattr(units, name)}, lambda body: body.update(__module__=home)
        )
        for name in units.__all__
        if name != "Unit"
    }


def made(unit: "Callable[..., Unit]", *args: Any, seed: int, dtype: str, **kwargs: Any) -> "Unit":
    """The JAX unit of a seed, made on the host, so that all initialisers are the same."""
    import jax

    host = jax.local_devices(backend="cpu")[0]
    # Keras builds layers while it traces a program; random draws would become part of it.
    now = jax.ensure_compile_time_eval()
    with now, jax.default_device(host), jax.enable_x64(dtype == "float64"):
        return unit(*args, **kwargs, dtype=dtype, key=jax.random.key(seed))


def static_fields(unit: "Unit") -> dict[str, Any]:
    """The constructor's arguments that a unit stores: sizes and constants."""
    return {f.name: getattr(unit, f.name) for f in dataclasses.fields(unit) if _is_static(f)}


def arrays(unit: "Unit") -> dict[str, Any]:
    """The other fields: arrays, or tuples of arrays."""
    return {f.name: getattr(unit, f.name) for f in dataclasses.fields(unit) if not _is_static(f)}


def _is_static(field: dataclasses.Field) -> bool:
    return field.metadata.get("static", False)


def rebuilt(unit: Callable[..., Any], static: dict[str, Any], values: dict[str, Any]) -> "Unit":
    """The unit with the given static fields and arrays, without random draws.

    **Raises:** `ValueError` for float64 arrays while JAX is not in 64-bit mode.
    """
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    skeleton = eqx.filter_eval_shape(lambda key: unit(**static, key=key), jax.random.key(0))
    for leaf in jax.tree.leaves(values):
        if leaf.dtype == np.float64 and jnp.result_type(float) != np.float64:
            raise ValueError(
                "it has float64 parameters, which JAX keeps only in 64-bit mode: "
                "convert it within `with jax.enable_x64(True):`"
            )
    names = list(values)
    filled = [jax.tree.map(jnp.asarray, values[name]) for name in names]
    return eqx.tree_at(lambda unit: [getattr(unit, name) for name in names], skeleton, filled)


def signed(
    function: Callable[..., Any], unit: "type[Unit]", added: list[inspect.Parameter]
) -> Callable[..., Any]:
    """The function with the signature of a unit's constructor, except for some parameters.

    `key` and `dtype` are removed; a parameter of `added` replaces one of the same name.
    """
    given = inspect.signature(unit.__init__).parameters.values()
    gone = {"key", "dtype", *(parameter.name for parameter in added)}
    kept = [parameter for parameter in given if parameter.name not in gone]
    parameters = sorted([*kept, *added], key=lambda parameter: parameter.kind)
    function.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return function


def without_self(construct: Callable[..., None]) -> inspect.Signature:
    """A constructor's signature, as its callers see it."""
    signature = inspect.signature(construct)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def keyword(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    """A keyword-only parameter."""
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


_SHAPES = "`(in_features,)` to `(out_features,)`"
_EXAMPLE = re.compile(r"^!!! example\n(?:    .*\n|\n)+", re.MULTILINE)
_JAXS = re.compile(r"^- `(?:dtype|key)`:.*\n(?:    .*\n)*", re.MULTILINE)
_ENDED = re.compile(r"\n*^\*\*Shapes:\*\*", re.MULTILINE)


def described(unit: "type[Unit]", remark: str, arguments: str, example: str) -> str:
    """A unit's docstring with a remark below its first line, and the adapter's arguments and
    example."""
    text = inspect.getdoc(unit) or ""
    text = text.replace(_SHAPES, "`(*batch, in_features)` to `(*batch, out_features)`")
    text = _EXAMPLE.sub(lambda _: f"!!! example\n{example}\n", text)
    gap = "\n" if "**Arguments:**\n" in text else "\n\n"  # continues or begins a list
    text = _ENDED.sub(lambda _: f"{gap}{arguments}\n**Shapes:**", _JAXS.sub("", text))
    head, _, rest = text.partition("\n")
    return f"{head}\n\n{remark}\n{rest}\n"
