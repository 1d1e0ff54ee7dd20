"""The run-time type checker that jaxtyping uses in tests: an int is also a float, as in PEP 484."""

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(checked):
    """A function or class with its checks. A function within a function is made at every call, and
    to generate its checks takes longer than to run it: only what it is called from is checked."""
    return checked if "<locals>" in checked.__qualname__ else _beartype(checked)
