"""Bad input to the command line: one sentence, exit code 2, no traceback, no file."""

import os
import subprocess
import sys

from typer.testing import CliRunner

from numerate.cli import app
from tests.each import each

GOOD = "a,b\n1,2\n2,3\n3,4\n4,6\n"
ROW = "correct or remove the row, or leave the column out."

TABLES = [
    # Content, arguments after the file's name, the sentence after the file's name.
    (GOOD.replace("3,4", "3,x"), [], ", column 'b', row 3 (line 4): 'x' is not a number; " + ROW),
    (GOOD.replace("3,4", "3,"), [], ", column 'b', row 3 (line 4): the cell is empty; " + ROW),
    (GOOD.replace("3,4", "nan,4"), [], ", column 'a', row 3 (line 4): 'nan' stands for a missing "
     "number; " + ROW),
    (GOOD.replace("3,4", "3,inf"), [], ", column 'b', row 3 (line 4): 'inf' is infinite; " + ROW),
    (GOOD.replace("3,4", "3,4,5"), [], ", row 3 (line 4) has 3 fields, but the first row has 2; a "
     "field that contains the separator ',' must be in quotation marks."),
    ("a,b\n1,5\n2,5\n3,5\n4,5\n", [], ": the target column 'b' is constant (5 in every row), so "
     "there is no formula to find; choose another target."),
    ("a,b\n1,2\n2,3\n3,5\n", [], " has only 3 rows; a formula needs at least 4 rows."),
    ("a,a\n1,2\n2,3\n3,4\n4,6\n", [], ": columns 1 and 2 are both named 'a'; give every column a "
     "name of its own."),
    ("", [], " is empty; it should hold a header and rows of numbers."),
    ("a,b\n", [], " has a header but no rows below it."),
    (GOOD, ["--target", "B"], " has no column 'B'. Did you mean 'b'? Its columns are 'a', 'b'."),
    (GOOD, ["--features", "a,c"], " has no column 'c'. Its columns are 'a', 'b'."),
    (GOOD, ["--features", "b"], ": 'b' is the target and cannot be a feature as well; name another "
     "target or leave it out of the features."),
    (GOOD, ["--features", "a,a"], ": feature 'a' is named more than once."),
]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_refused(result, sentence):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"error: {sentence}\n"


@each("content, options, sentence", TABLES)
def test_bad_tables(tmp_path, content, options, sentence):
    path, out = tmp_path / "t.csv", tmp_path / "model.safetensors"
    path.write_text(content)
    assert_refused(run("fit", path, *options, "--out", out), f"{path}{sentence}")
    assert list(tmp_path.iterdir()) == [path]


def test_missing_file_and_folder_instead_of_file(tmp_path):
    sets = "Embedded data sets are kepler, galilean, boyle."
    path = tmp_path / "no.csv"
    assert_refused(run("fit", path), f"there is no file '{path}'. {sets}")
    assert_refused(run("fit", "keplr"), f"there is no file 'keplr'. Did you mean 'kepler'? {sets}")
    assert_refused(run("fit", tmp_path), f"{tmp_path} is a directory; name a file in it.")


def test_unwritable_results_are_refused_before_the_table_is_even_read(tmp_path):
    out = tmp_path / "nowhere" / "m.safetensors"
    sentence = f"{out} cannot be written: there is no folder '{tmp_path / 'nowhere'}'."
    assert_refused(run("fit", "no.csv", "--out", out), sentence)
    assert_refused(run("predict", "no.safetensors", "no.csv", "--out", out), sentence)
    assert_refused(
        run("fit", "kepler", "--out", tmp_path), f"{tmp_path} cannot be written: it is a directory."
    )


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    """Not three lines of Typer's, which refuses it even where it is to be written."""
    path = tmp_path / "t.svg"
    path.write_text("old")
    access = os.access
    monkeypatch.setattr(os, "access", lambda *a, **k: a[1] != os.R_OK and access(*a, **k))
    for command in (
        "show FILE", "predict FILE kepler", "predict no kepler --out FILE", "fit no.csv --out FILE",
        "fit no.csv --plot FILE", "reproduce no --out FILE", "reproduce no --data FILE",
    ):  # fmt: skip
        refused = run(*command.replace("FILE", str(path)).split())
        assert refused.exit_code == 2 and refused.stderr.startswith("error: "), refused.stderr
        assert refused.stderr.count("\n") == 1 and path.read_text() == "old"


