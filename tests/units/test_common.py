"""Tests that every unit of the table passes."""

import inspect
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy
from jax.flatten_util import ravel_pytree

from numerate.initialisers import INITIALISERS
from tests.units.table import EXACT, OPERATIONS, UNITS, A, B

pytestmark = pytest.mark.usefixtures("strict_promotion")

SIZES = [(0, 1), (1, 0), (1, 1), (2, 1), (9, 2)]  # the sums of 9→2 are not unrolled

each_unit = pytest.mark.parametrize("name", UNITS)
each_size = pytest.mark.parametrize("sizes", SIZES, ids=str)


def parameters(unit):
    """The fields of a unit by name, its arrays in NumPy float64."""
    return {
        name: jax.tree.map(lambda v: np.asarray(v, np.float64) if eqx.is_array(v) else v, value)
        for name, value in vars(unit).items()
    }


def initialisers_of(unit):
    """The arguments of a unit that say how a parameter starts."""
    return [name for name in inspect.signature(unit).parameters if name.endswith("_init")]


def epsilon(unit, dtype):
    eps = getattr(unit, "eps", None)
    return float(jnp.finfo(dtype).eps) if eps is None else eps


@each_unit
@each_size
def test_shapes_and_dtype(name, sizes, dtype, key):
    unit = UNITS[name].make(*sizes, key=key)
    x = jnp.ones(sizes[0], dtype)
    y, weight = eqx.filter_jit(lambda unit, x: (unit(x), unit.weight))(unit, x)
    assert (y.shape, y.dtype) == ((sizes[1],), dtype)
    columns = UNITS[name].columns or sizes[0]
    assert (weight.shape[-2:], weight.dtype) == ((sizes[1], columns), dtype)
    assert (unit.in_features, unit.out_features) == sizes
    assert jnp.isfinite(y).all()


@each_unit
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_parameters_have_the_dtype_asked_for(name, dtype, key):
    unit = UNITS[name].make(2, 1, dtype=dtype, key=key)
    numbers = jax.tree.leaves(eqx.filter(unit, eqx.is_inexact_array))
    assert {leaf.dtype for leaf in numbers} == {jnp.dtype(dtype)}
    assert eqx.filter_eval_shape(unit, jnp.ones(2, dtype)).dtype == dtype


@each_unit
@each_size
def test_agrees_with_numpy_reference(name, sizes, dtype, tolerance, key):
    case = UNITS[name]
    unit = case.make(*sizes, key=key)
    xs = np.random.default_rng(0).normal(size=(20, sizes[0])).astype(dtype)
    got = jax.jit(jax.vmap(unit))(jnp.asarray(xs))
    p, eps = parameters(unit), epsilon(unit, dtype)
    wanted = np.array([case.reference(p, x.astype(float), eps) for x in xs])
    tolerance = tolerance * case.roundings if dtype == "float32" else tolerance
    np.testing.assert_allclose(got, wanted.reshape(20, sizes[1]), rtol=tolerance, atol=tolerance)


@each_unit
@pytest.mark.parametrize("sizes", [(1, 1), (3, 4)], ids=str)
def test_gradient_is_that_of_the_reference(name, sizes, float64, key):
    case = UNITS[name]
    unit = case.make(*sizes, key=key)
    x = np.random.default_rng(1).uniform(0.5, 2.0, sizes[0]) * (-1) ** np.arange(sizes[0])
    trained, frozen = eqx.partition(unit, eqx.is_inexact_array)
    flat, unravel = ravel_pytree((trained, jnp.asarray(x)))
    unravel = jax.jit(unravel)
    eps = epsilon(unit, float64)

    def unflatten(values):
        trained, x = unravel(values)
        return eqx.combine(trained, frozen), x

    def total(values):
        unit, x = unflatten(jnp.asarray(values))
        return float(case.reference(parameters(unit), np.asarray(x), eps).sum())

    got = jax.jit(jax.grad(lambda v: (lambda u, x: u(x).sum())(*unflatten(v))))(flat)
    step = 1e-5
    shifts = step * np.eye(flat.size)
    wanted = [(total(flat + s) - total(flat - s)) / (2 * step) for s in shifts]
    # Central differences are right to step² and to rounding / step, both about 1e-10.
    np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("name", "operation"), EXACT)
