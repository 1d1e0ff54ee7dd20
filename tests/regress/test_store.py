"""Models that a stranger wrote: refused at once with the reason, or shown as what they are."""

import contextlib
import copy
import io
import json
import time

import numpy as np
import pytest
from safetensors.numpy import save_file

from numerate.cli._console import output
from numerate.cli._report import print_report
from numerate.regress import FormulaModel, load_model, save_model, search_table
from numerate.regress._schema import STATUSES
from numerate.tables import InputError, read_table
from tests.each import each

FORMAT = "numerate.ArithmeticRegressor/1"
RANGE = np.array([[0.387], [30.1]])
EQUATION = {
    "formula": "a**(3/2)",
    "complexity": 3,
    "relative_rmse": 0.001,
    "holdout_relative_rmse": 0.001,
    "status": "within_precision",
}
MODEL = {
    "target_name_": "T",
    "feature_names_": ["a"],
    "named": True,
    "interrupted_": False,
    "seed_": 0,
    "seconds_": 0.1,
    "parameters": {"budget": 60.0, "max_depth": 4, "n_starts": 64, "closed_forms": True},
    "formulas": [["**", ["symbol", "a"], ["rational", "3/2"]]],
    "equations": [EQUATION],
}


def written(path, content, training_range=RANGE, **more):
    text = content if isinstance(content, str) else json.dumps(content)
    metadata = {"format": FORMAT, "model": text} | more
    save_file({"training_range": training_range}, path, metadata)
    return path


def changed(**fields):
    return copy.deepcopy(MODEL) | fields


def test_the_content_from_which_the_others_are_made_is_a_model(tmp_path):
    model = load_model(written(tmp_path / "m", MODEL))
    assert model.report() | {"seconds": 0} == {
        "formula": "a**(3/2)", "target": "T", "features": ["a"], "status": "within_precision",
        "relative_rmse": 0.001, "holdout_relative_rmse": 0.001, "complexity": 3, "seed": 0,
        "noise": None, "constants": [], "left": "", "worst_rows": [], "remarks": [], "seconds": 0,
        "equations": [{"formula": "a**(3/2)", "complexity": 3, "holdout_relative_rmse": 0.001}],
    }  # fmt: skip


def test_what_is_written_is_what_is_read(tmp_path):
    found = search_table(read_table("kepler"))
    save_model(found, tmp_path / "m")
    read = load_model(tmp_path / "m")
    for name in FormulaModel.__dataclass_fields__:
        np.testing.assert_equal(getattr(read, name), getattr(found, name), err_msg=name)


DEEP = '{"formulas": ' + "[" * 200_000 + "]" * 200_000 + "}"
SUM = ["+", *[["*", ["rational", "3"], ["symbol", "a"]]] * 20_000]
REFUSED = [
    (DEEP, "nested too deep"),
    ("{", "Expecting"),
    ("[]", "the model must be an object"),
    ({}, "the model lacks 'target_name_'"),
    (changed(named=1), "'named' must be true or false"),
    (changed(seed_=-1), "'seed_' must be a whole number"),
    (changed(seconds_=float("inf")), "'seconds_' must be a finite number"),
    (changed(seconds_=10**400), "'seconds_' must be a finite number"),
    (changed(target_name_="\ud800"), "'target_name_' must be a text"),
    (changed(target_name_="a"), "target must not be one of its features"),
    (changed(feature_names_=[]), "'feature_names_' must be different texts"),
    (changed(feature_names_=["a", "a"]), "'feature_names_' must be different texts"),
    (changed(feature_names_=["b"]), "'a' is no feature"),
    (changed(feature_names_=["a", "b"]), r"must have the shape \(2, 2\)"),
    (changed(parameters={"budget": "long"}), "'budget' must be"),
    (changed(parameters={"max_depth": 10**30}), "'max_depth' must be"),
    (changed(formulas=[]), "'formulas' must be a list"),
    (changed(formulas=MODEL["formulas"] * 2), "one equation for each formula"),
    (changed(formulas=[SUM]), "more than 10000 parts"),
    (changed(formulas=[["**", ["rational", "9"], ["rational", str(9**9)]]]), "exponent is beyond"),
    (changed(formulas=[["symbol", "print('x')"]]), "is no feature of the model"),
    (changed(equations=[{**EQUATION, "status": "proven"}]), "'status' must be one of exact"),
    (changed(equations=[{**EQUATION, "status": ["exact"]}]), "'status' must be one of exact"),
    (changed(equations=[{**EQUATION, "complexity": 0}]), "'complexity' must be a whole"),
    (changed(equations=[{**EQUATION, "relative_rmse": float("nan")}]), "'relative_rmse' must"),
    (changed(equations=[{**EQUATION, "relative_rmse": -1}]), "'relative_rmse' must"),
    (changed(equations=[{**EQUATION, "relative_rmse": float("inf")}]), "has an error of at most 1"),
    (changed(equations=["exact"]), "'equations' must be a list of objects"),
    (changed(equations=[{**EQUATION, "relative_rmse": 1.5}]), "an error of at most 1"),
    (
        changed(equations=[{**EQUATION, "status": "exact", "relative_rmse": 0.05}]),
        "an error of at most 0.01",
    ),
    (changed(formulas=[["rational", "3"]]), "within_precision has a feature"),
    (changed(formulas=[["sign", ["symbol", "a"]]]), "no sign that switches"),
    (changed(formulas=[["float", "1_0"]]), "not a formula written by numerate"),
    (json.dumps(MODEL)[:-1] + ', "seed_": 1}', "has the key 'seed_' twice"),
]


