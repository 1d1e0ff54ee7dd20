"""Model files: one safetensors file with the arrays, and the model's structure as JSON.

Loading builds only the classes listed here, from plain data. Nothing in a file is executed.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save as to_bytes

from numerate import units
from numerate._model_file import NoModelFile, opened, parsed
from numerate._output import write_file
from numerate.cells import MCLSTM, Recurrent
from numerate.models import Stack

FORMAT = 1  # increased when older versions cannot read new files

_MOST_DEPTH = 50
_MOST_EMPTY = 100  # stacks without layers
_SMALL = 16  # the largest number without an array of that size
_LONGEST_WORD = 100
_TYPES = {"f": ("F16", "F32", "F64"), "i": ("I32", "I64"), "b": ("BOOL",)}  # of arrays
_LARGEST_NUMBER = 1e300
_LARGEST_INTEGER = 2**31 - 1  # as JAX takes them beside arrays
_LARGEST_OF_EMPTY = 1_000_000  # the largest size of an array without numbers

# Classes whose static fields are all the arguments of their constructor.
_PLAIN: dict[str, Callable[..., eqx.Module]] = {
    "MCLSTM": MCLSTM,
    **{name: getattr(units, name) for name in units.__all__ if name != "Unit"},
}
_CLASSES = {**_PLAIN, "Recurrent": Recurrent, "Stack": Stack}


def save(model: eqx.Module, path: str | Path) -> None:
    """Writes a unit, a `Recurrent`, an `MCLSTM` or a `Stack` of these to one file.

    **Arguments:**

    - `model`: the model, with arrays of float16, float32 or float64.
    - `path`: the file; an existing one is replaced when the new one is complete.

    **Raises:** `ValueError` if the model contains a layer of another class, or if the path cannot
    be written.

    !!! example
        >>> import tempfile, pathlib, jax
        >>> from numerate.units import NAC
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "sum.safetensors"
        >>> save(NAC(2, 1, key=jax.random.key(0)), path)
        >>> load(path).in_features
        2
    """
    metadata = {"numerate": json.dumps({"format": FORMAT, "model": _describe(model)})}
    write_file(path, to_bytes(_arrays(model), metadata))


def load(path: str | Path) -> Any:
    """The model that `save` wrote.

    The description is checked before any module is made, and the shapes before the arrays are read.

    **Raises:** `ValueError` if the file is not one that `save` wrote, comes from a later
    format, or holds float64 arrays while JAX is not in 64-bit mode; `FileNotFoundError` if
    there is no file; another `OSError` if it cannot be read.

    !!! example
        >>> load("no such file")
        Traceback (most recent call last):
        FileNotFoundError: no such file cannot be loaded: there is no such file
    """
    try:
        with opened(path) as (metadata, file):
            description = _description(metadata)
            slices = {name: file.get_slice(name) for name in file.keys()}
            shapes = {name: tuple(part.get_shape()) for name, part in slices.items()}
            _check(description, shapes)
            skeleton = _skeleton(description)
            _check_shapes(skeleton, shapes)
            _check_types(skeleton, {name: part.get_dtype() for name, part in slices.items()})
            arrays = {name: file.get_tensor(name) for name in shapes}
        return _filled(skeleton, arrays)
    except NoModelFile as error:
        if os.path.isdir(path):
            raise ValueError(f"{path} is a folder, not a model's file") from None
        raise FileNotFoundError(f"{path} cannot be loaded: {error}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a model that numerate can load: {error}") from error


def _describe(module: eqx.Module) -> dict[str, Any]:
    """The structure of a module without its arrays, as plain data."""
    name = type(module).__name__
    if type(module) is _PLAIN.get(name):
        return {"class": name, "arguments": _static_fields(module)}
    if isinstance(module, Recurrent):
        return {"class": name, "unit": _describe(module.unit), **_static_fields(module)}
    if isinstance(module, Stack):
        return {"class": name, "layers": [_describe(layer) for layer in module.layers]}
    raise ValueError(
        f"only units, Recurrent, MCLSTM and Stack can be saved; model contains a {name}"
    )


def _static_fields(module: eqx.Module) -> dict[str, Any]:
    """The constructor's arguments that a module stores: sizes and constants."""
    fields = type(module).__dataclass_fields__.values()
    return {f.name: getattr(module, f.name) for f in fields if f.metadata.get("static")}


def _description(metadata: dict[str, str]) -> Any:
    if "numerate" not in metadata:
        raise ValueError("numerate did not write it")
    content = parsed(metadata["numerate"])
    match content:
        case {"format": int(found), "model": model}:
            if isinstance(found, bool) or not 1 <= found <= FORMAT:
                shown = str(found)[:80]
                raise ValueError(f"its format is {shown}, the latest known is {FORMAT}")
            return model
    raise ValueError("it must say its format and describe its model")


