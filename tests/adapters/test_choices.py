"""Branches are chosen and weights are snapped by data, or nothing changes."""

import copy
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import numerate.torch as adapter
from numerate import units
from numerate.initialisers import constant
from numerate.train import select, snap
from numerate.units import exact
from tests.units.table import FAMILIES, KINDS

KEY = jax.random.key(0)
OUTPUTS = eqx.filter_jit(lambda unit, x: jax.vmap(unit)(x))


def test_branches_are_selected_in_place():
    x = torch.rand(50, 2) + 1
    for wanted, y in (("product", x.prod(1, keepdim=True)), ("sum", x.sum(1, keepdim=True))):
        start = {"sum_init": constant(1.0), "product_init": lambda key, shape, dtype: FACTORS.pop()}
        FACTORS.extend([jnp.zeros((1, 2)), jnp.ones((1, 2))])
        unit = adapter.NASU(2, 1, **start)
        with pytest.warns(UserWarning, match="NASU has not chosen .*select_branches"):
            unit.eval()(x)
        model = torch.nn.Sequential(unit.train())
        assert adapter.select_branches(model, x, y) is model and unit.training
        assert unit.operation == (wanted,)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            torch.testing.assert_close(model.eval()(x), y)
    with pytest.raises(ValueError, match=r"shape \(50, 2\); it gives shape \(50, 1\)"):
        adapter.select_branches(model, x, x)


def test_a_failed_selection_leaves_the_model_as_it_was():
    model = torch.nn.Sequential(adapter.NAU(2, 2, seed=0), adapter.NASU(2, 1, seed=0))
    before = copy.deepcopy(model.state_dict())
    for call in (adapter.select_branches, adapter.snap):
        with pytest.raises(ValueError, match=r"shape \(5,\); it gives shape \(5, 1\)"):
            call(model, torch.ones(5, 2), torch.ones(5))
        torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
        assert model.training and not model[1].is_chosen


FACTORS = []


def test_nothing_is_snapped_where_the_error_is_not_finite():
    unit = adapter.NAU(2, 1, seed=0)
    before, x, nothing = unit.w_hat.clone(), torch.ones(3, 2), torch.ones(0, 2)
    for given, y in ((x, torch.nan), (x, torch.inf), (nothing, 1.0)):
        adapter.snap(unit, given, torch.full((len(given), 1), y))
        assert torch.equal(unit.w_hat, before)


def test_whole_numbers_are_targets_of_snap():
    ones = units.NAU(2, 1, w_hat_init=constant(0.98), key=KEY)
    assert (snap(ones, jnp.ones((3, 2)), jnp.full((3, 1), 2)).w_hat == 1).all()


def test_some_units_are_snapped_to_what_they_represent_exactly(float64):
    snapped_to_what_they_represent([k for k in exact.EXACT if k.__name__ in FAMILIES])


@pytest.mark.slow
def test_every_unit_is_snapped_to_what_it_represents_exactly(float64):
    snapped_to_what_they_represent(exact.EXACT)


def snapped_to_what_they_represent(kinds):
    """From parameters near the exact ones, in JAX and PyTorch, and only if the data agree."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.uniform(1, 3, (20, 2)))
    for kind in kinds:
        known = exact.EXACT[kind]
        # The last operation of each, which for units of both kinds is a product.
        for operation in [o for o in "+-*/" if o in known.parameters][-1:]:
            if kind in (units.Linear, units.MLP):
                continue
            unit = exact.exact(kind, operation, key=KEY, dtype="float64")
            y = OUTPUTS(unit, x)
            near = _shaken(unit)
            assert not np.allclose(OUTPUTS(near, x), y, rtol=1e-9), (kind, operation)
            done = [snap(near, x, y)]
            if kind.__name__ in KINDS:
                done.append(_through_torch(near, x, y))
            for snapped in done:
                np.testing.assert_allclose(OUTPUTS(snapped, x), y, rtol=1e-12)
    half = units.NAU(2, 1, w_hat_init=constant(0.6), key=KEY)
    y = jax.vmap(half)(x)
    assert (snap(half, x, y).w_hat == half.w_hat).all()
    nowhere = torch.full((20, 1), torch.nan)
    module = adapter.snap(adapter.to_torch(half), torch.tensor(np.asarray(x)), nowhere)
    assert eqx.tree_equal(adapter.from_torch(module), half)
    mixed = eqx.tree_at(lambda u: u.w_hat, half, jnp.array([[0.999, 0.6]]))
    snapped = snap(mixed, x, jnp.asarray(x @ jnp.array([[1.0], [0.6]])))
    np.testing.assert_array_equal(snapped.w_hat, [[1.0, 0.6]])


def _shaken(unit):
    """The parameters with small perturbations; saturated ones are reduced below saturation."""
    names = list(unit.whole_parameters(0.5))
    old = [getattr(unit, name) for name in names]
    new = [jnp.where(jnp.abs(w) >= 100, jnp.sign(w) * 6.0, w * 0.99 + 0.002) for w in old]
    return eqx.tree_at(lambda u: [getattr(u, name) for name in names], unit, new)


def _through_torch(unit, x, y):
    module = adapter.to_torch(unit)
    adapter.snap(module, torch.tensor(np.asarray(x)), torch.tensor(np.asarray(y)))
    return adapter.from_torch(module)


class Uncalled(eqx.Module):
    unit: units.NASU


class Two(eqx.Module):
    unit: units.NASU

    def __call__(self, x):
        return self.unit(x), x


class Named(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unit = adapter.NASU(2, 1, seed=0)

    def forward(self, x):
        return {"y": self.unit(x)}


def test_what_cannot_be_measured_chooses_nothing():
    unit, module = units.NASU(2, 1, key=KEY), adapter.NASU(2, 1, seed=0)
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
    broken = np.where(np.arange(8) == 3, np.nan, 1.0).astype("float32")[:, None]
    for rows, targets, words in ((x, broken, "1 of 8 targets"), (x[:0], y[:0], "must have rows")):
        with pytest.raises(ValueError, match=words):
            select(unit, jnp.asarray(rows), jnp.asarray(targets))
        with pytest.raises(ValueError, match=words):
            adapter.select_branches(module, torch.tensor(rows), torch.tensor(targets))
    assert not unit.is_chosen and not module.is_chosen
    for choose in (select, snap):
        with pytest.raises(TypeError, match="one array for an example; got a tuple"):
            choose(Two(unit), jnp.asarray(x), jnp.asarray(y))
        with pytest.raises(TypeError, match="has no __call__"):
            choose(Uncalled(unit), jnp.asarray(x), jnp.asarray(y))
    for choose in (adapter.select_branches, adapter.snap):
        with pytest.raises(TypeError, match="one tensor, got a dict"):
            choose(Named(), torch.tensor(x), torch.tensor(y))
