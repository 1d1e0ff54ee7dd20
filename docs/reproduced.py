"""Fills the pages in docs/results from the committed results.

    python docs/reproduced.py [NAME …]

Only the regions between `<!-- name -->` and `<!-- end of name -->` are replaced. The experiment
generates them from `results/NAME`. The tests compare pages and results.
"""

import sys
from pathlib import Path

from numerate import bench, paper
from numerate.study import Experiment, filled, markdown_table, regions

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "results"
RESULTS = ROOT / "results"
INDEX = PAGES / "index.md"


def reproduced() -> dict[str, Experiment]:
    """The experiments and benchmarks with committed results, by name."""
    experiments = paper.experiments() | bench.experiments()
    return {n: e for n, e in experiments.items() if (RESULTS / n / "summary.json").is_file()}


def page(name: str) -> Path:
    return PAGES / f"{name}.md"


def fill(name: str) -> str:
    """The page of an experiment, filled from its results."""
    return filled(
        page(name).read_text(encoding="utf-8"), regions(reproduced()[name], RESULTS / name)
    )


def index() -> str:
    """The overview page, filled from the results of all experiments."""
    text = INDEX.read_text(encoding="utf-8")
    found = reproduced()
    papers = [name for name in found if name in paper.experiments()]
    benchmarks = [name for name in found if name in bench.experiments()]
    return filled(text, {"experiments": _overview(papers), "benchmarks": _overview(benchmarks)})


def _overview(names: list[str]) -> str:
    rows = []
    for name in names:
        experiment = reproduced()[name]
        verdict = regions(experiment, RESULTS / name)["verdict"]
        title, claim = (text[0].upper() + text[1:] for text in (experiment.title, experiment.claim))
        rows.append([f"[{name}]({name}.md): {title}", claim, " ".join(verdict.split())])
    return markdown_table(["experiment", "the paper's claim", "our result"], rows, left=3)


def main() -> None:
    for name in sys.argv[1:] or reproduced():
        page(name).write_text(fill(name), encoding="utf-8")
    INDEX.write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main()
