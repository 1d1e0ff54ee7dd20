"""Draws the picture of every unit while the documentation is built.

    python docs/hooks/pictures.py FOLDER [UNIT ...]

writes PNG previews on a light and a dark page. The build creates SVG files with a transparent
background and grey ink, which suit both themes, at `units/pictures/NAME.svg`.

A picture is a row of panels. There are a few types of panels, each drawn by one function below.
`PICTURES` has the panels of a unit; the default shows what it represents exactly. The units compute
all values themselves, with the exact weights of `numerate.units.exact`.
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
from matplotlib.patches import Rectangle

from numerate import units
from numerate.units import Unit
from numerate.units.exact import EXACT, exact

INK, BELOW, ABOVE = "#868e96", (0.11, 0.44, 0.76), (0.94, 0.40, 0.10)
# Blue below zero, orange above it; zero is transparent and shows the page.
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
NAMES = [name for name in units.__all__ if name != "Unit"]
Panel = Callable[[Axes, str], None]


# What the panels compute.


def _set(unit: Unit, **values: Any) -> Unit:
    """The unit with the given parameters; a single number fills the whole array."""
    for name, value in values.items():
        old = getattr(unit, name)
        new = jnp.broadcast_to(jnp.asarray(value, old.dtype), old.shape)
        unit = eqx.tree_at(lambda u, name=name: getattr(u, name), unit, new)
    return unit


def _made(name: str, in_features: int = 2) -> Unit:
    return getattr(units, name)(in_features, 1, key=KEY)


def _exact(name: str, operation: str) -> Unit:
    return exact(getattr(units, name), operation, key=KEY)


def _grid(reach: float, low: float | None = None) -> np.ndarray:
    return np.linspace(-reach if low is None else low, reach, POINTS, dtype=np.float32)


def _over_plane(function: Callable, across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """A function of two numbers, evaluated on a grid."""
    rows = jax.vmap(jax.vmap(function, (0, None)), (None, 0))
    return np.asarray(jax.jit(rows)(across, up))


# The kinds of panel.


def weight_surface(
    axes: Axes,
    name: str,
    *,
    values: Callable[[Any, Any], dict[str, Any]],
    labels: tuple[str, str],
    reach: float = 6.0,
) -> None:
    """The weight of a unit 1→1 as a function of two parameters."""
    unit, grid = _made(name, 1), _grid(reach)
    z = _over_plane(lambda a, b: _set(unit, **values(a, b)).weight.ravel()[0], grid, grid)
    _field(axes, grid, grid, z, 1.0, (-0.9, -0.5, -0.1, 0.1, 0.5, 0.9))
    axes.set(xlabel=labels[0], ylabel=labels[1], title="weight $W$")


def weight_slope(
    axes: Axes,
    name: str,
    *,
    values: Callable[[Any, Any], dict[str, Any]],
    labels: tuple[str, str],
    reach: float = 6.0,
) -> None:
    """The norm of the gradient of that weight: where it vanishes, training stops."""
    unit, grid = _made(name, 1), _grid(reach)

    def weight(a, b):
        return _set(unit, **values(a, b)).weight.ravel()[0]

    slope = _over_plane(lambda a, b: jnp.hypot(*jax.grad(weight, (0, 1))(a, b)), grid, grid)
    # Four powers of ten on the scale of colours, which is a square root.
    z = np.clip(1 + np.log10(slope + 1e-12) / 4, 0, 1) ** 2
    marks = {(1 + power / 4) ** 2: f"$10^{{{power}}}$" for power in (-3, -2, -1)}
    _field(axes, grid, grid, z, 1.0, tuple(marks), marks.__getitem__)
    axes.set(xlabel=labels[0], ylabel=labels[1], title=r"slope $|\nabla W|$")


def weight_line(axes: Axes, name: str, *, over: str, reach: float, low: float) -> None:
    """The weight of a unit 1→1 as a function of its only parameter, and the penalty."""
    unit, grid = _made(name, 1), _grid(reach, low)

    def both(value):
        here = _set(unit, **{over: value}).constrained()
        return here.weight.ravel()[0], here.penalty()

    weight, penalty = jax.jit(jax.vmap(both))(grid)
    axes.plot(grid, weight, color=ABOVE, lw=2, label="weight $W$")
    axes.plot(grid, penalty, color=BELOW, lw=1.5, ls="--", label="penalty $R$")
    axes.set(xlabel=r"$\hat{W}$", title="weight and penalty")
    axes.grid(color=INK, alpha=0.25, lw=0.6)
    axes.legend(frameon=False, loc="upper left", labelcolor=INK)


def outputs(axes: Axes, name: str, operation: str, title: str = "", **parameters: Any) -> None:
    """The output of a unit 2→1 with the exact weights of an operation, except `parameters`."""
    known = operation in EXACT[getattr(units, name)].parameters
    unit = _exact(name, operation) if known else _made(name)
    unit, grid = _set(unit, **parameters), _grid(3.0)
    z = _over_plane(lambda a, b: unit(jnp.stack([a, b]))[0], grid, grid)
    # The lines of a quotient all meet at zero.
    levels = (-2, -1, 0, 1, 2) if operation == "/" else LEVELS
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
    training: bool = False,
) -> None:
    """The error of a unit as a function of two weights, for inputs from a range.

    In `training` with the equation, and the noise, that the unit has then.
    """
    unit, grid = _exact(name, operation), _grid(weights[1] + 0.1, weights[0] - 0.1)
    (first, second), best = places, getattr(unit, parameter)
    x = jax.random.uniform(KEY, (64, 2), minval=min(inputs), maxval=max(inputs))
    target = jax.vmap(unit)(x)
    keys = jax.random.split(jax.random.key(1), 64)

    def error(a, b):
        values = best.at[first].set(a).at[second].set(b)
        here = eqx.tree_at(lambda u: getattr(u, parameter), unit, values)
        y = jax.vmap(lambda x, key: here(x, key=key if training else None))(x, keys)
        return jnp.mean((y - target) ** 2)

    z = _over_plane(error, grid, grid)
    _levels(axes, grid, z)
    axes.plot(best[first], best[second], marker="*", ms=11, color=ABOVE, ls="none")
    low, high = (f"{edge:g}".replace("-", "−") for edge in inputs)
    where = "in training" if training else f"U[{low}, {high}]"
    axes.set(title=f"error of ${TEX[operation]}$, {where}")
    axes.set(xlabel="weight of $a$", ylabel="weight of $b$")


def truth(
    axes: Axes,
    name: str,
    title: str,
    ends: tuple[float, float],
    levels: tuple[float, ...] = (0.1, 0.5, 0.9),
    **parameters: Any,
) -> None:
    """The output of a unit 2→1 that is a truth value, as a function of its inputs."""
    unit, grid = _set(_made(name), **parameters), _grid(ends[1], ends[0])
    z = _over_plane(lambda a, b: unit(jnp.stack([a, b]))[0], grid, grid)
    _field(axes, grid, grid, z, 1.0, levels)
    axes.set(xlabel="$a$", ylabel="$b$", title=title)


def learnt(axes: Axes, name: str, activation: str) -> None:
    """A network whose last layer is fitted to a product in a square, and its output outside."""
    unit = getattr(units, name)(2, 1, hidden_size=64, activation=activation, key=KEY)
    shift = jax.random.uniform(jax.random.key(1), (64,), minval=-1.0, maxval=1.0)
    unit = eqx.tree_at(lambda u: u.biases[0], unit, shift)

    def output(last):
        return eqx.tree_at(lambda u: u.weights[1], unit, last)

    x = jax.random.uniform(KEY, (512, 2), minval=0.0, maxval=1.5)
    # The output is linear in the last weights, so its gradient by them is the hidden features.
    features = jax.vmap(lambda x: jax.grad(lambda w: output(w)(x)[0])(unit.weights[1])[0])(x)
    last = np.linalg.lstsq(np.asarray(features, float), np.prod(np.asarray(x), 1), rcond=1e-5)[0]
    fitted = output(jnp.asarray(last[None], x.dtype))
    grid = _grid(6.0)
    z = _over_plane(lambda a, b: fitted(jnp.stack([a, b]))[0], grid, grid)
    _field(axes, grid, grid, z, 18.0, LEVELS)
    axes.add_patch(Rectangle((0, 0), 1.5, 1.5, fill=False, ec=INK, lw=1.8, ls="--"))
    axes.set(xlabel="$a$", ylabel="$b$", title=f"{activation}, fitted to ${TEX['*']}$")


# How they look.

LEVELS = (-8, -4, -2, -1, 0, 1, 2, 4, 8)

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
    """Colours from blue through transparent to orange, with lines at some values."""
    extent = (across[0], across[-1], up[0], up[-1])
    shade = np.sign(z) * np.sqrt(np.clip(np.abs(z) / largest, 0, 1))
    axes.imshow(shade, COLOURS, extent=extent, origin="lower", aspect="auto", vmin=-1, vmax=1)
    widths = [1.8 if level == 0 else 0.7 for level in levels]
    lines = axes.contour(across, up, z, levels, colors=INK, linewidths=widths)
    axes.clabel(lines, fmt=text, fontsize=7)


def _levels(axes: Axes, grid: np.ndarray, z: np.ndarray) -> None:
    """An error, from transparent where it is small to blue where it is large."""
    top = np.quantile(z, 0.97)
    shade = -np.clip(z / top, 0, 1)
    extent = (grid[0], grid[-1], grid[0], grid[-1])
    axes.imshow(shade, COLOURS, extent=extent, origin="lower", aspect="auto", vmin=-1, vmax=1)
    steps = top * np.array([0.01, 0.05, 0.2, 0.4, 0.6, 0.8])
    axes.contour(grid, grid, z, steps, colors=INK, linewidths=0.7)


# What each unit shows.

_SQUASHED: dict[str, Any] = {
    "values": lambda a, b: {"w_hat": a, "m_hat": b},
    "labels": (r"$\hat{W}$", r"$\hat{M}$"),
}
SURFACE = (partial(weight_surface, **_SQUASHED), partial(weight_slope, **_SQUASHED))
SHARE = partial(
    weight_surface,
    values=lambda a, b: {"w_hat": jnp.stack([a, 0 * a])[:, None], "gate_weight": b, "gate_bias": 0},
    labels=("$R$ beside the trash", "gate $w + b$"),
)
# Ŵ and M̂ of a weight of about a half.
HALF = {"w_hat": 1.0, "m_hat": 0.5}
# Where a unit with factors and divisors has the weights of a / b.
QUOTIENT = ((0, 0, 0), (1, 0, 1))
# The two operands of a comparison, a and b, and what is made of its bits.
OPERANDS = np.array([[[[99.0, -99.0]]], [[[-99.0, 99.0]]]])
GREATER = {"sign_weight": 50.0, "zero_weight": -25.0, "bias": 0.0}
HALF_GREATER = {"sign_weight": 2.0, "zero_weight": -1.0, "bias": 0.5}
EQUAL = {"sign_weight": 0.0, "zero_weight": 50.0, "bias": 0.0}
# Both inputs, neither negated.
LOGIC = {"w_hat": 50.0, "n_hat": -50.0}


def halfway(operation: str, **parameters: Any) -> Panel:
    return partial(outputs, operation=operation, title="half trained", **parameters)


def exactly(operation: str) -> Panel:
    return partial(outputs, operation=operation)


def chosen(factors: list[float], divisors: list[float]) -> dict[str, Any]:
    """A NASU with its product selected."""
    return {"product_hat": [[factors], [divisors]], "choice": 2}


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
        partial(landscape, operation="*", inputs=(-1.2, -1.1), training=True),
    ),
    "NPU": (
        exactly("*"),
        halfway("*", w_real=0.5),
        partial(
            landscape, operation="*", inputs=(-2.0, -1.0), weights=(-1.0, 3.0), parameter="w_real"
        ),
    ),
    "RealNPU": (
        exactly("/"),
        halfway("*", gate_hat=0.5),
        partial(landscape, operation="*", inputs=(-2.0, -1.0), weights=(-1.0, 3.0)),
    ),
    "RealNPUModified": (
        exactly("/"),
        halfway("/", gate_hat=0.5),
        partial(landscape, operation="/", inputs=(-2.0, -1.0), weights=(-1.0, 1.0)),
    ),
    "NRU": (
        exactly("/"),
        halfway("/", w_hat=[[0.5, -0.5]]),
        partial(landscape, operation="/", inputs=(-2.0, -1.0), weights=(-1.0, 1.0)),
    ),
    "HillSpaceSum": SURFACE,
    "HillSpaceProduct": (SURFACE[0], exactly("*"), halfway("*", **HALF)),
    "MCFC": (SHARE, exactly("+"), halfway("+", w_hat=[[100.0, 0.0], [-100.0, 0.0]])),
    "MulMCFC": (SHARE, exactly("*"), halfway("*", w_hat=0.0)),
    "MulMCFCSignINALU": (exactly("*"), halfway("*", w_hat=0.0)),
    "MulMCFCSignRealNPU": (
        exactly("*"),
        partial(outputs, operation="*", title="signs half open", sign_gate=0.5),
        halfway("*", w_hat=0.0),
    ),
    "NSR": (
        partial(truth, title="a > b", ends=(-5.0, 5.0), levels=(0.5,), w_hat=OPERANDS, **GREATER),
        partial(truth, title="a = b", ends=(-5.0, 5.0), levels=(0.5,), w_hat=OPERANDS, **EQUAL),
        partial(
            truth, title="half trained", ends=(-5.0, 5.0), w_hat=OPERANDS / 200, **HALF_GREATER
        ),
    ),
    "NLRL": (
        partial(truth, title="a and b", ends=(0.0, 1.0), **LOGIC, gate_weight=-50.0),
        partial(truth, title="a or b", ends=(0.0, 1.0), **LOGIC, gate_weight=50.0),
        partial(truth, title="half trained", ends=(0.0, 1.0), w_hat=0.0, n_hat=-1.0, gate_weight=0),
    ),
    "Linear": (
        exactly("-"),
        partial(landscape, operation="-", inputs=(1.0, 2.0), weights=(-2.0, 2.0)),
    ),
    "MLP": (
        exactly("-"),
        partial(learnt, activation="relu"),
        partial(learnt, activation="tanh"),
    ),
    "NASU": (
        partial(outputs, operation="+", title="the sum", sum_hat=1.0),
        partial(outputs, operation="*", title="the product", **chosen([1.0, 1.0], [0.0, 0.0])),
        partial(outputs, operation="/", title="the quotient", **chosen([1.0, 0.0], [0.0, 1.0])),
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


def panels(name: str) -> tuple[Panel, ...]:
    """What a unit shows; without a row, the first operations that it represents exactly."""
    return PICTURES.get(name) or tuple(
        map(exactly, list(EXACT[getattr(units, name)].parameters)[:3])
    )


def draw(name: str) -> Figure:
    shown = panels(name)
    figure = Figure(figsize=(3.1 * len(shown), 2.9))
    # In inches, the same for all: a layout engine would draw everything twice to find out.
    figure.subplots_adjust(
        left=0.5 / figure.get_figwidth(),
        right=1 - 0.1 / figure.get_figwidth(),
        bottom=0.16,
        top=0.91,
        wspace=0.26,
    )
    for axes, panel in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
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

    # Every function is computed once, in less time than XLA needs to optimise its program.
    jax.config.update("jax_disable_most_optimizations", True)
    for name in NAMES:
        place = f"units/pictures/{name.lower()}.svg"
        files.append(File.generated(config, place, content=svg(name)))
    return files


def main() -> None:
    folder, *names = sys.argv[1:]
    for name in names or NAMES:
        for page, ground in {"light": "#ffffff", "dark": "#1e2129"}.items():
            with matplotlib.rc_context(STYLE):
                draw(name).savefig(Path(folder) / f"{name}-{page}.png", facecolor=ground, dpi=90)


if __name__ == "__main__":
    main()
