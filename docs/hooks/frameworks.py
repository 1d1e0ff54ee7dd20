"""Shows on the page of every unit how it is made in each framework, above its reference."""

import re
from typing import Any

_UNIT = re.compile(r"^::: numerate\.units\.(\w+)$", re.MULTILINE)
_SHOWN = """\
```python
from numerate import keras, torch, units

unit = units.{name}(3, 2, key=jax.random.key(0))  # Equinox, one example: jax.vmap(unit)(x)
module = torch.{name}(3, 2)  # torch.nn.Module: module(x)
layer = keras.{name}(2)  # keras.layers.Layer: layer(x)
```

Loops to copy: [PyTorch](../pytorch.md), [Keras](../keras.md), [JAX](../jax.md).

"""


def with_frameworks(markdown: str) -> str:
    """The text of a page, with the three ways to make its unit before the unit's reference."""
    found = _UNIT.search(markdown)
    if found is None:
        return markdown
    shown = _SHOWN.format(name=found[1])
    return f"{markdown[: found.start()]}{shown}{markdown[found.start() :]}"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """MkDocs calls this for every page."""
    return with_frameworks(markdown) if page.file.src_uri.startswith("units/") else markdown
