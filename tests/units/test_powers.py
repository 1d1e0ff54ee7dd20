"""NPU, RealNPU, its modification and Hill Space: signs, gates, starts, penalties and snapping."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.initialisers import constant
from numerate.units import NAC, NPU, HillSpaceProduct, HillSpaceSum, RealNPU, RealNPUModified
from tests.each import each, each_dtype
from tests.units.table import UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")

NPUS = {"NPU": NPU, "RealNPU": RealNPU, "RealNPUModified": RealNPUModified}
PUBLISHED = ("NPU", "RealNPU")
GATES = ("clipped", "straight-through")
HILLS = {"HillSpaceSum": HillSpaceSum, "HillSpaceProduct": HillSpaceProduct}
POWERS = (*NPUS, "HillSpaceProduct")


def replaced(unit, **arrays):
    names = list(arrays)
    values = [jnp.asarray(v, getattr(unit, n).dtype) for n, v in arrays.items()]
    return eqx.tree_at(lambda u: [getattr(u, n) for n in names], unit, values)


@each("name", POWERS)
@each("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@each_dtype
def test_products_and_quotients_of_every_sign(name, signs, dtype, tolerance, key):
    a, b = 6.0 * signs[0], 1.5 * signs[1]
    for operation, wanted in {"*": a * b, "/": a / b}.items():
        unit = UNITS[name].made_exact(operation, dtype, key)
        np.testing.assert_allclose(unit(jnp.array([a, b], dtype)), [wanted], rtol=tolerance)


@each("name", POWERS)
@each_dtype
def test_zero_counts_as_epsilon(name, dtype, key):
    eps = float(jnp.finfo(dtype).eps)
    for operation, wanted in {"*": 5.0 * eps, "/": 5.0 / eps}.items():
        unit = UNITS[name].made_exact(operation, dtype, key)
        # The logarithm of ε is about -36 in float64: 36 roundings.
        np.testing.assert_allclose(unit(jnp.array([5.0, 0.0], dtype)), [wanted], rtol=40 * eps)
        slope = jax.grad(lambda x, u=unit: u(x)[0])(jnp.array([5.0, 0.0], dtype))
        assert slope[1] == 0


def test_whole_powers_keep_their_sign_and_roots_of_positive_numbers_are_exact(float64, key):
    for exponent, x, wanted in [(2, -3, 9), (3, -3, -27), (-2, -2, 0.25), (0.5, 9, 3), (1.5, 4, 8)]:
        unit = RealNPU(1, 1, w_hat_init=constant(float(exponent)), gate_init=constant(1.0), key=key)
        np.testing.assert_allclose(unit(jnp.array([float(x)])), [wanted], rtol=1e-12)


def test_fractional_power_of_a_negative_number_is_the_real_part(float64, key):
    """(-4)^1.5 is -8i, whose real part is 0, and (-8)^(1/3) is 1 + 1.73i."""
    for exponent, x, wanted in [(1.5, -4.0, 0.0), (1 / 3, -8.0, 1.0)]:
        unit = RealNPU(1, 1, w_hat_init=constant(float(exponent)), gate_init=constant(1.0), key=key)
        np.testing.assert_allclose(unit(jnp.array([x])), [wanted], rtol=1e-12, atol=1e-12)


def test_imaginary_exponents_turn_size_into_angle(float64, key):
    """x^i is cos(log x) for positive x; (-1)^i is exp(-π)."""
    unit = NPU(
        1,
        1,
        w_real_init=constant(0.0),
        w_imag_init=constant(1.0),
        gate_init=constant(1.0),
        key=key,
    )
    np.testing.assert_allclose(unit(jnp.array([5.0])), [np.cos(np.log(5.0))], rtol=1e-12)
    np.testing.assert_allclose(unit(jnp.array([-1.0])), [np.exp(-np.pi)], rtol=1e-12)


def test_npu_without_imaginary_part_is_the_real_npu(float64, key):
    gate, weight = jnp.array([0.3, 1.4, -0.2]), jax.random.normal(key, (2, 3))
    full = replaced(NPU(3, 2, key=key), w_real=weight, gate_hat=gate)
    real = replaced(RealNPU(3, 2, key=key), w_hat=weight, gate_hat=gate)
    xs = jax.random.normal(key, (20, 3))
    np.testing.assert_allclose(jax.vmap(full)(xs), jax.vmap(real)(xs), rtol=1e-12)


@each("name", NPUS)
def test_a_shut_gate_makes_an_input_irrelevant(name, key):
    unit = replaced(UNITS[name].made_exact("*", jnp.float32, key), gate_hat=[1.0, 0.0])
    for other in (0.0, -7.0, 1e30):
        np.testing.assert_allclose(unit(jnp.array([-3.0, other])), [-3.0], rtol=1e-6)


def with_gate(name, gate_gradient, key):
    """The unit with the weights of a product, its gate's gradient by name."""
    unit = NPUS[name](2, 1, gate_gradient=gate_gradient, key=key)
    weights = {"w_real": [[1.0, 1.0]]} if name == "NPU" else {"w_hat": [[1.0, 1.0]]}
    return replaced(unit, **weights)