def test_exact_weights_extrapolate_to_rounding(name, operation, dtype, tolerance, key):
    """Far outside any training range: six decades in float64. In float32 the logarithm of a
    product costs |log y| roundings, which at 1e-6 leaves inputs up to 30; and ε, 1.2e-7,
    leaves those from 1."""
    case, (formula, _) = UNITS[name], OPERATIONS[operation]
    low, high = {"float32": (0.0, np.log10(30)), "float64": (-2.0, 4.0)}[dtype.name]
    rng = np.random.default_rng(2)
    xs = (10 ** rng.uniform(low, high, (1000, 2)) * rng.choice(case.signs, (1000, 2))).astype(dtype)
    y = jax.jit(jax.vmap(case.made_exact(operation, dtype, key)))(jnp.asarray(xs))[:, 0]
    a, b = xs.T.astype(np.float64)
    truth = sympy.lambdify((A, B), formula, "numpy")(a, b)
    # A difference can be smaller than the rounding of what it is the difference of.
    scale = np.maximum(np.abs(truth), (np.abs(a) + np.abs(b)) if operation in "+-" else 0)
    assert np.max(np.abs(np.asarray(y, np.float64) - truth) / scale) < tolerance


@pytest.mark.parametrize(("name", "operation"), EXACT)
def test_penalty_is_that_of_the_row_at_exact_weights(name, operation, dtype, key):
    unit = UNITS[name].made_exact(operation, dtype, key)
    assert (unit.penalty(), unit.penalty().dtype) == (UNITS[name].penalty, dtype)
    np.testing.assert_array_equal(unit.constrained().weight, unit.weight)


# Where equations are awkward: zeros of both signs, ±1, subnormal and huge numbers, all signs.
AWKWARD = [0.0, -0.0, 1.0, -1.0, 1e-30, -1e-30, 1e30, -1e30, 0.5, -2.0]


@each_unit
@pytest.mark.parametrize("init", ["default", "uniform"])
@pytest.mark.parametrize("training", [False, True], ids=["evaluated", "training"])
def test_gradient_is_finite_at_awkward_numbers(name, init, training, dtype, key):
    """Each beside ordinary inputs: the product of two huge ones is not finite itself."""
    case = UNITS[name]

    def spread(key, shape, dtype):
        return case.spread / 2 * INITIALISERS["uniform"](key, shape, dtype)

    inits = {} if init == "default" else dict.fromkeys(initialisers_of(case.unit), spread)
    unit = case.make(3, 2, **inits, key=key)
    xs = jnp.array([[a, 0.5, -1.5] for a in AWKWARD] + [[0.0] * 3, [-1.0] * 3], dtype)
    keys = jax.random.split(key, len(xs)) if training else [None] * len(xs)
    trained, frozen = eqx.partition(unit, eqx.is_inexact_array)
    for x, one in zip(xs, keys, strict=True):
        value, gradient = _value_and_gradient(trained, frozen, x, one)
        assert jnp.isfinite(value), x
        assert all(jnp.isfinite(g).all() for g in jax.tree.leaves(gradient)), x


@eqx.filter_jit
def _value_and_gradient(trained, frozen, x, key):
    def total(both):
        return eqx.combine(both[0], frozen)(both[1], key=key).sum()

    return jax.value_and_grad(total)((trained, x))


@each_unit
def test_one_step_changes_the_effective_weight_and_the_output(name, key):
    """A public NAC computed W once, in its constructor: training it trained nothing of Ŵ."""
    unit, x = UNITS[name].make(3, 2, key=key), jnp.array([1.5, 2.0, 3.0])
    gradient = eqx.filter_jit(eqx.filter_grad(lambda unit: unit(x).sum()))(unit)
    stepped = eqx.apply_updates(unit, jax.tree.map(lambda g: -0.01 * g, gradient))
    assert jnp.any(stepped.weight != unit.weight)
    output = eqx.filter_jit(lambda unit: unit(x).sum())
    assert output(stepped) < output(unit)


