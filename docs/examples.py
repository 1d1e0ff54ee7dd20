"""Doctests as highlighted blocks: a Griffe extension for the API pages.

Docstrings hold their examples as `!!! example` followed by indented `>>>` lines, which Markdown
would take for quotations. Here those lines are fenced, before the page is made.
"""

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^(!!! example)\n((?:    .*\n?|\n)+)", re.MULTILINE)


class Examples(Extension):
    """Fences the examples of every docstring."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring:
            obj.docstring.value = _EXAMPLE.sub(_fenced, obj.docstring.value)


def _fenced(found: re.Match) -> str:
    head, lines = found.groups()
    blank = lines.replace("<BLANKLINE>", "").rstrip()
    return f"{head}\n\n    ```pycon\n{blank}\n    ```\n\n"