@each("gate_gradient", [*GATES, None])
@each("name", NPUS)
def test_gate_and_its_gradient_outside_its_interval(name, gate_gradient, float64, key):
    """That of the clip, or the straight-through one of the clipped value. The default is that of
    the clip, as in the code of the papers; the modified unit has no other."""
    if gate_gradient is None:
        unit = UNITS[name].made_exact("*", float64, key)
    elif name in PUBLISHED:
        unit = with_gate(name, gate_gradient, key)
    else:
        with pytest.raises(TypeError, match="gate_gradient"):
            NPUS[name](2, 1, gate_gradient=gate_gradient, key=key)
        return
    x = jnp.array([2.0, 5.0])

    def slope(gate):
        at = jax.grad(lambda unit: unit(x)[0])(replaced(unit, gate_hat=gate))
        return at.gate_hat

    inside = slope([1.0, 0.0])
    np.testing.assert_allclose(inside, [1.0, 2.0 * 4.0], rtol=1e-12)  # r' = |x| - 1 of a·(1 + 4g)
    outside = slope([1.5, -0.5])
    np.testing.assert_array_equal(replaced(unit, gate_hat=[1.5, -0.5]).gate, [1.0, 0.0])
    straight = gate_gradient == "straight-through"
    np.testing.assert_allclose(outside, inside if straight else [0.0, 0.0], rtol=1e-12)


@each("name", PUBLISHED)
def test_other_gradients_of_the_gate_are_named(name, key):
    message = "gate_gradient must be one of 'clipped', 'straight-through', got 'none'"
    with pytest.raises(ValueError, match=message):
        NPUS[name](2, 1, gate_gradient="none", key=key)


@each("gate_gradient", GATES)
@each("name", PUBLISHED)
def test_what_moves_a_gate_that_is_outside(name, gate_gradient, float64, key):
    """Gradient descent on a · b from a gate of -0.3: the error, or without it the penalty."""
    unit = replaced(with_gate(name, gate_gradient, key), gate_hat=[1.0, -0.3])
    xs = jax.random.uniform(key, (100, 2), minval=1.0, maxval=2.0)

    def error(unit):
        return jnp.mean((jax.vmap(unit)(xs)[:, 0] - xs.prod(axis=1)) ** 2)

    gradient = eqx.filter_jit(eqx.filter_grad(error))
    for _ in range(200):
        unit = replaced(unit, gate_hat=unit.gate_hat - 0.1 * gradient(unit).gate_hat)
    assert unit.gate[1] > 0.9 if gate_gradient == "straight-through" else unit.gate_hat[1] == -0.3
    drawn = jax.grad(lambda u: u.penalty())(replaced(unit, gate_hat=[1.5, -0.3])).gate_hat
    np.testing.assert_array_equal(drawn, [1.0, -1.0])


