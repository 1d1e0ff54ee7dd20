"""The tables, sentences and figures of `identity`, beside figure 1 and table 5 of the paper."""

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from numerate.study import Line, Table, by_seed, markdown_table, rank_correlation, units_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEAR = 20

# The name in numerate, the paper's error in table 5, and the error as printed.
NONLINEARITIES: dict[str, tuple[str, float | None, str]] = {
    "Hardtanh": ("hardtanh", 495.47, "495.47"),
    "ReLU6": ("relu6", 494.59, "494.59"),
    "Softsign": ("softsign", 494.19, "494.19"),
    "Tanh": ("tanh", 493.65, "493.65"),
    "Sigmoid": ("sigmoid", 493.15, "493.15"),
    "Threshold": ("threshold", 432.97, "432.97"),
    "SELU": ("selu", 365.66, "365.66"),
    "ELU": ("elu", 142.83, "142.83"),
    "Softshrink": ("softshrink", 119.17, "119.17"),
    "ReLU": ("relu", 83.63, "83.63"),
    "LeakyReLU": ("leaky_relu", 77.02, "77.02"),
    "Tanhshrink": ("tanhshrink", 57.03, "57.03"),
    "Softplus": ("softplus", 37.60, "37.60"),
    "PReLU": ("prelu", 14.66, "14.66"),
    "None": ("none", None, "< 0.0001"),
    "Hardshrink": ("hardshrink", None, ""),
}
# Units that are defined, and not constant, for negative numbers.
UNITS = ("NAC", "NALU", "NAU", "iNALU", "NASU")
ALL = (*NONLINEARITIES, *UNITS)


def tables(rows: pl.DataFrame, settings: Any) -> dict[str, Table]:
    return {
        f"table 5 {optimiser}": Table(
            ("nonlinearity", "mean error"),
            "error",
            tuple(
                Line(
                    (_text(unit), _shown(_mean(errors))),
                    errors,
                    tuple(error < 0.25 for error in errors),
                    NONLINEARITIES[unit][2] if unit in NONLINEARITIES else "",
                )
                for unit in units_run(rows, ALL)
                if (errors := _errors(rows, unit, optimiser))
            ),
        )
        for optimiser in _optimisers(rows, settings)
    }


def _optimisers(rows: pl.DataFrame, settings: Any) -> list[str]:
    run = set(rows["condition"])
    return [optimiser for optimiser in settings.optimisers if optimiser in run]


def _errors(rows: pl.DataFrame, unit: str, optimiser: str) -> tuple[float, ...]:
    return by_seed(rows, "error", unit=unit, condition=optimiser)


def _mean(errors: tuple[float, ...]) -> float:
    """The paper's score: the mean over all networks, infinite if one of them diverged."""
    mean = float(np.mean(errors))
    return mean if np.isfinite(mean) else float("inf")


def _shown(error: float) -> str:
    """An error in the format of the paper."""
    if not error < 1e6:
        return "not finite" if not np.isfinite(error) else f"{error:.1e}"
    return "< 0.0001" if error < 1e-4 else f"{error:.2f}" if error >= 0.005 else f"{error:.4f}"


def _text(unit: str) -> str:
    return unit if unit in NONLINEARITIES else f"{unit} (unit)"


def summarise(rows: pl.DataFrame, settings: Any) -> dict[str, Any]:
    return {
        "mean error": {
            optimiser: {
                unit: _mean(_errors(rows, unit, optimiser)) for unit in units_run(rows, ALL)
            }
            for optimiser in _optimisers(rows, settings)
        },
        "agreement": {
            optimiser: _agreement(rows, optimiser) for optimiser in _optimisers(rows, settings)
        },
    }


def _agreement(rows: pl.DataFrame, optimiser: str) -> dict[str, Any]:
    """Agreement with table 5: the rank correlation, and the number of lines within 25 %."""
    pairs = [
        (_mean(_errors(rows, unit, optimiser)), error)
        for unit, (_, error, _) in NONLINEARITIES.items()
        if error is not None and unit in set(rows["unit"])
    ]
    near = sum(4 / 5 <= ours / theirs <= 5 / 4 for ours, theirs in pairs)
    correlation = rank_correlation([ours for ours, _ in pairs], [theirs for _, theirs in pairs])
    return {"lines": len(pairs), "near": near, "rank correlation": round(correlation, 3)}


def sentences(rows: pl.DataFrame, settings: Any) -> dict[str, str]:
    return {
        "verdict": _verdict(rows, settings),
        "agreement": _agreement_text(rows, settings),
        "edges": _edges(rows),
    }


SATURATING = ("Hardtanh", "ReLU6", "Softsign", "Tanh", "Sigmoid")


def _verdict(rows: pl.DataFrame, settings: Any) -> str:
    optimiser = settings.optimisers[0]
    mean = {unit: _mean(_errors(rows, unit, optimiser)) for unit in units_run(rows, ALL)}
    found = _agreement(rows, optimiser)
    flat = [mean[unit] for unit in SATURATING if unit in mean]
    worst = [_shown(error) for error in (min(flat), max(flat))] if flat else ["(not run)"]
    solved = ", ".join(f"{_text(unit)} {_solved(rows, unit, optimiser)}" for unit in mean
                       if unit in UNITS)  # fmt: skip
    return (
        f"The claim holds: saturating networks predict about 0 (their error is "
        f"{' to '.join(worst)}; that of predicting 0 is 500), and {found['near']} of "
        f"{found['lines']} rows of table 5 are within 25 % of the paper's. Without a nonlinearity "
        f"the error is {_shown(mean.get('None', float('nan')))}. Networks with an error below 0.25 "
        f"up to 1000, out of {settings.seeds}: {solved}."
    )


