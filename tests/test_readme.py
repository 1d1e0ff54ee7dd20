"""The examples of the README run, and its numbers are the measured ones."""

import importlib.util
import re
import subprocess

from tests.each import each

from .pages import ROOT, check_console, check_python

README = ROOT / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_python_prints_what_is_shown():
    check_python(README)


def test_shell_sessions_print_what_is_shown(tmp_path):
    check_console(README, tmp_path)


@each("target", sorted(set(re.findall(r"\bmake (\w+)", TEXT))))
def test_make_knows_the_commands(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_make_demo_runs_what_is_shown():
    done = subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, text=True)
    assert "numerate fit kepler" in done.stdout


def test_the_tables_have_the_measured_numbers():
    path = ROOT / "docs" / "measured.py"
    spec = importlib.util.spec_from_file_location("measured", path)
    assert spec and spec.loader
    measured = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(measured)
    assert measured.table() in TEXT, "paste what `python docs/measured.py` prints"
    networks = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    assert measured.loops() in networks, "paste what `python docs/measured.py loops` prints"
    compared = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    within = compared.partition("<!-- comparison -->")[2].partition("<!-- end of comparison -->")[0]
    assert measured.comparison() == within.strip(), "paste what `… measured.py comparison` prints"


def test_links_lead_somewhere():
    targets = re.findall(r'\]\(([^)#]+)\)|(?:src|srcset)="([^"]+)"', TEXT)
    local = [t for t in map("".join, targets) if "://" not in t]
    assert len(local) > 10
    assert [t for t in local if not (ROOT / t).exists()] == []


def test_it_is_short():
    assert len(TEXT.splitlines()) <= 120


def test_the_picture_is_small():
    for picture in (ROOT / "docs" / "images").glob("*.svg"):
        assert picture.stat().st_size < 300_000
