"""Adds the page of every unit to the navigation, in the order of docs/units/index.md."""

import re
from pathlib import Path
from typing import Any

INDEX = Path(__file__).parents[1] / "units" / "index.md"
# A heading such as "Sums and differences:" and the table below it.
_TABLE = re.compile(
    r"^(\w[\w ]*?)(?: and .*|, .*)?:\n\n<!-- \w+ table -->\n\| unit \|.*\n\| ---.*\n((?:\| .*\n)+)",
    re.MULTILINE,
)
_ROW = re.compile(r"^\| \[(\w+)\]\((\w+\.md)\)", re.MULTILINE)


def sections() -> dict[str, dict[str, str]]:
    """The page of each unit, by the first words of its table's heading and its name."""
    tables = _TABLE.findall(INDEX.read_text(encoding="utf-8"))
    return {title: {u: f"units/{page}" for u, page in _ROW.findall(rows)} for title, rows in tables}


def on_config(config: Any) -> Any:
    """MkDocs calls this: adds the pages to the section "Units" of mkdocs.yml."""
    (pages,) = [entry["Units"] for entry in config.nav if "Units" in entry]
    for title, units in sections().items():
        pages.append({title: [{name: page} for name, page in units.items()]})
    return config
