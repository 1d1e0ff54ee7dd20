"""The table of docs/units/choose.md: what each unit represents, from the table of the tests.

    python docs/representation.py

Paste what it prints; the tests compare.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.units.table import UNITS, Case  # noqa: E402

HEADS = {"+": "+", "-": "−", "*": "×", "/": "÷", "sqrt": "√"}


def table() -> str:
    """The table in Markdown, with a row for each unit."""
    rows = [("unit", *HEADS.values()), ("---",) * (len(HEADS) + 1)]
    rows += [(f"[{name}]({name.lower()}.md)", *_cells(case)) for name, case in UNITS.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(case: Case) -> list[str]:
    signs = "any sign" if -1 in case.signs else "positive"
    return [("positive" if o == "sqrt" else signs) if o in case.exact else "" for o in HEADS]


if __name__ == "__main__":
    print(table())
