"""Shows on the page of every unit how it is made in each framework, and links to its papers."""

import inspect
import re
from typing import Any

_UNIT = re.compile(r"^::: numerate\.units\.(\w+)$", re.MULTILINE)
_SHOWN = """\
```python
import jax
from numerate import keras, torch, units

unit = units.{name}(3, 2, key=jax.random.key(0))  # jax.vmap(unit)(x)
module = torch.{name}(3, 2)  # module(x)
layer = keras.{name}(2)  # layer(x)
```

An Equinox module for one example, a `torch.nn.Module` and a `keras.layers.Layer`.
Loops to copy: [PyTorch](../pytorch.md), [Keras](../keras.md), [JAX](../jax.md).{papers}

"""

_ENTRY = re.compile(r"^@\w+\{.*?^\}", re.DOTALL | re.MULTILINE)
# Where a reference is found, by the fields of BibTeX that tell it; the first that is there.
_PLACES = (
    (re.compile(r"eprint=\{([\d.]+)\}"), "https://arxiv.org/abs/"),
    (re.compile(r"journal=\{arXiv preprint arXiv:([\d.]+)\}"), "https://arxiv.org/abs/"),
    (re.compile(r"doi=\{([^}]+)\}"), "https://doi.org/"),
    (re.compile(r"url=\{([^}]+)\}"), ""),
)
_TITLE = re.compile(r"title=\{((?:[^{}]|\{[^{}]*\})*)\}")


def papers(docstring: str) -> list[str]:
    """The links to the references of a docstring."""
    found = []
    for entry in _ENTRY.findall(inspect.cleandoc(docstring)):
        title = " ".join(_TITLE.findall(entry)[0].replace("{", "").replace("}", "").split())
        address = next((to + m[1] for where, to in _PLACES if (m := where.search(entry))), None)
        if address is not None:
            found.append(f"[{title}]({address})")
    return found


def with_frameworks(markdown: str) -> str:
    """The text of a page, with the three ways to make its unit before the unit's reference."""
    found = _UNIT.search(markdown)
    if found is None:
        return markdown
    import numerate.units

    links = papers(getattr(numerate.units, found[1]).__doc__ or "")
    told = f" From: {', '.join(links)}." if links else ""
    shown = _SHOWN.format(name=found[1], papers=told)
    return f"{markdown[: found.start()]}{shown}{markdown[found.start() :]}"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs calls this for every page."""
    return with_frameworks(markdown) if page.file.src_uri.startswith("units/") else markdown