def _solved(rows: pl.DataFrame, unit: str, optimiser: str) -> int:
    return sum(error < 0.25 for error in _errors(rows, unit, optimiser))


def _agreement_text(rows: pl.DataFrame, settings: Any) -> str:
    head = ["optimiser", "error without nonlinearity", "rows within 25 % of the paper's"]
    lines = []
    for optimiser in _optimisers(rows, settings):
        found = _agreement(rows, optimiser)
        near = f"{found['near']} of {found['lines']}"
        none = _shown(_mean(_errors(rows, "None", optimiser)))
        lines.append([optimiser, none, near, f"{found['rank correlation']:.2f}"])
    return markdown_table([*head, "rank correlation with the paper"], lines)


# Read from figure 1, at x = -20 and x = 20; the names of curves of the same colour are inferred.
FIGURE_1 = {
    "Threshold": "16.1 / 16.7", "Hardtanh": "14.9 / 15.9", "Tanh": "13.8 / 14.7",
    "Tanhshrink": "13.8 / 14.8", "Sigmoid": "13.1 / 14.1", "ReLU6": "12.7 / 13.7",
    "Hardshrink": "9.4 / 10.2", "Softsign": "4.1 / 4.3", "LeakyReLU": "3.3 / 3.3",
    "PReLU": "2.7 / 2.5", "Softplus": "2.5 / 2.2", "Softshrink": "1.6 / 1.7", "ReLU": "1.0 / 1.0",
    "SELU": "0.5 / 0.55", "ELU": "0.4 / 0.5", "None": "", "NAC": "", "NALU": "", "NAU": "",
    "iNALU": "", "NASU": "",
}  # fmt: skip


def _edges(rows: pl.DataFrame) -> str:
    """The mean error at both ends of figure 1, beside the paper's."""
    curves = {unit: _curve(rows, unit) for unit in FIGURE_1}
    lines = [
        [_text(unit), f"{_shown(curve[0])} / {_shown(curve[-1])}", FIGURE_1[unit]]
        for unit, curve in curves.items()
        if curve is not None
    ]
    return markdown_table(["nonlinearity", "at −20 / 20", "figure 1"], lines)


def _curve(rows: pl.DataFrame, unit: str) -> np.ndarray | None:
    """The mean error of all networks at the integers from -20 to 20."""
    found = rows.filter(pl.col("curve").is_not_null(), unit=unit)["curve"]
    return np.mean(np.array(found.to_list(), float), axis=0) if len(found) else None


def draw(rows: pl.DataFrame, settings: Any) -> "dict[str, Figure]":
    return {"figure1": _figure_1(rows, settings), "table5": _figure_table(rows, settings)}


def _figure_1(rows: pl.DataFrame, settings: Any) -> "Figure":
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 5.2), layout="constrained")
    axes = figure.subplots()
    x = np.arange(-NEAR, NEAR + 1)
    curves = {unit: _curve(rows, unit) for unit in units_run(rows, ALL)}
    drawn = {unit: c for unit, c in curves.items() if c is not None and np.isfinite(c).all()}
    colours = colormaps["tab20"].colors  # pyright: ignore[reportAttributeAccessIssue]
    for index, (unit, curve) in enumerate(sorted(drawn.items(), key=lambda item: -item[1][-1])):
        style = "-" if unit in NONLINEARITIES else "--"
        axes.plot(x, curve, style, color=colours[index % 20], linewidth=1.5, label=_text(unit))
    axes.axvspan(-5, 5, color="0.94", zorder=0)
    axes.set(
        title="Trained from −5 to 5 (grey) to give back x",
        xlabel="x",
        ylabel=f"mean absolute error of {settings.seeds} networks",
        xlim=(-NEAR, NEAR),
        ylim=(0, 20),
    )
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    return figure


def _figure_table(rows: pl.DataFrame, settings: Any) -> "Figure":
    """Table 5 as dots: every network, the mean, and the paper's mean."""
    from matplotlib.figure import Figure

    shown = units_run(rows, ALL)
    optimisers = _optimisers(rows, settings)
    figure = Figure(
        figsize=(3.2 * len(optimisers) + 1.2, 0.27 * len(shown) + 1), layout="constrained"
    )
    panels = figure.subplots(1, len(optimisers), sharey=True, squeeze=False)[0]
    for axes, optimiser in zip(panels, optimisers, strict=True):
        for row, unit in enumerate(shown):
            errors = np.array(_errors(rows, unit, optimiser))
            seen = np.clip(np.where(np.isfinite(errors), errors, 1e4), 1e-5, 1e4)
            dots = {"color": "#1f6fb2", "alpha": 0.25, "rasterized": True}  # 6,000 of them
            axes.plot(seen, np.full(len(seen), row), ".", **dots)
            mean = np.clip(np.nan_to_num(_mean(tuple(errors)), posinf=1e4), 1e-5, 1e4)
            axes.plot(mean, row, "|", color="#1f2933", markersize=11, label="mean")
            theirs = NONLINEARITIES.get(unit, ("", None, ""))[1]
            if theirs is not None:
                axes.plot(theirs, row, "x", color="#d9480f", label="paper")
        axes.axvline(500, color="0.7", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlim=(5e-6, 2e4), title=optimiser, xlabel="error on −1000…1000")
    panels[0].set_yticks(range(len(shown)), [_text(unit) for unit in shown])
    panels[0].invert_yaxis()
    handles = {h.get_label(): h for h in panels[0].get_lines() if h.get_label()[0] != "_"}
    if handles:
        panels[0].legend(handles.values(), handles, loc="lower left", fontsize=8)
    return figure
