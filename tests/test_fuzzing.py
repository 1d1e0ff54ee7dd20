"""Tables and models of others. Good ones are read to the same in every format. Damaged ones are
read or refused with `InputError`, soon, and in little memory. The inputs are the same each time.
"""

import contextlib
import copy
import functools
import io
import json
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from safetensors.numpy import save as to_bytes

from numerate.cli._console import output
from numerate.cli._report import print_report
from numerate.regress import load_model, save_model
from numerate.tables import InputError, read_features, read_table
from tests.cli.programs import environment
from tests.regress.test_store import EQUATION, FORMAT, MODEL, RANGE, written
from tests.strategies import contents, examples, models, tables

CSV = b"a,b,y\n1.5,2,3.50\n2.5,3,5.50\n3.5,5,8.25\n4.5,7,11.75\n"
NDJSON = b'{"a": 1.5, "y": 2}\n{"a": 2, "y": 3e2}\n{"a": -3, "y": 5}\n{"a": 4, "y": 7}\n'
PIECES = [
    b"", b",", b";", b"\t", b"|", b" ", b'"', b"'", b"\n", b"\r", b"\r\n", b"\0", b"\xff",
    b"\xef\xbb\xbf", b"\xff\xfe", b"#", b"sep=;\n", b"nan", b"inf", b"1e999", b"-0", b"9" * 400,
    b"1e-400", b"{", b"}", b"[" * 2000, b"]", b":", b"null", b"true", b"\\ud800", b"\\u0000",
    b"\xf0\x9f\x98\x80", b"2019,2020,2021\n", b"x" * 5000, b"0x1", b"1_0", b"--", b"=1+1",
    b"\x1b[31m",
]  # fmt: skip
VALUES = [
    None, True, -1, 0, 10**30, 1e308, float("nan"), float("inf"), "", "a", "exact", "9/0", "1/3",
    [], {}, [[]], ["+"], ["symbol", "a"], ["rational", "9" * 500], ["**", ["pi"], ["pi"]],
    "\ud800", ["float", "x"], ["rational", "-2/5"],
    ["*", *(["float", f"{number}"] for number in (1.5, 1.5, -2.5)), ["symbol", "a"]],
]  # fmt: skip


@given(table=tables())
@examples(30)
def test_every_format_is_read_to_the_same_table(tmp_path_factory, table):
    folder = tmp_path_factory.getbasetemp()
    found = []
    for name, content in contents(table).items():
        if name == "t.parquet":
            continue
        (folder / name).write_bytes(content)
        found.append(read_table(folder / name))
    for read in found:
        assert read.names == tuple(table.names)
        np.testing.assert_array_equal(read.values, np.array(table.rows, float))
        np.testing.assert_array_equal(read.resolution, found[0].resolution)


@given(content=models())
@examples(100)
def test_models_are_refused_or_shown_and_computed(tmp_path_factory, content):
    """What was read is written and read again to the same; its Python computes what it predicts."""
    folder = tmp_path_factory.getbasetemp()
    path = written(folder / "m", content, np.array([[-1.0, 0.5], [2.0, 3.0]]))
    begun = time.process_time()
    try:
        model = load_model(path)
    except InputError as error:
        assert len(str(error)) < 500 + len(str(path))
        return
    finally:
        assert time.process_time() - begun < 1
    with contextlib.redirect_stdout(io.StringIO()):
        print_report(output(), model)
    rows = np.array([[-0.5, 0.75], [1.0, 1.0], [1.5, 2.5]])
    predicted = model.predict(rows)
    assert model.latex() and model.meaning() and json.dumps(model.report())
    scope: dict = {}
    with np.errstate(all="ignore"):
        exec(model.python(), scope)
        (function,) = scope.keys() - {"numpy", "__builtins__"}
        computed = np.broadcast_to(scope[function](*rows.T), len(rows))
    finite = np.isfinite(predicted) & np.isfinite(computed)
    np.testing.assert_allclose(computed[finite], predicted[finite], rtol=1e-9)
    save_model(model, folder / "again")
    again = load_model(folder / "again")
    np.testing.assert_equal(again.report(), model.report())
    np.testing.assert_array_equal(again.predict(rows), predicted)
    assert time.process_time() - begun < 2


