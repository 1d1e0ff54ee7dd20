"""Jobs, selection of units, look-up in rows, tables and the registry of experiments."""

from dataclasses import dataclass, replace

import polars as pl
import pytest

from numerate.study import (
    Experiment,
    Experiments,
    Job,
    Line,
    Table,
    by_seed,
    job_key,
    markdown_table,
    seed_jobs,
    units_run,
)
from numerate.tables import InputError
from tests.each import each


@dataclass(frozen=True)
class Settings:
    seeds: int = 5
    units: tuple[str, ...] = ()
    steps: int = 10


def _jobs(unit, settings):
    # "best" is a row of A's jobs.
    return seed_jobs("A" if unit == "best" else unit, range(settings.seeds), 2)


EXPERIMENT = Experiment(
    name="planned", title="t", claim="c", units=("A", "best", "B"), scales={"smoke": Settings()},
    cost={}, jobs=_jobs, run=lambda job, settings, tick: [], tables=lambda rows, settings: {},
)  # fmt: skip


def test_jobs_have_all_seeds_once():
    jobs = seed_jobs("NAC", range(100, 105), 2, {"optimiser": "sgd"})
    assert [seed for job in jobs for seed in job.seeds] == list(range(100, 105))
    assert all(job.variant == {"optimiser": "sgd"} for job in jobs)
    assert seed_jobs("NAC", range(3)) == [Job("NAC", range(3))]
    assert seed_jobs("NAC", range(0)) == []


@each(
    "named, asked, planned",
    [
        ((), None, "AB"),
        (("B",), None, "B"),
        ((), ("best",), "A"),
        (("A", "B"), ("B", "best"), "B"),
        (("A",), ("B",), ""),
    ],
)
def test_units_are_those_of_the_settings_that_are_asked_for(named, asked, planned):
    jobs = EXPERIMENT.plan(replace(Settings(), units=named), asked)
    assert [job.unit for job in jobs] == [unit for unit in planned for _ in range(3)]


def test_a_jobs_key_depends_on_what_changes_its_rows_and_nothing_else():
    job, settings = Job("A", range(5), {"rate": 0.1}), Settings()
    key = job_key(job, settings)
    assert key == job_key(job, Settings(seeds=9, units=("A",)))
    others = [
        job_key(job, Settings(steps=20)),
        job_key(replace(job, unit="B"), settings),
        job_key(replace(job, seeds=range(1, 5)), settings),
        job_key(replace(job, seeds=range(4)), settings),
        job_key(replace(job, variant={"rate": 0.2}), settings),
        job_key(replace(job, variant={}), settings),
    ]
    assert len({key, *others}) == 7


def test_a_key_stays_so_that_stored_results_are_found_again():
    job = Job("NAC", range(100, 108), {"size": 16, "rate": 0.01})
    assert job_key(job, Settings()) == "bb9590b7b6a1"


def test_a_job_in_words():
    assert str(Job("NAC", range(4), {"optimiser": "sgd"})) == "NAC, sgd, seeds 0 to 3"
    assert str(Job("NAC", range(4, 5))) == "NAC, seed 4"


def test_rows_are_in_the_order_of_seeds_and_null_is_nan():
    rows = pl.DataFrame(
        {"unit": ["B", "A", "A"], "seed": [0, 1, 0], "error": [1.0, None, 3.0], "c": ["x"] * 3}
    )
    first, second = by_seed(rows, "error", unit="A", c="x")
    assert first == 3.0 and second != second
    assert by_seed(rows, "error", unit="A", c="y") == ()
    assert units_run(rows, ("C", "A", "B")) == ["A", "B"]


def test_a_table_in_markdown():
    assert markdown_table(["a", "b", "c"], [["1", "2", "3"]], left=2).splitlines() == [
        "| a | b | c |",
        "| --- | --- | ---: |",
        "| 1 | 2 | 3 |",
    ]


def test_a_table_of_successes_has_no_columns_for_a_measure():
    table = Table(("unit",), "error", (Line(("NAC",), (), (True, False)),))
    assert table.cells() == [
        ("unit", "seeds", "solved", "95 % interval"),
        ("NAC", "2", "1/2", "9–91 %"),
    ]
    (line,) = table.json()
    assert line["seeds"] == 2 and line["solved"] == 1 and "median" not in line


def test_experiments_of_two_packages_are_joined_and_found_by_name():
    one = Experiments({"toy": "numerate.paper.toy.experiment"})
    both = one | Experiments({"single-module": "numerate.bench.single_module"})
    assert list(both) == ["single-module", "toy"] and len(both) == 2
    assert both["toy"].name == "toy" and "toy" not in Experiments({})
    with pytest.raises(InputError, match="no experiment 'tyo'. Did you mean 'toy'"):
        both["tyo"]
