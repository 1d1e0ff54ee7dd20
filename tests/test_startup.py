"""The imports of a program at startup. Times are in `benchmarks/startup.py`."""

import numpy as np
import polars as pl
import pytest

import numerate
from numerate.regress import search_table
from numerate.tables import read_table
from tests.adapters.processes import output, start
from tests.each import each

AT_THE_END = """
import atexit, sys
atexit.register(lambda: print("imported:", *sys.modules))
"""
COMMAND_LINE = "from numerate.cli import main; main()"
ONE_AFTER_THE_OTHER = """
from numerate.cli import main
for command in sys.argv[1:]:
    sys.argv[1:] = command.split()
    try:
        main()
    except SystemExit as end:
        assert not end.code, command
"""
SLOW = {"jax", "equinox", "optax", "sklearn", "pandas", "scipy.stats", "matplotlib", "torch"}
LIBRARIES = SLOW | {"numpy", "scipy", "sympy", "polars"}


def imported(code, *arguments):
    """The modules that a program has imported when it ends."""
    printed = output(start("-c", AT_THE_END + code, *arguments))
    return set(printed.rpartition("imported: ")[2].split())


@each(
    "arguments, unwanted",
    [
        (["--help"], LIBRARIES | {"rich", "importlib.metadata"}),
        (["fit", "--help"], LIBRARIES),
        (["datasets"], SLOW | {"scipy", "sympy"}),
    ],
)
def test_the_command_line_imports_what_a_command_needs(arguments, unwanted):
    modules = imported(COMMAND_LINE, *arguments)
    assert "numerate.cli" in modules
    assert not modules & unwanted


def test_a_formula_is_found_saved_and_used_without_slow_libraries(tmp_path):
    """One command after the other in one process; each must exit with code 0."""
    path = str(tmp_path / "kepler.safetensors")
    modules = imported(
        ONE_AFTER_THE_OTHER,
        *("fit kepler", f"fit kepler --out {path}", f"show {path}", f"predict {path} kepler"),
    )
    assert {"numerate.cli", "sympy"} <= modules
    assert not modules & SLOW


def test_numerate_alone_imports_no_library():
    assert not imported("import numerate") & (LIBRARIES | {"rich", "typer", "importlib.metadata"})


@pytest.mark.slow
def test_the_imports_of_a_fit_leave_the_random_state():
    code = (
        "import random; state = random.getstate(); import numerate.regress._stacks, numerate.train;"
        " from scipy import optimize, stats; assert random.getstate() == state\n"
    )
    assert "rich" not in imported(code)


def test_the_torch_adapter_imports_jax_with_the_first_unit():
    code = (
        "import numerate.torch, sys; numerate.torch.Unit; before = set(sys.modules);"
        " numerate.torch.NAU; print(*before, '|', *set(sys.modules) - before)"
    )
    before, then = (set(part.split()) for part in output(start("-c", code)).split("|"))
    assert "torch" in before
    assert not before & {"jax", "equinox", "optax", "sympy", "numerate.units"}
    assert "jax" in then


def test_the_search_without_scikit_learn_is_that_of_the_estimator():
    table = read_table("kepler")
    found, fitted = search_table(table), numerate.fit("kepler")
    plain, estimated = found.report(), fitted.report()
    assert plain.pop("seconds") > 0 and estimated.pop("seconds") > 0
    assert plain == estimated
    names = table.names[:-1]
    frame = pl.DataFrame(table.values[:, :-1], schema=list(names))
    np.testing.assert_array_equal(found.predict(table.values[:, :-1]), fitted.predict(frame))