def mutated(rng: random.Random, content: bytes) -> bytes:
    """A content of which some bytes are changed, left out, repeated, or replaced."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4, 8])):
        at, length = rng.randrange(len(data) + 1), rng.choice([0, 1, 1, 3, 20])
        with_what = rng.choice(
            [rng.choice(PIECES), rng.randbytes(rng.choice([1, 4])), bytes(data[: rng.randrange(9)])]
        )
        data[at : at + rng.choice([length, len(with_what)])] = with_what
    return bytes(data)


def places(value, path=()):
    """The paths to all parts of a JSON value."""
    yield path
    parts = {dict: lambda: value.items(), list: lambda: enumerate(value)}.get(type(value), tuple)()
    for key, part in list(parts):
        yield from places(part, (*path, key))


def mutated_model(rng: random.Random) -> bytes:
    """A model's file with other values in its description, or damaged as a whole."""
    model = json.loads(json.dumps(MODEL | {"equations": [EQUATION]}))
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        path = rng.choice(list(places(model))[1:])
        parent = model
        for key in path[:-1]:
            parent = parent[key]
        if rng.random() < 0.2 and isinstance(parent, dict):
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(rng.choice(VALUES))
    shape = rng.choice([None, None, None, (2, 2), (1,), (0, 0)])
    data = RANGE if shape is None else np.ones(shape)
    content = to_bytes({"training_range": data}, {"format": FORMAT, "model": json.dumps(model)})
    return mutated(rng, content) if rng.random() < 0.3 else content


def read_model(path) -> None:
    model = load_model(path)
    model.report(), model.latex(), model.python(), model.meaning()
    model.predict(np.ones((2, len(model.feature_names))))


@functools.cache
def parquet() -> bytes:
    content = io.BytesIO()
    frame = pl.DataFrame({"a": [1.5, 2, 3, 4], "name": list("abca"), "y": [1, 2, 3, 5]})
    frame.write_parquet(content, compression="uncompressed")
    return content.getvalue()


KINDS = {
    "t.csv": (lambda rng: mutated(rng, CSV), read_table),
    "t.dat": (lambda rng: mutated(rng, CSV.replace(b",", b" ")), read_table),
    "p.csv": (lambda rng: mutated(rng, CSV), lambda path: read_features(path, ["a", "b"])),
    "t.ndjson": (lambda rng: mutated(rng, NDJSON), read_table),
    "m": (mutated_model, read_model),
    "t.parquet": (lambda rng: mutated(rng, parquet()), read_table),
}
COUNTS = [30, pytest.param(100_000 // 5, marks=pytest.mark.slow)]
# Without the process of its own in which the product tries a file first: this one may end.
PARQUET = """
import sys
from pathlib import Path
from numerate.tables import _parquet
from tests.test_fuzzing import peak, read_damaged
_parquet._fault = lambda data: None
begin, end = map(int, sys.argv[2:])
for found in read_damaged("t.parquet", Path(sys.argv[1]), end, begin):
    print(*found, flush=True)
    assert peak() < 2**20, found
"""


def peak() -> int:
    """The KiB that this process has had in memory at most."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # That of `getrusage` is at least what the process that started this one had.
    return int(re.search(r"VmHWM:\s*(\d+)", status.read_text())[1])


def read_damaged(name: str, path, end: int, begin: int = 0) -> Iterator[tuple[int, bool]]:
    """Reads damaged files: yields each one's index before, and whether it was refused after."""
    make, read = KINDS[name]
    rng = random.Random(2018)
    for index in range(end):
        content = make(rng)
        if index < begin:
            continue
        path.write_bytes(content)
        yield index, False
        refused, begun = False, time.process_time()
        try:
            read(path)
        except InputError as error:
            refused = True
            assert len(str(error)) < 1000 + len(str(path)), index
        except BaseException as error:
            error.add_note(f"input {index} of {name}: {content[:300]!r}")
            raise
        assert time.process_time() - begun < 2, index
        yield index, refused


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("name", [name for name in KINDS if name != "t.parquet"])
def test_damaged_files_are_read_or_refused(tmp_path, name, count):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = sum(refused for _, refused in read_damaged(name, tmp_path / name, count))
    assert 0 < refused < count
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 2**20  # KiB: 1 GiB


@pytest.mark.parametrize("count", COUNTS)
def test_damaged_parquet_files_are_read_or_refused(tmp_path, count):
    """All in one process; where the library ends it, and some others, as the product does."""
    path, begin, found = tmp_path / "t.parquet", 0, {}
    while begin < count:
        command = [sys.executable, "-c", PARQUET, str(path), str(begin), str(count)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True)
        pairs = [line.split() for line in done.stdout.splitlines()]
        found |= {int(index): refused == "True" for index, refused in pairs}
        begin = max(found) + 1
        assert done.returncode in (0, -signal.SIGABRT), done.stderr[-2000:]
        if done.returncode:
            with pytest.raises(InputError):
                read_table(path)
            found[max(found)] = True
    assert list(found) == list(range(count)) and 0 < sum(found.values()) < count
    rng = random.Random(2018)
    for index in range(count):
        content = mutated(rng, parquet())
        if index % (10 if count < 100 else 50):
            continue
        path.write_bytes(content)
        begun = time.process_time()
        with pytest.raises(InputError) if found[index] else contextlib.nullcontext():
            read_table(path)
        assert time.process_time() - begun < 2, index
