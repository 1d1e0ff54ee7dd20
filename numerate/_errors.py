import difflib
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST_QUOTE = 80  # characters of a table that a sentence quotes


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


def check_array(layer: str, x: Any, kinds: Any, name: str) -> None:
    """Raise unless x is an array of one of the kinds that a layer accepts, called `name`.

    !!! example
        >>> check_array("NAU", [1.0, 2.0], (), "jax.Array")
        Traceback (most recent call last):
        TypeError: NAU takes a jax.Array, got a list
    """
    if not isinstance(x, kinds):
        kind = type(x).__name__
        library = type(x).__module__.partition(".")[0]
        got = kind if library == "builtins" else f"{library}.{kind}"
        raise TypeError(f"{layer} takes a {name}, got a {got}")


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
        batched = not batch and shape[-1:] == (features,)
        raise ValueError(
            f"{layer} takes {plural(features, 'feature')}, shape {wanted}, got shape {shape}"
            + (": jax.vmap maps over batches" if batched else "")
        )
    dtype = str(x.dtype).removeprefix("torch.")
    if "float" not in dtype:
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
