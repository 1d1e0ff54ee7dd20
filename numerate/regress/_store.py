"""Fitted models as files: safetensors for arrays, JSON for the rest, nothing that runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from numerate._errors import InputError
from numerate.formula import from_data, to_data
from numerate.regress._estimator import ArithmeticRegressor

_FORMAT = "numerate.ArithmeticRegressor/1"
_SCALARS = ("status_", "complexity_", "relative_rmse_", "holdout_relative_rmse_", "seconds_")
_SCALARS += ("interrupted_", "target_name_", "feature_names_", "seed_", "n_features_in_")
_PARAMETERS = ("budget", "max_depth", "n_starts", "closed_forms")


def save(model: ArithmeticRegressor, path: Any) -> None:
    """Write a fitted model to `path`."""
    content = {name: getattr(model, name) for name in _SCALARS}
    content["parameters"] = {name: getattr(model, name) for name in _PARAMETERS}
    content["formulas"] = [to_data(f) for f in model.formulas_]
    content["equations"] = model.equations_.to_dicts()
    content["named"] = hasattr(model, "feature_names_in_")
    metadata = {"format": _FORMAT, "model": json.dumps(content, default=float)}
    save_file({"training_range": model.training_range_}, str(path), metadata=metadata)


def load(path: Any) -> ArithmeticRegressor:
    """Read a fitted model that `save` wrote. Nothing in the file is executed.

    **Raises:** `numerate.tables.InputError` (a `ValueError`) for a missing file or one that is
    not such a model.

    !!! example
        >>> import numpy as np, pathlib, tempfile
        >>> X = np.random.default_rng(0).uniform(1, 2, (50, 2))
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
        >>> ArithmeticRegressor().fit(X, X[:, 0] / X[:, 1]).save(path)
        >>> load(path).formula_
        x0/x1
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


def _rebuilt(content: dict, training_range: np.ndarray) -> ArithmeticRegressor:
    model = ArithmeticRegressor(**content["parameters"], random_state=content["seed_"])
    for name in _SCALARS:
        setattr(model, name, content[name])
    if content["named"]:
        names = np.array(model.feature_names_, object)
        model.feature_names_in_ = names  # pyright: ignore[reportAttributeAccessIssue]
    model.formulas_ = [from_data(f) for f in content["formulas"]]
    model.formula_ = model.formulas_[0]
    model.equations_ = pl.DataFrame(content["equations"])
    model.training_range_ = training_range
    return model
