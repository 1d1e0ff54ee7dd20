"""Sums of two numbers as programs: the NALU paper's §4.4, figure 6.

Choices that the paper leaves open:

- A program has three tokens, each with its kind; a number is a single token.
- The NALU is recurrent: its inputs are the number in the token and its own last two outputs, which
  are 0 at first. The first output is the result.
- The inputs of the LSTM that configures it are the kinds of tokens without the numbers, so that its
  output does not depend on their size. In rows with "numbers seen" it also gets the numbers.
- The baselines have numbers and outputs in hundreds: LSTM, UGRNN, and a DNC with 8 slots of 16
  numbers and one read head. The paper gives no sizes.
- Digits are compared from the right, with leading zeros (`matching_digits`).
- Numbers of three and four digits have no leading zeros; training numbers are from 0 to 99.
- The loss is the RMSE of a batch, in hundreds. Adam has a cosine schedule, and gradients are
  clipped to a norm of 1. The result is the model at the end; nothing is selected.
"""

from functools import partial

import polars as pl

from numerate.initialisers import constant
from numerate.study import Experiment
from numerate.units import NAC, NALU, NAU, iNALU

from ._models import ConfiguredUnit
from ._report import ProgramSettings, ProgramStudy

# Figure 6: thousands of steps, then the per cent of correct digits for two, three and four digits.
_STEPS = (0.3, 28, 56, 83, 111, 136, 164, 192, 219, 247)
FIGURE_6 = {
    "NALU": (
        _STEPS,
        (
            (9.4, 13.6, 37.3, 62.3, 93.2, 100, 100, 100, 100, 100),
            (8.4, 11.1, 24.8, 48.9, 72.3, 95.0, 100, 100, 100, 100),
            (8.5, 10.7, 21.6, 40.1, 59.1, 75.5, 95.1, 100, 100, 100),
        ),
    ),
    "UGRNN": (
        _STEPS,
        (
            (65.2, 99.98, 100, 100, 100, 100, 100, 100, 100, 100),
            (35.5, 41.6, 44.3, 47.3, 48.3, 49.6, 49.7, 50.8, 50.5, 51.4),
            (24.8, 30.8, 32.7, 35.2, 36.7, 37.7, 38.4, 38.9, 38.8, 38.3),
        ),
    ),
    "LSTM": (
        _STEPS,
        (
            (10.9, 82.9, 87.0, 88.2, 89.2, 89.9, 90.6, 91.3, 91.7, 92.1),
            (8.4, 7.4, 7.3, 7.2, 7.2, 7.1, 7.1, 7.0, 7.0, 7.0),
            (5.7, 6.0, 5.9, 5.8, 5.9, 5.8, 5.9, 5.8, 5.8, 5.8),
        ),
    ),
    "DNC": (
        _STEPS,
        (
            (9.2, 65.7, 70.3, 71.8, 72.6, 73.5, 74.2, 74.8, 75.4, 76.0),
            (6.2, 14.9, 13.5, 12.2, 12.2, 12.2, 12.3, 12.3, 12.3, 12.9),
            (4.6, 11.8, 10.7, 9.7, 9.7, 9.7, 9.6, 9.7, 9.7, 10.4),
        ),
    ),
}

# With all gates at ½ and all weights at 0.38 the sum is closer to the target than the product, so
# that training opens the gates for the sum.
_NALU = partial(NALU, w_hat_init=constant(1.0), m_hat_init=constant(0.0), gate_init=constant(0.0))
GLOROT, SEEN = "NALU, Glorot's start", "NALU, numbers seen"
STUDY = ProgramStudy(
    kind="add",
    configured={
        "NALU": partial(ConfiguredUnit, _NALU),
        GLOROT: partial(ConfiguredUnit, NALU),
        SEEN: partial(ConfiguredUnit, _NALU, sees="numbers"),
        "NAC": partial(ConfiguredUnit, NAC),
        "NAU": partial(ConfiguredUnit, NAU),
        "iNALU": partial(ConfiguredUnit, iNALU),
    },
    threshold=1.0,
    curves=FIGURE_6,
    reached=("119", "146", "174"),
)


def sentences(rows: pl.DataFrame, settings: ProgramSettings) -> dict[str, str]:
    def digits(unit: str) -> str:
        return STUDY.digits_text(rows, unit)

    def steps(unit: str) -> str:
        return STUDY.steps_text(rows, unit, settings)

    return {
        "verdict": (
            f"The claim holds. Correct digits with numbers of 2 / 3 / 4 digits, medians of "
            f"{settings.seeds} seeds: the configured NALU has {digits('NALU')}; the paper has "
            f"100 / 100 / 100 %. The median seed needs {steps('NALU')}; the paper's curves need "
            f"119,000 / 146,000 / 174,000. An LSTM alone has {digits('LSTM')}. Recommended today "
            f"is a configured NAC, which has no product: {digits('NAC')}."
        ),
        "soon": (
            f"Median steps for 2 / 3 / 4 digits: NALU {steps('NALU')}, NAC {steps('NAC')}, NAU "
            f"{steps('NAU')}, iNALU {steps('iNALU')}."
        ),
        "baselines": (
            f"An LSTM alone has {digits('LSTM')}, a UGRNN {digits('UGRNN')}, a DNC "
            f"{digits('DNC')}. The paper's baselines have 92.1 / 7.0 / 5.8 %, 100 / 51.4 / 38.3 % "
            f"and 76.0 / 12.9 / 10.4 %."
        ),
        "literal": (
            f"If the LSTM also gets the numbers, the configured NALU has {digits(SEEN)}; "
            f"otherwise {digits('NALU')}."
        ),
        "start": (
            f"With Glorot's initialisation of weights and gates it has {digits(GLOROT)}; with "
            f"gates at ½ and positive weights {digits('NALU')}."
        ),
    }


EXPERIMENT = Experiment(
    name="programs-add",
    title="programs that add two integers",
    claim=(
        "A NALU configured by an LSTM learns from two-digit numbers to add three-digit and "
        "four-digit numbers with all digits correct; UGRNN, LSTM and DNC do not."
    ),
    units=STUDY.units,
    scales={
        "smoke": ProgramSettings(
            seeds=1, steps=40, measures=4, programs=50, hidden=8, cells=8, units=("NALU", "LSTM")
        ),
        "quick": ProgramSettings(seeds=10, steps=30_000),
        "paper": ProgramSettings(seeds=10, steps=250_000, measures=100),
    },
    cost={"smoke": 12.0, "quick": 578.0},
    jobs=STUDY.jobs,
    run=STUDY.run,
    tables=STUDY.tables,
    draw=STUDY.draw,
    sentences=sentences,
)
