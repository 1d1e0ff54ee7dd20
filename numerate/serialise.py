"""Model files: one safetensors file with the arrays, and the model's structure as JSON.

Loading builds only the classes listed here, from plain data. Nothing in a file is executed.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from numerate import units
from numerate._output import write_file
from numerate.cells import MCLSTM, Recurrent
from numerate.models import Stack

FORMAT = 1  # rises when files change so that an older version could not read them

# Those whose static fields are all the arguments that they need.
_PLAIN: dict[str, Callable[..., eqx.Module]] = {
    "MCLSTM": MCLSTM,
    **{name: getattr(units, name) for name in units.__all__ if name != "Unit"},
}


def save(model: eqx.Module, path: str | Path) -> None:
    """Writes a unit, a `Recurrent`, an `MCLSTM` or a `Stack` of these to one file.

    **Arguments:**

    - `model`: what to write; its arrays are float16, float32 or float64.
    - `path`: where to; a file that is there is replaced once the new one is whole.

    **Raises:** `ValueError` if the model contains a layer of another class, or if nothing can
    be written there.

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

    **Raises:** `ValueError` if the file is not one that `save` wrote, comes from a later
    format, or holds float64 arrays while JAX is not in 64-bit mode; `FileNotFoundError` if
    there is no file.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads((file.metadata() or {})["numerate"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}
        if description["format"] > FORMAT:
            raise ValueError(f"its format is {description['format']}, known are up to {FORMAT}")
        return _filled(_skeleton(description["model"]), arrays)
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a model that numerate can load: {error}") from error


def _describe(module: eqx.Module) -> dict[str, Any]:
    """How to build a module without its arrays, as plain data."""
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
    """The constructor's arguments that a module remembers: sizes and constants."""
    fields = type(module).__dataclass_fields__.values()
    return {f.name: getattr(module, f.name) for f in fields if f.metadata.get("static")}


def _skeleton(description: Any) -> Any:
    """The module of a description, with shapes in place of arrays: nothing is drawn."""
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
    """The arrays of a module by where they are, such as `layers.0.w_hat`."""
    leaves = jax.tree_util.tree_leaves_with_path(module)
    return {jax.tree_util.keystr(p, simple=True, separator="."): leaf for p, leaf in leaves}


def _arrays(module: eqx.Module) -> dict[str, np.ndarray]:
    return {name: np.asarray(leaf) for name, leaf in _named_leaves(module).items()}


def _filled(skeleton: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The skeleton with its arrays, each under its own name and of its own shape."""
    wanted = {name: leaf.shape for name, leaf in _named_leaves(skeleton).items()}
    found = {name: array.shape for name, array in arrays.items()}
    if wanted != found:
        raise ValueError(f"the arrays must have the shapes {wanted}; found {found}")
    if (
        np.float64 in {a.dtype.type for a in arrays.values()}
        and jnp.result_type(float) != np.float64
    ):
        raise ValueError("it holds float64 arrays; load it within `jax.enable_x64(True)`")
    leaves = [jnp.asarray(arrays[name]) for name in wanted]
    return jax.tree.unflatten(jax.tree.structure(skeleton), leaves)
