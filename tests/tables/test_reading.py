"""Tables in all formats, read to the same numbers."""

import io
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from numerate.tables import InputError, read_features, read_table
from numerate.tables._parquet import read_parquet
from tests.each import each

ROWS = "a,b,y\n1.5,2,3.50\n2.5,3,5.50\n3.5,5,8.25\n4.5,7,11.75\n"
VALUES = np.array([[1.5, 2, 3.5], [2.5, 3, 5.5], [3.5, 5, 8.25], [4.5, 7, 11.75]])
RESOLUTION = np.tile([0.05, 0.5, 0.005], (4, 1))


def file(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def assert_is_the_table(table):
    assert table.names == ("a", "b", "y")
    np.testing.assert_array_equal(table.values, VALUES)
    np.testing.assert_allclose(table.resolution, RESOLUTION, rtol=1e-12)


SPELLINGS = {
    "plain": ROWS,
    "no line end at the end": ROWS.rstrip(),
    "Windows line ends": ROWS.replace("\n", "\r\n"),
    "old Macintosh line ends": ROWS.replace("\n", "\r"),
    "byte order mark": "\ufeff" + ROWS,
    "two byte order marks": "\ufeff\ufeff" + ROWS,
    "UTF-16": ROWS.encode("utf-16"),
    "blank lines at the end": ROWS + "\n\n",
    "empty rows at the end": ROWS + ",,\n,,\n",
    "blank lines before and between": "\n\n" + ROWS.replace("2.5,3", "\n2.5,3"),
    "spaces": ROWS.replace(",", " , "),
    "quotation marks": ROWS.replace("1.5", '"1.5"').replace("a,", '"a",'),
    "semicolons": ROWS.replace(",", ";"),
    "tabs in a .csv": ROWS.replace(",", "\t"),
    "empty column without a name": ROWS.replace("\n", ",\n"),
    "index without a name": "".join(f"{i},{line}" for i, line in enumerate(
        ROWS.splitlines(keepends=True))).replace("0,a", ",a"),
}  # fmt: skip


@each("content", SPELLINGS.values())
def test_spellings_of_csv(tmp_path, content):
    assert_is_the_table(read_table(file(tmp_path, content)))


def test_a_path_may_be_text_and_its_extension_in_capitals(tmp_path):
    assert_is_the_table(read_table(str(file(tmp_path, ROWS, "T.CSV"))))


def test_tsv(tmp_path):
    assert_is_the_table(read_table(file(tmp_path, ROWS.replace(",", "\t"), "t.tsv")))


@each("extension", [".ndjson", ".jsonl"])
def test_ndjson_keeps_what_is_written(tmp_path, extension):
    lines = [
        '{"a": 1.5, "b": 2, "y": 3.50}',
        '{"b": 3, "a": 2.5, "y": 5.50, "note": "keys in any order, and more of them"}',
        "",
        '{"a": 3.5, "b": 5, "y": 8.25}',
        '{"a": 4.5, "b": 7, "y": 11.75}',
    ]
    path = file(tmp_path, "\n".join(lines), "t" + extension)
    assert_is_the_table(read_table(path, target="y", features=["a", "b"]))


def test_parquet(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"a": VALUES[:, 0], "b": [2, 3, 5, 7], "y": VALUES[:, 2]})
    frame.write_parquet(path)
    assert_is_the_table(read_table(path))


def test_parquet_decimals_say_how_many_are_kept(tmp_path):
    path = tmp_path / "t.parquet"
    cents = pl.Series("x", [Decimal(c).scaleb(-2) for c in (150, 200, 325, 700)], pl.Decimal(9, 2))
    pl.DataFrame([cents, pl.Series("y", [1, 2, 3, 4])]).write_parquet(path)
    table = read_table(path)
    assert table.values[:, 0].tolist() == [1.5, 2.0, 3.25, 7.0]
    np.testing.assert_allclose(table.resolution[:, 0], 0.005)


