import inspect
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

from numerate.cells import Recurrent
from numerate.formula._readout import read_out
from numerate.models import Stack
from numerate.ops import sigmoid_gate
from numerate.units import MLP, NAC, NALU, NAU, NMU, Linear, iNALU
from numerate.units.exact import exact
from tests.each import each
from tests.units.table import EITHER, EXACT, FAMILIES, OPERATIONS, UNITS, A, B

pytestmark = pytest.mark.usefixtures("strict_promotion")

ROWS = np.random.default_rng(0).uniform(1.0, 2.0, (50, 2)).astype(np.float32)


@each("name, operation", EXACT)
def test_exact_weights_read_as_their_operation(name, operation, key):
    unit = UNITS[name].made_exact(operation, jnp.float32, key)
    assert read_out(unit, [A, B], ROWS) == (OPERATIONS[operation][0],)


OF_EITHER_SIGN = [(name, operation) for name, operation in EXACT if UNITS[name].signs == EITHER]


@each("name, operation", OF_EITHER_SIGN)
def test_exact_weights_read_with_the_true_sign(name, operation, key):
    """No absolute value, sign or case is left: a*b for real a and b."""
    unit = UNITS[name].made_exact(operation, jnp.float32, key)
    a, b = sympy.symbols("a b", real=True)
    truth = OPERATIONS[operation][0].subs({A: a, B: b})
    assert read_out(unit, ["a", "b"], np.concatenate([ROWS, -ROWS])) == (truth,)


@each("name", UNITS)
def test_formula_computes_what_the_unit_computes(name, float64, key):
    """With the gate in the formula, on inputs of both signs."""
    unit = UNITS[name].make(2, 3, key=key)
    xs = np.random.default_rng(0).normal(size=(20, 2))
    formulas = read_out(unit, ["a", "b"])
    symbols = sympy.symbols("a b", real=True)
    got = np.stack([sympy.lambdify(symbols, f, "numpy")(*xs.T) for f in formulas], axis=-1)
    # That the unit does so, too, is tested with the units.
    np.testing.assert_allclose(got, UNITS[name].outputs(unit, xs), rtol=1e-12, atol=1e-12)


def test_reads_a_stack_through(float64, key):
    model = Stack([partial(NALU, 2, 2), partial(NAC, 2, 1)], key=key)
    (formula,) = read_out(model, [A, B])
    value = formula.subs({A: 1.5, B: 0.5})
    np.testing.assert_allclose(float(value), model(jnp.array([1.5, 0.5]))[0], rtol=1e-12)


def test_gates_of_a_stack_are_decided_by_what_reaches_them(key):
    """The first layer maps positive rows to negative ones, for which the gate is closed."""
    minus = eqx.tree_at(
        lambda u: u.w_hat,
        UNITS["NAC"].made_exact("+", jnp.float32, key),
        jnp.array([[-100.0, -100.0]]),
    )
    opened = eqx.tree_at(
        lambda u: (u.w_hat, u.m_hat, u.gate_weight),
        NALU(1, 1, key=key),
        (jnp.array([[100.0]]),) * 3,
    )
    assert read_out(opened, [A], ROWS[:, :1]) == (A,)
    assert sympy.simplify(read_out(Stack([minus, opened]), [A, B], ROWS)[0] - (A + B)) == 0


def test_a_gate_that_switches_between_rows_stays(key):
    unit = UNITS["NALU"].made_exact("+", jnp.float32, key)
    for rows in (np.array([[1.0, 1.0], [-1.0, -1.0]], np.float32), None, np.ones((0, 2), "f4")):
        assert read_out(unit, [A, B], rows)[0].has(sympy.exp)


def test_a_gate_without_input_is_decided_as_well(key):
    """σ(2) is 0.88: a sum before training has converged."""
    exact = UNITS["iNALU"].made_exact("+", jnp.float32, key)
    unit = eqx.tree_at(lambda u: u.gate_weight, exact, jnp.array([2.0]))
    assert read_out(unit, [A, B], ROWS) == (A + B,)
    assert read_out(unit, [A, B])[0].atoms(sympy.Float)


def test_what_keeps_numbers_finite_is_left_out(key):
    exact = UNITS["iNALU"].made_exact("*", jnp.float32, key)
    guarded = iNALU(2, 1, eps=0.5, omega=1.0, key=key)
    names = ("w_hat", "m_hat", "gate_weight")
    unit = eqx.tree_at(
        lambda u: [getattr(u, n) for n in names], guarded, [getattr(exact, n) for n in names]
    )
    assert unit(jnp.array([3.0, 5.0]))[0] < 3
    a, b = sympy.symbols("a b", real=True)
    assert read_out(unit, ["a", "b"], ROWS) == (a * b,)


def test_signs_pass_through_a_stack(key):
    product = UNITS["RealNPU"].made_exact("*", jnp.float32, key)
    inverse = eqx.tree_at(
        lambda u: u.w_hat, UNITS["SignNMRU"].make(1, 1, key=key), jnp.array([[[0.0]], [[1.0]]])
    )
    a, b = sympy.symbols("a b", real=True)
    assert read_out(Stack([product, inverse]), ["a", "b"]) == (1 / (a * b),)


