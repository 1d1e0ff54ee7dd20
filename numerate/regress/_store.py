"""Models as files: safetensors for arrays, JSON for the rest, nothing that is executed."""

import json
import math
from dataclasses import asdict
from typing import Any

from safetensors.numpy import save as to_bytes

from numerate._errors import InputError
from numerate._model_file import NoModelFile, opened, parsed
from numerate._output import reason, write_file
from numerate.formula import to_data
from numerate.regress._model import FormulaModel
from numerate.regress._schema import checked

_FORMAT = "numerate.ArithmeticRegressor/1"
# The format keeps the names of the estimator's attributes.
_FIELDS = ("seconds", "interrupted", "target_name", "feature_names", "seed")
_MOST_NUMBERS = 2_000_000  # of the training range: two for each feature
_OPTIONAL = ("noise", "constants", "left", "worst_rows")  # not in models of version 0.1
_OF_THE_CHOSEN = ("status", "complexity", "relative_rmse", "holdout_relative_rmse")


def save_model(model: FormulaModel, path: Any) -> None:
    """Write a model to one file of plain data; `load_model` and `numerate.load` read it.

    **Raises:** `numerate.tables.InputError` (a `ValueError`) if it cannot be written; a file that
    was there is then as before.

    !!! example
        >>> import pathlib, tempfile, numerate
        >>> from numerate.regress import search_table
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "kepler.safetensors"
        >>> save_model(search_table(numerate.tables.read_table("kepler")), path)
        >>> load_model(path).formula
        a**(3/2)
    """
    content = {f"{name}_": getattr(model, name) for name in (*_OF_THE_CHOSEN, *_FIELDS)}
    content["n_features_in_"] = len(model.feature_names)
    content["parameters"] = asdict(model.settings)
    content["formulas"] = [to_data(f) for f in model.formulas]
    content["equations"] = model.equations
    content["named"] = model.named
    content |= {name: getattr(model, name) for name in _OPTIONAL}
    metadata = {"format": _FORMAT, "model": json.dumps(content, default=float)}
    write_file(path, to_bytes({"training_range": model.training_range}, metadata=metadata))


def load_model(path: Any) -> FormulaModel:
    """Read a model that `save_model` wrote, without scikit-learn. Nothing in the file is executed.

    All that it holds is checked before it is used. What cannot be checked without the table is
    taken as stored: the status and the errors.

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
    try:
        with opened(path) as (metadata, file):
            if metadata.get("format") != _FORMAT:
                raise ValueError(f"its format is {_cut(metadata.get('format'))}, not {_FORMAT!r}")
            if "model" not in metadata or list(file.keys()) != ["training_range"]:
                raise ValueError("it must have the model's description and its training range")
            return _rebuilt(parsed(metadata["model"]), file)
    except NoModelFile as error:
        raise InputError(f"{path}: there is no such model file{_because(error)}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}.") from None
    except ValueError as error:
        raise InputError(
            f"{path}: not a model written by numerate fit --out ({error}); fit it again."
        ) from None


def _because(error: NoModelFile) -> str:
    return "" if str(error) == "there is no such file" else f" ({error})"


def _cut(text: str | None) -> str:
    return repr(text if text is None else text[:80])


def _rebuilt(description: Any, file: Any) -> FormulaModel:
    stored = file.get_slice("training_range")
    shape, dtype = stored.get_shape(), stored.get_dtype()
    if math.prod(shape) > _MOST_NUMBERS:
        raise ValueError(f"the training range has the shape {shape}")
    if dtype != "F64":  # Before it is read: NumPy lacks some types that such a file may name.
        found = dtype.lower().replace("f", "float")
        raise ValueError(f"the training range must be float64, not {found}")
    training_range = file.get_tensor("training_range")
    content = checked(description, training_range)
    return FormulaModel(
        formulas=content["formulas"],
        equations=content["equations"],
        named=content["named"],
        training_range=training_range,
        settings=content["parameters"],
        **{name: content[f"{name}_"] for name in _FIELDS},
        **{name: content[name] for name in _OPTIONAL if name in content},
    )
