"""Errors of wrong input, and the words of their messages."""

import difflib
import inspect
import warnings
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

LONGEST_QUOTE = 80  # characters of a table that a sentence quotes

# The dtypes that layers compute in.
FLOATS = ("float16", "bfloat16", "float32", "float64")


class InputError(ValueError):
    """Unusable data: the message names the file, column and row, and states what to do. The command
    line prints it without a traceback.

    !!! example
        >>> raise InputError("planets.csv has a header and no rows.")
        Traceback (most recent call last):
        numerate._errors.InputError: planets.csv has a header and no rows.
    """


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The closest of the choices as a question to append to a message, or an empty string.

    !!! example
        >>> did_you_mean("keplr", ["boyle", "kepler"])
        " Did you mean 'kepler'?"
        >>> did_you_mean("xyz", ["boyle", "kepler"])
        ''
    """
    if len(name) > LONGEST_QUOTE:
        return ""
    choices = [choice for choice in choices if len(choice) <= LONGEST_QUOTE]
    folded = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in quotation marks, shortened if there are many.

    !!! example
        >>> listed(["a", "T"])
        "'a', 'T'"
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(shortened(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def shortened(text: str) -> str:
    """A text in quotation marks, as a sentence can hold it.

    !!! example
        >>> shortened("a\\n"), len(shortened("a" * 10**6))
        ("'a\\\\n'", 83)
    """
    return repr(text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…")


def plural(count: int, noun: str) -> str:
    """`1 row`, `2 rows`.

    !!! example
        >>> plural(1, "row"), plural(2, "row")
        ('1 row', '2 rows')
    """
    return f"{count} {noun}" + "s" * (count != 1)


def bound_arguments(
    layer: str,
    signature: inspect.Signature,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    hints: Mapping[str, str],
) -> dict[str, Any]:
    """The arguments of a layer's constructor, by name.

    **Arguments:** `layer`, its name; `signature`, its constructor's, without `self`; `args` and
    `kwargs`, those given; `hints`, what to do about an argument that is missing or unknown.

    **Raises:** `TypeError` for one that is missing, unknown, given twice or one too many.

    !!! example
        >>> size = inspect.Parameter("size", inspect.Parameter.KEYWORD_ONLY)
        >>> signature = inspect.Signature([size])
        >>> bound_arguments("NAU", signature, [], {"size": 2}, {})
        {'size': 2}
        >>> bound_arguments("NAU", signature, [], {"sise": 2}, {})
        Traceback (most recent call last):
        TypeError: NAU takes no argument sise. Did you mean 'size'? It takes size
        >>> bound_arguments("NAU", signature, [], {}, {"size": "size=2 is one"})
        Traceback (most recent call last):
        TypeError: NAU needs the argument size: size=2 is one
    """
    known = signature.parameters
    takes = f"takes {', '.join(n for n, p in known.items() if p.kind != p.VAR_KEYWORD)}"
    is_open = any(p.kind == p.VAR_KEYWORD for p in known.values())
    for name in kwargs:
        if name in hints and name not in known:
            raise TypeError(f"{layer} takes no argument {name}: {hints[name]}")
        if name not in known and not is_open:
            raise TypeError(
                f"{layer} takes no argument {name}.{did_you_mean(name, known)} It {takes}"
            )
    bound = signature.bind_partial(*args, **kwargs) if _fits(signature, args, kwargs) else None
    if bound is None:
        named = [n for n, p in known.items() if p.kind == p.POSITIONAL_OR_KEYWORD]
        raise TypeError(
            f"{layer} takes {plural(len(named), 'argument')} without a name, {', '.join(named)}, "
            f"each once; got {len(args)}: name all others"
        )
    for name, parameter in known.items():
        if parameter.default is parameter.empty and name not in bound.arguments:
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                what = hints.get(name, f"it {takes}")
                raise TypeError(f"{layer} needs the argument {name}: {what}")
    return bound.arguments


def _fits(signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    try:
        signature.bind_partial(*args, **kwargs)
    except TypeError:
        return False
    return True


def check_whole(low: int, high: int, **numbers: Any) -> None:
    """Raise `TypeError` unless every number is whole, and `ValueError` unless it is in an interval.

    !!! example
        >>> check_whole(-8, 7, seed=1.5)
        Traceback (most recent call last):
        TypeError: seed must be a whole number, got 1.5
        >>> check_whole(-8, 7, seed=8)
        Traceback (most recent call last):
        ValueError: seed must be from -8 to 7, got 8
    """
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, Integral):
            raise TypeError(f"{name} must be a whole number, got {quoted(number)}")
        if not low <= int(number) <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {number}")


def is_finite(number: Any) -> bool:
    """Whether something is a finite real number.

    !!! example
        >>> [is_finite(number) for number in (1, 1e9, float("nan"), "1", True, None)]
        [True, True, False, False, False, False]
    """
    return (
        isinstance(number, Real)
        and not isinstance(number, bool)
        and abs(float(number)) < float("inf")
    )


def quoted(value: Any) -> str:
    """Any value as a sentence can hold it: on one line, and not too long.

    !!! example
        >>> quoted([1, 2]), len(quoted("a" * 1000))
        ('[1, 2]', 81)
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…"