def test_powers_of_a_layer_that_gives_nothing_are_zero(key):
    silent = eqx.tree_at(lambda u: u.w_hat, NAC(1, 1, key=key), jnp.zeros((1, 1)))
    root = eqx.tree_at(
        lambda u: (u.w_hat, u.m_hat), UNITS["NACMul"].make(1, 1, key=key), (jnp.ones((1, 1)),) * 2
    )
    assert read_out(Stack([silent, root]), ["a"]) == (0,)


@each("activation", ["relu", "softshrink", "tanh", "crelu"])
def test_plain_networks(activation, float64, key):
    """With two layers, so that Piecewise expressions are nested."""
    unit = MLP(2, 1, activation=activation, depth=2, hidden_size=2, key=key)
    xs = np.random.default_rng(0).normal(size=(20, 2))
    (formula,) = read_out(unit, ["a", "b"])
    got = sympy.lambdify(sympy.symbols("a b", real=True), formula, "numpy")(*xs.T)
    exact = eqx.filter_jit(jax.vmap(unit))(jnp.asarray(xs))[:, 0]
    np.testing.assert_allclose(got, exact, rtol=1e-12, atol=1e-12)


def test_layers_with_and_without_bias(key):
    for use_bias in (True, False):
        unit = Linear(1, 1, use_bias=use_bias, bias_init=lambda *_: jnp.full((1, 1), 1.5), key=key)
        (formula,) = read_out(eqx.tree_at(lambda u: u.w_hat, unit, jnp.array([[-2.0]])), [A])
        assert formula == -2 * A + sympy.Rational(3 * use_bias, 2)


def test_double_precision_is_kept_outside_of_its_mode(key):
    with jax.enable_x64(True):
        unit = NAC(1, 1, key=key)
        weight = float(unit.weight[0, 0])
    (formula,) = read_out(unit, [A])
    assert float(formula.coeff(A)) == weight


def test_weights_between_are_floats(key):
    """Snapping and refitting recognise fitted numbers by this type."""
    unit = NAC(2, 1, key=key)
    (formula,) = read_out(unit, ["a", "b"])
    assert len(formula.atoms(sympy.Float)) == 2
    assert not read_out(UNITS["NAC"].made_exact("-", jnp.float32, key), [A, B])[0].atoms(
        sympy.Float
    )


def test_zero_weights_leave_their_input_out(key):
    unit = UNITS["NACMul"].made_exact("sqrt", jnp.float32, key)
    assert read_out(unit, [A, B])[0].free_symbols == {A}


@each("sizes", [(0, 1), (1, 0)])
@each("name", FAMILIES)
def test_units_without_inputs_or_outputs(name, sizes, key):
    unit = UNITS[name].make(*sizes, key=key)
    formulas = read_out(unit, [A][: sizes[0]], np.ones((1, sizes[0]), np.float32))
    assert len(formulas) == sizes[1]


def test_products_of_real_inputs_are_of_absolute_values(key):
    unit = UNITS["NACMul"].made_exact("*", jnp.float32, key)
    a, b = sympy.symbols("a b", real=True)
    assert read_out(unit, ["a", "b"]) == (sympy.Abs(a) * sympy.Abs(b),)


def test_a_symbol_for_each_feature(key):
    for model in (NAC(3, 1, key=key), Stack([NAC(3, 1, key=key)])):
        with pytest.raises(ValueError, match="one for each of 3 features; got 2"):
            read_out(model, ["a", "b"])


@each("make", [partial(Recurrent, NAC, 1, 1), partial(eqx.nn.Linear, 2, 1)])
def test_other_models_have_no_formula(make, key):
    with pytest.raises(ValueError, match="units and Stacks of them; got a (Recurrent|Linear)"):
        read_out(make(key=key), ["a", "b"])


def test_a_sequential_of_equinox_is_a_stack(key):
    product = exact(NMU, "*", key=key)
    wide = NAU(2, 2, w_hat_init=lambda *a: jnp.array([[1.0, 1.0], [1.0, -1.0]]), key=key)
    assert str(read_out(eqx.nn.Sequential([wide, product]), ["a", "b"])) == "((a - b)*(a + b),)"
    with pytest.raises(ValueError, match="units and Stacks of them; got a Linear"):
        read_out(eqx.nn.Sequential([eqx.nn.Linear(2, 1, key=key)]), ["a", "b"])


class Shifted(eqx.nn.Sequential):
    def __call__(self, x, *, key=None):
        return super().__call__(x, key=key) + 1


def test_what_computes_more_than_its_units_has_no_formula(key):
    with pytest.raises(ValueError, match="Shifted with a __call__ of its own"):
        read_out(Shifted([NAU(2, 1, key=key)]), ["a", "b"])


def test_other_widths_are_refused(key):
    unit = NALU(2, 1, key=key)
    for shape in ((4, 3), (4, 1), (2,)):
        with pytest.raises(ValueError, match=r"rows must have shape \(rows, 2\)"):
            read_out(unit, ["a", "b"], rows=np.ones(shape))
    gate = inspect.unwrap(sigmoid_gate)  # which the tests check as well
    with pytest.raises(ValueError, match=r"gate takes 2 features, got an x of shape \(3,\)"):
        gate(unit.gate_weight, jnp.ones(3))
    layers = [NAU(2, 3, key=key), NMU(2, 1, key=key)]
    with pytest.raises(ValueError, match="NMU takes 2 features; got 3"):
        read_out(eqx.nn.Sequential(layers), ["a", "b"])
