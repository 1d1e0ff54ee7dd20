"""The units as Keras layers. Their numbers are compared in `test_parity.py`.

These tests run on the JAX backend, and `test_keras_on_torch.py` runs them on PyTorch's.
"""

import inspect
import json
import warnings
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
from numerate.recipes import mistry2022
from tests.each import each
from tests.units.table import FAMILIES, KINDS, UNITS

each_family = each("name", FAMILIES)
each_kind = each("name", KINDS)
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
    assert set(adapter.__all__) == {*NAMES, "Unit", "RecurrentCell", "to_keras", "from_keras"} | {
        "Penalties",
        "SelectBranches",
        "select_branches",
        "snap",
    }


@pytest.mark.slow
@each("shape", [(5,), (2, 0), (4, 1, 3)])
@each_kind
def test_takes_any_batch(name, shape):
    layer, x = made(name, 2, seed=0), batch(*shape, 3)
    y = outputs(layer, x)
    assert y.shape == layer.compute_output_shape(x.shape) == (*shape, 2)
    wanted = outputs(layer, x.reshape(-1, 3))
    np.testing.assert_allclose(y.reshape(-1, 2), wanted, rtol=1e-6, atol=1e-6)


@each_kind
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


@each_family
def test_configuration_makes_the_same_layer(name):
    layer = made(name, 2, seed=3, penalty_factor=0.5, name="unit")
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()
    layer.build((None, 3))
    again.build((None, 3))
    assert eqx.tree_equal(adapter.from_keras(again), adapter.from_keras(layer))


# What is saved is the configuration, which is tested above, and the arrays.
@each_kind
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


@each_family  # `test_torch.py` has those of every unit
def test_penalty_and_bounds_are_those_of_jax(name):
    unit = UNITS[name].make(3, 2, key=jax.random.key(0))
    layer = adapter.to_keras(unit)
    penalty = keras.ops.convert_to_numpy(layer.penalty())
    np.testing.assert_allclose(penalty, unit.penalty(), rtol=1e-6, atol=1e-6)
    assert layer.penalty_weight(0.5) == unit.penalty_weight(0.5)
    scheduled = float(keras.ops.convert_to_numpy(layer.scheduled_penalty(0.9)))
    np.testing.assert_allclose(scheduled, unit.scheduled_penalty(0.9), rtol=1e-5, atol=1e-5)
    assert layer.bounds() == unit.bounds()


@each_family
def test_constraints_are_those_of_jax(name):
    unit = UNITS[name].make(3, 2, key=jax.random.key(0))
    outside = jax.tree.map(lambda a: 3 * a if eqx.is_inexact_array(a) else a, unit)
    layer = adapter.to_keras(outside)
    layer.penalty()  # a step without it would warn
    for variable in layer.trainable_weights:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable))
    assert eqx.tree_equal(adapter.from_keras(layer), outside.constrained())


def test_fit_projects_and_adds_the_penalty():
    layer = adapter.NMU(1, penalty_factor=10.0, seed=0)
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    x = batch(32, 2)
    penalty, own = map(keras.ops.convert_to_numpy, (*model.losses, layer.penalty()))
    np.testing.assert_allclose(penalty, 10 * own, rtol=1e-6)
    loss = model.evaluate(x, x[:, :1], verbose=0)
    mean_square = np.mean((outputs(model, x) - x[:, :1]) ** 2)
    np.testing.assert_allclose(loss, mean_square + penalty, rtol=1e-5)
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