def test_results_do_not_overwrite_the_table_or_each_other(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(GOOD)
    assert_refused(
        run("fit", path, "--out", path),
        f"{path} is read here; name another file to write to.",
    )
    both = tmp_path / "x.svg"
    assert_refused(
        run("fit", path, "--out", both, "--plot", both),
        f"--out and --plot must name two files, not both {both}.",
    )
    (tmp_path / "link").symlink_to("t.csv")
    for file in (path, tmp_path / "link"):
        for command in (("m", file), (file, "kepler")):
            assert_refused(
                run("predict", *command, "--out", path),
                f"{path} is read here; name another file to write to.",
            )
    assert path.read_text() == GOOD


def test_bad_values_of_options(tmp_path):
    assert_refused(
        run("fit", "kepler", "--budget", "0"),
        "--budget must be a number of seconds above 0, not 0.",
    )
    assert_refused(
        run("fit", "kepler", "--budget", "nan"),
        "--budget must be a number of seconds above 0, not nan.",
    )
    assert_refused(
        run("fit", "kepler", "--seed=-1"),
        "--seed must be a whole number from 0 to 2^32 - 1, not -1.",
    )
    for names in ("a\nT", "a" * 200_000):
        refused = run("fit", "kepler", "--features", names)
        assert refused.exit_code == 2 and len(refused.stderr) < 300
        assert refused.stderr.startswith("error: --features must be names with commas between")
    plot = tmp_path / "fit.jpeg"
    assert_refused(
        run("fit", "kepler", "--plot", plot), f"{plot}: a plot must be a .png, .svg or .pdf file."
    )


def test_plot_without_matplotlib_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert_refused(
        run("fit", "kepler", "--plot", tmp_path / "fit.svg"),
        'a plot needs matplotlib, which is not installed: pip install "numerate[plot]".',
    )


def test_bad_models(tmp_path):
    path = tmp_path / "m.safetensors"
    assert_refused(run("show", path), f"{path}: there is no such model file.")
    assert_refused(
        run("show", tmp_path), f"{tmp_path}: there is no such model file (it is a directory)."
    )
    path.write_bytes(b"not a model")
    for arguments in (["show", path], ["predict", path, "kepler"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr.startswith(f"error: {path}: not a model written by numerate fit --out")
        assert result.stderr.count("\n") == 1


def test_formats_of_show_exclude_each_other(tmp_path):
    assert_refused(
        run("show", tmp_path / "m", "--latex", "--json"),
        "--latex, --python and --json exclude each other; choose one.",
    )


@each("arguments", [["fit"], ["fit", "kepler", "--no-such-option"], ["nonsense"]])
def test_usage_errors(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage:" in result.stderr


def numerate(*arguments, **options):
    program = "import numerate.cli; numerate.cli.main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, **options
    )


def test_the_program_itself_refuses_in_one_line():
    result = numerate("fit", "-", input="a,b\n1,2\n2,x\n3,4\n4,5\n")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"error: standard input, column 'b', row 2 (line 3): 'x' is not a number; {ROW}\n"
    )


def test_a_closed_pipe_is_no_error():
    program = "import sys, numerate.cli; numerate.cli.main()"
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(
        [sys.executable, "-c", program, "datasets"], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert result.returncode == 0
    assert result.stderr == ""


@each("arguments", [["--version"], ["fit", "no.csv"]])
def test_answers_that_need_no_search_do_not_import_jax(arguments):
    program = (
        "import sys, numerate.cli\n"
        "try: numerate.cli.main()\n"
        "finally: print('jax' in sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert result.stderr.splitlines()[-1] == "False"
