"""Full disks, closed descriptors and broken pipes: one sentence, an exit code, and nothing lost."""

import pytest

from tests.cli.programs import shell
from tests.cli.test_bad_input import assert_refused, run

FULL = "error: standard output cannot be written: No space left on device.\n"
CLOSED = "error: standard output cannot be written: Bad file descriptor.\n"
LEFT_OUT = "note: data set 'kepler': left out 1 column of text: 'planet'.\n"


def test_a_stream_that_cannot_be_written_costs_neither_file_nor_sentence(tmp_path):
    for command, expected in {
        "numerate --help > /dev/full": (1, "", FULL),
        "numerate --version >&-": (1, "", CLOSED),
        "numerate --version > /dev/full 2> /dev/full": (1, "", ""),
        "numerate --help | true; exit ${PIPESTATUS[0]}": (0, "", ""),
        "numerate fit - <&-": (
            2, "", "error: standard input cannot be read: Bad file descriptor.\n"
        ),
        # Its bytes have no end.
        "numerate fit - < /dev/zero": (
            2, "", "error: standard input is neither a file nor a pipe.\n"
        ),
        "numerate fit kepler --out a > /dev/full; test -s a && exit 3": (3, "", LEFT_OUT + FULL),
        "numerate fit kepler --out b 2> /dev/full | head -1; test -s b && exit ${PIPESTATUS[0]}": (
            0, "T = a**(3/2)\n", ""
        ),
        # A model on standard output has the report beside it, not within.
        "numerate fit kepler --out /dev/stdout 2> report > c && grep -c 'T = a' report"
        " && numerate show c --python | grep -c 'def T' && rm report c": (0, "1\n1\n", ""),
    }.items():  # fmt: skip
        assert shell(command, tmp_path) == expected, command
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.slow
def test_a_full_disk_keeps_the_old_files_and_prints_the_result(tmp_path):
    (tmp_path / "p.svg").write_text("old")
    code, out, error = shell("numerate fit kepler --out m --plot p.svg", tmp_path, most=8192)
    assert (code, error) == (2, LEFT_OUT + "error: p.svg cannot be written: File too large.\n")
    assert out.startswith("T = a**(3/2)\n")
    assert (tmp_path / "p.svg").read_text() == "old" and (tmp_path / "m").stat().st_size > 1000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "p.svg"]
    full = run("fit", "kepler", "--out", "/dev/full", "--json")
    assert full.exit_code == 2 and '"formula": "a**(3/2)"' in full.stdout
    assert full.stderr == (
        LEFT_OUT + "error: /dev/full cannot be written: No space left on device.\n"
    )
    full = run("predict", tmp_path / "m", "kepler", "--out", "/dev/full")
    assert full.exit_code == 2 and "No space left on device" in full.stderr


def test_paths_are_refused_before_the_search(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    long = "a" * 300
    for command, sentence in {
        f"fit {long}.csv": f"{long}.csv cannot be read: File name too long.",
        "fit loop.csv": "loop.csv cannot be read: Too many levels of symbolic links.",
        "fit kepler --out loop.csv": "loop.csv cannot be written: Too many levels of symbolic "
        "links.",
        f"fit kepler --plot {long}.svg": f"{long}.svg cannot be written: File name too long.",
        f"show {long}": f"{long}: there is no such model file (File name too long).",
        f"predict {long} kepler": f"{long}: there is no such model file (File name too long).",
        f"reproduce toy --out {long}": f"{long} cannot be created: File name too long.",
        "reproduce toy --out loop.csv": "loop.csv cannot hold results: it is a link that leads "
        "nowhere.",
        f"reproduce mnist-add --data {long}": f"--data: there is no folder '{long}'.",
    }.items():
        assert_refused(run(*command.split()), sentence)
    assert [p.name for p in tmp_path.iterdir()] == ["loop.csv"]
