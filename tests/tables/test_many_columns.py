"""Tables of many columns: the numbers of as many tables of one, in little time for each."""

import json
import random
import sys
import time

import numpy as np
import polars as pl
import pytest

from numerate.tables import InputError, _columns, _delimited, read_features, read_table
from tests.tables.test_reading import file


def test_many_columns_are_read_as_few_are_and_in_linear_time(tmp_path):
    """Above 200 columns of text, all cells are read together."""
    rng = np.random.default_rng(0)
    kinds = [
        lambda: [
            f"{v:.{d}f}" for v, d in zip(rng.normal(size=9), rng.integers(0, 6, 9), strict=True)
        ],
        lambda: [f"{v:.3g}" for v in 10 ** rng.uniform(-8, 8, 9)],
        lambda: [repr(v) for v in rng.normal(size=9).tolist()],
        lambda: [str(v) for v in rng.integers(-99, 99, 9)],
        lambda: ["0", "0.0", "-0.50", "+1.5", "007", ".5", "5.", "1E3", "1.50e-7"],
        lambda: ["a", "1e", "e", "", "x", "y", "z", "-", "."],
    ]
    columns = {f"c{i}": kinds[i % 6]() for i in range(300)} | {"y": kinds[0]()}
    wide = read_table(file(tmp_path, pl.DataFrame(columns).write_csv()))
    assert len(wide.names) == 251 and "left out 50 columns of text" in wide.notes[0]
    for name, values, resolution in zip(wide.names, wide.values.T, wide.resolution.T, strict=True):
        few = read_features(pl.DataFrame({name: columns[name]}), [name])
        np.testing.assert_array_equal(values, few.values[:, 0], err_msg=name)
        np.testing.assert_array_equal(resolution, few.resolution[:, 0], err_msg=name)
    rows = zip(*columns.values(), strict=True)
    objects = [dict(zip(columns, row, strict=True)) for row in rows]
    lines = [json.dumps(row) for row in objects]
    lines[3] = json.dumps(dict(reversed(objects[3].items())))
    header, *plain = pl.DataFrame(columns).write_csv().replace('""', "w").splitlines()
    others = {
        "spaced.csv": pl.DataFrame(columns).write_csv().replace(",", " , ") + "\n" + "," * 300,
        "quoted.csv": pl.DataFrame(columns).write_csv(quote_style="always", line_terminator="\r\n"),
        "plain.csv": "\n".join([header, *plain]),
        "ends.csv": "\r\n".join(['"' + header.replace(",", '","') + '"', *plain, ""]),
        "t.ndjson": "\n\n".join(json.dumps(row, separators=(",", ": ")) for row in objects),
        "irregular.ndjson": "\n".join(lines),
    }
    for name, text in others.items():
        again = read_table(file(tmp_path, text, name))
        assert again.names == wide.names, name
        np.testing.assert_array_equal(again.values, wide.values, err_msg=name)
        np.testing.assert_array_equal(again.resolution, wide.resolution, err_msg=name)
    columns["c1"][4] = "x"
    with pytest.raises(InputError, match=r"column 'c1', row 5 \(line 6\): 'x' is not a number"):
        read_table(file(tmp_path, pl.DataFrame(columns).write_csv()))


def test_many_columns_keep_their_numbers_in_any_order(tmp_path):
    """They were taken in the order of the file where all of them were asked for."""
    columns = {f"c{i}": [f"{i}.{r}" for r in range(1, 5)] for i in range(250)}
    numbers = {name: [float(cell) for cell in cells] for name, cells in columns.items()}
    frame = pl.DataFrame(columns)
    pl.DataFrame(numbers).write_parquet(tmp_path / "t.parquet")
    sources = [
        file(tmp_path, frame.write_csv(separator=";"), "plain.csv"),
        file(tmp_path, frame.write_csv(quote_style="always"), "quoted.csv"),
        file(tmp_path, pl.DataFrame(numbers).write_ndjson(), "t.ndjson"),
        tmp_path / "t.parquet",
        columns,
        numbers,
    ]
    names = list(columns)
    backwards = names[::-1]
    for source in sources:
        for table, order in [
            (read_table(source), names),
            (read_table(source, target="c7"), [n for n in names if n != "c7"] + ["c7"]),
            (read_table(source, target="c0", features=backwards[:-1]), backwards),
            (read_features(source, backwards), backwards),
            (read_features(source, ["c9", "c3"]), ["c9", "c3"]),
        ]:
            assert list(table.names) == order
            expected = np.array([numbers[name] for name in order]).T
            np.testing.assert_array_equal(table.values, expected, err_msg=str(source)[-9:])


