"""`numerate data`: a failed download gives one sentence and exit code 2."""

import sys
from functools import partial

from numerate.paper import digits
from tests.cli.test_commands import run

# Where nobody answers.
CLOSED = ("http://127.0.0.1:9/",)


def test_a_failed_download_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(digits, "download_mnist", partial(digits.download_mnist, mirrors=CLOSED))
    result = run("data", "mnist", "--out", tmp_path / "new", code=2)
    assert "cannot be downloaded" in result.stderr and "Traceback" not in result.stderr
    assert list((tmp_path / "new").iterdir()) == []


def test_without_pooch_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pooch", None)
    result = run("data", "mnist", "--out", tmp_path / "new", code=2)
    assert 'pip install "numerate[data]"' in result.stderr


def test_the_folder_of_mnist_is_named_to_reproduce(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMERATE_DATA", "")
    result = run(
        "reproduce", "mnist-add", "--data", tmp_path / "no", "--set", "source=mnist",
        "--scale", "smoke", "--out", tmp_path / "out", code=2,
    )  # fmt: skip
    assert "there is no folder" in result.stderr
