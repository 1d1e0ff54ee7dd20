"""Heat maps of tables of numbers."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def heat(
    axes: "Axes",
    values: np.ndarray,
    text: Callable[[float], str],
    columns: Sequence[str],
    rows: Sequence[str],
    *,
    colours: str = "magma_r",
    limits: tuple[float, float] = (0.01, 1000.0),
    log: bool = True,
) -> None:
    """Draw a coloured cell with text for each number; non-finite numbers have a dash.

    **Arguments:** `axes`; `values`, `(rows, columns)`; `text` of a value; names of `columns` and
    `rows`; the colour map; the values of its ends; whether colours follow the logarithm.
    """
    low, high = limits
    shade = np.clip(np.where(np.isfinite(values), values, high), low, high)
    if log:
        shade, low, high = np.log10(shade), np.log10(low), np.log10(high)
    shade = np.where(np.isnan(values) & (not log), low, (shade - low) / (high - low))
    axes.imshow(shade, cmap=colours, vmin=0.0, vmax=1.25, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=9)
    axes.grid(visible=False)
    for (row, column), value in np.ndenumerate(values):
        axes.text(
            column, row, text(value) if np.isfinite(value) else "–", ha="center", va="center",
            fontsize=7, color="white" if shade[row, column] > 0.55 else "black",
        )  # fmt: skip
