"""The mass-conserving layers: conservation and limits."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import constant, symmetric
from numerate.ops import mass_shares
from numerate.units import MCFC, MulMCFC, MulMCFCSignINALU, MulMCFCSignRealNPU
from tests.each import each
from tests.units.table import UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")

ALL = ("MCFC", "MulMCFC", "MulMCFCSignINALU", "MulMCFCSignRealNPU")
SIGNED = ("MulMCFCSignINALU", "MulMCFCSignRealNPU")
OPEN = {"gate_init": constant(50.0)}


def test_no_input_is_given_out_twice(float64, key):
    """With open gates and without trash all of it is given out, once."""
    unit = MCFC(5, 3, w_hat_init=symmetric(5.0), **OPEN, key=key)
    assert jnp.all(unit.weight.sum(0) < 1)
    nothing_to_trash = unit.w_hat.at[-1].set(-1e3)
    full = eqx.tree_at(lambda u: u.w_hat, unit, nothing_to_trash)
    x = jax.random.normal(key, (5,))
    np.testing.assert_allclose(full(x).sum(), x.sum(), rtol=1e-12)


def test_a_single_output_can_leave_an_input_out(float64, key):
    """Without the trash, as in the code of the benchmark, it would receive everything."""
    unit = MCFC(2, 1, w_hat_init=constant(0.0), **OPEN, key=key)
    logits = jnp.array([[100.0, -100.0], [-100.0, 100.0]])
    picky = eqx.tree_at(lambda u: u.w_hat, unit, logits)
    np.testing.assert_allclose(picky(jnp.array([3.0, 5.0])), [3.0], rtol=1e-12)


def test_a_closed_gate_gives_nothing_or_one(float64, key):
    closed = {"gate_init": constant(-1e3)}
    x = jnp.array([3.0, -5.0])
    np.testing.assert_array_equal(MCFC(2, 2, **closed, key=key)(x), [0.0, 0.0])
    np.testing.assert_array_equal(MulMCFC(2, 2, **closed, key=key)(x), [1.0, 1.0])


@each("name", ALL)
def test_coefficients_and_exponents_stay_between_zero_and_one(name, key):
    weight = UNITS[name].make(4, 3, w_hat_init=symmetric(50.0), **OPEN, key=key).weight
    assert jnp.all((weight >= 0) & (weight <= 1))


def test_a_positive_coefficient_of_a_product(float64, key):
    unit = UNITS["MulMCFC"].made_exact("*", float64, key)
    seven = eqx.tree_at(lambda u: u.bias, unit, jnp.log(jnp.array([7.0])))
    np.testing.assert_allclose(seven(jnp.array([3.0, 5.0])), [105.0], rtol=1e-12)


@each("x, wanted", [([-3, 5], -15), ([-3, -5], 15), ([3, -5], -15)])
def test_signs_of_products(x, wanted, float64, key):
    x = jnp.array(x, float)
    for name in SIGNED:
        y = UNITS[name].made_exact("*", float64, key)(x)
        np.testing.assert_allclose(y, [wanted], rtol=1e-12)
    unsigned = UNITS["MulMCFC"].made_exact("*", float64, key)
    np.testing.assert_allclose(unsigned(x), [15.0], rtol=1e-12)


def test_signs_of_products_of_some_of_the_inputs_for_several_outputs(float64, key):
    """An input that goes to the trash, or to another output, does not turn the sign."""
    share = np.full((3, 4), -100.0)
    for output, source in [(0, 0), (0, 1), (1, 2), (2, 3)]:  # the last to the trash
        share[output, source] = 100.0
    x = jnp.array([-2.0, 3.0, -5.0, -7.0])
    for unit in (MulMCFCSignINALU, MulMCFCSignRealNPU):
        made = unit(4, 2, w_hat_init=lambda k, s, d: jnp.asarray(share, d), **OPEN, key=key)
        if unit is MulMCFCSignRealNPU:
            made = eqx.tree_at(lambda u: u.sign_gate, made, jnp.ones(4))
        np.testing.assert_allclose(made(x), [-6.0, -5.0], rtol=1e-12)


def test_only_the_mixed_sign_knows_zero(float64, key):
    x = jnp.array([0.0, 5.0])
    inalu, realnpu = (UNITS[name].made_exact("*", float64, key)(x) for name in SIGNED)
    np.testing.assert_array_equal(inalu, [0.0])
    np.testing.assert_allclose(realnpu, [5 * 2.0**-52], rtol=1e-12)


def test_a_sign_gate_outside_its_interval_still_has_a_gradient(float64, key):
    """In the code of the benchmark it has none there, and never comes back.

    The inputs count by a half: where they count fully the cosine is level."""
    unit = MulMCFCSignRealNPU(2, 1, w_hat_init="constant", sign_gate_init=constant(1.5), key=key)
    x = jnp.array([-2.0, 3.0])
    slope = jax.grad(lambda u: u(x)[0])(unit).sign_gate
    assert slope[0] < 0 and slope[1] == 0
    np.testing.assert_array_equal(unit.constrained().sign_gate, [1.0, 1.0])


@each("name", ALL)
def test_penalty_is_on_from_two_fifths_to_seven_tenths(name, key):
    unit = UNITS[name].make(2, 1, key=key)
    assert [unit.penalty_weight(p) for p in (0.0, 0.4, 0.55, 0.7, 1.0)] == [0, 0, 5, 10, 10]


def test_the_sign_gate_is_penalised_with_a_factor_of_one(key):
    """Where the rest of the penalty has ten."""
    shut = MulMCFCSignRealNPU(2, 1, sign_gate_init=constant(1.0), key=key)
    half = eqx.tree_at(lambda u: u.sign_gate, shut, jnp.array([0.5, 0.5]))
    more = half.scheduled_penalty(1.0) - shut.scheduled_penalty(1.0)
    np.testing.assert_allclose(more, 0.5, rtol=1e-3)


@each("name", ALL)
def test_gates_start_as_a_part_of_a_vector_with_the_trash(name, key):
    """The whole of it has length 1: without the trash a single gate would be -1 or 1."""
    keys = jax.random.split(key, 500)
    weights = jax.vmap(lambda k: UNITS[name].make(2, 1, key=k).gate_weight[0])(keys)
    # One part of a unit vector of two: its square has the mean 1/2 and the deviation √(1/8).
    assert abs(jnp.mean(weights**2) - 0.5) < 5 * (0.125 / 500) ** 0.5
    lengths = jax.vmap(lambda k: jnp.linalg.norm(UNITS[name].make(2, 3, key=k).gate_weight))(keys)
    assert jnp.all(lengths <= 1 + 1e-6) and jnp.min(lengths) < 0.9


@each("name", ALL)
def test_penalty_alone_saturates_and_then_ends(name, key):
    """From logits on the right sides of 0 it makes the weight 1 or 0, to rounding."""
    unit = UNITS[name].make(2, 1, key=key)
    sides = [jnp.array([[0.5, -0.5], [-0.5, 0.5]]), jnp.array([0.2]), jnp.array([0.1])]
    unit = eqx.tree_at(lambda u: [u.w_hat, u.gate_weight, u.gate_bias], unit, sides)

    def step(_, unit):
        gradient = eqx.filter_grad(lambda u: u.penalty())(unit)
        return eqx.apply_updates(unit, jax.tree.map(lambda g: -0.01 * g, gradient))

    ended = jax.lax.fori_loop(0, 2000, step, unit)
    np.testing.assert_allclose(ended.weight, [[1.0, 0.0]], atol=1e-6)
    assert all(jnp.all(jnp.abs(leaf) < 20) for leaf in jax.tree.leaves(ended))
    np.testing.assert_allclose(mass_shares(ended.w_hat), [[1.0, 0.0]], atol=1e-12)
