import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """Data that cannot be used as they are: the message names the file, column and row, and what
    to do. It is complete without a traceback, which is how the command line prints it.

    !!! example
        >>> raise InputError("planets.csv has a header and no rows.")
        Traceback (most recent call last):
        numerate._errors.InputError: planets.csv has a header and no rows.
    """


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """The closest of the choices as a question to append to a sentence, or nothing.

    !!! example
        >>> did_you_mean("keplr", ["boyle", "kepler"])
        " Did you mean 'kepler'?"
        >>> did_you_mean("xyz", ["boyle", "kepler"])
        ''
    """
    folded = {choice.casefold(): choice for choice in choices}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f" Did you mean {folded[close[0]]!r}?" if close else ""


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in quotation marks, cut short where there are many.

    !!! example
        >>> listed(["a", "T"])
        "'a', 'T'"
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def plural(count: int, noun: str) -> str:
    """`1 row`, `2 rows`.

    !!! example
        >>> plural(1, "row"), plural(2, "row")
        ('1 row', '2 rows')
    """
    return f"{count} {noun}" + "s" * (count != 1)
