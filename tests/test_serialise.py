import inspect
import json
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from numerate.cells import Recurrent
from numerate.models import Stack
from numerate.serialise import load, save
from numerate.units import NAC, NALU, Unit
from tests.each import each
from tests.units.table import FAMILIES, UNITS


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def same(one, other):
    return eqx.tree_equal(one, other, typematch=True)


@each("name", UNITS)
def test_round_trip_of_every_unit(name, path, float64, key):
    # Of the initialisers only that of constants compiles nothing.
    kind, kwargs = UNITS[name].unit, UNITS[name].kwargs
    inits = [n for n in inspect.signature(kind).parameters if n.endswith("_init")]
    unit = kind(2, 1, **kwargs | dict.fromkeys(inits, "constant"), key=key)
    save(unit, path)
    assert same(load(path), unit)


@each("name", FAMILIES)
def test_round_trip_without_inputs(name, path, key):
    unit = UNITS[name].make(0, 3, key=key)
    save(unit, path)
    assert same(load(path), unit)


def test_round_trip_of_constructor_arguments(path, key):
    for eps in (None, 0.0, 1e-7):
        save(NALU(2, 1, eps=eps, key=key), path)
        assert load(path).eps == eps


@each("name", FAMILIES)
def test_round_trip_of_stacks_and_recurrent_units(name, path, key):
    unit = UNITS[name].unit
    model = Stack([partial(Recurrent, unit, 3, 2), partial(unit, 2, 2), Stack([])], key=key)
    save(model, path)
    assert same(load(path), model)
    if name == "NAU":  # what is the same gives the same; compiling all takes longer than all else
        xs = jnp.ones((4, 3))
        np.testing.assert_array_equal(load(path)(xs), model(xs))


def test_every_public_unit_can_be_saved():
    import numerate.units

    public = {getattr(numerate.units, name) for name in numerate.units.__all__} - {Unit}
    assert public == {case.unit for case in UNITS.values()}


def test_the_file_is_plain_data(path, key):
    save(NAC(2, 1, key=key), path)
    with safe_open(path, framework="numpy") as file:
        assert sorted(file.keys()) == ["m_hat", "w_hat"]
        assert json.loads(file.metadata()["numerate"]) == {
            "format": 1,
            "model": {"class": "NAC", "arguments": {"in_features": 2, "out_features": 1}},
        }


def test_other_layers_are_refused_and_nothing_is_written(path, key):
    with pytest.raises(ValueError, match="contains a Linear"):
        save(Stack([eqx.nn.Linear(2, 1, key=key)]), path)
    assert not path.exists()


def test_a_class_with_the_name_of_ours_is_not_ours(path, key):
    impostor = type("NAC", (eqx.Module,), {})
    with pytest.raises(ValueError, match="contains a NAC"):
        save(impostor(), path)


def test_a_missing_folder_is_named(tmp_path, key):
    with pytest.raises(ValueError, match="nowhere"):
        save(NAC(2, 1, key=key), tmp_path / "nowhere" / "model")


def test_a_missing_file_is_missing(path):
    with pytest.raises(FileNotFoundError):
        load(path)


GOOD = {"class": "NAC", "arguments": {"in_features": 1, "out_features": 1}}


@each(
    "model, complaint",
    [
        ({"class": "os.system", "arguments": {"command": "true"}}, "no known model"),
        ({"class": "Unit", "arguments": {}}, "no known model"),
        ("NAC", "no known model"),
        ({"class": "NAC", "arguments": {}}, "in_features"),
        ({"class": "NAC", "arguments": {"in_features": 1, "out_features": -1}}, "at least 0"),
        ({"class": "NAC", "arguments": {**GOOD["arguments"], "path": "x"}}, "path"),
        ({"class": "NAC", "arguments": {"in_features": 10**12, "out_features": 1}}, "in_features"),
        ({"class": "Stack", "layers": [GOOD, GOOD]}, "shapes"),
        ({"class": "Stack", "layers": 3}, "no known model"),
        ({"class": "NAC", "arguments": None}, "no known model"),
        ({"class": "NAC", "arguments": {"in_features": None, "out_features": 1}}, "in_features"),
        ({"class": "MLP", "arguments": {**GOOD["arguments"], "depth": 10**9}}, "'depth' must be"),
        ({"class": "NALU", "arguments": {**GOOD["arguments"], "eps": float("nan")}}, "'eps' must"),
        ({"class": "NALU", "arguments": {**GOOD["arguments"], "eps": 10**30}}, "'eps' must"),
        ({"class": "Stack", "layers": [{"class": "Stack", "layers": []}] * 10**5}, "more layers"),
        ({"class": "Recurrent", "unit": GOOD, "input_size": 1, "hidden_size": 1}, "unit must map"),
    ],
)
def test_descriptions_that_save_never_writes(model, complaint, path):
    arrays = {name: np.zeros((1, 1), np.float32) for name in ("w_hat", "m_hat")}
    save_file(arrays, path, {"numerate": json.dumps({"format": 1, "model": model})})
    with pytest.raises(ValueError, match=f"not a model that numerate can load: .*{complaint}"):
        load(path)


