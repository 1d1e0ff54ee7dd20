"""Draws the picture of every unit while the documentation is built.

    python docs/hooks/pictures.py FOLDER [UNIT ...]

writes them as PNG on a light and on a dark page, to look at. In the build they are SVG files with
a transparent ground and grey ink, for both themes, at `units/pictures/NAME.svg`.

A picture is a row of panels, and a panel is one of a few kinds: one function each, below. What a
unit shows is one row of `PICTURES`. All is computed by the units themselves; their exact weights
are those of the tests' table.
"""

import io
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[2]))

from numerate.units import Unit  # noqa: E402
from tests.units.table import UNITS  # noqa: E402

INK, BELOW, ABOVE = "#868e96", (0.11, 0.44, 0.76), (0.94, 0.40, 0.10)
# From blue below zero to orange above it; zero is the page, seen through either.
COLOURS = LinearSegmentedColormap.from_list(
    "signed", [(0, (*BELOW, 0.9)), (0.5, (*BELOW, 0)), (0.501, (*ABOVE, 0)), (1, (*ABOVE, 0.9))]
)
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "svg.fonttype": "path",
    "svg.hashsalt": "numerate",
    "axes.titlesize": 9,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
}
POINTS = 161  # of an axis; odd, so that zero is one of them
KEY = jax.random.key(0)
Panel = Callable[[Axes, str], None]


# What the panels compute.


def _set(unit: Unit, **values: Any) -> Unit:
    """The unit with parameters set; a single number fills all of one."""
    for name, value in values.items():
        old = getattr(unit, name)
        new = jnp.broadcast_to(jnp.asarray(value, old.dtype), old.shape)
        unit = eqx.tree_at(lambda u, name=name: getattr(u, name), unit, new)
    return unit


def _exact(name: str, operation: str) -> Unit:
    return UNITS[name].made_exact(operation, jnp.float32, KEY)


def _grid(reach: float, low: float | None = None) -> np.ndarray:
    return np.linspace(-reach if low is None else low, reach, POINTS, dtype=np.float32)