@each_unit
def test_vmap_over_seeds_equals_a_loop(name, key):
    def make(key):
        return UNITS[name].make(3, 2, key=key)

    keys, xs = jax.random.split(key, 3), jax.random.normal(key, (7, 3))
    units, run = jax.vmap(make)(keys), jax.jit(lambda unit: jax.vmap(unit)(xs))
    together = jax.jit(jax.vmap(run))(units)
    for i, key in enumerate(keys):
        one = make(key)
        assert eqx.tree_equal(jax.tree.map(lambda a, i=i: a[i], units), one)
        np.testing.assert_allclose(together[i], run(one), rtol=1e-6, atol=1e-6)
    assert len(np.unique(together[:, 0, 0])) == 3


@each_unit
@pytest.mark.parametrize("init", INITIALISERS)
def test_every_initialiser_by_name_and_as_a_function(name, init, key):
    case = UNITS[name]
    names = initialisers_of(case.unit)
    by_name = case.make(4, 3, **dict.fromkeys(names, init), key=key)
    as_function = case.make(4, 3, **dict.fromkeys(names, INITIALISERS[init]), key=key)
    assert eqx.tree_equal(by_name, as_function)
    drawn = [np.asarray(leaf).ravel()[:4] for leaf in jax.tree.leaves(by_name)]
    alike = any(np.array_equal(a, b) for a, b in itertools.combinations(drawn, 2))
    assert init == "constant" or not alike


@each_unit
@pytest.mark.parametrize("argument", ["in_features", "out_features"])
def test_negative_sizes_are_refused(name, argument, key):
    sizes = {"in_features": 1, "out_features": 1, argument: -1}
    with pytest.raises(ValueError, match=f"{argument} must be at least 0, got -1"):
        UNITS[name].make(**sizes, key=key)


@each_unit
def test_composes_with_dense_layers(name, float64, key):
    keys = jax.random.split(key, 3)
    model = eqx.nn.Sequential(
        [
            eqx.nn.MLP(4, 3, width_size=8, depth=1, key=keys[0]),
            UNITS[name].make(3, 2, key=keys[1]),
            eqx.nn.Linear(2, 1, key=keys[2]),
        ]
    )
    assert trains(model, jax.random.normal(key, (5, 4)))


# One of each kind: what a layer beside a unit sees of it does not differ between units.
some_units = pytest.mark.parametrize("name", ["NAC", "NALU", "NMU", "SignNMRU", "NASU", "MLP"])


@some_units
def test_composes_with_convolutions(name, key):
    keys = jax.random.split(key, 2)
    model = eqx.nn.Sequential(
        [
            eqx.nn.Conv2d(1, 2, kernel_size=3, key=keys[0]),
            eqx.nn.Lambda(jax.nn.softplus),
            eqx.nn.Lambda(jnp.ravel),
            UNITS[name].make(2 * 4 * 4, 1, key=keys[1]),
        ]
    )
    assert trains(model, jax.random.normal(key, (5, 1, 6, 6)))


class Reader(eqx.Module):
    """A GRU whose last state a unit reads."""

    cell: eqx.nn.GRUCell
    unit: eqx.Module

    def __call__(self, xs):
        h, _ = jax.lax.scan(lambda h, x: (self.cell(x, h), None), jnp.zeros(4, xs.dtype), xs)
        return self.unit(h)


@some_units
def test_composes_with_recurrent_layers(name, key):
    model = Reader(eqx.nn.GRUCell(2, 4, key=key), UNITS[name].make(4, 1, key=key))
    assert trains(model, jax.random.normal(key, (5, 6, 2)))


def trains(model, xs):
    """Whether a gradient step that is to lower the loss by a thousandth lowers it, with every
    parameter's gradient finite. Beside 1/x no fixed rate is small enough."""

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def loss(model):
        return jnp.mean((jax.vmap(model)(xs) - 3.0) ** 2)

    before, gradient = loss(model)
    square = sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient))
    rate = 1e-3 * before / square
    after, _ = loss(eqx.apply_updates(model, jax.tree.map(lambda g: -rate * g, gradient)))
    return jnp.isfinite(square) and after < before
