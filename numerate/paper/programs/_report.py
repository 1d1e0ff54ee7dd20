"""Experiments with programs: their models, tables, sentences and figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
import polars as pl

from numerate.study import Job, Line, Row, Table, Tick, by_seed, median, seed_jobs, units_run

from ._dnc import DNC
from ._models import CellProgramModel, ConfiguredUnit
from ._task import TOKENS, Programs
from ._training import DIGITS, Learned, Training, learn
from ._ugrnn import UGRNN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONDITIONS = tuple(f"{digits} digits" for digits in DIGITS)
# Programs have at most six numbers.
_SLOTS = {"slots": 8, "width": 16}
BASELINES = {
    "LSTM": partial(CellProgramModel, eqx.nn.LSTMCell),
    "UGRNN": partial(CellProgramModel, UGRNN),
    "DNC": partial(CellProgramModel, partial(DNC, **_SLOTS)),
}
_PANELS = ("training: 2 digits", "validation: 3 digits", "test: 4 digits")
_OTHER_COLOURS = ("#7048e8", "#e64980", "#0c8599", "#f08c00", "#5c4033")
_COLOURS = {"NALU": "#1f6fb2", "UGRNN": "#2f9e44", "LSTM": "#d9480f", "DNC": "#868e96"}


@dataclass(frozen=True)
class ProgramSettings:
    """The settings of a run.

    **Fields:**

    - `seeds`: models of each row of the table.
    - `units`: the rows to run; all of them if empty.
    - `steps`: of Adam.
    - `rate`: its initial learning rate, with a cosine schedule to 0.
    - `batch`: programs in a step, new at every step.
    - `hidden`: features of the LSTM that configures a unit.
    - `registers`: of a configured unit.
    - `cells`: features of the baselines' state.
    - `measures`: evaluations during training.
    - `programs`: test programs for each number of digits.
    """

    seeds: int
    steps: int
    units: tuple[str, ...] = ()
    rate: float = 0.02
    batch: int = 64
    hidden: int = 32
    registers: int = 2
    cells: int = 32
    measures: int = 40
    programs: int = 1000


@dataclass(frozen=True)
class ProgramStudy:
    """The models and published results of one kind of programs.

    **Fields:**

    - `kind`: of `Programs`.
    - `configured`: by name, functions of `(kinds, registers, hidden_size, *, key)` that make a
        `ConfiguredUnit`.
    - `threshold`: the share of correct digits from which a model counts as solving the task.
    - `curves`: the paper's curves by model: thousands of steps, and the percentage of correct
      digits for each number of digits.
    - `reached`: thousands of steps after which the paper's NALU reached the threshold, as text.
    - `sharpening`: by name of a configured unit, as for `Training`; 1 for units not listed.
    - `tries`: by name of a configured unit, the number of models for each seed; 1 for units not
      listed. The unit's row has the first of them. A second row, from the same job, has the one
      with the lowest error on two-digit numbers.
    - `skips_overflow`: as for `Training`.
    """

    kind: str
    configured: Mapping[str, Callable[..., ConfiguredUnit]]
    threshold: float
    curves: Mapping[str, tuple[Sequence[float], Sequence[Sequence[float]]]]
    reached: tuple[str, str, str]
    sharpening: Mapping[str, float] = field(default_factory=dict)
    tries: Mapping[str, int] = field(default_factory=dict)
    skips_overflow: bool = False

    @property
    def units(self) -> tuple[str, ...]:
        """The rows of the tables."""
        return (*self.configured, *map(self.best, self.tries), *BASELINES)

    def best(self, unit: str) -> str:
        """The name of the row with the best model of every seed."""
        return f"{unit}, best of {self.tries[unit]}"

    def jobs(self, unit: str, settings: ProgramSettings) -> list[Job]:
        trained = {self.best(unit): unit for unit in self.tries}
        return seed_jobs(trained.get(unit, unit), range(settings.seeds))

    def run(self, job: Job, settings: ProgramSettings, tick: Tick) -> list[Row]:
        """A row for every seed and number of digits."""
        task = Programs(self.kind, set_size=settings.programs)
        tries = self.tries.get(job.unit, 1)
        training = Training(
            settings.steps,
            settings.batch,
            settings.rate,
            settings.measures,
            self.sharpening.get(job.unit, 1.0),
            self.skips_overflow,
        )
        if job.unit in BASELINES:
            make = _model(BASELINES[job.unit], settings.cells)
        else:
            make = _model(self.configured[job.unit], settings.registers, settings.hidden)
        models = range(tries * job.seeds.start, tries * job.seeds.stop)
        learned = learn(make, task, training, models, tick)
        first = np.arange(0, len(models), tries)
        rows = _rows(job.unit, job.seeds, learned, first)
        if tries > 1:
            best = first + _least(learned.rmse[:, -1, 0].reshape(-1, tries))
            rows += _rows(self.best(job.unit), job.seeds, learned, best)
        return rows

    def tables(self, rows: pl.DataFrame, settings: ProgramSettings) -> dict[str, Table]:
        found = {f"digits, {c}": self._shares(rows, index) for index, c in enumerate(CONDITIONS)}
        return found | {"steps": self._steps(rows, settings)}

    def _shares(self, rows: pl.DataFrame, index: int) -> Table:
        lines = [
            Line(
                (unit,),
                tuple(100 * v for v in values),
                tuple(value >= self.threshold for value in values),
                self._paper(unit, index),
            )
            for unit in units_run(rows, self.units)
            for values in [self.values(rows, unit, index)]
        ]
        return Table(("model",), "% of digits", tuple(lines))

    def _paper(self, unit: str, index: int) -> str:
        return f"{self.curves[unit][1][index][-1]:.1f}" if unit in self.curves else ""

    def _steps(self, rows: pl.DataFrame, settings: ProgramSettings) -> Table:
        lines = [
            Line(
                (unit, condition),
                steps,
                tuple(np.isfinite(steps).tolist()),
                self.reached[index] if unit == "NALU" else "",
            )
            for unit in units_run(rows, self.units)
            for index, condition in enumerate(CONDITIONS)
            for steps in [self.thousands(rows, unit, index, settings)]
            if np.isfinite(steps).any() or unit == "NALU"
        ]
        return Table(("model", "numbers"), "thousand steps", tuple(lines))

    def values(self, rows: pl.DataFrame, unit: str, index: int) -> tuple[float, ...]:
        """The share of correct digits of every seed at the end."""
        return by_seed(rows, "digits", unit=unit, condition=CONDITIONS[index])

    def curve(self, rows: pl.DataFrame, unit: str, index: int) -> np.ndarray:
        """The share of correct digits of every seed at every measurement, `(seeds, measures)`."""
        return np.array(by_seed(rows, "curve", unit=unit, condition=CONDITIONS[index]), float)

    def thousands(
        self, rows: pl.DataFrame, unit: str, index: int, settings: ProgramSettings
    ) -> tuple[float, ...]:
        """The thousands of steps to the threshold for every seed; infinite if it is not reached."""
        curve = self.curve(rows, unit, index)
        above = curve >= self.threshold
        first = (np.argmax(above, axis=1) + 1) * settings.steps / curve.shape[1] / 1000
        return tuple(np.where(above.any(axis=1), first, np.inf).tolist())

    def steps_text(self, rows: pl.DataFrame, unit: str, settings: ProgramSettings) -> str:
        """The median steps of a unit to the threshold as text, for 2, 3 and 4 digits."""
        if unit not in units_run(rows, self.units):
            return "(not run)"
        indices = range(len(DIGITS))
        steps = [median(self.thousands(rows, unit, index, settings)) for index in indices]
        texts = [f"{1000 * one:,.0f}" if np.isfinite(one) else "never" for one in steps]
        return f"{' / '.join(texts)} steps"

    def digits_text(self, rows: pl.DataFrame, unit: str) -> str:
        """Median digits and solved seeds of a unit as text, for 2, 3 and 4 digits."""
        every = [self.values(rows, unit, index) for index in range(len(DIGITS))]
        if not all(every):
            return "(not run)"
        shares = " / ".join(f"{100 * median(values):.1f}" for values in every)
        solved = " / ".join(str(sum(v >= self.threshold for v in values)) for values in every)
        return f"{shares} % ({solved} of {len(every[0])} seeds reach the threshold)"

    def draw(self, rows: pl.DataFrame, settings: ProgramSettings) -> "dict[str, Figure]":
        return {"curves": self._figure(rows, settings)}

    def _figure(self, rows: pl.DataFrame, settings: ProgramSettings) -> "Figure":
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 4.4), layout="constrained")
        panels = figure.subplots(1, len(DIGITS), sharey=True)
        for index, axes in enumerate(panels):
            self._panel(axes, rows, index, settings)
        panels[0].set_ylabel("% of digits that are right")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=8)
        return figure

    def _panel(
        self, axes: "Axes", rows: pl.DataFrame, index: int, settings: ProgramSettings
    ) -> None:
        others = iter(_OTHER_COLOURS)
        for unit in units_run(rows, self.units):
            curve = 100 * self.curve(rows, unit, index)
            x = np.arange(1, curve.shape[1] + 1) * settings.steps / curve.shape[1] / 1000
            colour = _COLOURS.get(unit) or next(others)
            middle, spread = curve.mean(axis=0), 2 * curve.std(axis=0)
            axes.plot(x, middle, "-", color=colour, lw=1.8, label=unit)
            if unit in self.curves:
                low, high = np.clip([middle - spread, middle + spread], 0, 100)
                axes.fill_between(x, low, high, color=colour, alpha=0.12, lw=0)
        for unit, (x, panels) in self.curves.items():
            style = {"color": _COLOURS[unit], "lw": 1.1, "ms": 3}
            axes.plot(x, panels[index], "o:", label=f"{unit}, paper", **style)
        axes.set_xscale("log")
        axes.set_ylim(-2, 102)
        axes.set_xlabel("thousand steps")
        axes.set_title(_PANELS[index])


def _rows(unit: str, seeds: range, learned: Learned, models: np.ndarray) -> list[Row]:
    """A row for each number of digits and seed, with the models given by `models`."""
    return [
        {
            "unit": unit,
            "seed": seed,
            "condition": condition,
            "digits": float(learned.digits[model, -1, index]),
            "error": float(learned.rmse[model, -1, index]),
            "curve": [round(float(v), 5) for v in learned.digits[model, :, index]],
        }
        for seed, model in zip(seeds, models, strict=True)
        for index, condition in enumerate(CONDITIONS)
    ]


def _least(errors: np.ndarray) -> np.ndarray:
    """The index of the smallest value of every row; non-finite values count as the largest."""
    return np.argmin(np.where(np.isfinite(errors), errors, np.inf), axis=1)


@lru_cache(maxsize=32)
def _model(make: Callable[..., Any], *sizes: int) -> Callable[..., Any]:
    """A function of `key=`, the same object for the same arguments."""
    return partial(make, len(TOKENS), *sizes)