@each_kind
def test_mixed_precision_keeps_the_digits_of_the_parameters(name):
    layer, mixed = made(name, 2, seed=0), made(name, 2, seed=0, dtype="mixed_bfloat16")
    x = keras.ops.cast(batch(4, 3), "bfloat16")
    y = mixed(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert all(v.dtype == "float32" for v in mixed.trainable_variables)
    wanted = keras.ops.cast(layer(keras.ops.cast(x, "float32")), "bfloat16")
    assert bool(keras.ops.all(y == wanted))


@pytest.mark.slow
def test_a_global_policy_of_mixed_precision_leaves_units_in_theirs(tmp_path):
    before = keras.config.dtype_policy()
    for policy in ("mixed_float16",):
        keras.config.set_dtype_policy(policy)
        try:
            cell = adapter.RecurrentCell(adapter.NAU(3, seed=2))
            recurrent = keras.layers.RNN(cell, dtype="float32")  # an RNN rounds to its own
            layers = [keras.layers.Dense(3), adapter.NMU(2, seed=0), adapter.NALU(1, seed=1)]
            for model in (
                keras.Sequential([keras.Input((3,)), *layers]),
                keras.Sequential([keras.Input((5, 3)), keras.layers.Dense(3), recurrent]),
            ):
                x = batch(4, *model.input_shape[1:])
                model.compile("sgd", "mse")
                model.fit(x, outputs(model, x) + 1, verbose=0, callbacks=[adapter.Penalties()])
                hidden = model.layers[0](keras.ops.convert_to_tensor(x))
                wide = keras.ops.cast(hidden, "float32")
                for layer in model.layers[1:]:
                    hidden, wide = layer(hidden), layer(wide)
                dtypes = [keras.backend.standardize_dtype(t.dtype) for t in (hidden, wide)]
                assert dtypes == ["float32", "float32"]
                assert bool(keras.ops.all(hidden == wide))
                loaded = saved(model, tmp_path)
                np.testing.assert_array_equal(outputs(loaded, x), outputs(model, x))
        finally:
            keras.config.set_dtype_policy(before)


def test_methods_of_a_unit_are_the_layers():
    unit = units.NALU(2, 1, key=jax.random.key(0))
    layer, x = adapter.to_keras(unit), batch(1, 2)
    gate = keras.ops.convert_to_numpy(layer.gate(keras.ops.convert_to_tensor(x)))
    np.testing.assert_allclose(gate[0], unit.gate(jnp.asarray(x[0])), rtol=1e-6)
    weight = keras.ops.convert_to_numpy(layer.weight)
    np.testing.assert_allclose(weight, unit.weight, rtol=1e-6)


@each_kind
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
        model.fit(xs, xs[:, 0, :2], verbose=0, callbacks=[adapter.Penalties()])
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


def test_chains_are_read_without_layers_that_do_nothing(tmp_path):
    x = keras.Input((3,))
    layers = [keras.layers.Flatten(), adapter.NAU(2, seed=0), keras.layers.Activation("linear")]
    layers += [keras.layers.Dropout(0.5), adapter.NMU(1, seed=1), keras.layers.Identity()]
    y = x
    for layer in layers:
        y = layer(y)
    functional = keras.Model(x, y)
    wanted = Stack([adapter.from_keras(layers[i]) for i in (1, 4)])
    for model in (functional, saved(functional, tmp_path), keras.Sequential([x, *layers])):
        assert eqx.tree_equal(adapter.from_keras(model), wanted)
    nmu, two = layers[4], keras.Input((2,))
    for model in (
        keras.Model(x, keras.layers.Add()([y, y])),
        keras.Model([x, two], [y, nmu(two)]),
        keras.Model(two, nmu(two, training=True)),
        keras.Model(two, nmu(keras.layers.Activation("relu")(two))),
        keras.Model(two, nmu(two + 1)),
    ):
        with pytest.raises(ValueError, match="a functional chain or a Sequential of these, got "):
            adapter.from_keras(model)
    with pytest.raises(ValueError, match="the Sequential has no parameters yet: call it on data"):
        adapter.from_keras(keras.Sequential([keras.layers.Flatten(), adapter.NAU(1)]))


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="a unit, a Recurrent or a Stack of numerate, got Linear"):
        adapter.to_keras(eqx.nn.Linear(1, 1, key=jax.random.key(0)))
    with pytest.raises(ValueError, match="a Sequential of these, got Dense"):
        adapter.from_keras(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))


class Shifted(keras.Sequential):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=training, mask=mask) + 1


class ShiftedUnit(adapter.NAU):
    def call(self, x, training=None):
        return super().call(x, training=training) + 1


def test_what_computes_more_than_its_class_is_not_converted():
    unit = ShiftedUnit(1)
    unit.build((None, 2))
    for layer in (unit, Shifted([keras.Input((2,)), adapter.NAU(1)])):
        with pytest.raises(ValueError, match="has a call of its own"):
            adapter.from_keras(layer)