def test_parquet_float32_is_as_precise_as_its_format(tmp_path):
    path = tmp_path / "t.parquet"
    x = np.array([1 / 3, 2 / 3, 4 / 3, 8 / 3], np.float32)
    pl.DataFrame({"x": x, "y": [1, 2, 3, 4]}).write_parquet(path)
    table = read_table(path)
    np.testing.assert_array_equal(table.values[:, 0], x.astype(float))
    np.testing.assert_array_equal(table.resolution[:, 0], np.spacing(x) / 2)


PRODUCTS = "1 2 2\n2 3 6\n3 5 15\n4 7 28\n"
DELIMITED = {
    "blanks": ("t.csv", "a b y\n" + PRODUCTS),
    "blanks in columns": ("t.txt", "   a   b    y\n" + PRODUCTS.replace(" ", "    ")),
    "bars": ("t.csv", ("a b y\n" + PRODUCTS).replace(" ", "|")),
    "a declared separator": ("t.csv", "sep=;\n" + ("a b y\n" + PRODUCTS).replace(" ", ";")),
    "a declared odd separator": ("t.csv", "SEP=^\r\n" + ("a b y\n" + PRODUCTS).replace(" ", "^")),
    "comments": ("t.csv", "# run 12\n# units: m, s\na,b,y\n" + PRODUCTS.replace(" ", ",")),
    "a commented header": ("t.dat", "# a b y\n" + PRODUCTS),
    "a commented header of .csv": ("t.csv", "# x\n#a,b,y\n" + PRODUCTS.replace(" ", ",")),
    "tabs in a .dat": ("t.dat", ("a b y\n" + PRODUCTS).replace(" ", "\t")),
}


@each("name, content", DELIMITED.values())
def test_separators_and_comments(tmp_path, name, content):
    table = read_table(file(tmp_path, content, name))
    assert table.names == ("a", "b", "y") and table.notes == ()
    np.testing.assert_array_equal(table.values[:, 0] * table.values[:, 1], table.values[:, 2])
    # Lines keep their numbers, whatever stands above the table.
    line = content.count("\n", 0, content.index("28")) + 1
    with pytest.raises(InputError, match=rf"column 'y', row 4 \(line {line}\): 'x' is not"):
        read_table(file(tmp_path, content.replace("28", "x"), name))


def test_years_are_a_header(tmp_path):
    table = read_table(file(tmp_path, "2019,2020,2021\n" + PRODUCTS.replace(" ", ",")))
    assert table.names == ("2019", "2020", "2021") and len(table.values) == 4
    assert "the years 2019 to 2021 are taken as the header" in table.notes[0]
    rows = "2019,2020\n2020,2022\n2021,2023\n2022,2026\n"
    assert len(read_table(file(tmp_path, rows)).values) == 4


def test_one_column_may_have_blanks_in_its_name(tmp_path):
    table = read_features(file(tmp_path, "semi-major axis\n2.77\n"), ["semi-major axis"])
    assert table.values.tolist() == [[2.77]]


def test_a_column_may_be_called_like_a_comment(tmp_path):
    table = read_table(file(tmp_path, "#,a,y\n1,2,3\n2,3,5\n3,5,7\n4,7,11\n"))
    assert table.names == ("#", "a", "y")


