"""Figures as SVG and PNG, byte for byte reproducible."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from numerate._errors import InputError
from numerate._output import write_file
from numerate.plot import STYLE, check_can_plot

from ._store import FIGURES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RESOLUTION = 120  # Dots per inch: legible on a page, and well below 300 kB.


def save_figures(
    draw: "Callable[[], dict[str, Figure]]", folder: Path
) -> tuple[list[Path], list[str]]:
    """Draw and write each figure twice.

    **Returns:** the files, and a note if there are none because matplotlib is missing.
    """
    try:
        check_can_plot("figure.svg")
    except InputError as error:
        return [], [f"no figures were drawn: {error}"]
    import matplotlib

    files = []
    with matplotlib.rc_context(STYLE):
        for name, figure in draw().items():
            for suffix in FIGURES:
                files.append(folder / f"{name}{suffix}")
                drawn = io.BytesIO()
                figure.savefig(
                    drawn,
                    format=suffix.removeprefix("."),
                    dpi=_RESOLUTION,
                    metadata={"Date": None} if suffix == ".svg" else None,
                    facecolor="white",
                )
                write_file(files[-1], drawn.getvalue())
    return files, []
