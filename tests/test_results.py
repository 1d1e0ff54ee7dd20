"""The pages of results agree with the committed results."""

import importlib.util
import json
import re

import polars as pl
import pytest

from numerate.study import job_key
from tests.each import each

from .pages import ROOT

spec = importlib.util.spec_from_file_location("reproduced", ROOT / "docs" / "reproduced.py")
assert spec and spec.loader
reproduced = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reproduced)

EXPERIMENTS = reproduced.reproduced()
NAMES = list(EXPERIMENTS)
each_page = each("name", NAMES)


@each("name", NAMES[::3])  # all of them in `test_all_pages_are_what_the_results_make_them`
def test_page_is_what_the_results_make_it(name):
    assert reproduced.page(name).read_text(encoding="utf-8") == reproduced.fill(name)


@pytest.mark.slow
def test_all_pages_are_what_the_results_make_them():
    for name in NAMES:
        assert reproduced.page(name).read_text(encoding="utf-8") == reproduced.fill(name), name


@pytest.mark.slow
def test_the_overview_is_what_the_results_make_it():
    assert reproduced.INDEX.read_text(encoding="utf-8") == reproduced.index()


@each_page
def test_results_are_whole(name):
    """All jobs and units of the scale, with its settings."""
    summary = json.loads((reproduced.RESULTS / name / "summary.json").read_text(encoding="utf-8"))
    assert summary["complete"] and summary["jobs"] == summary["of"]
    settings = EXPERIMENTS[name].scales[summary["scale"]]
    assert {k: list(v) if isinstance(v, tuple) else v for k, v in vars(settings).items()} == (
        summary["settings"]
    )
    assert summary["units"] == list(EXPERIMENTS[name].units)


@each_page
def test_results_count_as_done_when_their_command_is_given_again(name):
    folder = reproduced.RESULTS / name
    scale = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["scale"]
    settings = EXPERIMENTS[name].scales[scale]
    keys = [job_key(job, settings) for job in EXPERIMENTS[name].plan(settings)]
    done = pl.read_parquet(folder / "results.parquet")["job"]
    assert sorted(keys) == sorted(done.unique())


@each_page
def test_pages_show_figures_that_there_are(name):
    shown = re.findall(r"\]\((\S+?\.svg)\)", reproduced.page(name).read_text(encoding="utf-8"))
    assert shown
    for place in shown:
        folder, file = place.split("/")
        assert folder == name and (reproduced.RESULTS / name / file).is_file()


def test_every_page_has_results():
    assert {p.stem for p in reproduced.PAGES.glob("*.md")} == {"index", *NAMES}
