"""A figure of a fit: data and formula, residuals, and the Pareto front of formulas.

Needs the extra `plot`: `pip install "numerate[plot]"`.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from numerate._errors import InputError
from numerate._names import quoted, visible
from numerate._output import write_file
from numerate.tables import Table

from .formula import explained_error, floats, formula_text, latex_source, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FORMATS = (".png", ".svg", ".pdf")
_INK, _FADED, _ACCENT, _HIGHLIGHT, _SHADE = "#1f2933", "#7b8794", "#1f6fb2", "#d9480f", "#eef1f4"
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.edgecolor": _FADED,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": _INK,
    "xtick.color": _FADED,
    "ytick.color": _FADED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "mathtext.fontset": "cm",
    "svg.hashsalt": "numerate",
}
_POINTS = 4000  # More points overlap, and a vector file would have many megabytes.
_CURVE = 600
_LOG_FROM = 30.0  # An axis is logarithmic if max / min is at least this.


def check_can_plot(path: str | Path) -> None:
    """Raises `InputError` unless matplotlib is installed and can write the format of `path`.

    !!! example
        >>> try:
        ...     check_can_plot("fit.jpeg")
        ... except InputError as error:
        ...     print(error)
        fit.jpeg: a plot must be a .png, .svg or .pdf file.
    """
    if Path(path).suffix.lower() not in _FORMATS:
        raise InputError(f"{path}: a plot must be a .png, .svg or .pdf file.")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise InputError(
            'a plot needs matplotlib, which is not installed: pip install "numerate[plot]".'
        ) from None


def save_plot(model: Any, table: Table, path: str | Path) -> None:
    """Writes `plot_fit(model, table)` to a file, byte for byte reproducible.

    **Arguments:** a fitted `ArithmeticRegressor` or a `FormulaModel`, the table it was fitted
    to, and a path that ends in .png, .svg or .pdf.

    !!! example
        >>> import numerate, pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "kepler.svg"
        >>> save_plot(numerate.fit("kepler"), numerate.tables.read_table("kepler"), path)
        >>> path.read_text()[:5]
        '<?xml'
    """
    check_can_plot(path)
    import matplotlib

    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    kind = Path(path).suffix.lower().removeprefix(".")
    drawn = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        plot_fit(model, table).savefig(
            drawn, format=kind, dpi=200, metadata=dates.get(kind), facecolor="white"
        )
    write_file(path, drawn.getvalue())


def plot_fit(model: Any, table: Table) -> "Figure":
    """The figure: data against formula, residuals, and the Pareto front of formulas.

    For a table with one feature, the formula is also shown as a curve. The area outside the data
    is shaded.

    **Arguments:** a fitted `ArithmeticRegressor` or a `FormulaModel`, and the table it was fitted
    to (features in the model's order, target last).
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    model = getattr(model, "model_", model)
    shown = _thinned(table)
    predicted = _predict(model, shown.values[:, :-1])
    one_feature = len(table.names) == 2
    with matplotlib.rc_context(STYLE):
        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.10, wspace=0.04, hspace=0.06)
        figure = Figure(figsize=(10, 7), layout=layout)
        axes = figure.subplot_mosaic(
            [["curve", "fit"], ["residuals", "front"]]
            if one_feature
            else [["fit", "residuals"], ["fit", "front"]]
        )
        figure.suptitle(_title(model), x=0.02, ha="left", fontsize=20)
        figure.text(0.985, 0.972, _verdict(model), ha="right", va="top", color=_FADED)
        if one_feature:
            _draw_curve(axes["curve"], model, shown)
        _draw_fit(axes["fit"], shown, predicted)
        _draw_residuals(axes["residuals"], model, shown, predicted)
        _draw_front(axes["front"], model)
        _hide_overlapping_labels(figure, axes["front"])
    return figure


def _title(model: Any) -> str:
    import sympy
    from matplotlib.mathtext import MathTextParser

    rounded = {f: sympy.Float(f, 5) for f in floats(model.formula)}
    formula = model.formula.xreplace(rounded)
    equation = latex_source(formula, model.target_name, fold_frac_powers=True)
    drawn = f"${equation}$".replace(r"\frac", r"\dfrac")
    try:
        if not drawn.isascii():
            raise ValueError("the fonts of mathtext have few other letters")
        MathTextParser("path").parse(drawn)
    except ValueError:  # Names of columns may contain characters that mathtext cannot parse.
        text = f"{quoted(model.target_name)} = {formula_text(model.formula, digits=5)}"
        return _literal(_short(text, 100))
    return drawn