def test_parquet_types_of_all_kinds(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "")  # no process of its own for each file
    path = tmp_path / "t.parquet"
    y = pl.Series("y", [1, 2, 3, 4])
    whole = [3, -7, 11, 2]
    read = {
        "Int128": pl.Series("x", whole, pl.Int128),
        "UInt8": pl.Series("x", [3, 7, 11, 2], pl.UInt8),
        "Decimal": pl.Series("x", [Decimal(n) for n in whole], pl.Decimal(38, 10)),
        "Float32": pl.Series("x", whole, pl.Float32),
        "Categorical": pl.Series("x", map(str, whole)).cast(pl.Categorical),
        "Enum": pl.Series("x", map(str, whole)).cast(pl.Enum(map(str, whole))),
    }
    for name, column in read.items():
        pl.DataFrame([column, y]).write_parquet(path)
        table = read_table(path)
        assert table.values[:, 0].tolist() == [abs(n) if name == "UInt8" else n for n in whole]
        assert np.isfinite(table.resolution).all(), name
    refused = {
        "List": pl.Series("x", [[1], [2], [3], [4]]),
        "Array": pl.Series("x", [[1, 2]] * 4, pl.Array(pl.Int64, 2)),
        "Struct": pl.Series("x", [{"a": 1}] * 4),
        "Binary": pl.Series("x", [b"1"] * 4),
        "Date": pl.Series("x", [date(2024, 1, n) for n in range(1, 5)]),
        "Boolean": pl.Series("x", [True, False, True, True]),
        "Categorical": pl.Series("x", list("abca"), pl.Categorical),
    }
    for name, column in refused.items():
        pl.DataFrame([column, y]).write_parquet(path)
        with pytest.raises(InputError, match="column 'x', row 1: .* is not a number") as caught:
            read_table(path, features=["x"])
        assert "\n" not in str(caught.value), name


def test_a_parquet_file_that_ends_the_process_of_its_reader(monkeypatch):
    """Its page asks for more memory than there is. Random changes of a good file made it."""
    path = Path(__file__).with_name("aborts.parquet")
    with pytest.raises(InputError, match="aborts.parquet cannot be read as Parquet"):
        read_table(path)
    good = io.BytesIO()
    pl.DataFrame({"a": [1, 2]}).write_parquet(good)
    monkeypatch.setattr(sys, "executable", "/nowhere")
    assert read_parquet(good.getvalue(), "t").content["a"].to_list() == [1, 2]


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ROWS.encode())))
    table = read_table("-")
    assert_is_the_table(table)
    assert table.source == "standard input"


def test_more_than_the_memory_holds_is_one_sentence(tmp_path, monkeypatch):
    def read(*_):
        raise MemoryError

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=SimpleNamespace(read=read)))
    with pytest.raises(InputError, match=r"standard input is larger than the memory\."):
        read_table("-")
    (tmp_path / "t.csv").write_text(ROWS)
    monkeypatch.setattr(Path, "read_bytes", read)
    with pytest.raises(InputError, match=r"t\.csv is larger than the memory\."):
        read_table(tmp_path / "t.csv")


@each("kind", [dict, pd.DataFrame, pl.DataFrame])
def test_frames_and_mappings(kind):
    columns = {"a": VALUES[:, 0], "b": [2, 3, 5, 7], "y": VALUES[:, 2]}
    assert_is_the_table(read_table(kind(columns)))


def test_a_table_read_again_keeps_its_resolution():
    table = read_table({"a": [1.5, 2, 3, 4], "b": [1, 2, 3, 5], "y": [1, 2, 3, 4.25]})
    again = read_table(table, features=["b"])
    assert again.names == ("b", "y")
    np.testing.assert_array_equal(again.resolution, table.resolution[:, [1, 2]])


def test_columns_come_in_the_order_asked_for(tmp_path):
    table = read_table(file(tmp_path, ROWS), target="a", features=["y", "b"])
    assert table.names == ("y", "b", "a")
    np.testing.assert_array_equal(table.values, VALUES[:, [2, 1, 0]])


def test_text_columns_are_left_out_with_a_note(tmp_path):
    rows = ROWS.replace("\n", ",x\n").replace("y,x", "y,name")
    table = read_table(file(tmp_path, rows), target="y")
    assert_is_the_table(table)
    assert table.notes == (f"{tmp_path / 't.csv'}: left out 1 column of text: 'name'.",)


def test_a_text_column_may_lack_cells(tmp_path):
    names = iter(["name", "nan", "", "x", "y"])
    rows = "".join(f"{line},{next(names)}\n" for line in ROWS.splitlines())
    assert read_table(file(tmp_path, rows), target="y").names == ("a", "b", "y")


