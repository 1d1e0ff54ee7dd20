"""The units as PyTorch modules. Their numbers are compared in `test_parity.py`."""

import copy
import inspect
import io
import pickle
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import numerate.torch as adapter
from numerate import units
from numerate.cells import Recurrent
from numerate.formula import read_out
from numerate.initialisers import constant
from numerate.models import Stack
from tests.each import each
from tests.units.table import FAMILIES, KINDS, UNITS, central_differences

each_row = each("name", UNITS)
each_family = each("name", FAMILIES)
each_kind = each("name", KINDS)
NAMES = [name for name in units.__all__ if name != "Unit"]

# As numbers of 8 bits: bfloat16 rounds each of a handful of operations by half of one.
BFLOAT16 = 2.0**-6


def made(name, *sizes, **kwargs):
    """The module of a row of the units' table."""
    case = UNITS[name]
    return getattr(adapter, case.unit.__name__)(*sizes, **case.kwargs, **kwargs)


def batch(*shape, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return 0.5 + torch.rand(*shape, generator=generator, dtype=dtype)


def test_has_every_unit_with_its_arguments():
    for name in NAMES:
        module, unit = getattr(adapter, name), getattr(units, name)
        assert module.unit is unit
        shown = set(inspect.signature(module).parameters)
        assert shown == set(inspect.signature(unit).parameters) - {"key"} | {"seed", "device"}
        parts = inspect.getdoc(unit).split("\n\n")
        assert parts[0] in module.__doc__ and parts[1] in module.__doc__
        assert "`seed`" in module.__doc__ and "`key`:" not in module.__doc__


def test_has_nothing_else():
    others = {"Unit", "Recurrent", "RecurrentCell", "to_torch", "from_torch"}
    others |= {"Penalties", "penalise", "select_branches", "snap"}
    assert set(adapter.__all__) == {*NAMES, *others}


@each("shape", [(), (5,), (2, 0), (4, 1, 3)])
@each_kind
def test_takes_any_batch(name, shape):
    module = made(name, 3, 2).eval()
    x = batch(*shape, 3)
    y = module(x)
    assert y.shape == (*shape, 2)
    # One example at a time gives the same.
    one = torch.cat([module(row)[None] for row in x.reshape(-1, 3)] or [torch.zeros(0, 2)])
    np.testing.assert_allclose(y.reshape(-1, 2).detach(), one.detach(), rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@each("sizes", [(0, 2), (2, 0)])
@each_row
def test_takes_any_size(name, sizes):
    assert made(name, *sizes)(batch(5, sizes[0])).shape == (5, sizes[1])


@each_row
def test_outputs_and_gradients_are_those_of_the_reference(name):
    """Those of a unit of each family are compared with JAX's, too, in `test_parity.py`."""
    module = made(name, 3, 2, seed=0, dtype=torch.float64).eval()
    xs = np.random.default_rng(0).uniform(0.5, 2.0, (2, 3)) * (-1.0) ** np.arange(6).reshape(2, 3)
    with jax.enable_x64(True):
        unit = adapter.from_torch(module)
    x = torch.tensor(xs, requires_grad=True)
    y = module(x)
    np.testing.assert_allclose(y.detach(), UNITS[name].outputs(unit, xs), rtol=1e-12, atol=1e-12)
    wanted = central_differences(UNITS[name].reference, unit, xs[0])
    leaves = [p for p in module.parameters() if p.requires_grad]
    *by_parameters, by_x = torch.autograd.grad(y[0].sum(), [*leaves, x], materialize_grads=True)
    got = torch.cat([g.ravel() for g in (*by_parameters, by_x[0])])
    np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-8)


@each_family
def test_starts_as_in_jax(name):
    unit = UNITS[name].make(3, 2, key=jax.random.key(7))
    assert eqx.tree_equal(adapter.from_torch(made(name, 3, 2, seed=7)), unit)


@each_kind
def test_the_generator_of_pytorch_decides(name):
    torch.manual_seed(0)
    first, second = made(name, 3, 2), made(name, 3, 2)
    torch.manual_seed(0)
    again = made(name, 3, 2)
    states = [list(m.state_dict().values()) for m in (first, second, again)]
    assert all(map(torch.equal, states[0], states[2]))
    assert not all(map(torch.equal, states[0], states[1]))


@each(
    "name, dtype",
    [(n, dtype) for n in KINDS for dtype in (torch.float64, torch.bfloat16)],
)
def test_converts_both_ways(name, dtype):
    module = made(name, 3, 2, dtype=dtype)
    assert all(p.dtype == dtype for p in module.parameters())
    with jax.enable_x64(dtype == torch.float64):
        unit = adapter.from_torch(module)
        back = adapter.to_torch(unit)
    assert type(back) is type(module) and repr(back) == repr(module)
    for found, wanted in zip(back.state_dict().items(), module.state_dict().items(), strict=True):
        assert found[0] == wanted[0] and torch.equal(found[1], wanted[1])


@each_kind
def test_state_can_be_saved_copied_and_pickled(name):
    module, other = made(name, 3, 2, seed=0).eval(), made(name, 3, 2, seed=1).eval()
    x, file = batch(4, 3), io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    assert not torch.equal(other(x), module(x))
    other.load_state_dict(torch.load(file))
    for same in (other, copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(same(x), module(x))


def test_state_has_the_names_of_the_fields():
    assert list(adapter.NALU(2, 1).state_dict()) == ["w_hat", "m_hat", "gate_weight"]
    layers = ["weights.0", "weights.1", "biases.0", "biases.1"]
    assert list(adapter.MLP(2, 1).state_dict()) == layers


@each_family
def test_autocast_keeps_the_digits_of_the_parameters(name):
    """Behind a layer that is in half precision, value and gradients are those in float32."""
    module, linear = made(name, 3, 2, seed=0).eval(), torch.nn.Linear(3, 3)
    for dtype in (torch.float16, torch.bfloat16):
        with torch.autocast("cpu", dtype=dtype):
            hidden = linear(batch(4, 3)).abs().detach()
            y = module(hidden)
        found = gradients(module, y)  # outside of it, as PyTorch wants
        assert hidden.dtype == dtype and y.dtype == torch.float32
        wanted = module(hidden.float())
        torch.testing.assert_close(y, wanted, rtol=1e-6, atol=1e-6)
        for one, other in zip(found, gradients(module, wanted), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)  # sums of four


def gradients(module, y):
    found = torch.autograd.grad(y.sum(), list(module.parameters()), allow_unused=True)
    return [g for g in found if g is not None]


def test_a_scaled_loss_in_float16_trains_as_in_float32():
    """With a scaler of gradients, which an ordinary loop in float16 has, and with penalties."""
    ends = []
    for half in (True, False):
        model = torch.nn.Sequential(adapter.NAU(3, 2, seed=0), adapter.NMU(2, 1, seed=1))
        optimiser = torch.optim.Adam(model.parameters(), 0.05)
        adapter.penalise(model, optimiser, steps=30)
        scaler = torch.amp.GradScaler("cpu", enabled=half)
        for _ in range(30):
            x = torch.linspace(1, 2, 12).reshape(4, 3)
            with torch.autocast("cpu", dtype=torch.float16, enabled=half):
                loss = (model(x) - x.prod(1, keepdim=True)).square().mean()
            optimiser.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
        ends.append(torch.cat([p.detach().ravel() for p in model.parameters()]))
    torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-6)


@each_row
def test_works_in_half_precision(name):
    module = made(name, 3, 2, seed=0).eval()
    x = batch(4, 3).bfloat16()
    wanted = module(x.float())
    y = module.bfloat16()(x)
    assert y.dtype == torch.bfloat16
    scale = max(1.0, float(wanted.detach().abs().max()))
    assert (y - wanted).abs().max() < 4 * BFLOAT16 * scale


@each_row
def test_makes_no_tensor_on_another_device(name):
    """The device `meta` has no values and refuses to compute with those of another."""
    module = made(name, 3, 2, device="meta")
    assert {p.device.type for p in module.parameters()} == {"meta"}
    for training in (False, True):
        y = module.train(training)(torch.empty(4, 3, device="meta"))
        assert (y.device.type, y.shape) == ("meta", (4, 2))
    assert module.penalty().device.type == "meta"
    assert module.to_empty(device="cpu")(batch(4, 3)).device.type == "cpu"


@each_family  # the gradients of all in `test_parity.py`
def test_a_step_lowers_the_loss(name):
    module = made(name, 3, 2, seed=0, dtype=torch.float64)
    x = batch(8, 3, dtype=torch.float64)
    optimiser = torch.optim.SGD(module.parameters(), lr=1e-5)
    losses = []
    for _ in range(2):
        torch.manual_seed(0)
        loss = (module(x) - 3).square().mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[1] < losses[0]


@eqx.filter_jit
def in_jax(unit):
    return unit.penalty(), unit.scheduled_penalty(0.9), unit.constrained()


@each_row
def test_penalty_and_constraint_are_those_of_jax(name):
    unit = UNITS[name].make(3, 2, key=jax.random.key(0))
    outside = jax.tree.map(
        lambda a: jnp.asarray(3 * np.asarray(a)) if eqx.is_inexact_array(a) else a, unit
    )
    module = adapter.to_torch(outside)
    penalty, wanted, constrained = in_jax(outside)
    np.testing.assert_allclose(module.penalty().item(), penalty, rtol=1e-6, atol=1e-6)
    assert module.penalty_weight(0.5) == unit.penalty_weight(0.5)
    scheduled = torch.as_tensor(module.scheduled_penalty(0.9)).item()
    np.testing.assert_allclose(scheduled, wanted, rtol=1e-5, atol=1e-5)
    before = [p.data_ptr() for p in module.parameters()]
    module.constrain_()
    assert eqx.tree_equal(adapter.from_torch(module), constrained)
    assert [p.data_ptr() for p in module.parameters()] == before


def test_choices_are_made_in_place():
    unit = units.NASU(2, 2, key=jax.random.key(0))
    module = adapter.to_torch(unit)
    parameters = list(module.parameters())
    assert module.choices() == unit.choices()
    module.choose_(1, 2)
    assert eqx.tree_equal(adapter.from_torch(module), unit.chosen(1, 2))
    assert all(a is b for a, b in zip(parameters, module.parameters(), strict=True))
    with pytest.raises(ValueError, match="NAU has nothing to choose"):
        adapter.NAU(2, 1).choose_(0, 0)


def test_noise_is_drawn_for_every_example_in_training_only():
    module, x = adapter.sNMU(3, 1, seed=0), torch.full((2, 3), 1.5)
    torch.manual_seed(0)
    first, second = module(x), module(x)
    torch.manual_seed(0)
    assert torch.equal(module(x), first)
    assert first[0] != first[1] and first[0] != second[0]
    module.eval()
    assert torch.equal(module(x), module(x)) and module(x)[0] == module(x)[1]


def test_initialisers_are_those_of_jax():
    module = adapter.NAC(2, 1, w_hat_init=constant(50.0), m_hat_init="constant")
    assert module.weight.tolist() == [[0.5, 0.5]]
    with pytest.raises(ValueError, match="an initialiser must be"):
        adapter.NAC(2, 1, w_hat_init="best")
    with pytest.raises(ValueError, match="in_features must be at least 0, got -1"):
        adapter.NAC(-1, 1)


def test_the_type_of_parameters_is_pytorchs_default():
    torch.set_default_dtype(torch.float64)
    try:
        assert adapter.NAC(2, 1).w_hat.dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert adapter.NAC(2, 1).w_hat.dtype == torch.float32


def test_ones_own_unit_becomes_a_module():
    class Doubled(adapter.Unit, unit=units.NAU):
        def forward(self, x):
            return 2 * super().forward(x)

    adapter._base.ADAPTERS[units.NAU] = adapter.NAU  # as it was
    module = Doubled(2, 1, w_hat_init=constant(1.0))
    assert module(torch.tensor([3.0, 5.0])).tolist() == [16.0]


# A step of the cells is compared with JAX's; sequences are short, as products grow fast.


@each_kind
def test_cells_step_as_in_jax(name):
    def unit(*sizes, key):
        return UNITS[name].make(*sizes, key=key)

    cell = Recurrent(unit, input_size=3, hidden_size=2, key=jax.random.key(0))
    module = adapter.to_torch(cell).eval()
    xs = batch(4, 2, 3)
    wanted = np.array(jax.jit(jax.vmap(cell))(jnp.asarray(xs.numpy())))
    scale = max(1.0, np.abs(wanted).max())
    np.testing.assert_allclose(module(xs).detach() / scale, wanted / scale, rtol=0, atol=1e-6)
    h, step = None, super(adapter.Recurrent, module).forward
    for x in xs.unbind(1):
        h = step(x, h)
    assert torch.equal(h, module(xs))
    assert eqx.tree_equal(adapter.from_torch(module), cell)


def test_a_cell_is_called_like_those_of_pytorch():
    cell = adapter.RecurrentCell(adapter.NAU, 3, 2, seed=0, dtype=torch.float64)
    peer = torch.nn.RNNCell(3, 2, dtype=torch.float64)
    assert list(inspect.signature(cell.forward).parameters) == ["input", "hx"]
    assert inspect.signature(cell.forward) == inspect.signature(peer.forward)
    x, h = batch(5, 3, dtype=torch.float64), batch(5, 2, dtype=torch.float64)
    for arguments in ((x,), (x, h), (x[0],), (x[0], h[0])):
        assert cell(*arguments).shape == peer(*arguments).shape
    assert torch.equal(cell(x), cell(x, torch.zeros_like(h)))
    assert repr(cell).startswith("RecurrentCell(\n  input_size=3, hidden_size=2\n")


def test_stacks_become_sequences(tmp_path):
    layers = [partial(Recurrent, units.NAU, 2, 3), partial(units.NMU, 3, 1)]
    model = Stack(layers, key=jax.random.key(0))
    module = adapter.to_torch(model).eval()
    xs = batch(4, 5, 2)
    wanted = jax.vmap(model)(jnp.asarray(xs.numpy()))
    np.testing.assert_allclose(module(xs).detach(), wanted, rtol=1e-5)
    assert eqx.tree_equal(adapter.from_torch(module), model)


def test_layers_that_change_nothing_are_left_out():
    nau, nmu = adapter.NAU(2, 2, seed=0), adapter.NMU(2, 1, seed=0)
    idle = torch.nn.Flatten(), torch.nn.Identity(), torch.nn.Dropout(0.5)
    module = torch.nn.Sequential(*idle, nau, torch.nn.Sequential(*idle), nmu).eval()
    model = adapter.from_torch(module)
    wanted = read_out(Stack([adapter.from_torch(nau), adapter.from_torch(nmu)]), ["a", "b"])
    assert read_out(model, ["a", "b"]) == wanted
    idle = eqx.nn.Identity(), eqx.nn.Dropout(inference=True)
    assert read_out(eqx.nn.Sequential([*idle, *model.layers]), ["a", "b"]) == wanted
    with pytest.raises(ValueError, match=r"must be in evaluation, where Dropout .*module.eval\(\)"):
        adapter.from_torch(module.train())
    with pytest.raises(ValueError, match="a Sequential of these, got Flatten"):
        adapter.from_torch(torch.nn.Sequential(torch.nn.Flatten(0), nau))


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="a unit, a Recurrent or a Stack of numerate, got Linear"):
        adapter.to_torch(eqx.nn.Linear(1, 1, key=jax.random.key(0)))
    with pytest.raises(ValueError, match="a Sequential of these, got Linear"):
        adapter.from_torch(torch.nn.Sequential(adapter.NAU(2, 1), torch.nn.Linear(1, 1)))
    with pytest.raises(ValueError, match="jax.enable_x64"):
        adapter.from_torch(adapter.NAU(2, 1, dtype=torch.float64))


class Shifted(torch.nn.Sequential):
    def forward(self, x):
        return super().forward(x) + 1


class ShiftedUnit(adapter.NAU):
    def forward(self, x):
        return super().forward(x) + 1


class Named(adapter.NAU):
    pass


def test_what_computes_more_than_its_class_is_not_converted():
    for module in (Shifted(adapter.NAU(2, 1)), ShiftedUnit(2, 1)):
        with pytest.raises(ValueError, match="has a forward of its own"):
            adapter.from_torch(module)
    module = torch.nn.Sequential(Named(2, 1, seed=0))
    assert isinstance(adapter.from_torch(module)[0], units.NAU)
    module.register_forward_hook(lambda module, inputs, output: output + 1)
    with pytest.raises(ValueError, match="has forward hooks"):
        adapter.from_torch(module)
