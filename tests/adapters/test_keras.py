"""The units as Keras layers. Their numbers are compared in `test_parity.py`.

These tests run on the JAX backend, and `test_keras_on_torch.py` runs them on PyTorch's.
"""

import inspect
import json
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import numerate.keras as adapter
from numerate import units
from numerate.cells import Recurrent
from numerate.initialisers import constant
from numerate.models import Stack
from tests.adapters.rows import each_row
from tests.units.table import UNITS

NAMES = [name for name in units.__all__ if name != "Unit"]


def made(row, out_features, /, **kwargs):
    """The layer of a row of the units' table."""
    case = UNITS[row]
    return getattr(adapter, case.unit.__name__)(out_features, **case.kwargs, **kwargs)


def batch(*shape):
    return np.random.default_rng(0).uniform(0.5, 1.5, shape).astype("float32")


def outputs(layer, x, **kwargs):
    return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(x), **kwargs))


def saved(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras")


def test_has_every_unit_with_its_arguments():
    for name in NAMES:
        layer, unit = getattr(adapter, name), getattr(units, name)
        assert layer.unit is unit
        own = {"seed", "penalty_factor", "kwargs"}
        shown = inspect.signature(layer).parameters
        assert set(shown) == set(inspect.signature(unit).parameters) - {"key", "dtype"} | own
        assert next(iter(shown)) == "out_features" and shown["in_features"].default is None
        parts = inspect.getdoc(unit).split("\n\n")
        assert parts[0] in layer.__doc__ and parts[1] in layer.__doc__
        assert "`seed`" in layer.__doc__ and "`key`:" not in layer.__doc__


def test_has_nothing_else():
    assert set(adapter.__all__) == {*NAMES, "Unit", "RecurrentCell", "to_keras", "from_keras"}


@pytest.mark.parametrize("shape", [(5,), (2, 0), (4, 1, 3)], ids=str)
@each_row
def test_takes_any_batch(name, shape):
    layer, x = made(name, 2, seed=0), batch(*shape, 3)
    y = outputs(layer, x)
    assert y.shape == layer.compute_output_shape(x.shape) == (*shape, 2)
    wanted = outputs(layer, x.reshape(-1, 3))
    np.testing.assert_allclose(y.reshape(-1, 2), wanted, rtol=1e-6, atol=1e-6)


@each_row
def test_starts_as_in_jax(name):
    unit, layer = UNITS[name].make(3, 2, key=jax.random.key(7)), made(name, 2, seed=7)
    layer.build((None, 3))
    assert eqx.tree_equal(adapter.from_keras(layer), unit)


@each_row
def test_the_generator_of_keras_decides(name):
    def state():
        layer = made(name, 2)
        layer.build((None, 3))
        return [keras.ops.convert_to_numpy(w) for w in layer.trainable_weights]

    keras.utils.set_random_seed(0)
    first, second = state(), state()
    keras.utils.set_random_seed(0)
    assert all(map(np.array_equal, first, state()))
    assert not all(map(np.array_equal, first, second))


@each_row
def test_configuration_makes_the_same_layer(name):
    layer = made(name, 2, seed=3, penalty_factor=0.5, name="unit")
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()
    layer.build((None, 3))
    again.build((None, 3))
    assert eqx.tree_equal(adapter.from_keras(again), adapter.from_keras(layer))


@each_row
def test_a_model_can_be_saved_and_loaded(name, tmp_path):
    model = keras.Sequential([keras.Input((3,)), made(name, 2)])
    loaded = saved(model, tmp_path)
    np.testing.assert_array_equal(outputs(loaded, batch(4, 3)), outputs(model, batch(4, 3)))
    assert type(loaded.layers[0]) is type(model.layers[0])


def test_initialisers_by_name_are_saved_and_functions_that_keras_knows(tmp_path):
    @keras.saving.register_keras_serializable("tests")
    def halves(key, shape, dtype):
        return jnp.full(shape, 0.5, dtype)

    for init, wanted in (("constant", 0.0), (halves, 0.5), (constant(2.0), None)):
        model = keras.Sequential([keras.Input((3,)), adapter.NMU(1, w_hat_init=init)])
        loaded = saved(model, tmp_path)
        np.testing.assert_array_equal(*[m.get_weights()[0] for m in (model, loaded)])
        config = loaded.layers[0].get_config()
        assert ("w_hat_init" in config) == (wanted is not None)
        if wanted is not None:
            again = adapter.NMU.from_config(config)
            again.build((None, 3))
            np.testing.assert_array_equal(again.get_weights()[0], wanted)


def test_arguments_are_checked_when_they_are_given():
    with pytest.raises(ValueError, match="an initialiser must be"):
        adapter.NAC(1, w_hat_init="best")
    with pytest.raises(ValueError, match="eps must be at least 0"):
        adapter.NALU(1, eps=-1.0)
    with pytest.raises(ValueError, match="NAC takes 2 features"):
        adapter.NAC(1, in_features=2).build((None, 3))


@each_row
def test_penalty_and_bounds_are_those_of_jax(name):
    unit = UNITS[name].make(3, 2, key=jax.random.key(0))
    layer = adapter.to_keras(unit)
    penalty = keras.ops.convert_to_numpy(layer.penalty())
    np.testing.assert_allclose(penalty, unit.penalty(), rtol=1e-6, atol=1e-6)
    assert layer.penalty_weight(0.5) == unit.penalty_weight(0.5)
    scheduled = float(keras.ops.convert_to_numpy(layer.scheduled_penalty(0.9)))
    np.testing.assert_allclose(scheduled, unit.scheduled_penalty(0.9), rtol=1e-5, atol=1e-5)
    assert layer.bounds() == unit.bounds()


@each_row
def test_constraints_are_those_of_jax(name):
    unit = UNITS[name].make(3, 2, key=jax.random.key(0))
    outside = jax.tree.map(lambda a: 3 * a if eqx.is_inexact_array(a) else a, unit)
    layer = adapter.to_keras(outside)
    for variable in layer.trainable_weights:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    assert eqx.tree_equal(adapter.from_keras(layer), outside.constrained())


def test_fit_projects_and_adds_the_penalty():
    layer = adapter.NMU(1, penalty_factor=10.0, seed=0)
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    x = batch(32, 2)
    np.testing.assert_allclose(float(model.losses[0]), 10 * float(layer.penalty()), rtol=1e-6)
    loss = model.evaluate(x, x[:, :1], verbose=0)
    mean_square = np.mean((outputs(model, x) - x[:, :1]) ** 2)
    np.testing.assert_allclose(loss, mean_square + float(model.losses[0]), rtol=1e-5)
    model.fit(x, x[:, :1], epochs=3, verbose=0)
    # Steps this large leave [0, 1], so that some weight is at an end of it, and none beyond.
    weight = model.get_weights()[0]
    assert weight.min() >= 0 and weight.max() <= 1 and {0, 1} & set(weight.ravel())


def test_noise_is_drawn_for_every_example_in_training_only():
    x = np.full((2, 3), 1.5, "float32")
    layer, again = adapter.sNMU(1, seed=0), adapter.sNMU(1, seed=0)
    first, second = outputs(layer, x, training=True), outputs(layer, x, training=True)
    np.testing.assert_array_equal(outputs(again, x, training=True), first)
    assert first[0] != first[1] and first[0] != second[0]
    np.testing.assert_array_equal(outputs(layer, x), outputs(layer, x, training=False))


def test_choices_are_made_in_place():
    unit = units.NASU(2, 2, key=jax.random.key(0))
    layer = adapter.to_keras(unit)
    assert layer.choices() == unit.choices()
    layer.choose(1, 2)
    assert eqx.tree_equal(adapter.from_keras(layer), unit.chosen(1, 2))


@each_row
def test_mixed_precision_keeps_the_digits_of_the_parameters(name):
    layer, mixed = made(name, 2, seed=0), made(name, 2, seed=0, dtype="mixed_bfloat16")
    x = keras.ops.cast(batch(4, 3), "bfloat16")
    y = mixed(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert all(v.dtype == "float32" for v in mixed.trainable_variables)
    wanted = keras.ops.cast(layer(keras.ops.cast(x, "float32")), "bfloat16")
    assert bool(keras.ops.all(y == wanted))


def test_methods_of_a_unit_are_the_layers():
    unit = units.NALU(2, 1, key=jax.random.key(0))
    layer, x = adapter.to_keras(unit), batch(1, 2)
    gate = keras.ops.convert_to_numpy(layer.gate(keras.ops.convert_to_tensor(x)))
    np.testing.assert_allclose(gate[0], unit.gate(jnp.asarray(x[0])), rtol=1e-6)
    weight = keras.ops.convert_to_numpy(layer.weight)
    np.testing.assert_allclose(weight, unit.weight, rtol=1e-6)


@each_row
def test_converts_both_ways(name):
    unit = UNITS[name].make(3, 2, key=jax.random.key(0), dtype="bfloat16")
    assert eqx.tree_equal(adapter.from_keras(adapter.to_keras(unit)), unit)


def test_recurrent_units_are_trained_and_saved(tmp_path):
    xs = batch(16, 5, 3)
    for unit, unroll in ((adapter.NALU(2), False), (adapter.sNMU(2), True)):
        cell = adapter.RecurrentCell(unit)
        model = keras.Sequential([keras.Input((5, 3)), keras.layers.RNN(cell, unroll=unroll)])
        model.compile("adam", "mse")
        before = model.get_weights()
        model.fit(xs, xs[:, 0, :2], verbose=0)
        assert not all(map(np.array_equal, before, model.get_weights()))
        loaded = saved(model, tmp_path)
        np.testing.assert_array_equal(outputs(loaded, xs), outputs(model, xs))


def test_stacks_become_sequential_models():
    layers = [partial(Recurrent, units.NAU, 2, 3), partial(units.NMU, 3, 1)]
    model = Stack(layers, key=jax.random.key(0))
    sequential, xs = adapter.to_keras(model), batch(4, 5, 2)
    wanted = jax.vmap(model)(jnp.asarray(xs))
    np.testing.assert_allclose(outputs(sequential, xs), wanted, rtol=1e-5, atol=1e-6)
    assert eqx.tree_equal(adapter.from_keras(sequential), model)


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="a unit, a Recurrent or a Stack of numerate, got Linear"):
        adapter.to_keras(eqx.nn.Linear(1, 1, key=jax.random.key(0)))
    with pytest.raises(ValueError, match="a Sequential of these, got Dense"):
        adapter.from_keras(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))


