"""Models as files: safetensors for arrays, JSON for the rest, nothing that is executed."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from numerate._errors import InputError
from numerate._output import write_file
from numerate.formula import from_data, to_data
from numerate.regress._model import FormulaModel
from numerate.regress._search import Settings

_FORMAT = "numerate.ArithmeticRegressor/1"
# The format keeps the names of the estimator's attributes.
_FIELDS = ("seconds", "interrupted", "target_name", "feature_names", "seed")
_OF_THE_CHOSEN = ("status", "complexity", "relative_rmse", "holdout_relative_rmse")


def save_model(model: FormulaModel, path: Any) -> None:
    """Write a model to one file of plain data; `load_model` and `numerate.load` read it.

    **Raises:** `numerate.tables.InputError` (a `ValueError`) if it cannot be written; a file that
    was there is then as before.
    """
    content = {f"{name}_": getattr(model, name) for name in (*_OF_THE_CHOSEN, *_FIELDS)}
    content["n_features_in_"] = len(model.feature_names)
    content["parameters"] = asdict(model.settings)
    content["formulas"] = [to_data(f) for f in model.formulas]
    content["equations"] = model.equations
    content["named"] = model.named
    metadata = {"format": _FORMAT, "model": json.dumps(content, default=float)}
    write_file(path, to_bytes({"training_range": model.training_range}, metadata=metadata))


def load_model(path: Any) -> FormulaModel:
    """Read a model that `save_model` wrote, without scikit-learn. Nothing in the file is executed.

    **Raises:** `numerate.tables.InputError` (a `ValueError`) for a missing file or one that is
    not such a model.

    !!! example
        >>> import pathlib, tempfile
        >>> from numerate.tables import read_table
        >>> from numerate.regress import search_table
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
        >>> save_model(search_table(read_table("kepler")), path)
        >>> load_model(path).formula
        a**(3/2)
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: there is no such model file.")
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, not {_FORMAT!r}")
            return _rebuilt(json.loads(metadata["model"]), file.get_tensor("training_range"))
    except (SafetensorError, ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(
            f"{path}: not a model written by numerate fit --out ({error}); fit it again."
        ) from error


def _rebuilt(content: dict, training_range: np.ndarray) -> FormulaModel:
    return FormulaModel(
        formulas=[from_data(f) for f in content["formulas"]],
        equations=content["equations"],
        named=content["named"],
        training_range=training_range,
        settings=Settings(**content["parameters"]),
        **{name: content[f"{name}_"] for name in _FIELDS},
    )
