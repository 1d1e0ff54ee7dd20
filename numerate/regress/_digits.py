"""How many digits of a fitted constant its standard error leaves."""

import math


def significant(value: float, error: float) -> int:
    """The digits of a value that its standard error leaves, at least 2 and at most 15.

    The last one is that of the error's first digit, or of its second after a 1 or 2.

    !!! example
        >>> significant(212.272, 0.91), significant(8.31e-12, 0.0)
        (4, 15)
    """
    if not 0 < error < math.inf or value == 0:
        return 15 if error == 0 else 6
    shift = math.floor(math.log10(abs(value))) - math.floor(math.log10(error))
    return min(15, max(2, shift + _error_digits(error)))


def _error_digits(error: float) -> int:
    return 2 if f"{error:e}"[0] in "12" else 1


def with_error(value: float, error: float) -> str:
    """A value and its standard error, to the digits that are known.

    !!! example
        >>> with_error(212.272, 0.91), with_error(6.7131e-11, 2.4e-13)
        ('212.3 ± 0.9', '6.713e-11 ± 2.4e-13')
    """
    if not math.isfinite(error):
        return f"{value:.6g} (not determined by the rows)"
    if error == 0:
        return f"{value:.15g}"
    text = f"{value:#.{significant(value, error)}g}".removesuffix(".")
    return f"{text} ± {error:.{_error_digits(error)}g}"
