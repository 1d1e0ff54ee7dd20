"""Every unit and cell rejects invalid inputs with one sentence."""

import inspect
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest
import torch

import numerate.torch
from numerate import Recurrent, units
from numerate.cells import MCLSTM
from numerate.tasks import Arithmetic
from numerate.train import Config, penalised, projected, select, snap, train_many

KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def compiled_calls():
    """Not here: a program would be traced for each input."""


@pytest.fixture(autouse=True)
def as_people_run_it():
    """Without the type checks of the tests, which would raise first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


UNITS = [name for name in units.__all__ if name != "Unit"]
N = 3
WRONG = (0, 1, N - 1, N + 1)


def message(name, wanted, got):
    return rf"^{name} takes {N} features, shape \({wanted}{N}.*\), got shape \(.*{got}.*\)"


def test_units_of_jax_refuse_other_widths_however_they_are_called():
    for name in UNITS:
        unit = getattr(units, name)(N, 2, key=KEY)
        for width in WRONG:
            x = jnp.ones(width)
            for call in (unit, partial(unit, key=KEY)):
                with pytest.raises(ValueError, match=message(name, "", width)):
                    call(x)
            with pytest.raises(ValueError, match=message(name, "", width)):
                jax.vmap(unit)(jnp.ones((5, width)))
        with pytest.raises(ValueError, match=message(name, "", width)):
            eqx.filter_jit(unit)(x)  # of the last width: to trace takes longer than all others
        with pytest.raises(ValueError, match=r"got shape \(5, 3\): jax.vmap maps over batches"):
            unit(jnp.ones((5, N)))
        with pytest.raises(ValueError, match=r"got shape \(\)"):
            unit(jnp.ones(()))
        assert eqx.filter_eval_shape(unit, np.ones(N, np.float32)).shape == (2,)


def test_units_of_pytorch_refuse_other_widths_however_they_are_called():
    for name in UNITS:
        unit = getattr(numerate.torch, name)(N, 2, seed=0)
        for width in WRONG:
            for shape in ((width,), (5, width), (4, 5, width)):
                with pytest.raises(ValueError, match=message(name, r"\*batch, ", width)):
                    unit(torch.ones(shape))
            with pytest.raises(ValueError, match=message(name, r"\*batch, ", width)):
                unit.eval()(torch.ones(5, width))


def test_a_compiled_module_of_pytorch_refuses_another_width():
    unit = numerate.torch.NMU(N, 2, seed=0)
    compiled = torch.compile(unit, backend="eager")
    assert compiled(torch.ones(5, N)).shape == (5, 2)
    with pytest.raises(ValueError, match=message("NMU", r"\*batch, ", 1)):
        compiled(torch.ones(5, 1))


def test_cells_refuse_other_inputs_and_states():
    cell = Recurrent(units.NAU, 2, 3, key=KEY)
    lstm = MCLSTM(mass_size=1, aux_size=1, hidden_size=3, key=KEY)
    module = numerate.torch.Recurrent(numerate.torch.NAU, 2, 3, seed=0)
    step = numerate.torch.RecurrentCell(numerate.torch.NAU, 2, 3, seed=0)
    for width in (0, 1, 3):
        for made in (cell, lstm):
            with pytest.raises(ValueError, match=rf"takes 2 features, .* got shape \(4, {width}\)"):
                made(jnp.ones((4, width)))
        for made, shape in ((module, (5, 4, width)), (step, (5, width))):
            with pytest.raises(ValueError, match=rf"takes 2 features, .* got shape \(5, .*{width}"):
                made(torch.ones(shape))
    for made in (cell, lstm):
        with pytest.raises(ValueError, match=r"state of \w+ takes 3 features.* got shape \(2,\)"):
            made(jnp.ones((4, 2)), jnp.ones(2))
        with pytest.raises(ValueError, match=r"shape \(time, 2\), got shape \(2,\)"):
            made(jnp.ones(2))
    with pytest.raises(ValueError, match=r"state of RecurrentCell takes 3 .* got shape \(5, 2\)"):
        step(torch.ones(5, 2), torch.ones(5, 2))
        xs, h = jnp.ones((4, 2)), jnp.ones(3)
        for call, found in (
            (lambda made=made: made([[1.0, 2.0]]), r"^\w+ takes a jax.Array, got a list"),
            (lambda made=made: made(1.0), r"^\w+ takes a jax.Array, got a float"),
            (lambda made=made: made(torch.ones(4, 2)), "got a torch.Tensor"),
            (lambda made=made: made(xs, [1.0] * 3), r"^the state of \w+ takes a .* got a list"),
            (lambda made=made: made(xs, 1.0), r"^the state of \w+ takes a .* got a float"),
            (lambda made=made: made(xs, jnp.arange(3)), r"^the state of \w+ .* got int32"),
            (lambda made=made: made.step([1.0, 2.0], h), r"^\w+ takes a jax.Array, got a list"),
            (lambda made=made: made.step(xs[0], [1.0] * 3), r"^the state of \w+ .* got a list"),
            (lambda made=made: made(xs, key=0), "key must be one key, .* got 0"),
        ):
            with pytest.raises(TypeError, match=found):
                call()
    for made, x in ((module, torch.ones(5, 4, 2)), (step, torch.ones(5, 2))):
        for state, error, found in (
            ((torch.ones(5, 3),) * 2, TypeError, "is one tensor, got a tuple of 2"),
            (np.ones((5, 3)), TypeError, "takes a torch.Tensor, got a numpy.ndarray"),
            (torch.ones(5, 3).to_sparse(), TypeError, "takes a dense tensor"),
            (torch.ones(4, 3), ValueError, r"the input's batch, shape \(5, 3\), got .*\(4, 3\)"),
            (torch.ones(3), ValueError, r"the input's batch, shape \(5, 3\), got .*\(3,\)"),
            (torch.ones(1, 5, 3), ValueError, r"the input's batch, .* got shape \(1, 5, 3\)"),
        ):
            with pytest.raises(error, match=rf"^the state of {type(made).__name__} .*{found}"):
                made(x, state)
    # As wide as input and state together, one of each too wide and too narrow.
    with pytest.raises(ValueError, match="takes 2 features"):
        cell.step(jnp.ones(3), jnp.ones(2))


def test_cells_compute_in_the_precision_of_their_parameters():
    xs, h = jnp.ones((2, 2)), jnp.full(1, 0.5)
    low = xs.astype("bfloat16"), h.astype("bfloat16")
    for cell in (Recurrent(units.NAC, 2, 1, key=KEY), MCLSTM(1, 1, 1, key=KEY)):
        wanted = cell(xs, h)
        assert eqx.tree_equal(cell(*low), wanted)
        assert eqx.tree_equal(cell(np.ones((2, 2)), np.full(1, 0.5)), wanted)
        for given in ((low[0],), (low[0], h), (xs, low[1])):
            assert eqx.filter_eval_shape(cell, *given).dtype == jnp.float32
        step = eqx.filter_eval_shape(cell.step, low[0][0], low[1])
        assert {leaf.dtype for leaf in jax.tree.leaves(step)} == {jnp.dtype("float32")}


def test_inputs_that_are_no_arrays_of_floats():
    unit, module = units.NAU(2, 1, key=KEY), numerate.torch.NAU(2, 1, seed=0)
    for call, x, got in (
        (unit, jnp.array([1, 2]), "int32"),
        (unit, jnp.array([True, False]), "bool"),
        (unit, jnp.array([1j, 2.0]), "complex64"),
        (module, torch.tensor([1, 2]), "int64"),
    ):
        with pytest.raises(TypeError, match=f"takes floating-point numbers, got {got}"):
            call(x)
    for call, x, wanted, got in (
        (unit, [1.0, 2.0], "jax.Array", "list"),
        (unit, torch.ones(2), "jax.Array", "torch.Tensor"),
        (module, np.ones((5, 2)), "torch.Tensor", "numpy.ndarray"),
        (module, jnp.ones((5, 2)), "torch.Tensor", r"jaxlib.ArrayImpl"),
        (module, 1.0, "torch.Tensor", "float"),
    ):
        with pytest.raises(TypeError, match=f"NAU takes a {wanted}, got a {got}"):
            call(x)


def test_sizes_and_initialisers():
    for make in (lambda n, **more: units.NAU(n, 1, key=KEY, **more), numerate_torch_nau):
        for size, error, found in (
            (2.0, TypeError, "must be a whole number, got 2.0"),
            ("2", TypeError, "must be a whole number, got '2'"),
            (True, TypeError, "must be a whole number, got True"),
            (-1, ValueError, "must be at least 0, got -1"),
        ):
            with pytest.raises(error, match=f"in_features {found}"):
                make(size)
        for init, error, found in (
            ("nua", ValueError, "one of 'uniform', .*; got 'nua'"),
            (torch.nn.init.zeros_, TypeError, "zeros_ takes other arguments"),
            (torch.nn.init.xavier_uniform_, TypeError, "xavier_uniform_ fails with these: "),
            (jax.nn.initializers.zeros, None, ""),
            (lambda key, shape, dtype: 0.0, TypeError, "shape .*; <lambda> returned float"),
            (lambda key, shape, dtype: jnp.ones(3), TypeError, r"\(1, 2\); <lambda> returned"),
        ):
            if error is None:
                assert not make(2, w_hat_init=init).w_hat.any()
                continue
            with pytest.raises(error, match=found):
                make(2, w_hat_init=init)
    with pytest.raises(TypeError, match="took|takes other arguments|glorot_uniform returned"):
        units.NAU(2, 1, w_hat_init=jax.nn.initializers.glorot_uniform, key=KEY)


def wrong_calls(unit, module):
    """Calls of a unit in JAX and PyTorch, and how the sentence about them goes on."""
    made, wrapped = unit(2, 1, key=KEY), module(2, 1, seed=0)
    return (
        (lambda: unit(2, 1, key=0), r": key must be one key, such as jax.random.key\(0\), got 0"),
        (lambda: unit(2, 1, key=jax.random.split(KEY)), r".* \(2,\): jax.vmap maps over keys"),
        (lambda: unit(2, 1, key=jnp.zeros(3, "uint32")), r".*shape \(3,\) and dtype uint32"),
        (lambda: made(jnp.ones(2), key=0), ": key must be one key, .* got 0"),
        (lambda: unit(2, 1), " needs the argument key: key=jax.random.key"),
        (lambda: unit(2, key=KEY), " needs the argument out_features: it takes in_features, "),
        (lambda: unit(2, 1, seed=0), " takes no argument seed: key=jax.random.key"),
        (lambda: unit(2, 1, w_init="nau", key=KEY), " takes no argument w_init.* It takes "),
        (lambda: unit(3, 2, 1, key=KEY), " takes 2 arguments without a name, .*; got 3: name"),
        (lambda: unit(2, 1, dtype="int32", key=KEY), ": dtype must be .*, got 'int32'"),
        (lambda: unit(2.5, 1, key=KEY), ": in_features must be a whole number, got 2.5"),
        (lambda: unit(2, "1", key=KEY), ": out_features must be a whole number, got '1'"),
        (lambda: module(2, 1, key=KEY), " takes no argument key: seed=0 draws"),
        (lambda: module(2, 1, seed=1.5), ": seed must be a whole number, got 1.5"),
        (lambda: module(2, 1, dtype=float), ": dtype must be one of torch.float16, "),
        (lambda: wrapped(torch.ones(2).double()), r" has .*float64: x.to\(torch.float32\)"),
        (lambda: wrapped(torch.ones(3, 2).to_sparse()), " takes a dense tensor, got torch.sparse"),
        (lambda: wrapped([1.0, 2.0]), " takes a torch.Tensor, got a list: torch.as_tensor"),
        (lambda: made([1.0, 2.0]), " takes a jax.Array, got a list: jax.numpy.asarray"),
    )


def test_arguments_of_all_units():
    """One sentence: the unit, the argument, the rule, what was given and what to do."""
    for name in UNITS:
        unit = getattr(units, name)
        for call, found in wrong_calls(unit, getattr(numerate.torch, name)):
            with pytest.raises(TypeError, match=f"^{name}{found}"):
                call()
        for option in inspect.signature(unit.__init__).parameters.values():
            default, values = option.default, (float("nan"), float("inf"), -1, "x", [1])
            if option.name.endswith("_init"):
                with pytest.raises(ValueError, match=rf"^{name}: {option.name}: .*; got \[1\]"):
                    unit(2, 1, key=KEY, **{option.name: [1]})
            elif isinstance(default, float | int | tuple | str) or option.name == "eps":
                for value in values:
                    with pytest.raises((TypeError, ValueError), match=rf"^{name}: {option.name} "):
                        unit(2, 1, key=KEY, **{option.name: value})
    with pytest.raises(ValueError, match="^sNMU: deviation must be positive, got nan"):
        units.sNMU(2, 1, noise=None, deviation=float("nan"), key=KEY)
    for make, layer in ((partial(Recurrent, units.NAU, 1, 2), "Recurrent"), (MCLSTM, "MCLSTM")):
        with pytest.raises(TypeError, match=f"^{layer}: key must be one key"):
            make(*(() if layer == "Recurrent" else (1, 1, 2)), key=0)


def numerate_torch_nau(n, **more):
    return numerate.torch.NAU(n, 1, seed=0, **more)


def test_cells_refuse_units_of_another_size():
    cell, nau = numerate.torch.RecurrentCell, numerate.torch.NAU
    for make, error, found in (
        (lambda a, b: nau(a, b + 1), ValueError, "unit must map .* = 3 .* = 1; it maps 3 to 2"),
        (lambda a, b: torch.nn.ReLU(), TypeError, "unit must make a unit, .* makes a ReLU"),
    ):
        with pytest.raises(error, match=found):
            cell(make, 2, 1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="input_size must be a whole number, got '2'"):
        cell(nau, "2", 1)  # pyright: ignore[reportArgumentType]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
def test_nested_tensors():
    nested = torch.nested.nested_tensor([torch.ones(2, 2), torch.ones(3, 2)])
    unit, x = numerate.torch.NAU(2, 1, seed=0), torch.ones(3, 2)
    for call in (
        lambda: unit(nested),
        lambda: numerate.torch.Recurrent(numerate.torch.NAU, 2, 1)(nested),
        lambda: numerate.torch.snap(unit, x, nested),
        lambda: numerate.torch.select_branches(unit, nested, x),
    ):
        with pytest.raises(TypeError, match="a dense tensor, got a nested one: .*to_padded_tensor"):
            call()
    with pytest.raises(TypeError, match="a ModuleList has no forward"):
        numerate.torch.snap(torch.nn.ModuleList([unit]), x, x[:, :1])


def test_what_is_made_where_a_class_is_wanted():
    task, config = Arithmetic("add"), Config(steps=1, log_every=1)
    unit, keys = units.NAU(2, 1, key=KEY), jax.random.split(KEY, 1)
    for call, argument in (
        (lambda: Recurrent(units.NAU(3, 2, key=KEY), 1, 2, key=KEY), "Recurrent: unit"),
        (lambda: numerate.torch.Recurrent(numerate.torch.NAU(3, 2), 1, 2), "unit"),
        (lambda: train_many(keys, task, unit, config), "model"),
    ):
        with pytest.raises(TypeError, match=f"^{argument} must be a class or function .* NAU"):
            call()
    with pytest.raises(TypeError, match=r"functools.partial\(NAU, 2, 1\); NAU cannot be called so"):
        train_many(keys, task, units.NAU, config)


def test_a_training_on_other_widths_is_refused_and_not_unsolved():
    task, config = Arithmetic("add"), Config(steps=1, log_every=1)
    keys = jax.random.split(KEY, 1)
    for sizes, found in (((3, 1), "NAU takes 3 features"), ((2, 2), "must give as many features")):
        with pytest.raises(ValueError, match=found):
            train_many(keys, task, lambda *, key, sizes=sizes: units.NAU(*sizes, key=key), config)


def test_models_that_have_no_branches_to_select():
    x, y = jnp.ones((3, 2)), jnp.ones((3, 1))
    for model, found in ((numerate.torch.NASU(2, 1), "numerate.NASU"), (len, "builtin_function")):
        with pytest.raises(TypeError, match=f"an Equinox module with units, got a .*{found}"):
            select(model, x, y)
    for call in (select, snap):
        for given, name in (((x.tolist(), y), "x"), ((x, y.tolist()), "y"), ((x, 1.0), "y")):
            with pytest.raises(TypeError, match=rf"^{name} must be an array, jax.numpy.asarray"):
                call(units.NASU(2, 1, key=KEY), *given)
    with pytest.raises(ValueError, match="a MLP without units of numerate has no branches"):
        select(eqx.nn.MLP(2, 1, 3, 1, key=KEY), x, y)
    with pytest.raises(ValueError, match=r"shape \(3, 2\); it gives shape \(3, 1\)"):
        select(units.NASU(2, 1, key=KEY), x, jnp.ones((3, 2)))


def test_what_is_no_optimiser():
    for make in (projected, partial(penalised, steps=3)):
        for wrong, got in ((optax.adam, "<function adam"), (None, "None"), ("adam", "'adam'")):
            with pytest.raises(TypeError, match=f"must be an optimiser of Optax, .*, got {got}"):
                make(wrong)  # pyright: ignore[reportArgumentType]


def test_steps_are_a_whole_number():
    model = numerate.torch.NMU(2, 1, seed=0)
    adam = torch.optim.Adam(model.parameters())
    penalties = (partial(penalised, optax.adam(0.1)), partial(numerate.torch.penalise, model, adam))
    for penalise in penalties:
        for steps in ("5", 8.5, float("nan"), True):
            with pytest.raises(TypeError, match=f"steps must be a whole number, got '?{steps}"):
                penalise(steps=steps)
        penalise(steps=np.int64(5))


def test_a_step_is_no_progress():
    for name in UNITS:
        for unit in (getattr(units, name)(2, 1, key=KEY), getattr(numerate.torch, name)(2, 1)):
            if "ramp" in (code := inspect.getsource(type(unit).penalty_weight)) or "stair" in code:
                for progress in (1500, 1.5, -0.1, float("nan")):
                    with pytest.raises(
                        ValueError, match="between 0 and 1, such as step/steps; got"
                    ):
                        unit.penalty_weight(progress)
                assert unit.penalty_weight(1.0) > 0
    with pytest.raises(ValueError, match="got 2"):
        units.NMU(2, 1, key=KEY).penalty_weight(jnp.array(2.0))
    with pytest.raises(ValueError, match="got 2"):
        numerate.torch.NMU(2, 1).penalty_weight(torch.tensor(2.0))
