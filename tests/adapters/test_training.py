"""Ordinary loops of PyTorch and Optax train units as the engine does."""

import copy
import pickle
import threading
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import numerate.torch as adapter
from numerate import Stack, units
from numerate.initialisers import constant
from numerate.recipes import mistry2022
from numerate.train import penalised, projected

NAMES = [name for name in units.__all__ if name != "Unit"]
KEY = jax.random.key(0)
OUTPUTS = eqx.filter_jit(lambda unit, x: jax.vmap(unit)(x))


def stepped(model, optimiser, loss=0.0):
    """One step of an ordinary loop on a loss whose gradient is 1 for every parameter."""
    optimiser.zero_grad()
    (loss + sum(p.sum() for p in model.parameters())).backward()
    optimiser.step()


def test_an_ordinary_loop_of_pytorch_keeps_every_constraint():
    for name in NAMES:
        made = getattr(adapter, name)(3, 2, seed=0)
        for change, rate in (
            (copy.deepcopy, -10.0),
            (lambda unit: pickle.loads(pickle.dumps(unit)), 10.0),
            (lambda unit: unit, 10.0),
        ):
            unit = change(made)
            if not unit.bounds():
                continue
            model = torch.nn.Sequential(torch.nn.Linear(3, 3), unit)
            free = torch.nn.Linear(3, 3)
            stepped(
                torch.nn.ModuleList([model, free]),
                torch.optim.SGD(
                    [*model.parameters(), *free.parameters()], abs(rate), maximize=rate < 0
                ),
            )
            for field, (low, high) in unit.bounds().items():
                values = getattr(unit, field)
                assert low <= values.min() and values.max() <= high, (name, field)
            assert free.weight.abs().max() > 5  # other parameters do not change


def test_penalties_are_those_of_a_loop_that_adds_them_by_hand():
    recipe = mistry2022("NMU")
    for given in (None, recipe, {"NAU": mistry2022("NAU"), "NMU": recipe}):
        trained = []
        for by_hand in (True, False):
            model = torch.nn.Sequential(adapter.NAU(3, 2, seed=0), adapter.NMU(2, 1, seed=1))
            optimiser = torch.optim.Adam(model.parameters(), 0.05)
            if not by_hand:
                penalties = adapter.penalise(model, optimiser, given, steps=20)
                assert penalties.steps == 20
            for step in range(20):
                x = torch.linspace(1, 2, 12).reshape(4, 3)
                loss = (model(x) - x.prod(1, keepdim=True)).square().mean()
                if by_hand:
                    loss = loss + sum(unit.scheduled_penalty(step / 20) for unit in model)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            trained.append(torch.cat([p.detach().ravel() for p in model.parameters()]))
        torch.testing.assert_close(*trained, rtol=1e-5, atol=1e-6)
    assert penalties.step == 20 and float(penalties().detach()) >= 0
    penalties.remove()
    stepped(model, optimiser)
    assert penalties.step == 20


def test_penalties_of_units_that_have_none_change_nothing():
    for unit in (adapter.NALU(2, 1, seed=0), adapter.NMU(2, 1, seed=0).requires_grad_(False)):
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), unit)
        optimiser = torch.optim.SGD(model[0].parameters(), 0.1)
        optimiser.add_param_group({"params": list(unit.parameters())})
        adapter.penalise(model, optimiser, steps=1).step = 1
        optimiser.step()
        assert all(p.grad is None for p in model.parameters())


