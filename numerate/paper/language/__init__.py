"""Number words, and models that translate them into numbers."""

from ._models import (
    Level,
    LSTMTextModel,
    Prefixes,
    RecurrentTextModel,
    SumOrProductModel,
    TextModel,
    answers,
    prefixes,
    stacked_prefixes,
)
from ._numerals import Numbers, Numerals, number_words, read_number

__all__ = [
    "LSTMTextModel",
    "Level",
    "Numbers",
    "Numerals",
    "Prefixes",
    "TextModel",
    "RecurrentTextModel",
    "SumOrProductModel",
    "answers",
    "number_words",
    "prefixes",
    "read_number",
    "stacked_prefixes",
]
