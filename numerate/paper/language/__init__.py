"""Number words, and models that read them."""

from ._models import (
    Level,
    LSTMReader,
    Prefixes,
    Reader,
    RecurrentReader,
    SumOrProductReader,
    answers,
    prefixes,
    stacked_prefixes,
)
from ._numerals import Numbers, Numerals, number_words, read_number

__all__ = [
    "LSTMReader",
    "Level",
    "Numbers",
    "Numerals",
    "Prefixes",
    "Reader",
    "RecurrentReader",
    "SumOrProductReader",
    "answers",
    "number_words",
    "prefixes",
    "read_number",
    "stacked_prefixes",
]