def _check(description: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    """Raises `ValueError` for a description of anything but layers, or of more than the arrays
    allow.

    No size exceeds those of the arrays, and there are no more layers than arrays, except stacks
    without layers. The module is therefore not larger than the file.
    """
    largest = max((size for shape in shapes.values() for size in shape), default=0)
    # Such arrays take no bytes of the file, whatever their other sizes are.
    if any(0 in shape and max(shape) > _LARGEST_OF_EMPTY for shape in shapes.values()):
        raise ValueError(f"it has an array without numbers of a size beyond {_LARGEST_OF_EMPTY}")
    most = {"depth": len(shapes) + 1}
    waiting, nodes = [(description, 0)], _MOST_EMPTY + 2 * len(shapes)
    while waiting:
        node, depth = waiting.pop()
        nodes -= 1
        if nodes < 0 or depth > _MOST_DEPTH:
            raise ValueError("it describes more layers than it has arrays for")
        match node:
            case {"class": "Recurrent", "unit": unit, **sizes}:
                waiting.append((unit, depth + 1))
                arguments: dict[str, Any] = dict(sizes)
            case {"class": "Stack", "layers": list(layers)}:
                waiting.extend((layer, depth + 1) for layer in layers)
                arguments = {}
            case {"class": str(name), "arguments": dict(arguments)} if name in _PLAIN:
                pass
            case _:
                raise ValueError(f"it describes no known model: {str(node)[:80]!r}")
        hints = get_type_hints(_CLASSES[node["class"]])
        for name, value in arguments.items():
            if not _is_of(hints.get(name), value, most.get(name, max(largest, _SMALL))):
                raise ValueError(
                    f"{name[:80]!r} must be an argument of {node['class']}, and a size one of its "
                    f"arrays, not {str(value)[:80]}"
                )


def _is_of(hint: Any, value: Any, largest: int) -> bool:
    """Whether a value has the type of a static field, and is a finite number or a size that is
    at most the largest."""
    if get_origin(hint) is UnionType:
        return any(_is_of(h, value, largest) for h in get_args(hint))
    if get_origin(hint) is tuple:
        kinds = get_args(hint)
        return (
            isinstance(value, list)
            and len(value) == len(kinds)
            and all(map(_is_of, kinds, value, [largest] * len(kinds)))
        )
    if hint is int:
        return type(value) is int and abs(value) <= largest
    if hint is float:
        most = _LARGEST_INTEGER if type(value) is int else _LARGEST_NUMBER
        return type(value) in (int, float) and abs(value) <= most
    return type(value) is hint and (hint is not str or len(value) <= _LONGEST_WORD)


def _skeleton(description: Any) -> Any:
    """The module of a description, with shapes instead of arrays, without random draws."""
    return eqx.filter_eval_shape(lambda key: _maker(description)(key=key), jax.random.key(0))


def _maker(description: Any) -> Callable[..., Any]:
    """A function of `key=` that makes the module of a description."""
    match description:
        case {"class": "Recurrent", "unit": unit, **sizes}:
            return lambda key: Recurrent(
                lambda *sizes, key: _maker(unit)(key=key), **sizes, key=key
            )
        case {"class": "Stack", "layers": layers}:
            return lambda key: Stack([_maker(layer) for layer in layers], key=key)
        case {"class": name, "arguments": arguments} if name in _PLAIN:
            return lambda key: _PLAIN[name](**_with_tuples(arguments), key=key)
    raise ValueError(f"it describes no known model: {str(description)[:80]!r}")


def _with_tuples(arguments: dict[str, Any]) -> dict[str, Any]:
    """JSON knows only lists; the fields of units are tuples."""
    return {n: tuple(v) if isinstance(v, list) else v for n, v in arguments.items()}


def _named_leaves(module: eqx.Module) -> dict[str, Any]:
    """The arrays of a module by their path, such as `layers.0.w_hat`."""
    leaves = jax.tree_util.tree_leaves_with_path(module)
    return {jax.tree_util.keystr(p, simple=True, separator="."): leaf for p, leaf in leaves}


def _arrays(module: eqx.Module) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in _named_leaves(module).items()}


def _check_shapes(skeleton: Any, found: dict[str, tuple[int, ...]]) -> None:
    wanted = {name: leaf.shape for name, leaf in _named_leaves(skeleton).items()}
    if wanted != found:
        raise ValueError(f"the arrays must have the shapes {_shown(wanted)}; found {_shown(found)}")


def _check_types(skeleton: Any, found: dict[str, str]) -> None:
    for name, leaf in _named_leaves(skeleton).items():
        types = _TYPES.get(leaf.dtype.kind, ())
        if found[name] not in types:
            raise ValueError(f"{name} must be of type {' or '.join(types)}, not {found[name]}")


def _shown(shapes: dict[str, tuple[int, ...]]) -> str:
    first = dict(list(shapes.items())[:8])
    return f"{first} and {len(shapes) - 8} more" if len(shapes) > 8 else str(first)


def _filled(skeleton: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The skeleton with its arrays, by name."""
    if (
        np.float64 in {a.dtype.type for a in arrays.values()}
        and jnp.result_type(float) != np.float64
    ):
        raise ValueError("it holds float64 arrays; load it within `jax.enable_x64(True)`")
    leaves = [jnp.asarray(arrays[name]) for name in _named_leaves(skeleton)]
    return jax.tree.unflatten(jax.tree.structure(skeleton), leaves)
