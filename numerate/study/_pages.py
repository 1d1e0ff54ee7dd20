"""The regions of a results page that are made from the committed results."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from ._experiment import Experiment
from ._reproduce import results
from ._store import RESULTS, SUMMARY


def regions(experiment: Experiment, folder: Path) -> dict[str, str]:
    """The Markdown of each region by name: tables by their titles, sentences, and `run`.

    **Arguments:** the experiment, and the folder with its committed results.
    """
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    rows = results(pl.read_parquet(folder / RESULTS))
    settings = _settings(experiment, summary)
    found = {"run": _ran(summary)}
    found |= {t: table.markdown() for t, table in experiment.tables(rows, settings).items()}
    return found | experiment.sentences(rows, settings)


def filled(page: str, found: dict[str, str]) -> str:
    """The page with every region filled in.

    **Raises:** `ValueError` if the page names a region that is not in `found`.

    !!! example
        >>> print(filled("<!-- a -->\\nold\\n<!-- end of a -->", {"a": "new"}))
        <!-- a -->
        new
        <!-- end of a -->
    """

    def fill(match: re.Match) -> str:
        name = match[1]
        if name not in found:
            raise ValueError(f"a page names the region {name!r}; there are {', '.join(found)}")
        return f"<!-- {name} -->\n{found[name]}\n<!-- end of {name} -->"

    return re.sub(r"<!-- (.+?) -->\n.*?<!-- end of \1 -->", fill, page, flags=re.DOTALL)


def _settings(experiment: Experiment, summary: dict[str, Any]) -> Any:
    """The settings that the results were made with."""
    kind = type(experiment.scales[summary["scale"]])
    values = summary["settings"].items()
    return kind(**{n: tuple(v) if isinstance(v, list) else v for n, v in values})


def _ran(summary: dict[str, Any]) -> str:
    scale = summary["scale"]
    settings = ", ".join(f"`{n}` {v}" for n, v in summary["settings"].items() if v != [])
    minutes = summary["seconds"] / 60
    took = f"{summary['seconds']:.0f} seconds" if minutes < 2 else f"{minutes:.0f} minutes"
    jax = summary["versions"]["jax"]
    return (
        f"Run at the scale `{scale}` ({settings}) on {summary['date']}, in {took} on "
        f"{summary['machine']}{f', with JAX {jax}' if jax else ''}."
    )
