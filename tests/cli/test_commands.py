"""The output and files of the commands."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import numerate
from numerate.cli import app

KEYS = ["formula", "target", "features", "status", "relative_rmse", "holdout_relative_rmse",
        "complexity", "noise", "constants", "left", "worst_rows", "remarks", "equations", "seconds",
        "seed"]  # fmt: skip


def run(*arguments, code=0, **options):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], **options)
    assert result.exit_code == code, result.stderr
    return result


def program(*arguments, **options):
    code = "import numerate.cli; numerate.cli.main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        **options,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "kepler.safetensors"
    return path, run("fit", "kepler", "--out", path)


def test_fit_prints_formula_status_and_what_to_do_next(model):
    path, result = model
    lines = result.stdout.splitlines()
    assert lines[0] == "T = a**(3/2)"
    assert "within_precision" in result.stdout
    assert f"numerate predict {path} " in lines[-1]
    assert "left out 1 column of text: 'planet'" in result.stderr
    assert "\x1b" not in result.stdout


def test_json_is_one_object_on_standard_output_and_nothing_else():
    result = program("fit", "kepler", "--json")
    assert result.returncode == 0
    report = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert list(report) == KEYS
    assert report["formula"] == "a**(3/2)"
    assert (report["target"], report["features"]) == ("T", ["a"])
    assert report["status"] == "within_precision"
    assert report["seed"] == 0
    assert 0 < report["relative_rmse"] < 0.01
    assert 0 < report["holdout_relative_rmse"] < 0.01
    for equation in report["equations"]:
        assert list(equation) == ["formula", "complexity", "holdout_relative_rmse"]
    assert report["formula"] in [equation["formula"] for equation in report["equations"]]


def test_fit_reads_standard_input_and_chosen_columns():
    u, v, w = np.random.default_rng(0).uniform(1, 2, (3, 60))
    text = pl.DataFrame({"p": u * v, "u": u, "v": v, "w": w}).write_csv()
    result = run("fit", "-", "--target", "p", "--features", "u,v", "--json", input=text)
    report = json.loads(result.stdout)
    assert report["formula"] == "u*v"
    assert report["status"] == "exact"
    assert report["features"] == ["u", "v"]


def test_a_table_that_no_formula_fits_is_still_answered_with_code_0():
    rng = np.random.default_rng(1)
    text = "x,y\n" + "".join(f"{x!r},{y!r}\n" for x, y in rng.normal(size=(30, 2)).tolist())
    result = run("fit", "-", "--budget", "1", "--json", input=text)
    assert json.loads(result.stdout)["status"] == "approximate"


def test_show_repeats_what_fit_said(model):
    path, fitted = model
    shown = run("show", path).stdout
    assert shown.splitlines()[0] == fitted.stdout.splitlines()[0]
    assert "within_precision (as stored)" in shown


def test_show_in_other_notations(model):
    path, _ = model
    stored = json.loads(run("show", path, "--json").stdout)
    assert list(stored) == [*KEYS, "status_as_stored"]
    assert r"a^{\frac{3}{2}}" in run("show", path, "--latex").stdout
    namespace = {}
    exec(run("show", path, "--python").stdout, namespace)
    np.testing.assert_allclose(namespace["T"](np.array([4.0])), [8.0], rtol=1e-12)


def test_predict_answers_in_csv_and_warns_of_extrapolation(model, tmp_path):
    path, _ = model
    table = tmp_path / "more.csv"
    table.write_text("name,a\nCeres,2.77\nSedna,506\nVulcanoid,0.1\n")
    result = run("predict", path, table)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [list(row) for row in rows] == [["a", "T"]] * 3
    np.testing.assert_allclose(
        [float(row["T"]) for row in rows], np.array([2.77, 506, 0.1]) ** 1.5, rtol=1e-12
    )
    warning = result.stderr
    assert "2 of 3 rows lie outside the training range" in warning
    assert "row 2: a = 506 is 475.9 above 0.387 … 30.1 (16 times the width of the range)" in warning
    assert "row 3: a = 0.1 is 0.287 below 0.387 … 30.1" in warning
    assert "row 1" not in warning


def test_predict_reports_rows_without_a_value(model, tmp_path):
    path, _ = model
    result = run("predict", path, "-", input="a\n4\n-1\n")
    assert result.stdout == "a,T\n4.0,8.0\n-1.0,NaN\n"
    assert result.stderr.endswith(
        "warning: the formula for T has no finite value on 1 of 2 rows, first on row 2.\n"
    )


def test_predict_lists_ten_rows_outside_the_range_and_counts_the_others(model):
    path, _ = model
    result = run("predict", path, "-", input="a\n" + "100\n" * 25)
    assert "25 of 25 rows lie outside" in result.stderr
    assert result.stderr.count("  row ") == 10
    assert result.stderr.endswith("and 15 more rows.\n")


def test_predict_writes_the_same_to_a_file(model, tmp_path):
    path, _ = model
    table, out = tmp_path / "more.csv", tmp_path / "predicted.csv"
    table.write_text("a\n2.77\n")
    printed = run("predict", path, table).stdout
    result = run("predict", path, table, "--out", out)
    assert (result.stdout, result.stderr) == ("", "")
    assert out.read_text() == printed
    assert run("predict", path, "-", input="a\n2.77\n").stdout == printed


def test_predict_names_what_is_missing(model, tmp_path):
    path, _ = model
    table, out = tmp_path / "more.csv", tmp_path / "predicted.csv"
    table.write_text("A\n2.77\n")
    result = run("predict", path, table, "--out", out, code=2)
    assert result.stderr == (
        f"error: {table} has no column 'a'. Did you mean 'A'? Its columns are 'A'.\n"
    )
    assert not out.exists()


def test_fit_draws(tmp_path):
    """The other formats are those of `save_plot`."""
    path = tmp_path / "fit.svg"
    run("fit", "kepler", "--plot", path)
    assert path.read_bytes().startswith(b"<?xml")
    assert list(tmp_path.iterdir()) == [path]


def interrupt_the_search(monkeypatch, when):
    """Presses Ctrl-C at the first report of progress for which `when(fraction)` holds."""
    search = numerate.regress.search_table

    def interrupted(table, *, on_progress, **options):
        def interrupting(fraction, message):
            on_progress(fraction, message)
            if when(fraction):
                raise KeyboardInterrupt

        return search(table, on_progress=interrupting, **options)

    monkeypatch.setattr(numerate.regress, "search_table", interrupted)


def test_ctrl_c_before_anything_is_found_exits_with_130(monkeypatch, tmp_path):
    interrupt_the_search(monkeypatch, lambda fraction: fraction == 0)
    result = run("fit", "boyle", "--out", tmp_path / "model", code=130)
    assert (result.stdout, result.stderr) == ("", "note: stopped before any formula was found.\n")
    assert not list(tmp_path.iterdir())


def test_ctrl_c_later_keeps_the_best_formula(monkeypatch, tmp_path):
    calls = []
    interrupt_the_search(monkeypatch, lambda fraction: calls.append(fraction) or len(calls) == 5)
    result = run("fit", "boyle", "--out", tmp_path / "model")
    assert result.stdout.startswith("P = ")
    assert "stopped by Ctrl-C; this is the best formula until then." in result.stderr
    assert (tmp_path / "model").exists()


def test_datasets_lists_every_set_with_its_source():
    text = run("datasets").stdout
    for name, dataset in numerate.tables.datasets().items():
        assert f"{name}  {dataset.title}" in text
        assert dataset.source in text


def test_version():
    assert run("--version").stdout == f"numerate {numerate.__version__}\n"
