"""Fills the pages in docs/results from the committed results.

    python docs/reproduced.py [NAME …]

Only the regions between `<!-- name -->` and `<!-- end of name -->` are replaced. The experiment
generates them from `results/NAME`. The tests compare pages and results.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from numerate.paper import experiments
from numerate.study import Experiment, filled, regions

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "results"
RESULTS = ROOT / "results"
INDEX = PAGES / "index.md"


def reproduced() -> dict[str, Experiment]:
    """The experiments with committed results, by name."""
    return {n: e for n, e in experiments().items() if (RESULTS / n / "summary.json").is_file()}


def page(name: str) -> Path:
    return PAGES / f"{name}.md"


def fill(name: str) -> str:
    """The page of an experiment, filled from its results."""
    return filled(
        page(name).read_text(encoding="utf-8"), regions(experiments()[name], RESULTS / name)
    )


def index() -> str:
    """The overview page, filled from the results of all experiments."""
    text = INDEX.read_text(encoding="utf-8")
    return filled(text, {"experiments": "\n".join(_overview())})


def _overview() -> Iterator[str]:
    yield "| experiment | the paper's claim | our result |"
    yield "| --- | --- | --- |"
    for name, experiment in reproduced().items():
        verdict = regions(experiment, RESULTS / name)["verdict"]
        title = experiment.title[0].upper() + experiment.title[1:]
        claim = experiment.claim[0].upper() + experiment.claim[1:]
        yield f"| [{name}]({name}.md): {title} | {claim} | {' '.join(verdict.split())} |"


def main() -> None:
    for name in sys.argv[1:] or reproduced():
        page(name).write_text(fill(name), encoding="utf-8")
    INDEX.write_text(index(), encoding="utf-8")


if __name__ == "__main__":
    main()