def test_models_of_several_inputs_choose_by_arrays_of_each():
    inputs = keras.Input((1,), name="a"), keras.Input((1,), name="b")
    x = np.random.default_rng(0).uniform(1, 2, (64, 2)).astype("float32")
    both = [x[:, :1], x[:, 1:]]
    for given in (both, {"a": both[0], "b": both[1]}):
        unit = adapter.NASU(1, seed=0)
        output = unit(keras.layers.Concatenate()(list(inputs)))
        of = list(inputs) if given is both else dict(zip("ab", inputs, strict=True))
        adapter.select_branches(keras.Model(of, output), given, x.sum(1, keepdims=True))
        assert unit.is_chosen
    with pytest.raises(TypeError, match="one output, got a list"):
        adapter.snap(keras.Model(list(inputs), [output, output]), both, x[:, :1])
    with pytest.raises(ValueError, match="64 of 64 targets"):
        adapter.select_branches(keras.Model(list(inputs), output), both, np.full((64, 1), np.nan))


def test_refuses_other_widths_however_it_is_called():
    for name in FAMILIES:
        layer = getattr(adapter, name)(2, in_features=3, seed=0)
        with pytest.raises(ValueError, match=rf"{name} takes 3 features, .*5, 1\)"):
            layer(keras.ops.ones((5, 1)))
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
    with pytest.raises(ValueError, match="RecurrentCell takes 3 features"):
        cell(keras.ops.ones((5, 4)), [keras.ops.ones((5, 2))])
    with pytest.raises(TypeError, match="RecurrentCell takes floating-point numbers, got int32"):
        cell(keras.ops.ones((5, 3), "int32"), [keras.ops.ones((5, 2))])
    for use in (adapter.from_keras, lambda layer: layer.penalty()):
        with pytest.raises(ValueError, match="NAU has no parameters yet: call it on data first"):
            use(adapter.NAU(1))


@pytest.mark.parametrize("recipe", [None, "recipe", "mapping"])
def test_fit_follows_the_schedule_of_penalties(recipe):
    """Like manual gradient steps, with and without validation between them."""
    given = {"recipe": mistry2022("NMU"), "mapping": {"NMU": mistry2022("NMU")}}.get(recipe)
    layer = adapter.NMU(1, in_features=2, seed=0)
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, unit = batch(6, 2), adapter.from_keras(layer)
    y, losses = x.prod(axis=1, keepdims=True), []

    def loss(unit, x, y, progress):
        error = jnp.mean((jax.vmap(unit)(x) - y) ** 2)
        return error + unit.scheduled_penalty(progress), error

    for step in range(12):
        rows = slice(2 * (step % 3), 2 * (step % 3) + 2)
        gradient, error = eqx.filter_grad(loss, has_aux=True)(unit, x[rows], y[rows], step / 12)
        losses.append(float(error))
        unit = eqx.apply_updates(unit, jax.tree.map(lambda g: -0.1 * g, gradient)).constrained()
    more = {"batch_size": 2, "shuffle": False, "verbose": 0, "validation_data": (x, y)}
    model.fit(x, y, epochs=1, callbacks=[adapter.Penalties(given, steps=12)], **more)
    callbacks = [adapter.Penalties(given, steps=12)]
    model.fit(x, y, initial_epoch=1, epochs=4, callbacks=callbacks, **more)
    np.testing.assert_allclose(layer.w_hat, unit.w_hat, rtol=1e-5)
    assert len(layer.weights) == 1  # the count of steps is gone


class Stop(keras.callbacks.Callback):
    """Ends `fit` as Ctrl-C does."""

    def on_train_batch_end(self, batch, logs=None):
        raise KeyboardInterrupt


def test_every_fit_has_its_own_penalties():
    """The error is 0, so that weights move by penalties alone: at the end of their schedule."""
    layer = adapter.NMU(1, w_hat_init=constant(0.4))
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x = batch(8, 2)
    y = outputs(model, x)
    for steps, more, moves in (
        (1, [], True),
        (None, [], False),
        (1, [Stop()], False),  # at its first step
        (None, [], False),
        (1, [], True),
        (10**6, [], False),
    ):
        layer.w_hat.assign([[0.4, 0.4]])
        callbacks = [*more, *([adapter.Penalties(steps=steps)] if steps else [])]
        try:
            model.fit(x, y, epochs=3, verbose=0, callbacks=callbacks)
        except KeyboardInterrupt:
            pass
        assert np.allclose(layer.w_hat, 0.4, atol=1e-5) != moves
        assert len(layer.weights) == 1
    assert len(layer.variables) == 2  # the count of steps is gone


