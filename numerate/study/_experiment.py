"""The declaration of an experiment, and its jobs."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import polars as pl

from numerate._errors import InputError

from ._table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]
Tick = Callable[[float], None]
S = TypeVar("S")


@dataclass(frozen=True)
class Job:
    """The smallest part of an experiment that is run and stored.

    **Fields:** `unit`, one of the experiment's; `seeds`, such as `range(100)`; `variant`, names and
    values that distinguish jobs of a unit, such as `{"optimiser": "adam"}`: numbers, texts and
    tuples of them.
    """

    unit: str
    seeds: range
    variant: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        first, last = self.seeds[0], self.seeds[-1]
        numbers = f"seed {first}" if first == last else f"seeds {first} to {last}"
        return ", ".join([self.unit, *map(str, self.variant.values()), numbers])


def seed_jobs(
    unit: str, seeds: range, most: int | None = None, variant: Mapping[str, Any] | None = None
) -> list[Job]:
    """The jobs for seeds of a unit.

    **Arguments:** `unit`; `seeds`; `most`, the maximum number of seeds in a job, or None for one
    job of all; `variant`, as in `Job`.

    !!! example
        >>> [job.seeds for job in seed_jobs("NAC", range(5), 2, {"optimiser": "sgd"})]
        [range(0, 2), range(2, 4), range(4, 5)]
    """
    step = most or max(len(seeds), 1)
    parts = [seeds[start : start + step] for start in range(0, len(seeds), step)]
    return [Job(unit, part, variant or {}) for part in parts]


def _all_seeds(unit: str, settings: Any) -> list[Job]:
    return seed_jobs(unit, range(settings.seeds))


def _nothing(rows: pl.DataFrame, settings: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Experiment(Generic[S]):
    """A published experiment or benchmark, as data and pure functions.

    **Fields:**

    - `name`: its name on the command line.
    - `title`: a short description. `claim`: the paper's claim, in one sentence.
    - `units`: the rows of its tables that `--units` may choose from: units and baselines.
    - `scales`: its settings for `"smoke"` (below a minute), `"quick"` (at most 20 minutes on two
        cores) and `"paper"` (the full protocol). Settings are one frozen, flat dataclass of
        numbers, texts and tuples of them. Two of its fields are `seeds`, a number, and `units`,
        the units that the scale runs, all of them if it is empty. Its docstring explains every
        field in a list like this one, which the command shows as help.
    - `cost`: seconds that each scale took where it was measured.
    - `run(job, settings, tick) -> rows`: the results of a job, one dict for each seed and test
        condition, with at least `unit` (a text from `units`), `seed` (a whole number) and
        `condition` (a text); further columns are the experiment's own, the same in all rows.
        Values are numbers, texts, truth values, None, or flat lists of numbers. The result depends
        only on the arguments: a seed gives the same row whichever other seeds run. To ensure this,
        take keys from `seed_keys`, and map over seeds by `train_many` or `map_seeds`. It may call
        `tick(fraction)` with the completed fraction of the job. It never raises because learning
        failed: NaN and infinities are results. Pass the result of `train_many` through `finished`,
        so that an interrupted run is not stored as a result. It draws no progress bar
        (`train_many(…, progress=False)`).
    - `tables(rows, settings) -> {title: Table}`: the results beside the paper's. `rows` has the
      rows of all finished jobs, which may lack some units.
    - `jobs(unit, settings) -> list of jobs`: the jobs of one unit, by default a single one with
        seeds from 0. Job and settings are the key of its rows in the store, except `seeds` and
        `units` of the settings, which do not change a job's rows. Small jobs (a minute or two) lose
        little when a run is stopped.
    - `draw(rows, settings) -> {file stem: figure}`: matplotlib figures in the paper's layout.
        Import matplotlib inside; the harness sets the style and writes SVG and PNG.
    - `summarise(rows, settings) -> dict`: further results for `summary.json`.
    - `sentences(rows, settings) -> {name: Markdown}`: the text of its page about the numbers,
        inserted between `<!-- name -->` and `<!-- end of name -->`. Tables (under their titles) and
        `run` (where and when it ran) are inserted in the same way.
    - `inseparable`: whether one job trains all units, so that none can be chosen.
    """

    name: str
    title: str
    claim: str
    units: tuple[str, ...]
    scales: Mapping[str, S]
    cost: Mapping[str, float]
    run: Callable[[Job, S, Tick], list[Row]]
    tables: Callable[[pl.DataFrame, S], dict[str, Table]]
    jobs: Callable[[str, S], list[Job]] = _all_seeds
    draw: "Callable[[pl.DataFrame, S], dict[str, Figure]]" = _nothing
    summarise: Callable[[pl.DataFrame, S], dict[str, Any]] = _nothing
    sentences: Callable[[pl.DataFrame, S], dict[str, str]] = _nothing
    inseparable: bool = False

    def plan(self, settings: S, units: tuple[str, ...] | None = None) -> list[Job]:
        """The jobs of units, by default those of the settings, each job once.

        **Arguments:** `settings`; `units`, of which those not in the settings are ignored.

        **Raises:** `InputError` if some units are chosen of an experiment that trains all together.
        """
        named: tuple[str, ...] = settings.units or self.units  # pyright: ignore[reportAttributeAccessIssue]
        wanted = [unit for unit in self.units if unit in named and (units is None or unit in units)]
        if self.inseparable and len(wanted) < len(self.units):
            raise InputError(f"{self.name} trains all its units together; choose none of them.")
        jobs = [job for unit in wanted for job in self.jobs(unit, settings)]
        # One job may have the rows of two units.
        return [job for index, job in enumerate(jobs) if job not in jobs[:index]]

    def help(self) -> dict[str, str]:
        """The description of each setting, from the docstring of the settings."""
        settings = type(next(iter(self.scales.values())))
        text = " ".join((settings.__doc__ or "").split())
        entries = re.findall(r"- ((?:`\w+`(?:, | and )?)+): (.*?)(?= - `|$)", text)
        found = {name: text for names, text in entries for name in re.findall(r"\w+", names)}
        return {field.name: found.get(field.name, "") for field in dataclasses.fields(settings)}  # pyright: ignore[reportArgumentType]
