"""The contract of an experiment."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import polars as pl

from ._table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = dict[str, Any]
Tick = Callable[[float], None]
S = TypeVar("S")
J = TypeVar("J")


def _no_numbers(rows: pl.DataFrame, settings: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Experiment(Generic[S, J]):
    """A published experiment, as data and pure functions.

    **Fields:**

    - `name`: what the command calls it; its file is the name with underscores, `.py`.
    - `title`: what is done, in a few words. `claim`: what the paper claims, in one sentence.
    - `units`: the rows of its tables that `--units` may choose from: units and baselines.
    - `scales`: its settings for `"smoke"` (below a minute), `"quick"` (at most 20 minutes on two
        cores) and `"paper"` (the full protocol). Settings are one frozen, flat dataclass of
        numbers, texts and tuples of them, one field of which is `seeds`. Its docstring explains
        every field in a list, as this one does, and that is the help.
    - `cost`: seconds that each scale took where it was measured.
    - `jobs(settings, units) -> list of jobs`: the pieces in which it runs, and in which it goes
        on after it was stopped. A job is a named tuple or a frozen dataclass of numbers, texts
        and tuples of them. Job and settings are its key in the store, but not
        `settings.seeds`: a job says itself which seeds it runs, such as `range(0, 100)` as
        `first=0, stop=100`. Small jobs (a minute or two) lose little when stopped.
    - `run(job, settings, tick) -> rows`: the results, one dict for each seed and test condition,
        with at least `unit` (a text from `units`), `seed` (a whole number) and `condition` (a
        text); further columns are the experiment's own, the same in all rows. Values are
        numbers, texts, truth values, None, or flat lists of numbers. It depends on nothing but
        its arguments: the same seed gives the same row, whatever other seeds run. For that take
        keys from `seed_keys`, and map over seeds by `train_many` or `map_seeds`. It may call
        `tick(fraction)` of the job done. It never raises because learning failed: NaN and
        infinities are results. What `train_many` returns goes through `finished`, because
        otherwise Ctrl-C in the middle would look like a result. It draws no progress bar
        (`train_many(…, progress=False)`).
    - `tables(rows, settings) -> {title: Table}`: the results beside the paper's. `rows` has the
        rows of all jobs done, perhaps not of all units.
    - `draw(rows, settings) -> {file stem: figure}`: matplotlib figures in the paper's layout. To
        be imported inside; the style and the saving as SVG and PNG are not its business.
    - `summarise(rows, settings) -> dict`: further results for `summary.json`.
    - `sentences(rows, settings) -> {name: Markdown}`: what its page says about the numbers,
        which stands there between `<!-- name -->` and `<!-- end of name -->`, beside the tables
        (under their titles) and `run` (where and when it ran).
    """

    name: str
    title: str
    claim: str
    units: tuple[str, ...]
    scales: Mapping[str, S]
    cost: Mapping[str, float]
    jobs: Callable[[S, tuple[str, ...]], list[J]]
    run: Callable[[J, S, Tick], list[Row]]
    tables: Callable[[pl.DataFrame, S], dict[str, Table]]
    draw: "Callable[[pl.DataFrame, S], dict[str, Figure]]" = _no_numbers
    summarise: Callable[[pl.DataFrame, S], dict[str, Any]] = _no_numbers
    sentences: Callable[[pl.DataFrame, S], dict[str, str]] = _no_numbers

    def help(self) -> dict[str, str]:
        """What each setting means, from the docstring of the settings."""
        settings = type(next(iter(self.scales.values())))
        text = " ".join((settings.__doc__ or "").split())
        entries = re.findall(r"- ((?:`\w+`(?:, | and )?)+): (.*?)(?= - `|$)", text)
        found = {name: told for names, told in entries for name in re.findall(r"\w+", names)}
        return {field.name: found.get(field.name, "") for field in dataclasses.fields(settings)}  # pyright: ignore[reportArgumentType]
