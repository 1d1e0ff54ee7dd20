"""The identity: figure 1 and table 5 of Trask et al. (2018).

A network with one input, three hidden layers of eight and one output learns to give back the
number that it is shown, from -5 to 5, and is then shown numbers up to 20 and up to 1000. A
hundred networks for every nonlinearity of PyTorch, and for units the same shape made of them.

Decided here, because the paper does not say, each a setting:

- The optimiser is plain gradient descent. It alone gives the paper's last line, an error below
  0.0001 for the network without nonlinearity; Adam and RMSProp keep swinging around the answer.
  All three are run.
- The training numbers are the eleven integers, all at every step.
- Layers have biases, and start as PyTorch's do, whose names of nonlinearities the paper uses:
  weights and biases from U(-r, r) with r = 1/√inputs.
- A unit stands for a whole layer: it has no bias and nothing follows it. It starts as its own
  paper says, and its constraint holds, but its penalty is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import polars as pl
from jaxtyping import Array

from numerate import Config, Stack, train_many, units
from numerate.study import Experiment, Line, Row, Table, Tick, finished, rank_correlation, seed_keys
from numerate.tasks import Task, uniform

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# The name in numerate, the paper's error of table 5, and how it writes that.
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
# Units of the field that have no part that is undefined or zero for negative numbers.
UNITS = ("NAC", "NALU", "NAU", "iNALU", "NASU")
ALL = (*NONLINEARITIES, *UNITS)


class Job(NamedTuple):
    """One nonlinearity or unit by one optimiser, with all its seeds."""

    unit: str
    optimiser: str
    first: int
    stop: int


@dataclass(frozen=True)
class Settings:
    """How much is run.

    **Fields:**

    - `seeds`: networks for each nonlinearity.
    - `steps`: of the optimiser.
    - `rate`: its learning rate.
    - `optimisers`: `sgd`, `adam` or `rmsprop`; figure 1 is drawn for the first.
    - `inputs`: trained on the `integers` from -5 to 5, or on 64 `uniform` numbers, new at every
        step.
    - `start`: of weights and biases, `pytorch`, or `glorot` with biases from 0.
    - `networks`: the nonlinearities and units among which `--units` chooses.
    """

    seeds: int = 100
    steps: int = 10_000
    rate: float = 0.01
    optimisers: tuple[str, ...] = ("sgd", "adam", "rmsprop")
    inputs: str = "integers"
    start: str = "pytorch"
    networks: tuple[str, ...] = ALL


WIDTH, DEPTH, NEAR, FAR = 8, 3, 20, 1000


@dataclass(frozen=True)
class Identity(Task):
    """y = x from -5 to 5."""

    inputs: str

    in_features = out_features = 1

    def sample(self, key: Array, batch_size: int) -> tuple[Array, Array]:
        if self.inputs == "integers":
            return self.validation()
        x = uniform(key, (batch_size, 1), minval=-5.0, maxval=5.0)
        return x, x

    def validation(self) -> tuple[Array, Array]:
        return _integers(5), _integers(5)

    def extrapolation(self) -> tuple[Array, Array]:
        return _integers(FAR), _integers(FAR)

    @property
    def threshold(self) -> float:
        return 0.25**2


def _integers(reach: int) -> Array:
    return jnp.arange(-reach, reach + 1.0)[:, None]


# Networks.


def network(activation: str, start: str, *, key: Array) -> units.MLP:
    """The paper's network."""
    made = units.MLP(1, 1, hidden_size=WIDTH, depth=DEPTH, activation=activation, key=key)
    return made if start == "glorot" else _as_in_pytorch(made, key)


def _as_in_pytorch(network: units.MLP, key: Array) -> units.MLP:
    """All weights and biases redrawn from U(-r, r), r = 1/√inputs of the layer."""

    def drawn(key: Array, like: Array, inputs: int) -> Array:
        return jax.random.uniform(key, like.shape, like.dtype, -1, 1) / jnp.sqrt(inputs)

    pairs = zip(network.weights, network.biases, strict=True)
    keys = jax.random.split(key, (len(network.weights), 2))
    new = [
        (drawn(k[0], weight, weight.shape[1]), drawn(k[1], bias, weight.shape[1]))
        for k, (weight, bias) in zip(keys, pairs, strict=True)
    ]
    weights, biases = (tuple(part) for part in zip(*new, strict=True))
    return eqx.tree_at(lambda n: (n.weights, n.biases), network, (weights, biases))


