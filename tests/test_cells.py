import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.cells import Recurrent
from numerate.models import Stack
from numerate.ops import step_key
from numerate.units import NAC, NALU, sNMU
from tests.each import each, each_dtype
from tests.units.table import FAMILIES, SATURATED, UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")


def a_cell(name, key):
    return Recurrent(UNITS[name].unit, input_size=3, hidden_size=2, key=key)


@each("name", FAMILIES)
@each_dtype
def test_has_the_shapes_and_the_dtype_of_every_unit(name, dtype, key):
    """Only traced, because compiling takes longer than the rest."""

    def run(key, xs):
        cell = a_cell(name, key)
        return cell.states(xs), cell(xs), cell.step(xs[0], xs[0, :2])

    found = eqx.filter_eval_shape(run, key, jax.ShapeDtypeStruct((4, 3), dtype))
    assert [(y.shape, y.dtype) for y in found] == [((4, 2), dtype), ((2,), dtype), ((2,), dtype)]


# A gate and a network: the cell calls them all alike.
@each("name", ["NALU", "MLP"])
@each_dtype
def test_runs_the_unit_over_input_and_state(name, dtype, tolerance, key):
    cell = a_cell(name, key)
    xs = jax.random.normal(key, (4, 3), dtype)
    h, wanted, unit = jnp.zeros(2, dtype), [], eqx.filter_jit(cell.unit)
    for x in xs:
        h = unit(jnp.concatenate([x, h]))
        wanted.append(h)
    states, last = eqx.filter_jit(lambda cell, xs: (cell.states(xs), cell(xs)))(cell, xs)
    np.testing.assert_allclose(states, jnp.stack(wanted), rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(last, states[-1])
    assert states.dtype == dtype


def test_continues_from_a_given_state(key):
    cell = Recurrent(NAC, 1, 2, key=key)
    xs = jax.random.normal(key, (6, 1))
    halfway = cell(xs[:3])
    np.testing.assert_allclose(cell(xs[3:], halfway), cell(xs), rtol=1e-6, atol=1e-6)


def test_saturated_sum_counts_over_a_thousand_steps():
    """Exact over a hundred times any training length: integers below 2**24 add exactly."""
    saturated = functools.partial(jnp.full, fill_value=SATURATED)

    def nac(*sizes, key):
        def init(_key, shape, dtype):
            return saturated(shape, dtype=dtype)

        return NAC(*sizes, w_hat_init=init, m_hat_init=init, key=key)

    total = Recurrent(nac, 1, 1, key=jax.random.key(0))
    xs = jnp.arange(1000.0)[:, None]
    np.testing.assert_array_equal(total(xs), [499500.0])
    np.testing.assert_array_equal(total.states(xs)[:, 0], jnp.cumsum(xs))


@each("time", [0, 1])
def test_short_sequences(time, key):
    cell = Recurrent(NALU, 2, 3, key=key)
    xs = jnp.ones((time, 2))
    assert cell.states(xs).shape == (time, 3)
    wanted = cell.unit(jnp.array([1.0, 1.0, 0.0, 0.0, 0.0])) if time else jnp.zeros(3)
    np.testing.assert_allclose(cell(xs), wanted, rtol=1e-6)


def test_gradient_flows_through_time(key):
    model = Stack([functools.partial(Recurrent, NALU, 2, 3), functools.partial(NAC, 3, 1)], key=key)
    xs = jax.random.uniform(key, (5, 2), minval=0.5, maxval=1.0)
    gradient = jax.grad(lambda model: model(xs)[0])(model)
    assert all(jnp.isfinite(g).all() and jnp.any(g != 0) for g in jax.tree.leaves(gradient))
    assert jnp.all(jax.grad(lambda xs: model(xs)[0])(xs)[0] != 0)


def test_a_key_reaches_the_unit_as_another_one_at_every_step(key):
    cell = Recurrent(sNMU, 2, 1, key=key)
    xs, h = jnp.full((3, 2), 2.0), jnp.ones(1)
    states, last = eqx.filter_jit(lambda c: (c.states(xs, h, key=key), c(xs, h, key=key)))(cell)
    np.testing.assert_array_equal(last, states[-1])
    step = eqx.filter_jit(lambda h, t: cell.step(xs[0], h, key=step_key(key, t)))
    for t, state in enumerate(states):
        before, h = h, step(h, jnp.asarray(t))
        np.testing.assert_allclose(state, h, rtol=1e-6)
    assert step(before, jnp.asarray(0)) != last


def test_unit_of_wrong_size_is_refused(key):
    with pytest.raises(ValueError, match="input_size . hidden_size = 3 features .* maps 2 to 2"):
        Recurrent(lambda *sizes, key: NAC(2, 2, key=key), 1, 2, key=key)
