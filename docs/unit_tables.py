"""The tables of units in docs/units, from the units and the first lines of their pages.

    python docs/unit_tables.py

writes them into index.md and choose.md. The tests compare the pages with it.
"""

import re
from pathlib import Path

from numerate import units
from numerate.units.exact import EXACT, Exact

PAGES = Path(__file__).parent / "units"
HEADS = {"+": "+", "-": "−", "*": "×", "/": "÷", "sqrt": "√"}
FAMILIES = ("sums", "products", "gated", "logic", "baselines")


def heads() -> dict[str, dict[str, str]]:
    """The family, summary and paper of each unit, by its name, in the order of the tables."""
    found = {unit.__name__: _head(unit.__name__) for unit in EXACT}

    def order(name: str) -> tuple[int, int, str]:
        head = found[name]
        return FAMILIES.index(head["family"]), int(head["order"]), name

    return {name: found[name] for name in sorted(found, key=order)}


def _head(name: str) -> dict[str, str]:
    text = (PAGES / f"{name.lower()}.md").read_text(encoding="utf-8")
    head = re.match(r"---\n(.*?)---\n", text, re.DOTALL)
    return dict(re.findall(r"^(\w+): (.+)$", head[1], re.MULTILINE)) if head else {}


def tables() -> dict[str, dict[str, str]]:
    """The tables in Markdown, by page and name."""
    by_unit = heads()
    families = {
        family: [
            (_link(name), head["summary"], head.get("paper", ""))
            for name, head in by_unit.items()
            if head["family"] == family
        ]
        for family in FAMILIES
    }
    represents = [(_link(name), *_cells(getattr(units, name).represents)) for name in by_unit]
    return {
        "index.md": {f: _table(("unit", "", "from"), rows) for f, rows in families.items()},
        "choose.md": {"representation": _table(("unit", *HEADS.values()), represents)},
    }


def with_tables(page: str) -> str:
    """The text of a page with its tables as they should be."""
    text = (PAGES / page).read_text(encoding="utf-8")
    for name, table in tables()[page].items():
        first, last = f"<!-- {name} table -->\n", f"\n<!-- end of {name} table -->"
        (old,) = re.findall(re.escape(first) + "(.*?)" + re.escape(last), text, re.DOTALL)
        text = text.replace(first + old + last, first + table + last)
    return text


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _link(name: str) -> str:
    return f"[{name}]({name.lower()}.md)"


def _cells(row: Exact) -> list[str]:
    signs = "any sign" if -1 in row.signs else "positive"
    return [("positive" if o == "sqrt" else signs) if o in row.parameters else "" for o in HEADS]


if __name__ == "__main__":
    for page in tables():
        (PAGES / page).write_text(with_tables(page), encoding="utf-8")