@each("name", NPUS)
def test_starts_of_the_papers(name, key):
    unit = NPUS[name](300, 300, key=key)
    np.testing.assert_array_equal(unit.gate_hat, np.full(300, 0.5))
    real = unit.w_real if name == "NPU" else unit.w_hat
    assert 0.0999 < float(jnp.abs(real).max()) <= 0.1001  # √(6 / 600)
    if name == "NPU":
        assert not unit.w_imag.any()


def test_modified_weights_start_away_from_one(key):
    """Within ±1/2, where Glorot's √(6/2) is 1.7."""
    weights = jax.vmap(lambda k: RealNPUModified(1, 1, key=k).weight)(jax.random.split(key, 500))
    assert 0.49 < float(jnp.abs(weights).max()) <= 0.5


def test_l1_penalty_counts_every_parameter(key):
    unit = replaced(NPU(2, 1, key=key), w_real=[[1.0, -2.0]], w_imag=[[0.5, 0.0]], gate_hat=[-1, 2])
    np.testing.assert_allclose(unit.penalty(), 3.0 + 0.5 + 3.0)
    np.testing.assert_array_equal(jax.grad(lambda u: u.penalty())(unit).w_imag, [[1.0, 0.0]])
    unit = replaced(RealNPU(2, 1, key=key), w_hat=[[1.0, -2.0]], gate_hat=[-1.0, 2.0])
    np.testing.assert_allclose(unit.penalty(), 3.0 + 3.0)


@each("name", PUBLISHED)
def test_l1_weight_grows_tenfold_every_fifth(name, key):
    unit = NPUS[name](2, 1, key=key)
    wanted = {0.0: 1e-7, 0.1999: 1e-7, 0.2: 1e-6, 0.39: 1e-6, 0.4: 1e-5, 0.6: 1e-5, 1.0: 1e-5}
    for progress, weight in wanted.items():
        np.testing.assert_allclose(unit.penalty_weight(progress), weight, rtol=1e-12)
        traced = jax.jit(lambda p: unit.penalty_weight(p))(jnp.float32(progress))
        np.testing.assert_allclose(traced, weight, rtol=1e-6)
    assert unit.bounds() == {}


def test_modified_penalty_draws_weights_to_units_and_gates_to_whole_numbers(key):
    unit = RealNPUModified(2, 1, key=key)
    unit = replaced(unit, w_hat=[[0.0, -0.5]], gate_hat=[0.25, 1.0])
    np.testing.assert_allclose(unit.penalty(), (1.0 + 0.5) / 2 + 0.25 / 2)
    slopes = jax.grad(lambda u: u.penalty())(unit)
    np.testing.assert_allclose(slopes.w_hat, [[0.0, 0.5]])  # from -0.5 towards -1
    assert [unit.penalty_weight(p) for p in (0.0, 0.8, 0.9, 1.0)] == [0.0, 0.0, 0.5, 1.0]
    # An L1 penalty of 0.5 + 1.25 on a schedule of its own.
    for progress, l1, drawn in [(0.0, 1e-9, 0), (0.2, 1e-8, 0), (0.9, 1e-7, 0.5), (1, 1e-7, 1)]:
        wanted = 1.75 * l1 + drawn * 0.875
        np.testing.assert_allclose(unit.scheduled_penalty(progress), wanted, rtol=1e-6)
    outside = replaced(unit, w_hat=[[-3.0, 3.0]], gate_hat=[-3.0, 3.0]).constrained()
    np.testing.assert_array_equal(outside.weight, [[-1.0, 1.0]])
    np.testing.assert_array_equal(outside.gate_hat, [0.0, 1.0])


@each("unit", [*NPUS.values(), HillSpaceProduct])
def test_eps_is_the_one_given(unit, key):
    """(0 + 1e-3)^1, and an ε that makes logarithms NaN."""
    one = {"gate_init": constant(1.0)} if unit is not HillSpaceProduct else {}
    weight = {NPU: "w_real_init"}.get(unit, "w_hat_init")
    saturated = {weight: constant(1.0)}
    if unit is HillSpaceProduct:
        saturated = {"w_hat_init": constant(50.0), "m_hat_init": constant(50.0)}
    made = unit(1, 1, eps=1e-3, **one, **saturated, key=key)
    np.testing.assert_allclose(made(jnp.zeros(1)), [1e-3], rtol=1e-5)
    with pytest.raises(ValueError, match="eps must be at least 0"):
        unit(1, 1, eps=-1e-7, key=key)


