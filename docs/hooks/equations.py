"""Lets a page that has equations load KaTeX, which is served with the site; others do not."""

from typing import Any

from mkdocs.utils import get_relative_url

_LOADED = """\
<link rel="stylesheet" href="{katex}/katex.min.css">
<script src="{katex}/katex.min.js"></script>
<script src="{katex}/equations.js"></script>
"""


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """MkDocs calls this for every page."""
    if 'class="arithmatex"' not in html:
        return html
    return html + _LOADED.format(katex=get_relative_url("katex", page.url))