@cache
def _model(unit: str, start: str) -> Callable[..., Any]:
    """The network as a function of `key=`, the same object for the same arguments."""
    if unit in NONLINEARITIES:
        return partial(network, NONLINEARITIES[unit][0], start)
    kind, sizes = getattr(units, unit), (1, *[WIDTH] * DEPTH, 1)
    layers = [partial(kind, n, m) for n, m in zip(sizes, sizes[1:], strict=False)]
    return partial(Stack, layers)


@cache
def _optimiser(name: str, rate: float) -> optax.GradientTransformation:
    # RMSProp's constants are PyTorch's.
    makers = {"sgd": optax.sgd, "adam": optax.adam, "rmsprop": partial(optax.rmsprop, decay=0.99)}
    return makers[name](rate)


# Runs.


def jobs(settings: Settings, chosen: tuple[str, ...]) -> list[Job]:
    wanted = [unit for unit in settings.networks if unit in chosen]
    return [Job(unit, o, 0, settings.seeds) for o in settings.optimisers for unit in wanted]


def run(job: Job, settings: Settings, tick: Tick) -> list[Row]:
    config = Config(
        steps=settings.steps,
        log_every=settings.steps,  # The network at the end counts, whatever happened before.
        batch_size=64,
        optimiser=_optimiser(job.optimiser, settings.rate),
        penalty_scale=0.0,
    )
    seeds = range(job.first, job.stop)
    task, model = Identity(settings.inputs), _model(job.unit, settings.start)
    run = finished(train_many(seed_keys(seeds), task, model, config, progress=False))
    failed = ~np.isfinite(np.asarray(run.validation))
    near, far = (_errors(run.model, reach, failed) for reach in (NEAR, FAR))
    keep_curve = job.optimiser == settings.optimisers[0]
    return [
        {
            "unit": job.unit,
            "condition": job.optimiser,
            "seed": seed,
            "error": float(errors.mean()),
            "error at 20": float(curve[[0, -1]].mean()),
            # The file would be four times as large with all curves in full.
            "curve": _short(curve).tolist() if keep_curve else None,
        }
        for seed, errors, curve in zip(seeds, far, near, strict=True)
    ]


def _errors(model: Any, reach: int, failed: np.ndarray) -> np.ndarray:
    """|y - x| of every network at every integer, `(seeds, 2 reach + 1)`."""
    x = _integers(reach)
    y = np.asarray(eqx.filter_vmap(lambda one: jax.vmap(one)(x))(model), float)
    errors = np.abs(y - np.asarray(x))[:, :, 0]
    errors[failed] = np.nan
    return errors


def _short(curve: np.ndarray) -> np.ndarray:
    """In float32 with eight significant bits: enough to draw, and the rest compresses."""
    bits = curve.astype(np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x8000)) & np.uint32(0xFFFF0000)
    return np.where(np.isfinite(curve), rounded.view(np.float32), np.nan).astype(np.float32)


# What they show.


def tables(rows: pl.DataFrame, settings: Settings) -> dict[str, Table]:
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
                for unit in _in_order(rows)
                if (errors := _of(rows, unit, optimiser))
            ),
        )
        for optimiser in _optimisers(rows, settings)
    }


def _optimisers(rows: pl.DataFrame, settings: Settings) -> list[str]:
    run = set(rows["condition"])
    return [optimiser for optimiser in settings.optimisers if optimiser in run]


def _in_order(rows: pl.DataFrame) -> list[str]:
    return [unit for unit in ALL if unit in set(rows["unit"])]


def _of(rows: pl.DataFrame, unit: str, optimiser: str) -> tuple[float, ...]:
    return tuple(rows.filter(unit=unit, condition=optimiser)["error"])


def _mean(errors: tuple[float, ...]) -> float:
    """The paper's score: the mean over all networks, infinite if one of them failed."""
    mean = float(np.mean(errors))
    return mean if np.isfinite(mean) else float("inf")


def _shown(error: float) -> str:
    """As the paper writes it."""
    if not error < 1e6:
        return "not finite" if not np.isfinite(error) else f"{error:.1e}"
    return "< 0.0001" if error < 1e-4 else f"{error:.2f}" if error >= 0.005 else f"{error:.4f}"