def test_penalties_that_cannot_be_added():
    model = adapter.NMU(2, 1, seed=0)
    optimiser = torch.optim.Adam(model.parameters())
    for arguments, more, found in (
        ((model, optimiser), {}, "steps must be the number of steps of the training"),
        ((model, optimiser), {"steps": 0}, "steps must be at least 1, got 0"),
        ((model, optimiser, "NMU"), {}, "recipe must be a Recipe, .*; got 'NMU'"),
        ((model, optimiser, mistry2022("iNALU")), {}, "depends on the loss"),
        ((model, optimiser, {"NAU": mistry2022("NAU")}), {}, "none for NMU; it has NAU"),
        ((torch.nn.Linear(2, 1), optimiser), {"steps": 1}, "has no units of numerate"),
        ((model, torch.optim.LBFGS(model.parameters())), {"steps": 1}, "gradients in a closure"),
        ((model, optimiser, {}), {"steps": 1}, "a recipe for each unit, got an empty mapping"),
    ):
        with pytest.raises(ValueError, match=found):
            adapter.penalise(*arguments, **more)
    rate = torch.optim.lr_scheduler.StepLR(optimiser, 1)
    for wrong, got in ((None, "None"), (rate, "<torch.*StepLR"), (torch.optim.Adam, "<class")):
        with pytest.raises(TypeError, match=f"optimiser must be one of torch.optim, .* got {got}"):
            adapter.penalise(model, wrong, steps=1)  # pyright: ignore[reportArgumentType]
    penalties = adapter.penalise(model, optimiser, steps=1)
    with pytest.raises(TypeError, match="step must be a whole number, got 2.5"):
        penalties.step = 2.5  # pyright: ignore[reportAttributeAccessIssue]
    for given, steps, found in (
        (None, "5", "steps must be a whole number, got '5'"),
        (None, 1.5, "steps must be a whole number, got 1.5"),
        ({3: mistry2022("NMU")}, 1, "from names of units, such as 'NMU', or their classes; got 3"),
        ({}, 1, "recipe must have a recipe for each unit, got an empty mapping"),
        ({"NMU": 3}, 1, "recipe must be a Recipe, .*; got 3"),
    ):
        with pytest.raises((TypeError, ValueError), match=found):
            adapter.penalise(model, optimiser, given, steps=steps)
    with pytest.raises(TypeError, match="model must be a torch.nn.Module, got Adam"):
        adapter.penalise(optimiser, model, steps=1)  # pyright: ignore[reportArgumentType]
    for call in (adapter.snap, adapter.select_branches):
        with pytest.raises(TypeError, match=r"y must be a tensor, torch.as_tensor\(y\); got nda"):
            call(model, torch.ones(3, 2), np.ones((3, 1)))


def test_penalties_replace_earlier_ones_of_the_same_units():
    model = torch.nn.Sequential(adapter.NAU(2, 2, seed=0), adapter.NMU(2, 1, seed=0))
    optimiser = torch.optim.SGD(model.parameters(), 1e-9)
    gradients = []
    for parts in ([model], [model, model], [model, model[1]]):
        for part in parts:
            latest = adapter.penalise(part, optimiser, steps=1)
            latest.step = 1
        optimiser.zero_grad()
        optimiser.step()
        gradients.append([p.grad for p in model.parameters()])
        assert latest.step == 2
    for found in gradients[1:]:
        torch.testing.assert_close(found, gradients[0])
    assert gradients[0][0].any() and gradients[0][1].any()
    latest.remove()
    optimiser.zero_grad()
    optimiser.step()
    assert model[1].w_hat.grad is None and model[0].w_hat.grad is not None


def test_what_is_computed_from_other_parameters_is_neither_clipped_nor_set():
    for norm in (torch.nn.utils.parametrizations.weight_norm, torch.nn.utils.weight_norm):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the second is the old one
            unit = norm(adapter.NMU(2, 1, seed=0), "w_hat")
        with pytest.raises(ValueError, match="NMU.w_hat is computed from other .* cannot be set"):
            adapter.snap(unit, torch.ones(3, 2), torch.ones(3, 1))
        unit.constrain_()  # no warning: it is within its bounds
        unit.w_hat = torch.full((1, 2), 2.0)
        with pytest.warns(UserWarning, match=r"^NMU.w_hat is outside \[0, 1\] and cannot be"):
            unit.constrain_()
        unit.constrain_()