def _verdict(model: Any) -> str:
    error = model.holdout_relative_rmse
    return f"{model.status.replace('_', ' ')}, relative error {error:.2g} on rows held out"


def _predict(model: Any, features: Float[np.ndarray, "rows features"]) -> np.ndarray:
    with np.errstate(all="ignore"):
        return model.predict(features)


def _thinned(table: Table) -> Table:
    """Every n-th row, at most about `_POINTS` of them, and the rows with extreme values."""
    rows = len(table.values)
    if rows <= _POINTS:
        return table
    extremes = np.concatenate([table.values.argmin(axis=0), table.values.argmax(axis=0)])
    kept = np.union1d(np.arange(0, rows, -(-rows // _POINTS)), extremes)
    return Table(table.names, table.values[kept], table.resolution[kept], table.source)


def _draw_curve(axes: "Axes", model: Any, table: Table) -> None:
    x, y = table.values.T
    low, high = model.training_range[:, 0]
    logarithmic = _set_scale(axes.set_xscale, x)
    grid = _grid_around(low, high, logarithmic)
    curve = _predict(model, grid[:, None])
    seen = (grid >= low) & (grid <= high)
    axes.plot(grid, np.where(seen, curve, np.nan), color=_ACCENT, lw=2, label="formula")
    axes.plot(grid, np.where(seen, np.nan, curve), color=_ACCENT, lw=1.5, ls=(0, (4, 2)))
    _draw_points(axes, x, y, label="data")
    axes.set_xlim(grid[0], grid[-1])
    # The limits follow the data, because the formula may grow without bound outside them.
    axes.set_ylim(*_widened(y.min(), y.max(), _set_scale(axes.set_yscale, y), 0.35))
    _shade_outside(axes, low, high)
    axes.set(title="The formula", xlabel=_name(table.names[0]), ylabel=_name(table.names[1]))
    axes.legend(loc="best", fontsize=9)


def _shade_outside(axes: "Axes", low: float, high: float) -> None:
    left, right = axes.get_xlim()
    axes.axvspan(left, low, color=_SHADE, lw=0, zorder=0, label="outside the data")
    axes.axvspan(high, right, color=_SHADE, lw=0, zorder=0)
    axes.set_xlim(left, right)


def _draw_points(axes: "Axes", x: np.ndarray, y: np.ndarray, label: str | None = None) -> None:
    few = {"ms": 6, "mfc": "white", "mec": _INK, "mew": 1.3}
    many = {"ms": 3.5, "mfc": _INK, "mec": "none", "alpha": 0.4, "rasterized": len(x) > 1000}
    axes.plot(x, y, "o", zorder=3, label=label, **(few if len(x) <= 100 else many))


def _widened(low: float, high: float, logarithmic: bool, share: float) -> tuple[float, float]:
    """The interval, extended on both sides by a share of its width, but not across zero."""
    if logarithmic:
        margin = (high / low) ** share
        return low / margin, high * margin
    margin = share * (high - low)
    return max(low - margin, 0.0) if low >= 0 else low - margin, high + margin


def _grid_around(low: float, high: float, logarithmic: bool) -> Float[np.ndarray, " points"]:
    """Points from below to above the training range, by a quarter of its width on both sides."""
    start, stop = _widened(low, high, logarithmic, 0.25)
    spaced = np.geomspace if logarithmic else np.linspace
    return np.union1d(spaced(start, stop, _CURVE), [low, high])


def _draw_fit(axes: "Axes", table: Table, predicted: np.ndarray) -> None:
    measured = table.values[:, -1]
    low, high = measured.min(), measured.max()
    if np.all(predicted > 0):
        _set_scale(axes.set_xscale, measured)
        _set_scale(axes.set_yscale, measured)
    axes.axline((low, low), (high, high), color=_ACCENT, lw=1.5, label="formula = data")
    _draw_points(axes, measured, predicted)
    _shade_outside(axes, low, high)
    name = _name(table.names[-1])
    axes.set(title="Formula against data", xlabel=f"{name}, data", ylabel=f"{name}, formula")
    axes.legend(loc="upper left", bbox_to_anchor=(0.06, 1.0), fontsize=9)


def _draw_residuals(axes: "Axes", model: Any, table: Table, predicted: np.ndarray) -> None:
    measured = table.values[:, -1]
    explained = _explained(model, table)
    axes.axhline(0, color=_ACCENT, lw=1.5)
    if np.all(explained > 0):
        residual = (measured - predicted) / explained
        axes.axhspan(-1, 1, color=_ACCENT, alpha=0.12, lw=0, label="explained by written decimals")
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, fontsize=9)
        least, unit = 1.3, "in units of the written precision"
    else:
        residual = (measured - predicted) / np.where(measured == 0, 1.0, np.abs(measured))
        least, unit = 4 * np.finfo(float).eps, "relative to the data"
    limit = 1.15 * np.abs(residual[np.isfinite(residual)]).max(initial=least)
    axes.set_ylim(-limit, limit)
    _draw_points(axes, measured, residual)
    _set_scale(axes.set_xscale, measured)
    name = _name(table.names[-1])
    axes.set(title="Residuals", xlabel=f"{name}, data", ylabel=f"data − formula,\n{unit}")


def _explained(model: Any, table: Table) -> Float[np.ndarray, " rows"]:
    """The residual that the written precision of features and target explains, on each row."""
    features = table.values[:, :-1]
    columns = dict(zip(model.feature_names, features.T, strict=True))
    resolution = measured(features, table.values[:, -1], table.resolution)
    explained = explained_error(model.formula, columns, resolution)
    return np.where(np.isfinite(explained), explained, resolution[:, -1])


def _draw_front(axes: "Axes", model: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    equations = model.equations
    order = sorted(
        range(len(equations)),
        key=lambda i: (equations[i]["complexity"], equations[i]["holdout_relative_rmse"]),
    )
    complexity = [equations[i]["complexity"] for i in order]
    # A logarithmic axis cannot show an error of 0.
    errors = [equations[i]["holdout_relative_rmse"] for i in order]
    errors = np.maximum(errors, np.finfo(float).eps / 16)
    axes.plot(complexity, errors, "-o", color=_FADED, ms=5, lw=1.2, mfc="white", mew=1.2)
    middle = (complexity[0] + complexity[-1]) / 2
    for rank, x, y in zip(order, complexity, errors, strict=True):
        colour = _FADED if rank else _HIGHLIGHT  # The chosen formula comes first.
        if not rank:
            axes.plot(x, y, "o", ms=9, color=colour, zorder=4)
        axes.annotate(
            _literal(_short(formula_text(model.formulas[rank], digits=4))),
            (x, y),
            # The front falls, so labels fit above to its right and below to its left.
            (-6, -6) if x > middle else (7, 5),
            textcoords="offset points",
            ha="right" if x > middle else "left",
            va="top" if x > middle else "bottom",
            fontsize=8.5,
            color=colour,
            zorder=3 if rank else 5,
        )
    axes.set_yscale("log")
    axes.margins(x=0.12, y=0.2)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(
        title="Accuracy against simplicity",
        xlabel="complexity of the formula",
        ylabel="relative error on rows held out",
    )


def _hide_overlapping_labels(figure: "Figure", axes: "Axes") -> None:
    """Hides labels that overlap; the label of the chosen formula is always shown."""
    figure.draw_without_rendering()
    kept = [axes.get_window_extent()]
    for label in sorted(axes.texts, key=lambda text: -text.get_zorder()):
        box = label.get_window_extent()
        inside = box.x0 >= kept[0].x0 and box.x1 <= kept[0].x1
        if len(kept) > 1 and (not inside or box.count_overlaps(kept[1:])):
            label.set_visible(False)
        else:
            kept.append(box)


def _set_scale(set_scale: Any, values: np.ndarray) -> bool:
    """Makes an axis logarithmic if the values are positive and span more than 1.5 decades."""
    logarithmic = bool(values.min() > 0 and values.max() / values.min() >= _LOG_FROM)
    if logarithmic:
        set_scale("log")
    return logarithmic


def _literal(text: str) -> str:
    """Text that matplotlib does not parse as mathematical notation, in letters of its font."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    known = get_font(findfont(FontProperties())).get_charmap()
    drawn = (c if ord(c) in known else c.encode("unicode_escape").decode() for c in visible(text))
    return "".join(drawn).replace("$", r"\$")


def _name(name: str) -> str:
    """The name of a column as a label; a very long one would leave no room for the axes."""
    return _literal(_short(name, 40))


def _short(formula: str, most: int = 30) -> str:
    return formula if len(formula) <= most else formula[: most - 1] + "…"
