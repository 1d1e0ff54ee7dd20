"""A test of every row of the units' table is one test, with a subtest for each row."""

import functools
import inspect

from tests.units.table import UNITS


def each_row(test):
    """The test, which takes the `name` of a row, for all rows."""
    given = inspect.signature(test).parameters
    fixtures = [given[name] for name in given if name != "name"]
    subtests = inspect.Parameter("subtests", inspect.Parameter.POSITIONAL_OR_KEYWORD)

    @functools.wraps(test)
    def over_rows(subtests, **kwargs):
        for name in UNITS:
            with subtests.test(name):
                test(name=name, **kwargs)

    over_rows.__signature__ = inspect.Signature([subtests, *fixtures])
    return over_rows