def check_array(layer: str, x: Any, kinds: Any, name: str, how: str) -> None:
    """Raise unless x is an array of one of the kinds that a layer accepts, called `name`.

    `how` is what converts to it.

    !!! example
        >>> check_array("NAU", [1.0, 2.0], (), "jax.Array", "jax.numpy.asarray(x)")
        Traceback (most recent call last):
        TypeError: NAU takes a jax.Array, got a list: jax.numpy.asarray(x) converts it
    """
    if not isinstance(x, kinds):
        kind = type(x).__name__
        library = type(x).__module__.partition(".")[0]
        got = kind if library == "builtins" else f"{library}.{kind}"
        converts = "" if x is None else f": {how} converts it"
        raise TypeError(f"{layer} takes a {name}, got a {got}{converts}")


def check_features(layer: str, features: int, x: Any, batch: str = "*batch, ") -> None:
    """Raise unless the last axis of x has the given number of floating-point features.

    Shapes and dtypes are checked at tracing, so a compiled program does not check them again.

    **Arguments:** `layer`, its name; `features`, their number; `x`, an array of any library;
    `batch`, the leading axes, or an empty string for none.

    **Raises:** `ValueError` for another shape, `TypeError` for another dtype.

    !!! example
        >>> import numpy as np
        >>> check_features("NAU", 2, np.ones((5, 3)))
        Traceback (most recent call last):
        ValueError: NAU takes 2 features, shape (*batch, 2), got shape (5, 3)
        >>> check_features("NAU", 2, np.ones((5, 2)), batch="")
        Traceback (most recent call last):
        ValueError: NAU takes 2 features, shape (2,), got shape (5, 2): jax.vmap maps over batches
        >>> check_features("NAU", 2, np.ones((5, 2), int))
        Traceback (most recent call last):
        TypeError: NAU takes floating-point numbers, got int64: convert them to a float dtype
    """
    shape = tuple(x.shape)
    if shape[-1:] != (features,) or (not batch and len(shape) != 1):
        wanted = f"({batch}{features})" if batch else f"({features},)"
        remark = ""
        if not batch and shape[-1:] == (features,):
            remark = ": jax.vmap maps over batches"
        elif features in shape:
            remark = ": the features are the last axis"
        raise ValueError(
            f"{layer} takes {plural(features, 'feature')}, shape {wanted}, "
            f"got shape {shape}{remark}"
        )
    dtype = str(x.dtype).removeprefix("torch.")
    if dtype not in FLOATS:
        raise TypeError(
            f"{layer} takes floating-point numbers, got {dtype}: convert them to a float dtype"
        )


def check_sequence(layer: str, features: int, xs: Any) -> None:
    """Raise `ValueError` unless xs is one sequence of inputs with the given number of features.

    !!! example
        >>> import numpy as np
        >>> check_sequence("Recurrent", 2, np.ones((10, 3)))
        Traceback (most recent call last):
        ValueError: Recurrent takes 2 features, shape (time, 2), got shape (10, 3)
    """
    if len(xs.shape) != 2:
        raise ValueError(
            f"{layer} takes {plural(features, 'feature')}, shape (time, {features}), "
            f"got shape {tuple(xs.shape)}"
        )
    check_features(layer, features, xs, batch="time, ")


def check_maker(name: str, make: Any, kind: type, example: str) -> None:
    """Raise `TypeError` unless `make` is a function or class that makes layers of a kind.

    !!! example
        >>> check_maker("unit", 3, str, "NAU")
        Traceback (most recent call last):
        TypeError: unit must be a class or function that makes it, such as NAU; got 3
    """
    if isinstance(make, kind) or not callable(make):
        got = f"an instance of {type(make).__name__}" if isinstance(make, kind) else repr(make)
        raise TypeError(
            f"{name} must be a class or function that makes it, such as {example}; got {got}"
        )


def check_fit(unit: Any, input_size: int, hidden_size: int) -> None:
    """Raise unless a cell's unit maps its input beside its state to the next state.

    !!! example
        >>> from types import SimpleNamespace as Unit
        >>> check_fit(Unit(in_features=3, out_features=3), 2, 1)
        Traceback (most recent call last):
        ValueError: unit must map input_size + hidden_size = 3 features to hidden_size = 1; ...
        >>> check_fit(None, 2, 1)
        Traceback (most recent call last):
        TypeError: unit must make a unit, such as NAU(3, 1); it makes a NoneType
    """
    wanted = (input_size + hidden_size, hidden_size)
    found = getattr(unit, "in_features", None), getattr(unit, "out_features", None)
    if None in found:
        made = type(unit).__name__
        raise TypeError(f"unit must make a unit, such as NAU{wanted}; it makes a {made}")
    if found != wanted:
        raise ValueError(
            f"unit must map input_size + hidden_size = {wanted[0]} features to hidden_size = "
            f"{wanted[1]}; it maps {found[0]} to {found[1]}"
        )


def warn_not_chosen(layer: str, how: str) -> None:
    """Warn that a layer is evaluated before its branch is selected.

    !!! example
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     warn_not_chosen("NASU", "select")
        >>> print(caught[0].message)
        NASU has not chosen a branch and computes a sum: select chooses one
    """
    warnings.warn(
        f"{layer} has not chosen a branch and computes a sum: {how} chooses one",
        stacklevel=3,
    )