def test_what_is_saved_in_a_fit_can_be_loaded(tmp_path):
    model = keras.Sequential([keras.Input((2,)), adapter.NASU(2, seed=0)])
    model.compile("sgd", "mse")
    x, files = batch(16, 2), (tmp_path / "model.keras", tmp_path / "model.weights.h5")
    callbacks = [
        keras.callbacks.ModelCheckpoint(str(file), save_weights_only=file is files[1])
        for file in files
    ]
    stopping = keras.callbacks.EarlyStopping("loss", restore_best_weights=True, mode="max")
    callbacks = [adapter.Penalties(), *callbacks, stopping]
    model.fit(x, x, epochs=2, verbose=0, callbacks=callbacks)
    assert len(stopping.best_weights) == 3
    loaded = keras.models.load_model(files[0])
    loaded.load_weights(files[1])
    assert [w.name for w in loaded.weights] == ["sum_hat", "product_hat", "choice"]


def test_a_model_that_was_not_built_is_built_by_fit():
    model = keras.Sequential([adapter.NAU(2, seed=0), adapter.NMU(1, seed=0)])
    model.compile("adam", "mse")
    x = batch(16, 3)
    model.fit(x, x[:, :1], callbacks=[adapter.Penalties()], verbose=0)
    fresh = adapter.NAU(2, in_features=3, seed=0)
    fresh(keras.ops.convert_to_tensor(x))
    np.testing.assert_allclose(model.layers[0].w_hat, fresh.w_hat, atol=2e-3)


def test_fit_says_what_was_forgotten():
    def fitted(layer, **more):
        model = keras.Sequential([keras.Input((2,)), layer])
        model.compile("sgd", "mse")
        model.fit(batch(8, 2), batch(8, 1), verbose=0, **more)
        return model

    with pytest.warns(UserWarning, match="NMU trains without the penalty .*Penalties"):
        model = fitted(adapter.NMU(1))
    model.fit(batch(8, 2), batch(8, 1), verbose=0)  # warns once
    fitted(adapter.NAC(1))
    for recipe, found in (
        ({"NAU": mistry2022("NAU")}, "mapping of recipes has none for NMU; it has NAU"),
        ("NMU", "recipe must be a Recipe"),
        (mistry2022("iNALU"), "depends on the loss"),
    ):
        with pytest.raises(ValueError, match=found):
            fitted(adapter.NMU(1), callbacks=[adapter.Penalties(recipe)])
    with pytest.raises(ValueError, match="no units of numerate"):
        fitted(keras.layers.Dense(1), callbacks=[adapter.Penalties()])
    for callback, found in (
        (adapter.Penalties(steps="5"), "steps must be a whole number, got '5'"),
        (adapter.Penalties, r"callbacks must be instances, such as Penalties\(\)"),
        (adapter.SelectBranches, "callbacks must be instances"),
    ):
        with pytest.raises(TypeError, match=found):
            fitted(adapter.NMU(1), callbacks=[callback])


def test_branches_are_selected_and_weights_snapped(tmp_path):
    layer = adapter.NASU(1, in_features=2, sum_init=constant(0.9), product_init=constant(0.9))
    model = keras.Sequential([keras.Input((2,)), layer])
    model.compile("sgd", "mse")
    x = batch(16, 2)
    with pytest.warns(UserWarning, match="NASU has not chosen .*SelectBranches chooses"):
        model(x)
    y = x.sum(axis=1, keepdims=True)
    callbacks = [adapter.Penalties(), adapter.SelectBranches(x, y)]
    model.fit(x, 0 * y, callbacks=callbacks, verbose=0, epochs=2)
    assert layer.operation == ("snapped sum",)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="NASU has not chosen")
        model.evaluate(x, y, verbose=0)
        saved(model, tmp_path).evaluate(x, y, verbose=0)
    both = keras.Sequential([keras.Input((2,)), adapter.NAU(1, w_hat_init=constant(0.98))])
    assert adapter.snap(both, x, y).layers[0].w_hat.numpy().tolist() == [[1.0, 1.0]]
    other = keras.Sequential([keras.Input((2,)), adapter.NAU(1, w_hat_init=constant(0.6))])
    adapter.snap(other, x, 0.6 * y)
    np.testing.assert_array_equal(other.layers[0].w_hat, np.float32([[0.6, 0.6]]))
    with pytest.raises(ValueError, match=r"shape \(16, 2\); it gives shape \(16, 1\)"):
        adapter.select_branches(model, x, np.zeros((16, 2)))


