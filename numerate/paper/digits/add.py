"""Adding digits: the addition half of table 2 of Trask et al. (2018).

A network sees a sequence of ten images of digits. The only target is their sum, at the end of the
sequence. The test sequences have one, ten, a hundred and a thousand images that were not in the
training set. `_training` lists the choices that the paper leaves open; `mnist-count` has the number
of occurrences of each digit as its target.
"""

from functools import partial

from numerate.study import Experiment

from ._report import Study, draw, sentences, summarise, tables
from ._sequences import DigitSequences
from ._training import CONSTANT, ENTRIES, Settings, run

# Accuracy on one digit in per cent, and the errors at lengths 10, 100 and 1000, as printed.
PAPER = {
    "LSTM": (0.0, 14.8, 800.8, 8811.6),
    "GRU": (0.0, 1.75, 771.4, 8775.2),
    "RNN-tanh": (0.0, 2.98, 20.4, 200.7),
    "RNN-ReLU": (88.18, 19.1, 182.1, 1171.0),
    "NAC": (97.6, 1.42, 7.88, 57.3),
    "NALU": (77.7, 5.11, 26.8, 248.9),
}
# With probabilities as inputs and weights of at most 1 no output is larger than 1 per digit.
UNITS = (CONSTANT, *(unit for unit in ENTRIES if "softmax" not in unit))
TASK = DigitSequences("add")
# Madsen & Johansen (2020): of ten seeds with a thousand epochs, those as good as a network whose
# addition is fixed. Their loss includes all prefixes of a sequence, which makes the task easier.
OTHERS = {
    "LSTM": ("0 % solved", "0 % solved", "0 % solved"),
    "NAC": ("10 % solved", "0 % solved", "0 % solved"),
    "NALU": ("0 % solved", "0 % solved", "0 % solved"),
    "NAU": ("70–80 % solved", "70–80 % solved", "70–80 % solved"),
}
STUDY = Study(TASK, PAPER, UNITS, OTHERS)

EXPERIMENT = Experiment(
    name="mnist-add",
    title="the sum of ten to a thousand images of digits (table 2, right)",
    claim="NAC and NALU, trained on ten images, sum a thousand with small errors; LSTM, GRU and "
    "RNNs are no better than a constant.",
    units=UNITS,
    scales={
        "smoke": Settings(
            seeds=2, epochs=1, cell_epochs=1, baseline_epochs=1, sequences=50, source="small",
            units=(CONSTANT, "NAC", "NAU, summed"),
        ),
        "quick": Settings(),
        "paper": Settings(seeds=20, epochs=60, cell_epochs=60, baseline_epochs=60),
    },
    # Measured with other work on the machine.
    cost={"smoke": 19, "quick": 968},
    run=partial(run, TASK),
    tables=partial(tables, STUDY),
    draw=partial(draw, STUDY),
    summarise=partial(summarise, STUDY),
    sentences=partial(sentences, STUDY),
)  # fmt: skip
