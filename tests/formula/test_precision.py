"""Which columns of a table were counted or set, and which were measured."""

import numpy as np
import pytest

from numerate.formula import measured
from numerate.tables import resolution_of

RNG = np.random.default_rng(0)
COLUMNS = {
    "labels": (np.repeat([0.0, 1.0], 20), True),
    "settings": (RNG.choice([0.1, 0.2, 0.5, 1.0], 200), True),
    "a dial of ten": (RNG.integers(1, 11, 200) / 10, True),
    "steps": (np.arange(100, 300, 5) / 100, True),
    "a whole design": (np.tile(np.arange(150, 200) / 100, 4), True),
    "lengths": (np.round(RNG.uniform(1.5, 2.0, 200), 2), False),
    "many lengths": (np.round(RNG.uniform(1.5, 2.0, 2000), 2), False),
    "many sizes": (np.array([float(f"{v:.3g}") for v in RNG.uniform(5, 20, 5000)]), False),
    "few lengths": (np.round(RNG.uniform(1.5, 2.0, 30), 2), False),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_were_set_are_exact(name):
    column, exact = COLUMNS[name]
    half = resolution_of(column)
    assert half.all()
    target = np.linspace(0.001, 1, len(column))
    found = measured(column[:, None], target, np.stack([half, 0 * half], axis=1))
    assert (found[:, 0] == 0).all() == exact
