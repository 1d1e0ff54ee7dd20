"""Tables without a law in reach, pure noise, and rounded tables of known laws; all from a seed.

The laws, and the judgement whether a formula is one of them, are those of the benchmark
`benchmarks/measured.py`.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.pages import ROOT

sys.path.append(str(ROOT / "benchmarks"))

from forms import judge as judge  # noqa: E402
from laws import LAWS, Law, Simulated, rounded, significant  # noqa: E402
from laws import simulate as simulate  # noqa: E402

Columns = dict[str, np.ndarray]
NAMES = "abcde"


@dataclass(frozen=True)
class Lawless:
    """A table for which no formula may be verified: its `kind` and its columns, target last."""

    kind: str
    columns: Columns


def lawless(seed: int) -> Lawless:
    """The table of a seed: one of thirteen kinds, 1 to 5 columns, 5 to 500 rows, 2 digits to full
    precision. Consecutive seeds go through the kinds."""
    rng = np.random.default_rng([15, seed])
    kinds = list(KINDS)
    kind = kinds[seed % len(kinds)]
    # As many small tables as large ones: those of few rows are the tempting ones.
    rows = int(np.exp(rng.uniform(np.log(5), np.log(500))))
    x = _features(rng, rows, int(rng.integers(1, 6)))
    x, y = KINDS[kind](rng, x)
    digits = rng.choice([0, 0, 2, 3, 4, 6])
    if kind not in _AS_THEY_ARE and digits:
        x, y = [significant(c, digits) for c in x], significant(y, digits)
    if np.ptp(y) == 0:  # a reader refuses these
        y = y + np.arange(len(y)) % 2
    return Lawless(kind, dict(zip(NAMES, x, strict=False)) | {"y": y})


def _features(rng, rows: int, width: int) -> list[np.ndarray]:
    """Columns of one range: around one, of both signs, whole, over decades, or typed set points."""
    draw = [
        lambda: rng.uniform(1, 3, rows),
        lambda: rng.uniform(-3, 3, rows),
        lambda: rng.integers(1, 10, rows).astype(float),
        lambda: np.exp(rng.uniform(-3, 4, rows)),
        lambda: rng.choice([0.1, 0.2, 0.5, 1, 2, 5, 10], rows),
    ][rng.integers(5)]
    return [draw() for _ in range(width)]


def _phase(rng, x: list[np.ndarray]) -> np.ndarray:
    """A combination of the columns that goes through 2 to 12, so that functions of it bend."""
    total = sum(rng.uniform(0.5, 2) * c for c in x)
    spread = np.ptp(total) or 1.0
    return (total - total.min()) / spread * rng.uniform(4, 12) + rng.uniform(0, 2)


def _sine(rng, x):
    return x, rng.uniform(0.5, 5) * np.sin(_phase(rng, x)) + rng.uniform(0, 3)


def _exponential(rng, x):
    return x, rng.uniform(0.5, 5) * np.exp(-0.6 * _phase(rng, x)) + rng.choice([0.0, 1.0])


def _tanh(rng, x):
    return x, rng.uniform(1, 9) * np.tanh(_phase(rng, x) - 4)


def _floor(rng, x):
    """The whole part of a combination; or what whole numbers leave, or give, divided by another."""
    if rng.random() < 0.6:
        return x, np.floor(_phase(rng, x)) * rng.choice([1.0, 0.5, 2.0])
    count, by = np.arange(1.0, max(len(x[0]), 8) + 1), rng.integers(2, 6)
    return [count], count % by if rng.random() < 0.5 else count // by


def _largest(rng, x):
    """Of two columns, or of a column and a number."""
    if rng.random() < 0.3:
        return x, np.maximum(x[0] - np.median(x[0]), 0) + rng.choice([0.0, 1.0])
    other = rng.permutation(x[0]) if len(x) == 1 else x[1]
    if np.all(x[0] >= other) or np.all(x[0] <= other):  # as one column is, that would be the law
        other[:2] = x[0][:2] + np.array([1, -1])
    return [x[0], other, *x[2:]], np.maximum(x[0], other) * rng.choice([1.0, 3.0, 0.7])


def _step(rng, x):
    at = np.median(x[0])
    low, high = rng.integers(0, 10, 2) / rng.choice([1, 2, 4])
    return x, np.where(x[0] > at, high + (low == high), low)


def _labels(rng, x):
    """0, 1 or up to three classes, at random or by a threshold of two columns."""
    classes = int(rng.integers(2, 5))
    if rng.random() < 0.5:
        return x, rng.integers(0, classes, len(x[0])).astype(float)
    ranks = np.argsort(np.argsort(_phase(rng, x) + rng.normal(size=len(x[0]))))
    return x, np.floor(classes * ranks / len(ranks))


def _grid(rng, x):
    """A full grid of set points with a value for each: as many as its polynomial has terms. Some
    are factorial designs of zeros and ones, or thrice repeated."""
    if rng.random() < 0.3:
        three = 2 + int(rng.integers(2))
        levels = [np.arange(2.0**three) // 2**i % 2 for i in range(three)]
        y, repeats = np.round(rng.uniform(0, 10, 2**three), rng.integers(3)), rng.integers(1, 6)
        return [np.tile(level, repeats) for level in levels], np.tile(y, repeats)
    side = int(rng.integers(3, 7))
    a, b = (g.ravel().astype(float) for g in np.meshgrid(*2 * [np.arange(1, side + 1)]))
    y = [
        lambda: np.sin(a * rng.uniform(0.5, 1)) * b,
        lambda: np.round(rng.uniform(1, 10, side**2), rng.integers(1, 4)),
        lambda: np.exp(-a / 2) + np.log1p(b),
    ][rng.integers(3)]()
    return [a, b], y


def _repeated(rng, x):
    """Three to six different rows, each many times."""
    distinct = int(rng.integers(3, 7))
    pick = np.arange(max(len(x[0]), 2 * distinct)) % distinct
    x = [np.round(rng.uniform(0, 10, distinct), rng.integers(3))[pick] for _ in x]
    return x, np.round(rng.uniform(0, 10, distinct), rng.integers(4))[pick]


def _table_of_values(rng, x):
    """Arbitrary values at 1, 2, 3, …: sorted, as printed tables often are, or not."""
    rows = min(len(x[0]), 60)
    y = np.cumsum(rng.lognormal(0, 1, rows)) if rng.random() < 0.5 else rng.uniform(0, 9, rows)
    return [np.arange(1.0, rows + 1)], np.round(y, rng.integers(0, 4))


def _digits(rng, x):
    """Few rows of single digits."""
    rows = int(rng.integers(5, 12))
    x = [rng.permutation(rows) + 1.0, *(rng.integers(0, 10, rows) * 1.0 for _ in x[1:])]
    return x, rng.integers(0, 10, rows).astype(float)


def _noise(rng, x):
    draw = [rng.standard_normal, rng.standard_exponential, lambda n: rng.standard_t(2, n)]
    return x, draw[rng.integers(3)](len(x[0]))


def _noisy_product(rng, x):
    """A product with noise far above its digits: a law, but no row agrees with it."""
    y = np.prod(x[:3], axis=0) * (1 + rng.choice([1e-6, 1e-3, 0.1]) * rng.normal(size=len(x[0])))
    return x, y


KINDS: dict[str, Callable] = {
    "sine": _sine,
    "exponential": _exponential,
    "tanh": _tanh,
    "floor": _floor,
    "largest": _largest,
    "step": _step,
    "labels": _labels,
    "grid": _grid,
    "repeated rows": _repeated,
    "table of values": _table_of_values,
    "digits": _digits,
    "noise": _noise,
    "noisy product": _noisy_product,
}
# Kinds whose values have as many digits as they should; the others are rounded to any number.
_AS_THEY_ARE = ("floor", "step", "labels", "grid", "repeated rows", "table of values", "digits") + (
    "noisy product",
)


def wide(seed: int) -> Lawless:
    """A table of 9 to 30 columns without a law: there a formula may have two numbers a column."""
    rng = np.random.default_rng([153, seed])
    rows, width = int(np.exp(rng.uniform(np.log(12), np.log(600)))), int(rng.integers(9, 31))
    x = np.column_stack(_features(rng, rows, width))
    weights = rng.uniform(0.5, 2, width)
    one, two = x[:, ::2] @ weights[::2], x[:, 1::2] @ weights[1::2]
    total = (one + two) / np.std(one + two)
    targets = {
        "sum of sines": lambda: np.sin(x) @ weights,
        "sine of a sum": lambda: np.sin(total),
        "larger sum": lambda: np.maximum(one, two),
        "ramps": lambda: np.maximum(x - np.median(x), 0) @ weights,
        "exponential": lambda: np.exp(total / 4) + one,
        "bounded quotient": lambda: np.tanh(one / (np.abs(two) + 1)),
        "noise": lambda: rng.normal(size=rows),
        "near a sum": lambda: total * (1 + 1e-9 * rng.normal(size=rows)),
    }
    kind = list(targets)[seed % len(targets)]
    y, digits = targets[kind](), rng.choice([0, 0, 3, 6])
    y = significant(y, digits) if digits and kind != "near a sum" else y
    return Lawless(kind, {f"x{i}": c for i, c in enumerate(x.T)} | {"y": y})


def known(seed: int) -> tuple[Law, Simulated]:
    """A table of a law, 8 to 40 rows, every value written with 2 to 4 digits."""
    rng = np.random.default_rng([151, seed])
    law = LAWS[seed % len(LAWS)]
    rows, digits = int(rng.integers(8, 41)), int(rng.integers(2, 5))
    return law, rounded(law, law.draw(rows, rng), digits)


def power_law(seed: int) -> Columns:
    """A power of a column, or a product of powers of two, with exponents of three decimals: 8 to 40
    rows, every value written with 2 to 4 digits."""
    rng = np.random.default_rng([163, seed])
    rows, digits = int(rng.integers(8, 41)), int(rng.integers(2, 5))
    a, b = np.exp(rng.uniform(np.log(0.1), np.log(100), (2, rows)))
    p, q = rng.uniform(0.15, 0.9, 2).round(3)
    target = rng.uniform(1, 9) * a**p * (b**q if seed % 3 == 2 else 1)
    table = {"a": a, "b": b, "y": target} if seed % 3 == 2 else {"a": a, "y": target}
    return {name: significant(column, digits) for name, column in table.items()}


def pure_noise(seed: int) -> Columns:
    """A target independent of 1 to 20 columns, 20 to 2,000 rows."""
    rng = np.random.default_rng([157, seed])
    rows = int(np.exp(rng.uniform(np.log(20), np.log(2000))))
    draw = [
        lambda: rng.normal(rng.choice([0, 5]), 1, rows),
        lambda: rng.lognormal(0, rng.choice([0.3, 1.0, 2.0]), rows),
        lambda: rng.standard_t(2, rows),
    ]
    kind, width = draw[seed % 3], int(rng.integers(1, 21))
    other = draw[rng.integers(3)]
    table = {f"x{i}": other() for i in range(width)} | {"y": kind()}
    digits = rng.choice([0, 3, 5])
    return {n: significant(c, digits) for n, c in table.items()} if digits else table
