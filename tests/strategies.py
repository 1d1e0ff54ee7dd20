"""Hypothesis strategies for what others write: names of columns, tables, and models.

`examples(n)` takes the same n examples every time and stores none of them.
"""

import csv
import io
import json
from decimal import Decimal
from typing import NamedTuple

import polars as pl
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from numerate.regress._noise import KINDS

PIECES = [
    "__import__('os').system('id')", "=cmd|' /C calc'!A0", "+1", "-x", "@SUM(A1)", "\t=1", "a b",
    "\\input{/etc/passwd}", "\\write18{id}", "}", "{", "$", "$$x$", "%", "#", "&", "^", "~", "_",
    "＝1", "[/bold]", "[link=http://x]", ":smile:", "\x1b[31m", "\x1b]0;title\x07", "\x9b2J",
    "\x7f", "\r", "\n", "\u202e", "\u2028", "`", "``", "'", '"', '"""', "\\", "lambda", "class",
    "None", "numpy", "__debug__", "x²", "ﬁ", "fi", "ｉｆ", "µ", "μ", "é", "e\u0301", "漢字", "😀",
    "١", "alpha", "mass_1", "a__b", "2T", "", " ", ",", ";", "\n# ", "return",
    "):\n    import os\ndef f(", "\ufeff=1", ";=1",
]  # fmt: skip


def examples(count: int) -> settings:
    """The settings of a test of so many examples: always the same, each of any duration."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def names() -> st.SearchStrategy[str]:
    """Names that may be code of some language, and others of any characters."""
    piece = st.one_of(st.sampled_from(PIECES), st.text(max_size=4))
    return st.lists(piece, min_size=1, max_size=3).map("".join)


def headers(count: int = 3) -> st.SearchStrategy[list[str]]:
    """Lists of different names."""
    return st.lists(names(), min_size=count, max_size=count, unique=True)


class Written(NamedTuple):
    """A table as its author means it: names that are shown, and numbers with as many decimals."""

    names: list[str]
    rows: list[list[Decimal]]


_PLAIN_NAMES = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters='"#'), min_size=1, max_size=8
).filter(lambda name: not name[0].isdigit() and name.casefold() not in ("nan", "inf", "infinity"))


@st.composite
def tables(draw: st.DrawFn) -> Written:
    """Tables of one to four columns of decimals, and a target that is not constant."""
    width, height = draw(st.integers(2, 5)), draw(st.integers(4, 9))
    found = draw(st.lists(_PLAIN_NAMES, min_size=width, max_size=width, unique=True))
    columns = []
    for _ in range(width):
        decimals = draw(st.integers(0, 6))
        number = st.integers(-(10**12), 10**12).map(lambda n, d=decimals: Decimal(n).scaleb(-d))
        columns.append(draw(st.lists(number, min_size=height, max_size=height)))
    columns[-1][0] = columns[-1][1] + 1
    return Written(found, [list(row) for row in zip(*columns, strict=True)])


def contents(table: Written) -> dict[str, bytes]:
    """The table in each format, by name of file."""
    texts = {}
    for name, separator in (("t.csv", ","), ("semicolon.csv", ";"), ("t.tsv", "\t")):
        text = io.StringIO()
        cells = [[f"{cell:f}" for cell in row] for row in table.rows]
        csv.writer(text, delimiter=separator).writerows([table.names, *cells])
        texts[name] = f"sep={separator}\n{text.getvalue()}" if separator == ";" else text.getvalue()
    lines = [
        "{" + ", ".join(f"{json.dumps(n)}: {c:f}" for n, c in zip(table.names, row, strict=True))
        for row in table.rows
    ]
    texts["t.ndjson"] = "}\n".join(lines) + "}"
    parquet = io.BytesIO()
    schema = dict.fromkeys(table.names, pl.Decimal(38, 6))
    pl.DataFrame(table.rows, schema, orient="row").write_parquet(parquet)
    return {name: text.encode() for name, text in texts.items()} | {"t.parquet": parquet.getvalue()}


def formulas(symbols: list[str]) -> st.SearchStrategy[list]:
    """Formulas as a model's file has them. Not all can be computed."""
    digits = st.one_of(st.integers(-(10**9), 10**9), st.integers(-(10**25), 10**25))
    small = st.integers(-12, 12).map(lambda n: ["rational", str(n)])
    leaves = st.one_of(
        st.sampled_from(symbols).map(lambda name: ["symbol", name]),
        st.builds(lambda p, q: ["rational", f"{p}/{q}"], digits, st.integers(1, 99)),
        small,
        st.floats(allow_nan=False, allow_infinity=False).map(lambda x: ["float", repr(x)]),
        st.just(["pi"]),
    )
    return st.recursive(
        leaves,
        lambda part: st.one_of(
            st.builds(
                lambda head, parts: [head, *parts],
                st.sampled_from(["+", "*"]),
                st.lists(part, min_size=2, max_size=5),
            ),
            st.builds(lambda one, two: ["**", one, two], part, st.one_of(small, part)),
            st.builds(lambda head, one: [head, one], st.sampled_from(["Abs", "sign"]), part),
        ),
        max_leaves=30,
    )


@st.composite
def models(draw: st.DrawFn) -> dict:
    """What the file of a model says: two features with any names, one to three formulas."""
    one, two, target = draw(headers())
    found = draw(st.lists(formulas([one, two]), min_size=1, max_size=3))
    errors = st.floats(0, 1e300)
    status = st.sampled_from(["exact", "within_precision", "within_noise", "approximate"])
    equation = st.fixed_dictionaries(
        {
            "formula": st.text(max_size=5),
            "complexity": st.integers(1, 99),
            "relative_rmse": errors,
            "holdout_relative_rmse": errors,
            "status": status,
        }
    )
    noise = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(KINDS),
            "additive": errors,
            "proportional": errors,
            "heavy_tailed": st.booleans(),
        }
    )
    constant = st.fixed_dictionaries({"value": st.floats(-1e300, 1e300), "standard_error": errors})
    return {
        "target_name_": target,
        "feature_names_": [one, two],
        "named": draw(st.booleans()),
        "interrupted_": draw(st.booleans()),
        "seed_": draw(st.integers(0, 2**32 - 1)),
        "seconds_": draw(errors),
        "parameters": {"budget": 60.0},
        "formulas": found,
        "equations": [draw(equation) for _ in found],
        "constants": draw(st.lists(constant, max_size=3)),
        "left": draw(st.text(max_size=9)),
        "noise": draw(st.none() | noise),
    }
