"""Runs the remaining jobs of an experiment, and writes its tables and figures."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ._experiment import Experiment, Job
from ._figures import save_figures
from ._store import RESULTS, SUMMARY, TABLE, Store, claimed, job_key, machine, plain
from ._table import Table

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Result:
    """The output of a run.

    **Fields:** `complete`, whether all requested jobs are done; `tables`, by title; `files`
    written, in order; `notes`, sentences about what could not be written.
    """

    complete: bool
    tables: dict[str, Table]
    files: list[Path]
    notes: list[str]


def reproduce(
    experiment: Experiment,
    settings: Any,
    out: Path,
    *,
    scale: str = "quick",
    units: tuple[str, ...] | None = None,
    on_progress: Progress = lambda fraction, message: None,
) -> Result:
    """Run an experiment into a folder, continuing an earlier run with the same settings.

    Ctrl-C ends it and keeps the jobs that are done; tables and figures are made of those.

    **Arguments:** `experiment` and its `settings`; the folder `out`; `scale`, for the record;
    the `units` to run, by default all. `on_progress(fraction, job)` is called with the completed
    fraction of all jobs and the name of the current one.

    **Raises:** `InputError` if the folder cannot be written, has results of other settings, or
    is that of another run which goes on; or if units are chosen of an experiment that trains all
    of them together.
    """
    planned = experiment.plan(settings, units)
    with claimed(out):
        return _reproduce(experiment, settings, out, scale, planned, on_progress)


def _reproduce(
    experiment: Experiment,
    settings: Any,
    out: Path,
    scale: str,
    planned: list[Job],
    on_progress: Progress,
) -> Result:
    # Units may be added to a folder later, so jobs of all units may be in it.
    everything = experiment.plan(replace(settings, units=()))
    store = Store(out, [job_key(job, settings) for job in everything])
    keyed = {job_key(job, settings): job for job in planned}
    todo = {key: job for key, job in keyed.items() if key not in store.done}
    complete = _run(experiment, settings, store, todo, on_progress)
    if store.rows is None:
        return Result(complete, {}, [], [])
    return _write(experiment, settings, store, scale, complete)


def _run(
    experiment: Experiment, settings: Any, store: Store, jobs: dict[str, Job], report: Progress
) -> bool:
    """Run the jobs, and return whether all of them finished."""
    for index, (key, job) in enumerate(jobs.items()):

        def tick(fraction: float, index: int = index, job: Job = job) -> None:
            report((index + min(fraction, 1.0)) / len(jobs), str(job))

        tick(0.0)
        begun = time.perf_counter()
        try:
            rows = experiment.run(job, settings, tick)
        except KeyboardInterrupt:
            return False
        store.add(key, rows, time.perf_counter() - begun)
    report(1.0, "done")
    return True


def _write(
    experiment: Experiment, settings: Any, store: Store, scale: str, complete: bool
) -> Result:
    rows = results(store.rows)
    tables = experiment.tables(rows, settings)
    store.write_summary(_summary(experiment, settings, store, scale, complete, tables))
    titled = [f"**{title}**\n\n{table.markdown()}\n" for title, table in tables.items()]
    store.write(TABLE, "\n".join(titled))
    files = [store.folder / name for name in (RESULTS, SUMMARY, TABLE)]
    drawn, notes = save_figures(lambda: experiment.draw(rows, settings), store.folder)
    return Result(complete, tables, files + drawn, notes)


def results(rows: pl.DataFrame | None) -> pl.DataFrame:
    """The experiment's own columns of the stored rows."""
    assert rows is not None
    return rows.drop("job", "job_seconds")


def _summary(
    experiment: Experiment,
    settings: Any,
    store: Store,
    scale: str,
    complete: bool,
    tables: dict[str, Table],
) -> dict[str, Any]:
    import jax

    import numerate

    rows = results(store.rows)
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "claim": experiment.claim,
        "scale": scale,
        "settings": plain(settings),
        "units": [unit for unit in experiment.units if unit in set(rows["unit"])],
        "complete": complete,
        "jobs": len(store.done),
        "of": len(experiment.plan(settings)),
        "rows": len(rows),
        "seconds": round(store.seconds, 1),
        "machine": machine(),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"numerate": numerate.__version__, "jax": jax.__version__},
        "results": experiment.summarise(rows, settings),
        "tables": {title: table.json() for title, table in tables.items()},
    }
