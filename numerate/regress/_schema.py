"""What a model's file may hold: checked before anything else is made of it.

A page of our own instead of a library: pydantic and msgspec know types and ranges, which is half
of it; that a formula's symbols are the features, that shapes agree and that a sum of its numbers
can be computed has to be written out in any case, and each would be one more dependency.

A field that newer versions add is one line in `_FIELDS` or `_EQUATION`. Fields that this version
does not know are left out.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import sympy

from numerate.formula import formula_text, from_data
from numerate.regress._noise import KINDS, Noise
from numerate.regress._settings import Settings
from numerate.regress._verify import (
    APPROXIMATE,
    EXACT,
    MEANING,
    WITHIN_NOISE,
    WITHIN_PRECISION,
    gates,
)

STATUSES = tuple(MEANING)
# Far above what rounding and written digits leave of the target's spread. Noise may be larger than
# the law.
_LARGEST_ERROR = {EXACT: 0.01, WITHIN_PRECISION: 1.0, WITHIN_NOISE: sys.float_info.max}
_MOST_FORMULAS, _MOST_FEATURES, _LONGEST_NAME = 1000, 1_000_000, 100_000
_MOST_NODES = 10_000  # of all formulas together


class _Field(NamedTuple):
    """What a value must be, in words and as a function, and whether it may be missing."""

    words: str
    accepts: Callable[[Any], bool]
    optional: bool = False


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Not NaN; integers so large that they are no float are none either."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return not math.isnan(value) if isinstance(value, float) else value.bit_length() < 1024


def _is_name(value: Any) -> bool:
    # A lone surrogate is valid JSON, but nothing that could be written or be a column's name.
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST_NAME
        and not any("\ud800" <= c <= "\udfff" for c in value)
    )


def _is_list(value: Any, most: int, accepts: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and 0 < len(value) <= most and all(map(accepts, value))


_FLAG = _Field("true or false", lambda v: isinstance(v, bool))
_NAME = _Field("a text", _is_name)
# An error may be infinite: with few rows, none can be cross-validated.
_ERROR = _Field("a number of at least 0", lambda v: _is_number(v) and v >= 0)

_NOISE = {
    "kind": _Field(f"one of {', '.join(KINDS)}", lambda v: v in KINDS),
    "additive": _ERROR,
    "proportional": _ERROR,
    "heavy_tailed": _FLAG,
}
_CONSTANT = {
    "value": _Field("a finite number", lambda v: _is_number(v) and math.isfinite(v)),
    "standard_error": _ERROR,
}
_ROW = {
    "row": _Field("a whole number", lambda v: _is_whole(v) and 0 < v < 2**62),
    "deviation": _ERROR,
    "left_out": _FLAG,
}
_OBJECTS = _Field(
    "a list of objects",
    lambda v: v == [] or _is_list(v, _MOST_FORMULAS, lambda e: isinstance(e, dict)),
    optional=True,
)
_FIELDS = {
    "noise": _Field("an object or null", lambda v: v is None or isinstance(v, dict), True),
    "constants": _OBJECTS,
    "worst_rows": _OBJECTS,
    "left": _Field("a text", _is_name, optional=True),
    "target_name_": _NAME,
    "feature_names_": _Field(
        "different texts",
        lambda v: _is_list(v, _MOST_FEATURES, _is_name) and len(set(v)) == len(v),
    ),
    "named": _FLAG,
    "interrupted_": _FLAG,
    "seed_": _Field("a whole number", lambda v: _is_whole(v) and 0 <= v < 2**64),
    "seconds_": _Field("a finite number", lambda v: _is_number(v) and 0 <= v < math.inf),
    "parameters": _Field("an object", lambda v: isinstance(v, dict)),
    "formulas": _Field(
        "a list of formulas", lambda v: _is_list(v, _MOST_FORMULAS, lambda f: isinstance(f, list))
    ),
    "equations": _Field(
        "a list of objects", lambda v: _is_list(v, _MOST_FORMULAS, lambda e: isinstance(e, dict))
    ),
}
_EQUATION = {
    "formula": _NAME,
    "complexity": _Field("a whole number", lambda v: _is_whole(v) and 0 < v < 2**31),
    "relative_rmse": _ERROR,
    "holdout_relative_rmse": _ERROR,
    "status": _Field(f"one of {', '.join(STATUSES)}", lambda v: v in STATUSES),
}


def checked(content: Any, training_range: np.ndarray) -> dict[str, Any]:
    """The content of a model's file, with SymPy expressions as `formulas` and a `Settings` as
    `parameters`, and nothing in it that is not known.

    **Arguments:** what the file's JSON says; `training_range`, its array.

    **Raises:** `ValueError` naming the field, the rule and the value found.
    """
    found = _known(content, _FIELDS, "the model")
    found["parameters"] = _settings(found["parameters"])
    found["equations"] = [_known(e, _EQUATION, "an equation") for e in found["equations"]]
    if found.get("noise"):
        # Not its sentence in the file, which may say anything.
        found["noise"] = Noise(**_known(found["noise"], _NOISE, "the noise")).report()
    for name, rules in (("constants", _CONSTANT), ("worst_rows", _ROW)):
        found[name] = [_known(e, rules, f"an entry of {name}") for e in found.get(name, [])]
    names = found["feature_names_"]
    _check_range(training_range, len(names))
    if len(found["formulas"]) != len(found["equations"]):
        raise ValueError("it must have one equation for each formula")
    if found["target_name_"] in names:
        raise ValueError("its target must not be one of its features")
    _check_size(found["formulas"])
    known = frozenset(names)
    found["formulas"] = [from_data(formula, known) for formula in found["formulas"]]
    for formula, equation in zip(found["formulas"], found["equations"], strict=True):
        # Not the text of the file, which may say anything.
        equation["formula"] = formula_text(formula)
        _check_status(formula, equation)
    return found


def _check_status(formula: sympy.Expr, equation: dict[str, Any]) -> None:
    """Raises `ValueError` for a status that no table gives such a formula with such an error."""
    status, error = equation["status"], equation["relative_rmse"]
    if status == APPROXIMATE:
        return
    if not formula.free_symbols or gates(formula):
        raise ValueError(f"a formula that is {status} has a feature, and no sign that switches")
    most = _LARGEST_ERROR[status]
    if not error <= most:
        raise ValueError(f"a formula that is {status} has an error of at most {most:g}")


def _known(content: Any, rules: dict[str, _Field], where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"{where} must be an object, not {_shown(content)}")
    found = {}
    for name, rule in rules.items():
        if name not in content:
            if rule.optional:
                continue
            raise ValueError(f"{where} lacks {name!r}")
        if not rule.accepts(content[name]):
            raise ValueError(f"{name!r} must be {rule.words}, not {_shown(content[name])}")
        found[name] = content[name]
    return found


def _settings(content: dict[str, Any]) -> Settings:
    """Settings of the types of their defaults; those that are missing have the defaults."""
    found = {}
    for field in fields(Settings):
        kind = type(field.default)
        value = content.get(field.name, field.default)
        rule = _ERROR if kind is float else _Field(f"of type {kind.__name__}", _is_of(kind))
        found |= _known({field.name: value}, {field.name: rule}, "the settings")
    return Settings(**found)


def _is_of(kind: type) -> Callable[[Any], bool]:
    return lambda value: type(value) is kind and (kind is not int or 0 <= value < 2**31)


def _check_range(training_range: np.ndarray, features: int) -> None:
    shape, dtype = training_range.shape, training_range.dtype
    if dtype != np.float64 or shape != (2, features):
        raise ValueError(
            f"the training range must have the shape (2, {features}) and be float64, "
            f"not {shape} and {dtype}"
        )
    if not np.all(np.isfinite(training_range)) or np.any(training_range[0] > training_range[1]):
        raise ValueError("the training range must be finite and begin below its end")


def _check_size(formulas: list[Any]) -> None:
    """Raises `ValueError` for too many parts, without recursion and before any is looked at."""
    left, waiting = _MOST_NODES, list(formulas)
    while waiting:
        left -= 1
        if left < 0:
            raise ValueError(f"its formulas have more than {_MOST_NODES} parts")
        waiting.extend(part for part in waiting.pop() if isinstance(part, list))


def _shown(value: Any) -> str:
    """The beginning of a value, however large and deep it is."""
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return repr(value[:80] if isinstance(value, str) else value)[:80]