def _over_plane(function: Callable, across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """A function of two numbers, at all pairs of them."""
    rows = jax.vmap(jax.vmap(function, (0, None)), (None, 0))
    return np.asarray(jax.jit(rows)(across, up))


# The kinds of panel.


def weight_surface(axes: Axes, name: str, *, across: str, up: str, reach: float = 6.0) -> None:
    """The weight of a unit 1→1 over two free parameters."""
    unit, grid = UNITS[name].make(1, 1, key=KEY), _grid(reach)
    z = _over_plane(lambda a, b: _set(unit, **{across: a, up: b}).weight.ravel()[0], grid, grid)
    _field(axes, grid, grid, z, 1.0, (-0.9, -0.5, -0.1, 0.1, 0.5, 0.9))
    axes.set(xlabel=SYMBOLS[across], ylabel=SYMBOLS[up], title="weight $W$")


def weight_slope(axes: Axes, name: str, *, across: str, up: str, reach: float = 6.0) -> None:
    """How fast that weight moves with its parameters: where training stands still."""
    unit, grid = UNITS[name].make(1, 1, key=KEY), _grid(reach)

    def slope(a, b):
        weight = lambda a, b: _set(unit, **{across: a, up: b}).weight.ravel()[0]  # noqa: E731
        return jnp.hypot(*jax.grad(weight, (0, 1))(a, b))

    z = np.log10(_over_plane(slope, grid, grid) + 1e-12)
    # Four powers of ten on the scale of colours, which is a square root.
    z = np.clip(1 + z / 4, 0, 1) ** 2
    marks = {(1 + power / 4) ** 2: f"$10^{{{power}}}$" for power in (-3, -2, -1)}
    _field(axes, grid, grid, z, 1.0, tuple(marks), marks.__getitem__)
    axes.set(xlabel=SYMBOLS[across], ylabel=SYMBOLS[up], title=r"slope $|\nabla W|$")


def weight_line(axes: Axes, name: str, *, over: str, reach: float, low: float) -> None:
    """The weight of a unit 1→1 over its one free parameter, and the penalty beside it."""
    unit, grid = UNITS[name].make(1, 1, key=KEY), _grid(reach, low)

    def both(value):
        here = _set(unit, **{over: value}).constrained()
        return here.weight.ravel()[0], here.penalty()

    weight, penalty = jax.jit(jax.vmap(both))(grid)
    axes.plot(grid, weight, color=ABOVE, lw=2, label="weight $W$")
    axes.plot(grid, penalty, color=BELOW, lw=1.5, ls="--", label="penalty $R$")
    axes.set(xlabel=SYMBOLS[over], title="weight and penalty")
    axes.grid(color=INK, alpha=0.25, lw=0.6)
    axes.legend(frameon=False, loc="upper left", labelcolor=INK)


def outputs(axes: Axes, name: str, operation: str, title: str = "", **parameters: Any) -> None:
    """The output of a unit 2→1 over its inputs, exact for an operation but for `parameters`."""
    unit, grid = _set(_exact(name, operation), **parameters), _grid(3.0)
    z = _over_plane(lambda a, b: unit(jnp.stack([a, b]))[0], grid, grid)
    # The lines of a quotient all meet at zero.
    levels = (-2, -1, 0, 1, 2) if operation == "/" else (-8, -4, -2, -1, 0, 1, 2, 4, 8)
    _field(axes, grid, grid, z, 9.0, levels)
    axes.set(xlabel="$a$", ylabel="$b$", title=title or f"weights of ${TEX[operation]}$")


def landscape(
    axes: Axes,
    name: str,
    operation: str,
    inputs: tuple[float, float],
    weights: tuple[float, float] = (0.0, 1.0),
    parameter: str = "w_hat",
    places: tuple[tuple[int, ...], ...] = ((0, 0), (0, 1)),
    noise: bool = False,
) -> None:
    """The error over two weights of a unit, for inputs from a range: the hill to come down."""
    unit, grid = _exact(name, operation), _grid(weights[1] + 0.1, weights[0] - 0.1)
    (first, second), best = places, getattr(unit, parameter)
    x = jax.random.uniform(KEY, (64, 2), minval=min(inputs), maxval=max(inputs))
    target = jax.vmap(unit)(x)
    draws = jax.random.split(jax.random.key(1), 64) if noise else None

    def error(a, b):
        values = best.at[first].set(a).at[second].set(b)
        here = eqx.tree_at(lambda u: getattr(u, parameter), unit, values)
        y = jax.vmap(lambda x, key: here(x, key=key))(x, draws) if noise else jax.vmap(here)(x)
        return jnp.mean((y - target) ** 2)

    z = _over_plane(error, grid, grid)
    _levels(axes, grid, z)
    axes.plot(best[first], best[second], marker="*", ms=11, color=ABOVE, ls="none")
    low, high = (f"{edge:g}".replace("-", "−") for edge in inputs)
    axes.set(title=f"error of ${TEX[operation]}$, U[{low}, {high}]")
    axes.set(xlabel="weight of $a$", ylabel="weight of $b$")


# How they look.

SYMBOLS = {"w_hat": r"$\hat{W}$", "m_hat": r"$\hat{M}$"}
TEX = {"+": "a + b", "-": "a - b", "*": "a \\cdot b", "/": "a / b", "sqrt": r"\sqrt{a}"}


def _field(
    axes: Axes,
    across: np.ndarray,
    up: np.ndarray,
    z: np.ndarray,
    largest: float,
    levels: tuple[float, ...],
    text: Callable[[float], str] = lambda value: f"{value:g}".replace("-", "−"),
) -> None:
    """Colours from blue through nothing to orange, with lines at some values."""
    extent = (across[0], across[-1], up[0], up[-1])
    shade = np.sign(z) * np.sqrt(np.clip(np.abs(z) / largest, 0, 1))
    axes.imshow(shade, COLOURS, extent=extent, origin="lower", aspect="auto", vmin=-1, vmax=1)
    widths = [1.8 if level == 0 else 0.7 for level in levels]
    lines = axes.contour(across, up, z, levels, colors=INK, linewidths=widths)
    axes.clabel(lines, fmt=text, fontsize=7)


def _levels(axes: Axes, grid: np.ndarray, z: np.ndarray) -> None:
    """An error, from nothing where it is small to blue where it is large."""
    top = np.quantile(z, 0.97)
    shade = -np.clip(z / top, 0, 1)
    extent = (grid[0], grid[-1], grid[0], grid[-1])
    axes.imshow(shade, COLOURS, extent=extent, origin="lower", aspect="auto", vmin=-1, vmax=1)
    steps = top * np.array([0.01, 0.05, 0.2, 0.4, 0.6, 0.8])
    axes.contour(grid, grid, z, steps, colors=INK, linewidths=0.7)


# What each unit shows.

_SQUASHED = {"across": "w_hat", "up": "m_hat"}
SURFACE = (partial(weight_surface, **_SQUASHED), partial(weight_slope, **_SQUASHED))
# Ŵ and M̂ of a weight of about a half.
HALF = {"w_hat": 1.0, "m_hat": 0.5}
# Where a unit with factors and divisors has the weights of a / b.
QUOTIENT = ((0, 0, 0), (1, 0, 1))


def halfway(operation: str, **parameters: Any) -> Panel:
    return partial(outputs, operation=operation, title="half trained", **parameters)


def exactly(operation: str) -> Panel:
    return partial(outputs, operation=operation)


PICTURES: dict[str, tuple[Panel, ...]] = {
    "NAC": SURFACE,
    "NACMul": (SURFACE[0], exactly("*"), halfway("*", **HALF)),
    "NALU": (SURFACE[0], exactly("*"), halfway("*", gate_weight=1.0)),
    "NALUScalarGate": (exactly("+"), exactly("*"), halfway("*", gate_weight=-1.0)),
    "NALUUntied": (exactly("+"), exactly("*"), halfway("*", gate_weight=-1.0)),
    "GNAC": SURFACE,
    "GNALU": (SURFACE[0], exactly("*"), halfway("*", gate_weight=-0.5)),
    "iNALU": (exactly("*"), exactly("/"), halfway("*", **HALF, gate_weight=0.0)),
    "iNALUShared": (exactly("+"), exactly("*"), halfway("*", **HALF, gate_weight=0.0)),
    "SNALU": (
        exactly("*"),
        partial(outputs, operation="*", title="weights of $a$ alone", w_hat=[[100.0, 0.0]]),
        halfway("*", gate_weight=0.0),
    ),
    "NAU": (
        partial(weight_line, over="w_hat", reach=2.0, low=-2.0),
        partial(landscape, operation="-", inputs=(1.0, 2.0), weights=(-1.0, 1.0)),
    ),
    "NMU": (
        partial(weight_line, over="w_hat", reach=1.5, low=-0.5),
        partial(landscape, operation="*", inputs=(1.0, 2.0)),
        partial(landscape, operation="*", inputs=(-1.2, -1.1)),
    ),
    "sNMU": (
        partial(landscape, operation="*", inputs=(-1.2, -1.1)),
        partial(landscape, operation="*", inputs=(-1.2, -1.1), noise=True),
    ),
    "NMRU": (
        exactly("/"),
        halfway("/", w_hat=[[[0.5, 0.0]], [[0.0, 0.5]]]),
        partial(landscape, operation="/", inputs=(-2.0, -1.0), places=QUOTIENT),
    ),
    "SignNMRU": (
        exactly("/"),
        halfway("/", w_hat=[[[0.5, 0.0]], [[0.0, 0.5]]]),
        partial(landscape, operation="/", inputs=(-2.0, -1.0), places=QUOTIENT),
    ),
}


def draw(name: str) -> Figure:
    panels = PICTURES[name]
    figure = Figure(figsize=(3.1 * len(panels), 2.9), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        axes.patch.set_alpha(0)
        panel(axes, name)
    return figure


@cache
def svg(name: str) -> str:
    """The picture of a unit; the same packages give the same bytes."""
    text = io.StringIO()
    with matplotlib.rc_context(STYLE):
        draw(name).savefig(text, format="svg", transparent=True, metadata={"Date": None})
    return text.getvalue()


def on_files(files: Any, config: Any) -> Any:
    """MkDocs calls this: adds the pictures to the files of the site."""
    from mkdocs.structure.files import File

    for name in PICTURES:
        place = f"units/pictures/{name.lower()}.svg"
        files.append(File.generated(config, place, content=svg(name)))
    return files


def main() -> None:
    folder, *names = sys.argv[1:]
    for name in names or PICTURES:
        for page, ground in {"light": "#ffffff", "dark": "#1e2129"}.items():
            with matplotlib.rc_context(STYLE):
                draw(name).savefig(Path(folder) / f"{name}-{page}.png", facecolor=ground, dpi=90)


if __name__ == "__main__":
    main()