def test_many_columns_of_numbers_are_read_as_few_are(tmp_path):
    rng = np.random.default_rng(0)
    some = np.round(10 ** rng.uniform(-6, 6, (9, 3)), 3) * [1, 1, 0]
    kinds = [
        *(pl.Series(some[:, i] * s, dtype=t) for i in range(3) for s, t in
          [(1, pl.Float64), (1, pl.Float32), (1e4, pl.Int64), (1, pl.Decimal(38, 4))]),
        pl.Series(rng.normal(size=9)), pl.Series(rng.normal(size=9), dtype=pl.Float32),
        pl.Series(range(9), dtype=pl.Int128), pl.Series([True, False, None] * 3),
        pl.Series([[1.5]] * 9), pl.Series([1500.0, 1e22, 1e-7] * 3), pl.Series([None] * 9),
    ]  # fmt: skip
    table = {f"c{i}": kind for i, kind in enumerate(kinds * 250)} | {"y": kinds[0]}
    numeric = [n for n, s in table.items() if s.dtype.is_numeric()]
    pl.DataFrame(table).write_parquet(tmp_path / "t.parquet")
    wide = read_table(tmp_path / "t.parquet", features=numeric[:-1])
    assert wide.names == tuple(numeric)
    few = {n: read_features({n: table[n]}, [n]) for n in numeric[: len(kinds)]}
    for name, values, resolution in zip(wide.names, wide.values.T, wide.resolution.T, strict=True):
        alone = few["c0" if name == "y" else f"c{int(name[1:]) % len(kinds)}"]
        np.testing.assert_array_equal(values, alone.values[:, 0], err_msg=name)
        np.testing.assert_array_equal(resolution, alone.resolution[:, 0], err_msg=name)
    with pytest.raises(InputError, match="column 'c18', row 1: the cell is empty"):
        read_table(tmp_path / "t.parquet")


def calls_to_read(path) -> int:
    """How many functions Python calls to read a table. Each works on one column or on many."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        read_table(path)
    finally:
        sys.setprofile(None)
    return count


def test_many_columns_take_little_work_each_and_none_for_each_cell(tmp_path):
    """20,000 columns of 100 rows, 0.8 s of processor time, are some 20 calls for a column."""

    def content(columns, rows, name):
        names = [f"c{i}" for i in range(columns)]
        cells = [[f"{i * i % 997}.{r % 7}" for i in range(columns)] for r in range(rows)]
        if name == "t.ndjson":
            lines = [", ".join(map('"{}": {}'.format, names, row)) for row in cells]
            return "".join(f"{{{line}}}\n" for line in lines)
        mark = "\t" if name == "t.tsv" else ","
        return "\n".join(map(mark.join, [names, *cells]))

    for name in ("t.csv", "t.tsv", "t.ndjson"):
        _, few, many, long = (  # The first table takes imports.
            calls_to_read(file(tmp_path, content(*shape, name), name))
            for shape in [(1000, 5), (1000, 5), (3000, 5), (1000, 50)]
        )
        assert many - few < 30 * 2000, name
        assert long - few < 1000, name  # 45,000 more cells


def test_ten_thousand_columns_are_read_in_linear_time(tmp_path):
    names = [f"c{i}" for i in range(10_000)]
    rows = [[f"{n}.5" for n in range(r, 10_000 + r)] for r in range(10)]
    text = "\n".join(map(",".join, [names, *rows]))
    numbers = [dict(zip(names, map(float, row), strict=True)) for row in rows]
    files = {
        "t.csv": text,
        "spaced.csv": text.replace(",", ", "),
        "t.dat": text.replace(",", " "),
        "t.ndjson": "\n".join(map(json.dumps, numbers)),
    }
    paths = [file(tmp_path, content, name) for name, content in files.items()]
    pl.DataFrame(np.array(rows, float), names).write_parquet(tmp_path / "t.parquet")
    for path in (*paths, tmp_path / "t.parquet"):
        begun = time.process_time()
        assert read_table(path).values.shape == (10, 10_000)
        # Less than 0.2 s; one column after the other takes 5 s.
        assert time.process_time() - begun < 2, path


def test_damaged_tables_are_read_alike_or_refused_alike_by_both_ways(tmp_path, monkeypatch):
    """Those that may be kept as one column of text, and the others."""
    for module in (_columns, _delimited):
        monkeypatch.setattr(module, "MANY_COLUMNS", 3)
    regular, draw = _delimited._regular, random.Random(0)
    cells = ["1", "2.5", "-3e5", "0.10", "1e-3", "x^2"]
    damage = [*',;\n\r \t#é\0\\"\ufeff\x85\x1c', "\r\n", "x^", '"c"', "1,5"]
    kept = 0

    def read(by):
        monkeypatch.setattr(_delimited, "_regular", by)
        try:
            table = read_table(tmp_path / "t.csv")
        except InputError as error:
            return str(error)
        return table.names, table.values.tolist(), table.resolution.tolist(), table.notes

    def counted(*arguments):
        nonlocal kept
        kept += (found := regular(*arguments)) is not None
        return found

    for number in range(150):
        rows = [[draw.choice(cells[: 5 + number % 2]) for _ in "abcd"] for _ in range(6)]
        text = "\n".join(map(draw.choice(",;\t").join, ["abcd", *rows]))
        text += draw.choice(["", "\n", "\r\n"])
        for _ in range(number % 3):
            at = draw.choice([0, draw.randrange(9), draw.randrange(len(text))])
            text = text[:at] + draw.choice(damage) + text[at + draw.choice([0, 1, 3]) :]
        file(tmp_path, text)
        assert read(counted) == read(lambda *_: None), repr(text)
    assert 30 < kept < 90