@each("content, reason", REFUSED)
def test_models_of_strangers_are_refused_at_once(tmp_path, content, reason):
    path = written(tmp_path / "m", content)
    before = time.process_time()
    with pytest.raises(InputError, match=f"m: not a model written by .*{reason}") as caught:
        load_model(path)
    assert time.process_time() - before < 1
    assert len(str(caught.value)) < 500


@each(
    "training_range, reason",
    [
        (np.array([[1.0, 2.0]]), "must have the shape"),
        (RANGE.astype(np.float32), "float32"),
        (RANGE[::-1].copy(), "begin below its end"),
        (RANGE * np.nan, "must be finite"),
        (np.zeros((2, 2_000_000)), "has the shape"),
    ],
)
def test_training_ranges_of_strangers(tmp_path, training_range, reason):
    with pytest.raises(InputError, match=reason):
        load_model(written(tmp_path / "m", MODEL, training_range))


def test_types_of_numbers_that_numpy_lacks(tmp_path):
    for dtype, bits, name in (
        ("BF16", 16, "bfloat16"),
        ("F8_E4M3", 8, "float8"),
        ("F4", 4, "float4"),
    ):
        array = {"dtype": dtype, "shape": [2, 1], "data_offsets": [0, bits // 4]}
        metadata = {"format": FORMAT, "model": json.dumps(MODEL)}
        header = json.dumps({"__metadata__": metadata, "training_range": array}).encode()
        path = tmp_path / "m"
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(bits // 4))
        with pytest.raises(InputError, match=f"training range must be float64, not {name}"):
            load_model(path)


def test_files_of_other_programs(tmp_path):
    path = tmp_path / "m"
    save_file({"w": np.zeros(1)}, path, {"format": FORMAT, "model": "{}"})
    with pytest.raises(InputError, match="training range"):
        load_model(path)
    save_file({"training_range": RANGE}, path)  # without metadata
    with pytest.raises(InputError, match="not a model written by"):
        load_model(path)
    written(path, MODEL, format="x" * 10_000)
    with pytest.raises(InputError, match="its format is 'xxx") as caught:
        load_model(path)
    assert len(str(caught.value)) < 300
    with pytest.raises(InputError, match="no such model file .File name too long"):
        load_model(tmp_path / ("a" * 300))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="loop cannot be read: Too many levels of symbolic links"):
        load_model(tmp_path / "loop")


def test_fields_and_texts_that_are_not_known_are_left_out(tmp_path):
    told = changed(
        future_=[1],
        equations=[{**EQUATION, "formula": "rm -rf /", "note": "trust me"}],
        parameters={"budget": 60, "future": True},
    )
    model = load_model(written(tmp_path / "m", told))
    assert model.equations == [EQUATION]
    assert model.settings.budget == 60


def test_the_largest_models_are_shown_at_once(tmp_path):
    power = ["**", ["symbol", "a"], ["rational", "3/2"]]
    terms = [["*", ["float", f"{i}.{i}e{i}"], power] for i in range(1, 160)]
    inverse = ["**", ["*", ["rational", "2"], ["symbol", "a"]], ["rational", "-2"]]
    model = load_model(written(tmp_path / "m", changed(formulas=[["+", inverse, *terms]])))
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        print_report(output(), model)
    assert "+ 1/(2*a)**2" in shown.getvalue() or "= 1/(2*a)**2" in shown.getvalue()
    assert model.latex() and model.python() and time.process_time() - before < 1


def test_a_model_of_many_features_shows_the_ranges_of_those_that_it_uses(tmp_path):
    names = [f"x{i}" for i in range(200_000)]
    told = changed(feature_names_=names, formulas=[["symbol", "x7"]])
    model = load_model(written(tmp_path / "m", told, np.tile([[1.0], [2.0]], len(names))))
    before = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        print_report(output(), model)
    assert "x7 1 … 2, and 199999 features that are not used" in " ".join(shown.getvalue().split())
    assert time.process_time() - before < 1


def test_every_known_status_is_read(tmp_path):
    assert {"exact", "within_precision", "within_noise", "approximate"} == set(STATUSES)
    for status in STATUSES:
        path = written(tmp_path / "m", changed(equations=[{**EQUATION, "status": status}]))
        assert load_model(path).status == status
