"""The run-time type checker that jaxtyping uses in tests: an int is also a float, as in PEP 484.

To generate the checks of a function takes milliseconds, and most functions are imported by every
process that tests and called by few. So they are generated at the first call. A function within a
function is made anew each time, and has none: what it is called from has.
"""

from beartype import BeartypeConf, beartype

_generate = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function):
    """A function with its checks of arguments, or of results."""
    if "<locals>" in function.__qualname__:
        return function
    generated = None

    def checked(*args, **kwargs):
        nonlocal generated
        if generated is None:
            generated = _generate(function)
        return generated(*args, **kwargs)

    return checked