def _text(unit: str) -> str:
    return unit if unit in NONLINEARITIES else f"{unit} (unit)"


def summarise(rows: pl.DataFrame, settings: Settings) -> dict[str, Any]:
    return {
        "mean error": {
            optimiser: {unit: _mean(_of(rows, unit, optimiser)) for unit in _in_order(rows)}
            for optimiser in _optimisers(rows, settings)
        },
        "agreement": {
            optimiser: _agreement(rows, optimiser) for optimiser in _optimisers(rows, settings)
        },
    }


def _agreement(rows: pl.DataFrame, optimiser: str) -> dict[str, Any]:
    """How near table 5 comes: the correlation of ranks, and the lines within a quarter."""
    pairs = [
        (_mean(_of(rows, unit, optimiser)), error)
        for unit, (_, error, _) in NONLINEARITIES.items()
        if error is not None and unit in set(rows["unit"])
    ]
    near = sum(4 / 5 <= ours / theirs <= 5 / 4 for ours, theirs in pairs)
    correlation = rank_correlation([ours for ours, _ in pairs], [theirs for _, theirs in pairs])
    return {"lines": len(pairs), "near": near, "rank correlation": round(correlation, 3)}


def sentences(rows: pl.DataFrame, settings: Settings) -> dict[str, str]:
    return {
        "verdict": _verdict(rows, settings),
        "agreement": _agreement_text(rows, settings),
        "edges": _edges(rows),
    }


SATURATING = ("Hardtanh", "ReLU6", "Softsign", "Tanh", "Sigmoid")


def _verdict(rows: pl.DataFrame, settings: Settings) -> str:
    optimiser = settings.optimisers[0]
    mean = {unit: _mean(_of(rows, unit, optimiser)) for unit in _in_order(rows)}
    found = _agreement(rows, optimiser)
    flat = [mean[unit] for unit in SATURATING if unit in mean]
    worst = [_shown(error) for error in (min(flat), max(flat))] if flat else ["(not run)"]
    told = ", ".join(f"{_text(unit)} {_solved(rows, unit, optimiser)}" for unit in mean
                     if unit in UNITS)  # fmt: skip
    return (
        f"The claim holds: saturating networks predict about 0 (their error is "
        f"{' to '.join(worst)}; that of predicting 0 is 500), and {found['near']} of "
        f"{found['lines']} rows of table 5 are within 25 % of the paper's. Without a nonlinearity "
        f"the error is {_shown(mean.get('None', float('nan')))}. Networks with an error below 0.25 "
        f"up to 1000, out of {settings.seeds}: {told}."
    )


def _solved(rows: pl.DataFrame, unit: str, optimiser: str) -> int:
    return sum(error < 0.25 for error in _of(rows, unit, optimiser))


def _agreement_text(rows: pl.DataFrame, settings: Settings) -> str:
    lines = [
        "| optimiser | error without nonlinearity | rows within 25 % of the paper's | "
        "rank correlation with the paper |",
        "| --- | ---: | ---: | ---: |",
    ]
    for optimiser in _optimisers(rows, settings):
        found = _agreement(rows, optimiser)
        none = _shown(_mean(_of(rows, "None", optimiser)))
        lines.append(
            f"| {optimiser} | {none} | {found['near']} of {found['lines']} | "
            f"{found['rank correlation']:.2f} |"
        )
    return "\n".join(lines)


# Read off figure 1, at x = -20 and x = 20; names of curves with the same colour are inferred.
FIGURE_1 = {
    "Threshold": "16.1 / 16.7", "Hardtanh": "14.9 / 15.9", "Tanh": "13.8 / 14.7",
    "Tanhshrink": "13.8 / 14.8", "Sigmoid": "13.1 / 14.1", "ReLU6": "12.7 / 13.7",
    "Hardshrink": "9.4 / 10.2", "Softsign": "4.1 / 4.3", "LeakyReLU": "3.3 / 3.3",
    "PReLU": "2.7 / 2.5", "Softplus": "2.5 / 2.2", "Softshrink": "1.6 / 1.7", "ReLU": "1.0 / 1.0",
    "SELU": "0.5 / 0.55", "ELU": "0.4 / 0.5", "None": "", "NAC": "", "NALU": "", "NAU": "",
    "iNALU": "", "NASU": "",
}  # fmt: skip