def test_a_model_trained_without_its_penalty_warns_once():
    model = torch.nn.Sequential(adapter.NAU(2, 2, seed=0), adapter.NMU(2, 1, seed=0))
    optimiser = torch.optim.SGD(model.parameters(), 1e-9)
    for _ in range(99):
        stepped(model, optimiser)
    with pytest.warns(UserWarning, match="^NAU, NMU made 100 steps without the penalty.*penalise"):
        stepped(model, optimiser)
    asked, none = adapter.NMU(2, 1), adapter.NAC(2, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            stepped(model, optimiser)
        for unit in (asked, none):
            optimiser = torch.optim.SGD(unit.parameters(), 1e-9)
            for _ in range(150):
                stepped(unit, optimiser, unit.scheduled_penalty(0.0) if unit is asked else 0.0)


def test_projected_updates_end_within_the_bounds_exactly(float64):
    """Also where the sum of a parameter and its update would round outside the bounds."""
    rng = np.random.default_rng(0)
    bounded = ("NAU", "NMU", "NMRU", "NRU", "NASU", "RealNPUModified", "MulMCFCSignRealNPU")
    for name in bounded:  # of each class that has bounds, one
        unit = getattr(units, name)(7, 50, key=KEY, dtype="float32")
        assert unit.bounds()
        start, _ = eqx.partition(unit.constrained(), eqx.is_inexact_array)
        optimiser = projected(optax.sgd(1.0))
        state = optimiser.init(start)
        drawn = jax.tree.map(lambda w: jnp.asarray(rng.normal(0, 3, w.shape), w.dtype), start)
        updates, _ = optimiser.update(drawn, state, start)
        after = eqx.apply_updates(start, updates)
        wanted = jax.tree.map(lambda w, g: w - g, start, drawn).constrained()
        for field, (low, high) in unit.bounds().items():
            values = getattr(after, field)
            assert low <= values.min() and values.max() <= high, (name, field)
        for got, want in zip(jax.tree.leaves(after), jax.tree.leaves(wanted), strict=True):
            np.testing.assert_allclose(got, want, atol=1e-6)


def test_penalised_is_a_loop_that_adds_penalties_by_hand():
    model = Stack([units.NAU(3, 2, key=KEY), units.NMU(2, 1, key=KEY)])
    x = jnp.linspace(1, 2, 12).reshape(4, 3)
    recipe = {"NAU": mistry2022("NAU"), "NMU": mistry2022("NMU")}

    def loss(model, progress=None):
        error = jnp.mean((jax.vmap(model)(x)[:, 0] - x.prod(axis=1)) ** 2)
        if progress is None:
            return error
        return error + sum(unit.scheduled_penalty(progress) for unit in model.layers)

    trained = []
    for optimiser in (optax.adam(0.05), penalised(optax.adam(0.05), recipe, steps=20)):
        by_hand = not trained

        @eqx.filter_jit
        def step(model, state, i, by_hand=by_hand, optimiser=optimiser):
            gradients = eqx.filter_grad(loss)(model, i / 20 if by_hand else None)
            arrays = eqx.filter(model, eqx.is_inexact_array)
            updates, state = optimiser.update(gradients, state, arrays)
            return eqx.apply_updates(model, updates), state

        now, state = model, optimiser.init(eqx.filter(model, eqx.is_inexact_array))
        for i in range(20):
            now, state = step(now, state, jnp.asarray(i))
            if by_hand:
                now = Stack([unit.constrained() for unit in now.layers])
        trained.append(now)
    for one, other in zip(*map(jax.tree.leaves, trained), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_an_optimiser_without_units_or_parameters():
    for make in (projected, lambda inner: penalised(inner, steps=10)):
        optimiser = make(optax.sgd(0.1))
        with pytest.raises(ValueError, match="no unit"):
            optimiser.init({"weight": jnp.ones(2)})
        unit = units.NMU(2, 1, key=KEY)
        with pytest.raises(ValueError, match="update needs the parameters"):
            optimiser.update(unit, optimiser.init(unit))


def test_frozen_units_are_left_alone():
    """Their parameters are None in a partition, and masked by Optax."""
    model = Stack([units.NAU(2, 2, key=KEY), units.NMU(2, 1, key=KEY)])
    whole = eqx.filter(model, eqx.is_inexact_array)
    part = eqx.tree_at(lambda m: m[0].w_hat, whole, None)
    labels = eqx.tree_at(lambda m: [m[0].w_hat, m[1].w_hat], whole, ["none", "all"])
    for make in (projected, lambda inner: penalised(inner, {"NMU": mistry2022("NMU")}, steps=9)):
        inner = make(optax.sgd(9.0))
        both = {"all": inner, "none": optax.set_to_zero()}
        masked = optax.multi_transform(both, lambda _: labels)
        # Parameters without a gradient are frozen, too.
        for optimiser, given, trained in (
            (inner, part, part),
            (inner, whole, part),
            (masked, whole, whole),
        ):
            updates, _ = optimiser.update(
                jax.tree.map(jnp.ones_like, trained), optimiser.init(trained), given
            )
            assert updates[0].w_hat is None or not updates[0].w_hat.any()
            np.testing.assert_array_equal(eqx.apply_updates(model, updates)[1].w_hat, 0.0)


def test_units_that_are_frozen_in_part():
    for unit, part in (
        (units.NASU(2, 1, key=KEY), "product_hat"),
        (units.NALU(2, 1, key=KEY), "w_hat"),
    ):
        some = eqx.tree_at(
            lambda u, part=part: getattr(u, part), eqx.filter(unit, eqx.is_inexact_array), None
        )
        ones, optimiser = jax.tree.map(jnp.ones_like, some), projected(optax.sgd(9.0))
        updates, _ = optimiser.update(ones, optimiser.init(some), some)
        for name, (low, _) in unit.bounds().items():
            if name != part:
                assert (getattr(eqx.apply_updates(some, updates), name) == low).all()
        optimiser = penalised(optax.sgd(9.0), steps=9)
        if isinstance(unit, units.NALU):  # has no penalty
            optimiser.update(ones, optimiser.init(some), some)
            continue
        with pytest.raises(ValueError, match="penalty of NASU depends on parameters that are not"):
            optimiser.init(some)


def test_penalties_come_after_the_gradients_of_a_closure():
    """As PyTorch Lightning steps; without them, this loss would leave the weights alone."""
    for how in ("argument", "keyword"):
        unit = adapter.NMU(2, 1, seed=0)
        optimiser = torch.optim.Adam(unit.parameters(), 0.05)
        penalties = adapter.penalise(unit, optimiser, steps=200)

        def closure(unit=unit, optimiser=optimiser):
            optimiser.zero_grad()
            loss = 0 * sum(p.sum() for p in unit.parameters())
            loss.backward()
            return loss

        for _ in range(200):
            optimiser.step(closure) if how == "argument" else optimiser.step(closure=closure)
        assert penalties.step == 200 and unit.weight.tolist() == [[1.0, 1.0]]


def test_penalties_fall_where_an_optimiser_maximises():
    unit = adapter.NMU(2, 1, seed=0)
    optimiser = torch.optim.SGD(unit.parameters(), 1.0, maximize=True)
    penalties, before = adapter.penalise(unit, optimiser, steps=10), unit.penalty().item()
    penalties.step = 10
    optimiser.zero_grad()
    optimiser.step()
    assert unit.penalty().item() < before


def test_units_are_made_while_another_thread_trains():
    raised, stop = [], threading.Event()

    def training():
        model = torch.nn.Linear(2, 1)
        optimiser = torch.optim.SGD(model.parameters(), 0.0)
        try:
            while not stop.is_set():
                stepped(model, optimiser)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=training)
    thread.start()
    unit = adapter.NAU(2, 1, seed=0)
    copies = [copy.deepcopy(unit) for _ in range(2000)]
    stop.set()
    thread.join()
    assert len(copies) == 2000 and not raised


def test_frozen_units_of_pytorch_are_left_alone():
    unit = adapter.NMU(2, 1, w_hat_init=constant(1.7), seed=0).requires_grad_(False)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), unit)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(101):  # it is not told of a penalty either
        optimiser.step()
    np.testing.assert_allclose(unit.weight, 1.7)