def test_an_unused_column_may_hold_anything(tmp_path):
    rows = ROWS.replace("2,3.50", "n/a,3.50").replace("3,5.50", ",5.50")
    assert read_table(file(tmp_path, rows), features=["a"]).names == ("a", "y")


def test_a_file_without_a_header_gets_names(tmp_path):
    table = read_table(file(tmp_path, ROWS.split("\n", 1)[1]))
    assert table.names == ("x1", "x2", "y")
    np.testing.assert_array_equal(table.values, VALUES)
    assert "no header; its columns are called x1, x2, y." in table.notes[0]
    wide = ",".join(map(str, range(200)))
    table = read_table(file(tmp_path, "".join(f"{wide}{i}\n" for i in range(4)), "wide.csv"))
    assert table.notes[0].endswith(" its columns are called x1, x2, …, x199, y.")


def test_magnitudes_up_to_the_limits_of_double_precision(tmp_path):
    rows = "x,y\n1e300,1e-300\n2e300,2.5e-300\n-3e300,-3e-300\n1.7976931348623157e308,5e-324\n"
    table = read_table(file(tmp_path, rows))
    assert table.values[:, 0].tolist() == [1e300, 2e300, -3e300, sys.float_info.max]
    assert table.values[:, 1].tolist() == [1e-300, 2.5e-300, -3e-300, 5e-324]
    assert np.isfinite(table.resolution).all()


def test_prediction_needs_the_features_only_and_one_row(tmp_path):
    table = read_features(file(tmp_path, "b,name,a\n7,Ceres,2.77\n"), ["a", "b"])
    assert table.names == ("a", "b")
    assert table.values.tolist() == [[2.77, 7.0]]


def test_a_first_name_may_begin_as_a_compressed_file(tmp_path):
    """Polars takes x^ for the beginning of one."""
    for first in ("x^2", "x^", "x\x01"):
        table = read_table(file(tmp_path, f"{first};y\n1.5;2\n2;3\n2.5;4\n3;5\n"))
        assert table.names == (first, "y") and table.values[0].tolist() == [1.5, 2]


def test_names_are_no_patterns_of_names(tmp_path):
    """Polars takes a name between ^ and $ for a regular expression of names."""
    rows = {name: [1.5 + i, 2.5, 3.25, 7] for i, name in enumerate(["^a$", "^[$", "^.*$", "*"])}
    few = pl.DataFrame({"^t$": list("abcd")} | rows)
    many = pl.DataFrame({f"^{i}$": [1.5, 2, 3, 4] for i in range(250)} | rows)
    for frame, chosen in ((few, tuple(rows)), (many, tuple(many.columns))):
        frame.write_csv(tmp_path / "t.csv")
        frame.write_ndjson(tmp_path / "t.ndjson")
        frame.write_parquet(tmp_path / "t.parquet")
        for source in (frame, *(tmp_path / f"t.{kind}" for kind in ("csv", "ndjson", "parquet"))):
            table = read_table(source)
            assert table.names == chosen
            np.testing.assert_array_equal(table.values[:, -4:], np.array(list(rows.values())).T)
            assert read_features(source, ["^[$"]).values.ravel().tolist() == rows["^[$"]
    with pytest.raises(InputError, match="column .*t.*, row 1: 'a' is not a number"):
        read_features(few, ["^t$"])


@each("extension, rows", [(".csv", 2 * 10**5), (".parquet", 10**6)])
def test_many_rows(tmp_path, extension, rows):
    frame = pl.DataFrame(np.random.default_rng(0).normal(size=(rows, 5)), schema=list("abcdy"))
    path = tmp_path / ("large" + extension)
    frame.write_csv(path) if extension == ".csv" else frame.write_parquet(path)
    start = time.perf_counter()
    table = read_table(path)
    # Measured 0.3 s (CSV) and 0.2 s (Parquet) on 2 cores.
    assert time.perf_counter() - start < 5
    np.testing.assert_array_equal(table.values, frame.to_numpy())
    assert not table.resolution.any()
