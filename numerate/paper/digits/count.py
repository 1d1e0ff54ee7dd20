"""Counting digits: the counting half of table 2 of Trask et al. (2018).

A network sees a sequence of ten images of digits. The only target is the number of occurrences of
each digit, at the end of the sequence. The test sequences have one, ten, a hundred and a thousand
images that were not in the training set. `_training` lists the choices that the paper leaves open;
`mnist-add` has the sum as its target.
"""

from functools import partial

from numerate.study import Experiment

from ._report import Study, draw, sentences, summarise, tables
from ._sequences import DigitSequences
from ._training import CONSTANT, ENTRIES, Settings, run

# Accuracy on one digit in per cent, and the errors at lengths 10, 100 and 1000, as printed.
PAPER = {
    "LSTM": (98.29, 0.79, 18.2, 198.5),
    "GRU": (99.02, 0.73, 18.0, 198.3),
    "RNN-tanh": (38.91, 1.49, 18.4, 198.7),
    "RNN-ReLU": (9.80, 0.66, 39.8, 1.4e10),
    "NAC": (99.23, 0.12, 0.76, 3.32),
    "NALU": (97.6, 0.17, 0.93, 4.18),
}
# With probabilities as inputs a NAU with weights 0 and 1 is exact; with raw outputs it equals a
# NAC.
UNITS = (CONSTANT, *(unit for unit in ENTRIES if unit != "NAU, summed"))
TASK = DigitSequences("count")
STUDY = Study(TASK, PAPER, UNITS)

EXPERIMENT = Experiment(
    name="mnist-count",
    title="how often each digit occurs among ten to a thousand images (table 2, left)",
    claim="NAC and NALU, trained on ten images, count a thousand with small errors; LSTM, GRU and "
    "RNNs are no better than a constant.",
    units=UNITS,
    scales={
        "smoke": Settings(
            seeds=2, epochs=1, cell_epochs=1, baseline_epochs=1, sequences=50, source="small",
            units=(CONSTANT, "NAC", "NAU, softmax summed"),
        ),
        "quick": Settings(epochs=8, cell_epochs=2),
        "paper": Settings(seeds=20, epochs=60, cell_epochs=60, baseline_epochs=60),
    },
    # Measured with other work on the machine.
    cost={"smoke": 19, "quick": 1171},
    run=partial(run, TASK),
    tables=partial(tables, STUDY),
    draw=partial(draw, STUDY),
    summarise=partial(summarise, STUDY),
    sentences=partial(sentences, STUDY),
)  # fmt: skip
