"""Every kind of bad input gives one sentence that names the file, the column and the row."""

import pandas as pd
import polars as pl
import pytest

from numerate.tables import InputError, read_features, read_table
from tests.each import each

GOOD = "a,b\n1,2\n2,3\n3,4\n4,6\n"


def with_cell(cell, row="3,4"):
    return GOOD.replace(row, cell)


CELLS = [
    ("3,x", "column 'b', row 3 (line 4): 'x' is not a number"),
    ("3,", "column 'b', row 3 (line 4): the cell is empty"),
    ("3", "column 'b', row 3 (line 4): the cell is empty"),
    (",4", "column 'a', row 3 (line 4): the cell is empty"),
    ('3,"  "', "column 'b', row 3 (line 4): the cell is empty"),
    ("3,NaN", "column 'b', row 3 (line 4): 'NaN' stands for a missing number"),
    ("3,N/A", "column 'b', row 3 (line 4): 'N/A' stands for a missing number"),
    ("-inf,4", "column 'a', row 3 (line 4): '-inf' is infinite"),
    ("3,Infinity", "column 'b', row 3 (line 4): 'Infinity' is infinite"),
    ("3,1e400", "column 'b', row 3 (line 4): '1e400' is too large for double precision"),
    ("3,1e-400", "column 'b', row 3 (line 4): '1e-400' is too small for double precision"),
    ('3,"4,5"', "'4,5' is not a number (write a decimal point and no thousands separator)"),
    ('3,"1,234.5"', "'1,234.5' is not a number (write a decimal point and no thousands"),
    ("3,€4", "'€4' is not a number"),
    ("3,4%", "'4%' is not a number"),
    ("3,1_000", "'1_000' is not a number"),
    ("3,0x10", "'0x10' is not a number"),
    ("3,1 000", "'1 000' is not a number"),
    ("3,2024-05-01", "'2024-05-01' is not a number"),
    ("3,true", "'true' is not a number"),
    ("3,4,5", "row 3 (line 4) has 3 fields, but the first row has 2"),
    ("\n\n3,x", "column 'b', row 3 (line 6): 'x' is not a number"),
]


