"""The table of docs/units/choose.md: what each unit represents exactly.

    python docs/representation.py

Paste the output into the page. The tests compare the two.
"""

from numerate.units.exact import EXACT, Exact

HEADS = {"+": "+", "-": "−", "*": "×", "/": "÷", "sqrt": "√"}


def table() -> str:
    """The table in Markdown, with a row for each unit."""
    rows = [("unit", *HEADS.values()), ("---",) * (len(HEADS) + 1)]
    rows += [(_link(unit.__name__), *_cells(row)) for unit, row in EXACT.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _link(name: str) -> str:
    return f"[{name}]({name.lower()}.md)"


def _cells(row: Exact) -> list[str]:
    signs = "any sign" if -1 in row.signs else "positive"
    return [("positive" if o == "sqrt" else signs) if o in row.parameters else "" for o in HEADS]


if __name__ == "__main__":
    print(table())