@each("name", HILLS)
def test_hill_space_starts_at_zero_and_learns_from_there(name, key):
    """At zero the sum is 0 and the product 1; a step on a quotient's data has the right signs."""
    unit = HILLS[name](2, 1, key=key)
    np.testing.assert_array_equal(unit.weight, [[0.0, 0.0]])
    x = jnp.array([4.0, 2.0])
    assert unit(x) == (0.0 if name == "HillSpaceSum" else 1.0)
    slopes = jax.grad(lambda u: u(x)[0])(unit)
    factors = x if name == "HillSpaceSum" else jnp.log(x)
    np.testing.assert_allclose(slopes.w_hat, [0.5 * factors], rtol=1e-6)
    np.testing.assert_array_equal(slopes.m_hat, [[0.0, 0.0]])


def test_the_sum_of_hill_space_is_a_nac(key):
    inits = {"w_hat_init": "uniform", "m_hat_init": "uniform"}
    sums = [unit(5, 3, **inits, key=key)(jnp.arange(5.0)) for unit in (NAC, HillSpaceSum)]
    np.testing.assert_array_equal(*sums)


W_HAT = [9.0, -9.0, 4e-7, 3.0, 9.0, -0.0, 9.0]
M_HAT = [16.0, 16.0, 0.0, 16.0, 2.0, 5.0, -16.0]
SNAPPED = [True, True, True, False, False, True, True]


@each("name", HILLS)
@each_dtype
def test_snapped_puts_almost_whole_weights_there_and_no_others(name, dtype, key):
    unit = replaced(HILLS[name](7, 1, dtype=dtype, key=key), w_hat=[W_HAT], m_hat=[M_HAT])
    before, after = unit.weight[0], unit.snapped().weight[0]
    assert jnp.all((jnp.abs(before[:2]) < 1) & (jnp.abs(before[:2]) > 1 - 1e-6))
    snapped = np.array(SNAPPED)
    np.testing.assert_array_equal(after[snapped], [1.0, -1.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(after[~snapped], before[~snapped])
    assert unit.snapped(tolerance=0.1).weight[0, 3] == 1  # tanh(3) is 0.995
    assert after.dtype == dtype


def test_snapping_a_weight_to_zero_leaves_it_a_gradient(key):
    unit = replaced(HillSpaceSum(1, 1, key=key), w_hat=[[1e-8]], m_hat=[[1.0]]).snapped()
    assert unit.weight == 0
    assert jax.grad(lambda u: u(jnp.ones(1))[0])(unit).w_hat > 0.5


@each("name", HILLS)
def test_snapped_over_seeds_equals_a_loop(name, key):
    """Seven seeds of a unit 1→1, the weights of the list above."""
    one = HILLS[name](1, 1, key=key)

    def make(w, m):
        return replaced(one, w_hat=w.reshape(1, 1), m_hat=m.reshape(1, 1))

    units = jax.vmap(make)(jnp.array(W_HAT), jnp.array(M_HAT))
    together = jax.jit(jax.vmap(lambda u: u.snapped()))(units)
    alone = [make(*pair).snapped() for pair in zip(jnp.array(W_HAT), jnp.array(M_HAT), strict=True)]
    for name in ("w_hat", "m_hat"):
        wanted = jnp.stack([getattr(u, name) for u in alone])
        np.testing.assert_array_equal(getattr(together, name), wanted)


@each("tolerance", [-1e-6, 0.51, float("nan")])
def test_a_tolerance_that_reaches_two_whole_numbers_is_refused(tolerance, key):
    with pytest.raises(ValueError, match="tolerance must be from 0 to 1/2"):
        HillSpaceSum(1, 1, key=key).snapped(tolerance)