def _edges(rows: pl.DataFrame) -> str:
    """The mean error at the two ends of figure 1, beside the paper's."""
    lines = ["| nonlinearity | at −20 / 20 | figure 1 |", "| --- | ---: | ---: |"]
    for unit, theirs in FIGURE_1.items():
        curve = _curve(rows, unit)
        if curve is not None:
            lines.append(f"| {_text(unit)} | {_shown(curve[0])} / {_shown(curve[-1])} | {theirs} |")
    return "\n".join(lines)


def _curve(rows: pl.DataFrame, unit: str) -> np.ndarray | None:
    """The mean error of all networks at -20…20."""
    found = rows.filter(pl.col("curve").is_not_null(), unit=unit)["curve"]
    return np.mean(np.array(found.to_list(), float), axis=0) if len(found) else None


def draw(rows: pl.DataFrame, settings: Settings) -> "dict[str, Figure]":
    return {"figure1": _figure_1(rows, settings), "table5": _figure_table(rows, settings)}


def _figure_1(rows: pl.DataFrame, settings: Settings) -> "Figure":
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, 5.2), layout="constrained")
    axes = figure.subplots()
    x = np.arange(-NEAR, NEAR + 1)
    curves = {unit: _curve(rows, unit) for unit in _in_order(rows)}
    drawn = {unit: c for unit, c in curves.items() if c is not None and np.isfinite(c).all()}
    colours = colormaps["tab20"].colors  # pyright: ignore[reportAttributeAccessIssue]
    for place, (unit, curve) in enumerate(sorted(drawn.items(), key=lambda item: -item[1][-1])):
        style = "-" if unit in NONLINEARITIES else "--"
        axes.plot(x, curve, style, color=colours[place % 20], linewidth=1.5, label=_text(unit))
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


def _figure_table(rows: pl.DataFrame, settings: Settings) -> "Figure":
    """Table 5 as dots: every network, their mean, and the paper's mean."""
    from matplotlib.figure import Figure

    shown = _in_order(rows)
    optimisers = _optimisers(rows, settings)
    figure = Figure(
        figsize=(3.2 * len(optimisers) + 1.2, 0.27 * len(shown) + 1), layout="constrained"
    )
    panels = figure.subplots(1, len(optimisers), sharey=True, squeeze=False)[0]
    for axes, optimiser in zip(panels, optimisers, strict=True):
        for place, unit in enumerate(shown):
            errors = np.array(_of(rows, unit, optimiser))
            seen = np.clip(np.where(np.isfinite(errors), errors, 1e4), 1e-5, 1e4)
            dots = {"color": "#1f6fb2", "alpha": 0.25, "rasterized": True}  # 6,000 of them
            axes.plot(seen, np.full(len(seen), place), ".", **dots)
            mean = np.clip(np.nan_to_num(_mean(tuple(errors)), posinf=1e4), 1e-5, 1e4)
            axes.plot(mean, place, "|", color="#1f2933", markersize=11, label="mean")
            theirs = NONLINEARITIES.get(unit, ("", None, ""))[1]
            if theirs is not None:
                axes.plot(theirs, place, "x", color="#d9480f", label="paper")
        axes.axvline(500, color="0.7", linewidth=0.8, linestyle=":")
        axes.set(xscale="log", xlim=(5e-6, 2e4), title=optimiser, xlabel="error on −1000…1000")
    panels[0].set_yticks(range(len(shown)), [_text(unit) for unit in shown])
    panels[0].invert_yaxis()
    handles = {h.get_label(): h for h in panels[0].get_lines() if h.get_label()[0] != "_"}
    if handles:
        panels[0].legend(handles.values(), handles, loc="lower left", fontsize=8)
    return figure


EXPERIMENT = Experiment(
    name="identity",
    title="a scalar autoencoder, from −5…5 to −20…20 and −1000…1000 (figure 1, table 5)",
    claim="networks with standard nonlinearities do not learn the identity outside their training "
    "range; the stronger the nonlinearity, the larger the error.",
    units=ALL,
    scales={
        "smoke": Settings(
            seeds=2, steps=200, optimisers=("sgd",), networks=("Tanh", "None", "NAC")
        ),
        "quick": Settings(),
        "paper": Settings(),
    },
    cost={"smoke": 25.0, "quick": 522.0, "paper": 522.0},
    jobs=jobs,
    run=run,
    tables=tables,
    draw=draw,
    summarise=summarise,
    sentences=sentences,
)