@each("cell, message", CELLS)
def test_bad_cells_are_located(tmp_path, cell, message):
    path = tmp_path / "t.csv"
    path.write_text(with_cell(cell), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


FILES = [
    ("t.csv", "", "is empty"),
    ("t.csv", "\n \n", "is empty"),
    ("t.csv", "a,b\n", "has a header but no rows below it"),
    ("t.csv", "a,b\n1,2\n2,3\n3,4\n", "has only 3 rows; a formula needs at least 4"),
    ("t.csv", "a,b\n1,2\n", "has only 1 row;"),
    ("t.csv", "a,a\n" + GOOD[4:], "columns 1 and 2 are both named 'a'"),
    ("t.csv", "a, a\n" + GOOD[4:], "columns 1 and 2 are both named 'a'"),
    ("t.csv", "a,b\n1,5\n2,5\n3,5\n4,5\n", "target column 'b' is constant (5 in every row)"),
    ("t.csv", "a,b,y\n1,2,5\n2,3,5\n3,4,5\n4,6,5\n", "target column 'y' is constant (5 in"),
    ("t.csv", "b\n1\n2\n3\n4\n", "apart from the target 'b', there is no column."),
    ("t.csv", "n,b\nw,1\nx,2\ny,3\nz,4\n", "has no feature column: apart from the target 'b', no"),
    ("t.csv", "a,n\n1,w\n2,x\n3,y\n4,z\n", "column 'n', row 1 (line 2): 'w' is not a number"),
    ("t.csv", "a,b\n1,\n2,\n3,\n4,\n", "the cell is empty (and 3 more cells in this column)"),
    ("t.csv", 'a,b\n1,"2\n2,3\n', "look for a stray or unclosed quotation mark"),
    ("t.csv", 'a,"b\n' + "1,2\n" * 50_000, "look for a stray or unclosed quotation mark"),
    ("t.csv", b"a,b\n1,2\n2,\xe9\n", "line 3: the text is not UTF-8"),
    (
        "t.xlsx",
        GOOD,
        "must be one of .csv, .dat, .txt, .tsv, .parquet, .ndjson, .jsonl, not '.xlsx'",
    ),
    ("t", GOOD, "must be one of .csv, .dat, .txt, .tsv, .parquet, .ndjson, .jsonl, not ''"),
    ("t.parquet", GOOD, "cannot be read as Parquet"),
    ("t.parquet", "", "cannot be read as Parquet"),
    ("t.ndjson", "", "is empty"),
    ("t.ndjson", '{"a": 1\n', "line 1 is not valid JSON"),
    ("t.ndjson", "[1, 2]\n", "line 1 should hold a JSON object"),
    ("t.ndjson", '{"a": 1, "a": 2}\n', "line 1: columns 1 and 2 are both named 'a'"),
    ("t.ndjson", b'{"a": "\xe9"}\n', "line 1 is not valid JSON (not UTF-8)"),
    ("t.ndjson", "[" * 100_000, "line 1 is nested too deep"),
    ("t.ndjson", '{"a": "\\ud800"}\n', "line 1 has half a character, '\\ud800'"),
    ("t.ndjson", '{"\\udc00": 1}\n', "line 1 has half a character"),
    ("t.csv", f"a,b\n{'x' * 10**6},2\n2,3\n3,4\n4,6\n", "column 'a', row 1: 'xxx"),
    ("t.csv", f"a,b\n1,{'x' * 10**6}\n2,3\n3,4\n4,6\n", "'" + "x" * 80 + "…' is not a number"),
    (
        "t.ndjson",
        "\n".join(f'{{"k{i}": 1}}' for i in range(2000)),
        "has 2000 columns and 2000 rows, but only 2000 cells; give every row a value for every",
    ),
    (
        "t.csv",
        ",".join(f"k{i}" for i in range(2000)) + "\n1" * 2000,
        "has 2000 columns and 2001 rows, but only 4000 cells; give every row a value for every",
    ),
    ("t.csv", f"{'a' * 10**5},b\nx,2\n2,3\n3,4\n4,6\n", "'" + "a" * 80 + "…', row 1"),
]


@each("name, content, message", FILES)
def test_bad_files(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_table(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 600 and "\n" not in str(caught.value)


NDJSON = '{"a":1,"b":2}\n{"a":2,"b":3}\n\n{"a":3,"b":%s}\n{"a":4,"b":6}\n'


@each(
    "cell, fault",
    [
        ("null", "the cell is empty"),
        ('"x"', "'x' is not a number"),
        ("NaN", "'NaN' stands for a missing number"),
        ("-Infinity", "'-Infinity' is infinite"),
        ("true", "'true' is not a number"),
        ("[4]", "is not a number"),
        ('{"c":4}', "is not a number"),
    ],
)
def test_bad_json_values_are_located(tmp_path, cell, fault):
    path = tmp_path / "t.ndjson"
    path.write_text(NDJSON % cell)
    with pytest.raises(InputError, match=r"column 'b', row 3 \(line 4\)") as caught:
        read_table(path)
    assert fault in str(caught.value)


@each(
    "choice, message",
    [
        ({"target": "B"}, "has no column 'B'. Did you mean 'b'? Its columns are 'a', 'b'."),
        ({"features": ["z"]}, "has no column 'z'. Its columns are 'a', 'b'."),
        ({"features": ["b"]}, "'b' is the target and cannot be a feature as well"),
        ({"target": "a", "features": ["b", "a"]}, "'a' is the target and cannot be a feature"),
        ({"features": ["a", "a"]}, "feature 'a' is named more than once"),
        ({"features": []}, "features must name at least one column"),
    ],
)
def test_bad_choices_of_columns(tmp_path, choice, message):
    path = tmp_path / "t.csv"
    path.write_text(GOOD)
    with pytest.raises(InputError) as caught:
        read_table(path, **choice)
    assert message in str(caught.value)


def test_missing_files_and_misspelt_data_sets(tmp_path):
    with pytest.raises(InputError, match="there is no file 'keplr'. Did you mean 'kepler'?"):
        read_table("keplr")
    with pytest.raises(InputError, match="is a directory"):
        read_table(tmp_path)


@each(
    "data, message",
    [
        (3, "not int"),
        ({"a": [1, 2], "b": [1, 2, 3]}, "columns must have equal lengths"),
        ({"a": [[1, 2]], "b": [1]}, "must have one dimension"),
        ({"a": [1, 2, 3, 4], "b": [1.0, None, 3, 4]}, "column 'b', row 2: the cell is empty"),
        ({"a": [1, 2, 3, 4], "b": [1, float("nan"), 3, 4]}, "column 'b', row 2: 'nan' stands for"),
        ({"a": [1, 2, 3, 4], "b": [1, float("inf"), 3, 4]}, "column 'b', row 2: 'inf' is infinite"),
        (pl.DataFrame({"a": [1, 2], "b": [1, None]}), "column 'b', row 2: the cell is empty"),
        (pd.DataFrame([[1, 2]] * 4, columns=["a", "a"]), "both named 'a'"),
    ],
)
def test_bad_frames(data, message):
    with pytest.raises(InputError) as caught:
        read_table(data)
    assert message in str(caught.value)


def test_prediction_names_missing_columns_and_bad_cells(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n")
    with pytest.raises(InputError, match="has no column 'c'"):
        read_features(path, ["a", "c"])
    with pytest.raises(InputError, match=r"column 'b', row 1 \(line 2\): 'x' is not a number"):
        read_features(path, ["a", "b"])


def test_quoted_line_breaks_do_not_mislead_the_line_number(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('"a\nname",b\n"1",2\n2,"x\ny"\n3,4\n')
    with pytest.raises(InputError, match=r"row 2 \(line 4\)"):
        read_table(path)