def test_refuses_other_widths_however_it_is_called():
    for name in NAMES:
        layer = getattr(adapter, name)(2, in_features=3, seed=0)
        for width in (0, 1, 2, 4):
            with pytest.raises(ValueError, match=rf"{name} takes 3 features, .*5, {width}\)"):
                layer(keras.ops.ones((5, width)))
        layer(keras.ops.ones((5, 3)))
        for width in (0, 1, 2, 4):
            with pytest.raises(ValueError, match=rf"{name} takes 3 features, .*5, {width}\)"):
                layer(keras.ops.ones((5, width)))
        with pytest.raises(ValueError, match=rf"{name} takes 3 features, .*None, 1\)"):
            layer(keras.Input((1,)))


def test_says_what_else_is_wrong():
    with pytest.raises(TypeError, match=r"all layers of Keras do: NAU\(1\) .*; got NAU\(2, 1\)"):
        adapter.NAU(2, 1)
    with pytest.raises(TypeError, match="NAU takes floating-point numbers, got int32"):
        adapter.NAU(1)(keras.ops.ones((5, 2), "int32"))
    with pytest.raises(ValueError, match="needs an input whose last axis has a known size"):
        adapter.NAU(1)(keras.Input((None,)))
    with pytest.raises(TypeError, match=r"unit must be a layer .*, such as NAU\(2\); got NAU"):
        adapter.RecurrentCell(adapter.NAU)
    cell = adapter.RecurrentCell(adapter.NAU(2))
    cell(keras.ops.ones((5, 3)), [keras.ops.ones((5, 2))])
    with pytest.raises(ValueError, match="the state of RecurrentCell takes 2 features"):
        cell(keras.ops.ones((5, 3)), [keras.ops.ones((5, 1))])
