"""Draws the picture of the README: a formula extrapolates beyond its data, other methods do not.

    python docs/images/make.py [FOLDER]

Four methods see the six planets that Kepler knew and are asked about Uranus and Neptune, which
nobody had seen. Writes `kepler-light.svg` and `kepler-dark.svg`, by default beside this script;
the same packages give the same bytes.
"""

import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from numerate import ArithmeticRegressor
from numerate.tables import read_table

KNOWN = 6  # Mercury to Saturn: the planets before 1781
NAMES = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
PALETTES = {
    "light": {
        "ink": "#1f2933",
        "faded": "#616e7c",
        "formula": "#d9480f",
        "shade": "#1f29330f",
        "hole": "#ffffff",
    },
    "dark": {
        "ink": "#f1f3f5",
        "faded": "#9aa5b1",
        "formula": "#ff8a4c",
        "shade": "#ffffff14",
        "hole": "#20252c",
    },
}
STYLE: dict[Any, Any] = {
    "font.size": 11,
    "mathtext.fontset": "cm",
    "svg.fonttype": "path",
    "svg.hashsalt": "numerate",
}
CURVES = {"neural network": (0, (5, 2)), "linear regression": (0, (1.5, 1.5)), "random forest": "-"}


def fitted() -> dict[str, Any]:
    """Every method fitted to the same six rows, the formula first."""
    table = read_table("kepler")
    x, y = table.values[:KNOWN, :1], table.values[:KNOWN, 1]
    network = MLPRegressor(
        hidden_layer_sizes=(64, 64), solver="lbfgs", max_iter=5000, random_state=0
    )
    others = {
        "neural network": make_pipeline(StandardScaler(), network),
        "linear regression": LinearRegression(),
        "random forest": RandomForestRegressor(random_state=0),
    }
    ours = ArithmeticRegressor().fit(x, y, resolution=table.resolution[:KNOWN])
    return {"numerate": ours} | {name: model.fit(x, y) for name, model in others.items()}


def draw(models: dict[str, Any], palette: dict[str, str]) -> Figure:
    figure = Figure(figsize=(8.4, 4.3), layout="constrained")
    axes = figure.subplots()
    x = np.linspace(0.05, 31.0, 600)
    for name, model in models.items():
        _draw_curve(axes, x, model.predict(x[:, None]), name, palette)
    _draw_planets(axes, read_table("kepler").values, palette)
    _draw_frame(axes, palette)
    return figure


def _draw_curve(axes: Axes, x: np.ndarray, y: np.ndarray, name: str, palette: dict) -> None:
    if name in CURVES:
        axes.plot(x, y, color=palette["faded"], lw=1.4, ls=CURVES[name], zorder=2)
        axes.text(31.5, y[-1], name, color=palette["faded"], va="center")
    else:
        axes.plot(x, y, color=palette["formula"], lw=2.6, zorder=3)
        label = {"color": palette["formula"], "va": "center"}
        axes.text(31.5, y[-1] + 2.5, r"$T = a^{3/2}$", fontsize=17, **label)
        axes.text(31.5, y[-1] - 11, name, fontweight="bold", **label)


def _draw_planets(axes: Axes, table: np.ndarray, palette: dict) -> None:
    known, unseen = table[:KNOWN], table[KNOWN:]
    circle = {"mec": palette["ink"], "ls": "none", "marker": "o", "ms": 8, "zorder": 4}
    axes.plot(*known.T, **circle, mfc=palette["ink"])
    axes.plot(*unseen.T, **circle, mfc=palette["hole"], mew=1.8)
    for name, (a, period) in list(zip(NAMES, table, strict=True))[4:]:
        place = {"xytext": (-9, 4), "textcoords": "offset points", "ha": "right"}
        axes.annotate(name, (a, period), color=palette["ink"], **place)


def _draw_frame(axes: Axes, palette: dict) -> None:
    edge = 12.0
    axes.axvspan(edge, 31.0, color=palette["shade"], lw=0, zorder=0)
    axes.set(xlim=(-0.4, 31.0), ylim=(-6, 184), xticks=(0, 10, 20, 30), yticks=(0, 50, 100, 150))
    above = {"y": 1.025, "transform": axes.get_xaxis_transform(), "color": palette["faded"]}
    axes.text(-0.4, s="six planets to learn from", **above)
    axes.text(edge, s="two to predict, found in 1781 and 1846", **above)
    axes.set_xlabel("a, distance from the Sun (Earth = 1)", color=palette["faded"])
    axes.set_ylabel("T, time of one orbit (years)", color=palette["faded"])
    axes.tick_params(colors=palette["faded"], length=0)
    axes.spines[:].set_visible(False)
    axes.grid(axis="y", color=palette["faded"], alpha=0.22, lw=0.8)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    models = fitted()
    for name, palette in PALETTES.items():
        path = folder / f"kepler-{name}.svg"
        with matplotlib.rc_context(STYLE):
            draw(models, palette).savefig(path, transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    main()
