"""The references to cite for a model."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import jax

_BLOCK = re.compile(r"^```bibtex\n(.*?)^```", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*?(?=^@|\Z)", re.DOTALL | re.MULTILINE)

NOTHING = "This model uses nothing that was published: there are no references to print."


def citation(model: Any) -> str:
    """Prints and returns the BibTeX entries of all units and cells of a model.

    They come from the docstrings of the model's classes, in the order of use, each once. A custom
    class is cited too if its docstring has a fenced `bibtex` block.

    **Arguments:** `model`: a unit, a `Stack`, any Equinox module or pytree of them, or a model
    of PyTorch or Keras that holds layers of `numerate.torch` or `numerate.keras`.

    **Returns:** the printed text; a sentence, which BibTeX ignores, if there are no references.

    !!! example
        >>> import jax, numerate
        >>> unit = numerate.NAC(2, 1, key=jax.random.key(0))
        >>> text = numerate.citation(unit)  # doctest: +ELLIPSIS
        @inproceedings{trask2018nalu,
            title={Neural Arithmetic Logic Units},
        ...
        }
    """
    # By key, so that two units of one paper give one reference.
    found = {key: entry for part in _parts(model) for key, entry in _references(type(part))}
    text = "\n\n".join(found.values()) or NOTHING
    print(text)
    return text


def _parts(model: Any) -> Iterator[Any]:
    """The model and all its parts, in the order of use."""
    yield model
    for child in _children(model):
        yield from _parts(child)


def _children(model: Any) -> list[Any]:
    inside = jax.tree_util.default_registry.flatten_one_level(model)
    if inside is not None:
        return list(inside[0])
    if hasattr(model, "named_children"):  # PyTorch
        return list(model.children())
    if hasattr(model, "_flatten_layers"):  # Keras, which has `layers` only for whole models
        return list(model._flatten_layers(include_self=False, recursive=False))
    return []


def _references(kind: type) -> Iterator[tuple[str, str]]:
    """Key and text of each entry in the docstrings of a class and of its base classes."""
    for base in kind.__mro__:
        doc = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        for block in _BLOCK.findall(doc):
            for entry in _ENTRY.finditer(block):
                yield entry[1], entry[0].strip()
