"""Published experiments as commands: what an experiment is, how it runs, what it leaves behind.

`numerate reproduce NAME` runs one of the files in `experiments/`. Such a file is like this one;
`Experiment` states what every part must do.

    class Job(NamedTuple):
        unit: str
        first: int
        stop: int

    @dataclass(frozen=True)
    class Settings:
        '''How much is run.

        **Fields:**

        - `seeds`: models of each unit.
        - `steps`: optimiser steps.
        '''

        seeds: int = 25
        steps: int = 10_000

    def jobs(settings, units):
        return [Job(unit, 0, settings.seeds) for unit in units]

    def run(job, settings, tick):
        config = Config(steps=settings.steps)
        run = finished(train_many(seed_keys(range(job.first, job.stop)), …, progress=False))
        return [{"unit": job.unit, "seed": s, "condition": "extrapolation", "error": …} for s in …]

    def tables(rows, settings):
        return {"Errors": Table(("unit",), "error", tuple(Line(("NAC",), errors, solved, …), …))}

    EXPERIMENT = Experiment(name="toy", title=…, claim=…, units=…, scales=…, cost=…,
                            jobs=jobs, run=run, tables=tables, draw=draw)

In its folder a run leaves `results.parquet` (all rows, from which it also goes on after it was
stopped), `summary.json`, `table.md`, and every figure as SVG and PNG. `results/NAME`
is the place of committed ones; `regions` makes their numbers into Markdown, and `filled` puts that
into a page, between marks.

Everything that experiments share is here: intervals that hold for few seeds, the table beside the
paper's numbers, the store, and `seed_keys` and `map_seeds`, with which a seed's result does not
depend on how many others run.
"""

from ._errors import errors_in_float64 as errors_in_float64
from ._experiment import Experiment as Experiment
from ._experiment import Row as Row
from ._experiment import Tick as Tick
from ._pages import filled as filled
from ._pages import regions as regions
from ._reproduce import Result as Result
from ._reproduce import reproduce as reproduce
from ._seeds import finished as finished
from ._seeds import map_seeds as map_seeds
from ._seeds import seed_keys as seed_keys
from ._statistics import median as median
from ._statistics import median_interval as median_interval
from ._statistics import rank_correlation as rank_correlation
from ._statistics import wilson_interval as wilson_interval
from ._table import Line as Line
from ._table import Table as Table
from ._table import number as number
from ._table import percent as percent
