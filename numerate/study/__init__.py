"""The harness of experiments and benchmarks: their declaration, execution and output files.

`numerate reproduce NAME` runs one of them. An experiment is a module like this one; `Experiment`
documents every part.

    @dataclass(frozen=True)
    class Settings:
        '''The settings of a run.

        **Fields:**

        - `seeds`: models of each unit.
        - `units`: those to run; all if empty.
        - `steps`: optimiser steps.
        '''

        seeds: int = 25
        units: tuple[str, ...] = ()
        steps: int = 10_000

    def run(job, settings, tick):
        config = Config(steps=settings.steps)
        run = finished(train_many(seed_keys(job.seeds), …, config, progress=False))
        return [{"unit": job.unit, "seed": s, "condition": "extrapolation", "error": …} for s in …]

    def tables(rows, settings):
        return {"Errors": Table(("unit",), "error", tuple(Line(("NAC",), errors, solved, …), …))}

    EXPERIMENT = Experiment(name="toy", title=…, claim=…, units=…, scales=…, cost=…,
                            run=run, tables=tables, draw=draw)

The harness plans the jobs and selects units, stores rows, resumes an interrupted run, and records
machine and time. A run writes `results.parquet` (all rows), `summary.json`, `table.md`, and every
figure as SVG and PNG. Committed results are in `results/NAME`; `regions` turns them into Markdown,
and `filled` inserts that into a page.

The module also has what experiments share: confidence intervals for few seeds, tables with the
paper's numbers, look-up in rows, and `seed_keys` and `map_seeds`, with which a seed's result does
not depend on the other seeds.
"""

from ._errors import errors_in_float64 as errors_in_float64
from ._experiment import Experiment as Experiment
from ._experiment import Job as Job
from ._experiment import Row as Row
from ._experiment import Tick as Tick
from ._experiment import seed_jobs as seed_jobs
from ._heat import heat as heat
from ._pages import filled as filled
from ._pages import regions as regions
from ._registry import Experiments as Experiments
from ._reproduce import Result as Result
from ._reproduce import reproduce as reproduce
from ._rows import by_seed as by_seed
from ._rows import units_run as units_run
from ._seeds import finished as finished
from ._seeds import map_seeds as map_seeds
from ._seeds import seed_keys as seed_keys
from ._statistics import median as median
from ._statistics import median_interval as median_interval
from ._statistics import rank_correlation as rank_correlation
from ._statistics import wilson_interval as wilson_interval
from ._store import job_key as job_key
from ._table import Line as Line
from ._table import Table as Table
from ._table import markdown_table as markdown_table
from ._table import number as number
from ._table import percent as percent