@each("content", [b"", b"not a model", b"\xff" * 100])
def test_files_of_another_kind(content, path):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a model that numerate can load"):
        load(path)


@each("metadata", [None, {"other": "x"}, {"numerate": "{"}, {"numerate": "[]"}, {"numerate": "{}"}])
def test_safetensors_of_another_program(metadata, path):
    save_file({"w": np.zeros(1)}, path, metadata)
    with pytest.raises(ValueError, match="not a model that numerate can load"):
        load(path)


def test_headers_that_promise_more_than_there_is(path):
    header = {"w": {"dtype": "F32", "shape": [10**7, 10**7], "data_offsets": [0, 4 * 10**14]}}
    for text, length in (
        (json.dumps(header), None),
        ("", 2**40),
        ("{" + " " * 9_000_000 + "}", None),
    ):
        data = text.encode()
        path.write_bytes((length or len(data)).to_bytes(8, "little") + data)
        with pytest.raises(ValueError, match="not a model that numerate can load"):
            load(path)


def test_an_array_without_numbers_has_no_size_beyond_its_file(path):
    """JAX takes half a minute and 2 GB to make an array of this shape."""
    empty = {"dtype": "F32", "shape": [10**14, 0], "data_offsets": [0, 0]}
    model = {"class": "NAC", "arguments": {"in_features": 0, "out_features": 10**14}}
    metadata = {"numerate": json.dumps({"format": 1, "model": model})}
    header = json.dumps({"__metadata__": metadata, "w_hat": empty, "m_hat": empty}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ValueError, match="an array without numbers of a size beyond 1000000"):
        load(path)


def test_what_may_be_read_in_two_ways_or_as_another_type_is_refused(path):
    """The library of the format reads one of two arrays of one name, and any type."""
    model = json.dumps({"numerate": json.dumps({"format": 1, "model": GOOD})})
    array = '"{}": {{"dtype": "{}", "shape": [1, 1], "data_offsets": {}}}'
    w, m = array.format("w_hat", "F32", [0, 4]), array.format("m_hat", "F32", [4, 8])
    whole = array.format("m_hat", "I32", [4, 8])
    for arrays, complaint in (([w, m, m], "'m_hat' twice"), ([w, whole], "m_hat must be of type")):
        header = f'{{"__metadata__": {model}, {", ".join(arrays)}}}'.encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
        with pytest.raises(ValueError, match=complaint):
            load(path)
    for content, complaint in (
        ({"format": True, "model": GOOD}, "format is True"),
        ({"format": 10**4000, "model": GOOD}, "format is 1000"),
        ([[]] * 400_000, "lists and objects"),
    ):
        save_file({}, path, {"numerate": json.dumps(content)})
        with pytest.raises(ValueError, match=complaint) as caught:
            load(path)
        assert len(str(caught.value)) < 400


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="File name too long"):
        load(tmp_path / ("a" * 300))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        load(tmp_path / "loop")


def test_a_truncated_file(path, key):
    save(NAC(20, 30, key=key), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a model that numerate can load"):
        load(path)


def test_a_later_format_is_refused(path):
    save_file({}, path, {"numerate": json.dumps({"format": 2, "model": GOOD})})
    with pytest.raises(ValueError, match="format is 2, the latest known is 1"):
        load(path)


def test_a_very_deep_description(path):
    model = GOOD
    for _ in range(400):
        model = {"class": "Stack", "layers": [model]}
    text = json.dumps({"format": 1, "model": model})
    for content in (text, '{"model": ' + "[" * 200_000):
        save_file({}, path, {"numerate": content})
        with pytest.raises(ValueError, match="not a model that numerate can load"):
            load(path)


def test_float64_is_not_rounded_silently(path, key):
    with jax.enable_x64(True):
        unit = NAC(2, 1, key=key)
        save(unit, path)
    with pytest.raises(
        ValueError, match=r"float64 arrays; load it within `jax.enable_x64\(True\)`"
    ):
        load(path)
    with jax.enable_x64(True):
        assert same(load(path), unit)