def test_branches_and_snapping_leave_all_else_as_it_was():
    """In evaluation mode, and the units, too, where it fails or the error is not a number."""
    layer = adapter.NASU(1, seed=0)
    layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.9, seed=0), layer]
    model, x = keras.Sequential(layers), batch(16, 2)

    def state():
        return [keras.ops.convert_to_numpy(v) for v in model.variables]

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for call in (adapter.select_branches, adapter.snap):
            with pytest.raises(ValueError, match=r"shape \(16,\); it gives shape \(16, 1\)"):
                call(model, x, x[:, 0])
            with pytest.raises(TypeError, match="model must be a model or layer of Keras, got 3"):
                call(3, x, x)
        assert layer.operation == ("not chosen",)
        with pytest.raises(KeyboardInterrupt), adapter._training._evaluating(model, x, x[:, :1]):
            layer.choose(0, 3)
            raise KeyboardInterrupt
        assert layer.operation == ("not chosen",)
        before = state()
        adapter.select_branches(model, x, x.sum(axis=1, keepdims=True))
        same = map(np.array_equal, before, state())
        assert [
            v.name for v, is_same in zip(model.variables, same, strict=True) if not is_same
        ] == ["choice"]
        before = state()
        for rows in (16, 0):
            adapter.snap(model, x[:rows], np.full((rows, 1), np.nan))
        assert all(map(np.array_equal, before, state()))


def test_only_evaluation_of_open_choices_warns():
    """Whatever set the choices; a `fit` without evaluation says nothing."""
    model = keras.Sequential([adapter.NASU(1, seed=0)])
    model.compile("sgd", "mse")
    x = batch(16, 2)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".* has not chosen")
        model.fit(x, x[:, :1], verbose=0, callbacks=[adapter.Penalties()])
    other = keras.models.clone_model(model)
    other.build(x.shape)
    start = other.get_weights()
    with pytest.warns(UserWarning, match="NASU has not chosen"):
        other(x)
    model.layers[0].choose(0, 2)
    other.set_weights(model.get_weights())
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".* has not chosen")
        other(x)
    model.set_weights(start)
    with pytest.warns(UserWarning, match="NASU has not chosen"):
        model.evaluate(x, x[:, :1], verbose=0)


def wrong_calls(layer):
    return (
        (lambda: layer(1, key=jax.random.key(0)), " takes no argument key: seed=0 draws"),
        (lambda: layer(), " needs the argument out_features: the size of the output"),
        (lambda: layer(units=1), " takes no argument units: out_features is the size"),
        (lambda: layer(1, seed=1.5), ": seed must be a whole number, got 1.5"),
        (lambda: layer(1, seed=2**40), ": seed must be from -2147483648 to 2147483647, got "),
        (lambda: layer(1, penalty_factor=float("nan")), ": penalty_factor must be at least 0, got"),
        (lambda: layer(1, dtype="int32"), ": the dtype of parameters must be one of .*'int32'"),
        (lambda: layer(1, in_features=-1), ": in_features must be at least 0, got -1"),
    )


def test_arguments_of_all_layers():
    for name in NAMES:
        layer = getattr(adapter, name)
        for call, found in wrong_calls(layer):
            with pytest.raises((TypeError, ValueError), match=f"^{name}{found}"):
                call()
    with pytest.raises(TypeError, match="NAU takes one tensor, got "):
        adapter.NAU(1, in_features=2)(None)
    assert adapter.NAU(1, seed=np.int64(3)).seed == 3
