"""A run writes complete files, resumes after an interruption, and does not mix settings."""

import json
import os
from dataclasses import dataclass, replace

import polars as pl
import pytest

from numerate.study import Experiment, Line, Table, reproduce
from numerate.tables import InputError


@dataclass(frozen=True)
class Settings:
    """The settings of a run.

    **Fields:**

    - `seeds`: of each unit.
    - `units`: those to run.
    - `steps`: of each seed.
    """

    seeds: int = 2
    units: tuple[str, ...] = ()
    steps: int = 10


class Counter:
    """An experiment that counts its runs, and is interrupted at one of them."""

    def __init__(self, stop_at: str | None = None):
        self.ran: list[str] = []
        self.stop_at = stop_at
        self.experiment = Experiment(
            name="counter", title="t", claim="c", units=("A", "B", "C"), cost={},
            scales={"smoke": Settings()}, run=self.run, tables=self.tables,
        )  # fmt: skip

    def run(self, job, settings, tick):
        if job.unit == self.stop_at:
            raise KeyboardInterrupt
        self.ran.append(job.unit)
        error = {"A": 1.0, "B": float("nan"), "C": 3.0}[job.unit]
        cell = {"unit": job.unit, "condition": "test", "error": error}
        return [cell | {"seed": seed} for seed in job.seeds]

    def tables(self, rows, settings):
        lines = [
            Line((str(unit),), tuple(part["error"]), tuple(part["error"] < 2), paper="0.5")
            for (unit,), part in rows.group_by("unit", maintain_order=True)
        ]
        return {"Errors": Table(("unit",), "error", tuple(lines))}


def test_leaves_results_summary_and_table(tmp_path):
    counter = Counter()
    result = reproduce(counter.experiment, Settings(), tmp_path, scale="smoke")
    assert result.complete and counter.ran == ["A", "B", "C"]
    rows = pl.read_parquet(tmp_path / "results.parquet")
    assert len(rows) == 6 and rows["unit"].to_list() == ["A", "A", "B", "B", "C", "C"]
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["settings"] == {"seeds": 2, "units": [], "steps": 10} and summary["complete"]
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[2].startswith("| unit | seeds | error, median |") and lines[2].endswith(
        "| paper |"
    )
    assert "| A | 2 | 1 | too few seeds | 2/2 |" in lines[4]
    assert "| B | 2 | not finite |" in lines[5]  # a failed seed is counted, not dropped
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md", ".parquet"]


def test_progress_is_the_share_of_all_jobs(tmp_path):
    counter, seen = Counter(), []

    def run(job, settings, tick):
        tick(0.5)
        tick(1.5)  # more than all of it
        return counter.run(job, settings, tick)

    experiment = replace(counter.experiment, run=run)
    reproduce(experiment, Settings(), tmp_path, on_progress=lambda share, _: seen.append(share))
    assert seen == pytest.approx([n / 6 for n in (0, 1, 2, 2, 3, 4, 4, 5, 6, 6)])


def test_resumes_after_an_interruption(tmp_path):
    stopped = Counter(stop_at="B")
    result = reproduce(stopped.experiment, Settings(), tmp_path)
    assert not result.complete and stopped.ran == ["A"]
    again = Counter()
    assert reproduce(again.experiment, Settings(), tmp_path).complete
    assert again.ran == ["B", "C"]
    whole = tmp_path / "whole"
    reproduce(Counter().experiment, Settings(), whole)
    assert _rows(tmp_path).equals(_rows(whole))
    done = Counter()
    assert reproduce(done.experiment, Settings(), tmp_path).complete and done.ran == []


def test_units_asked_for_later_join_the_same_results(tmp_path):
    reproduce(Counter().experiment, Settings(), tmp_path, units=("C",))
    later = Counter()
    reproduce(later.experiment, Settings(), tmp_path)
    assert later.ran == ["A", "B"]
    assert _rows(tmp_path)["unit"].to_list() == ["A", "A", "B", "B", "C", "C"]


def test_results_of_other_settings_are_neither_mixed_nor_thrown_away(tmp_path):
    reproduce(Counter().experiment, Settings(), tmp_path)
    before = (tmp_path / "results.parquet").read_bytes()
    with pytest.raises(InputError, match="holds results of other settings"):
        reproduce(Counter().experiment, Settings(steps=20), tmp_path)
    assert (tmp_path / "results.parquet").read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"job": [["a"]]},
        {"unit": ["A"], "seed": [0], "condition": ["test"], "job": ["a"]},
        {"unit": ["A"], "seed": [0], "condition": ["test"], "job": [[1]], "job_seconds": [1.0]},
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "results.parquet").write_text("not Parquet")
    if content:
        pl.DataFrame(content).write_parquet(tmp_path / "results.parquet")
    with pytest.raises(InputError, match="is not a file of results"):
        reproduce(Counter().experiment, Settings(), tmp_path)


def test_results_in_a_pipe_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "results.parquet")
    with pytest.raises(InputError, match="is no file; move it away"):
        reproduce(Counter().experiment, Settings(), tmp_path)


def test_a_folder_is_for_one_run_at_a_time(tmp_path):
    first = Counter()

    def meanwhile(job, settings, tick):
        with pytest.raises(InputError, match="another run is writing into"):
            reproduce(Counter().experiment, Settings(), tmp_path)
        return first.run(job, settings, tick)

    both = replace(first.experiment, run=meanwhile)
    assert reproduce(both, Settings(), tmp_path).complete and first.ran == ["A", "B", "C"]
    assert reproduce(Counter().experiment, Settings(), tmp_path).complete


@pytest.mark.parametrize("name", ["table.md", "figure.svg", "figure.png"])
def test_folders_that_cannot_hold_the_results_are_refused_before_any_job(tmp_path, name):
    (tmp_path / name).mkdir()
    counter = Counter()
    with pytest.raises(InputError, match=f"{name} cannot be written: it is a directory"):
        reproduce(counter.experiment, Settings(), tmp_path)
    assert counter.ran == [] and [p.name for p in tmp_path.iterdir()] == [name]


def test_help_is_the_docstring_of_the_settings():
    assert Counter().experiment.help() == {
        "seeds": "of each unit.",
        "units": "those to run.",
        "steps": "of each seed.",
    }


def _rows(folder):
    return pl.read_parquet(folder / "results.parquet").drop("job_seconds")
