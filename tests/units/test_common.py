"""Tests that every unit of the table passes.

Compiling takes longer than the rest, and operations outside of `jit` are compiled one by one.
Shapes are therefore only traced, and each test compiles one program for all its sizes or
operations.
"""

import inspect
import itertools
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

from numerate.initialisers import INITIALISERS
from tests.each import TOLERANCES, each, each_dtype
from tests.units.table import (
    EXACT,
    FAMILIES,
    KINDS,
    OPERATIONS,
    UNITS,
    A,
    B,
    central_differences,
    differs_in_training,
)

pytestmark = pytest.mark.usefixtures("strict_promotion")

SIZES = [(0, 1), (9, 2)]  # the sums of 9→2 are not unrolled, those of 2→1 are

each_unit = each("name", UNITS)
# A product with a sign: what a layer beside a unit sees of it is the same for all.
some_units = each("name", ["SignNMRU"])


def initialisers_of(unit):
    """The initialisers among the arguments of a unit."""
    return [name for name in inspect.signature(unit).parameters if name.endswith("_init")]


@each_unit
@each_dtype
def test_shapes_and_default_dtype(name, dtype, key):
    for sizes in [(0, 1), (1, 0), (1, 1)]:  # the others are computed below
        x = jax.ShapeDtypeStruct(sizes[:1], dtype)
        unit, y, weight = traced(UNITS[name], sizes, x, key)
        assert (y.shape, y.dtype) == ((sizes[1],), dtype)
        columns = UNITS[name].columns or sizes[0]
        assert (weight.shape[-2:], weight.dtype) == ((sizes[1], columns), dtype)
        assert (unit.in_features, unit.out_features) == sizes


@each_unit
def test_parameters_have_the_dtype_asked_for(name, key):
    for dtype in ("float16", "bfloat16", "float32"):
        x = jax.ShapeDtypeStruct((2,), dtype)
        unit, y, _ = traced(UNITS[name], (2, 1), x, key, dtype=dtype)
        numbers = jax.tree.leaves(eqx.filter(unit, is_inexact))
        assert {leaf.dtype for leaf in numbers} == {jnp.dtype(dtype)}
        assert y.dtype == dtype


@each("name", FAMILIES)
def test_inputs_in_half_precision_are_computed_in_that_of_the_parameters(name, key):
    unit = UNITS[name].make(2, 1, key=key)
    for dtype in ("float16", "bfloat16"):
        x = jnp.array([1.1, 1.7], dtype)
        y = unit(x)
        assert y.dtype == jnp.float32
        assert (y == unit(x.astype(jnp.float32))).all() or jnp.isnan(y).all()


def traced(case, sizes, x, key, **kwargs):
    """The shapes and dtypes of a unit, its output and its effective weight."""

    def call(key, x):
        unit = case.make(*sizes, key=key, **kwargs)
        return unit, unit(x), unit.weight

    return eqx.filter_eval_shape(call, key, x)


def is_inexact(leaf):
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)


@each_unit
def test_agrees_with_numpy_reference(name, float64, key):
    case = UNITS[name]
    # In float32 the equation and ε of that precision, which sizes do not change.
    every = [*((sizes, "float64") for sizes in SIZES), ((2, 1), "float32")]
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(20, sizes[0])).astype(dtype) for sizes, dtype in every]
    for xs in batches:
        xs[0] = 1.0
    units = [case.make(*sizes, dtype=dtype, key=key) for sizes, dtype in every]
    for unit, xs, got in zip(units, batches, outputs(units, batches), strict=True):
        assert (got.shape, got.dtype) == ((20, unit.out_features), xs.dtype)
        assert np.isfinite(got[0]).all()
        tolerance = TOLERANCES[xs.dtype.name] * (case.roundings if xs.dtype == "float32" else 1)
        wanted = case.outputs(unit, xs).reshape(got.shape)
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@eqx.filter_jit
def outputs(units, batches):
    return [jax.vmap(unit)(xs) for unit, xs in zip(units, batches, strict=True)]


@each_unit
def test_gradient_is_that_of_the_reference(name, float64, key):
    """And a step against it lowers the output. A public NAC computes W once, in its constructor,
    so that training does not change Ŵ."""
    rng = np.random.default_rng(1)
    units = [UNITS[name].make(3, 4, key=key)]
    xs = [rng.uniform(0.5, 2.0, u.in_features) * (-1) ** np.arange(u.in_features) for u in units]
    found, (before, after) = gradients_and_a_step(units, xs)
    for unit, x, gradient in zip(units, xs, found, strict=True):
        got = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(gradient)])
        wanted = central_differences(UNITS[name].reference, unit, x)
        # Right to step² and to rounding / step, both about 1e-10.
        np.testing.assert_allclose(got, wanted, rtol=1e-8, atol=1e-8)
    assert np.any(after[0] != before[0])
    assert after[1] < before[1]


@eqx.filter_jit
def gradients_and_a_step(units, xs):
    """The gradients, and of the last unit the effective weight and the sum of the outputs, before
    and after a step."""
    found = [value_and_gradient(unit, x) for unit, x in zip(units, xs, strict=True)]
    (total, (gradient, _)), unit, x = found[-1], units[-1], xs[-1]
    stepped = eqx.apply_updates(unit, jax.tree.map(lambda g: -1e-3 * g, gradient))
    after = stepped.weight, stepped(x).sum()
    return [gradient for _, gradient in found], ((unit.weight, total), after)


def value_and_gradient(unit, x, key=None):
    """The sum of the outputs, and its gradient by every parameter and by the inputs."""
    return eqx.filter_value_and_grad(lambda both: both[0](both[1], key=key).sum())((unit, x))


@each("name", dict(EXACT))
def test_exact_weights_extrapolate_to_rounding(name, float64, key):
    extrapolates_to_rounding(name, float64, TOLERANCES["float64"], key)


# The optimised programs round as those of users do, and take three times as long to compile.
@pytest.mark.slow
@each("name", [name for name in FAMILIES if name in dict(EXACT)])
@each_dtype
def test_optimised_programs_do_so_too(name, dtype, tolerance, key, optimised):
    extrapolates_to_rounding(name, dtype, tolerance, key, optimised)


@pytest.mark.slow
@each("name", dict(EXACT))
@each_dtype
def test_optimised_programs_of_every_unit_do_so_too(name, dtype, tolerance, key, optimised):
    extrapolates_to_rounding(name, dtype, tolerance, key, optimised)


def extrapolates_to_rounding(name, dtype, tolerance, key, options=None):
    """Far outside any training range: six decades in float64. In float32 the logarithm of a
    product costs |log y| roundings, which at 1e-6 leaves inputs up to 30; and ε, 1.2e-7,
    leaves those from 1. The penalty is that of the row, and the constraint changes nothing."""
    case = UNITS[name]
    low, high = {"float32": (0.0, np.log10(30)), "float64": (-2.0, 4.0)}[dtype.name]
    rng = np.random.default_rng(2)
    xs = (10 ** rng.uniform(low, high, (1000, 2)) * rng.choice(case.signs, (1000, 2))).astype(dtype)
    a, b = xs.T.astype(np.float64)

    def compute(unit, xs):
        weights = unit.weight, unit.constrained().weight
        return jax.vmap(unit)(xs)[:, 0], unit.penalty(), weights

    compute = jax.jit(compute, compiler_options=options)
    for operation in case.exact:
        formula, _ = OPERATIONS[operation]
        y, penalty, weights = compute(case.made_exact(operation, dtype, key), xs)
        truth = sympy.lambdify((A, B), formula, "numpy")(a, b)
        # A difference can be smaller than the rounding of what it is the difference of.
        scale = np.maximum(np.abs(truth), (np.abs(a) + np.abs(b)) if operation in "+-" else 0)
        error = np.max(np.abs(np.asarray(y, np.float64) - truth) / scale)
        assert error < tolerance, operation
        assert (penalty, penalty.dtype) == (case.penalty, dtype), operation
        np.testing.assert_array_equal(*weights)


# Where equations are awkward: zeros of both signs, ±1, subnormal and huge numbers, all signs.
AWKWARD = [0.0, -0.0, 1.0, -1.0, 1e-30, -1e-30, 1e30, -1e30, 0.5, -2.0]


@each("name", KINDS)  # all of them, at corners, in `test_finite_gradients.py`
def test_gradient_is_finite_at_awkward_numbers(name, key):
    """Each with ordinary other inputs, because the product of two huge inputs is not finite. The
    gradients at exact and default weights, in both precisions, are in
    `test_finite_gradients.py`."""
    case = UNITS[name]

    def spread(key, shape, dtype):
        return case.spread / 2 * INITIALISERS["uniform"](key, shape, dtype)

    unit = case.make(3, 2, **dict.fromkeys(initialisers_of(case.unit), spread), key=key)
    xs = np.array([[a, 0.5, -1.5] for a in AWKWARD] + [[0.0] * 3, [-1.0] * 3], np.float32)
    keys = jax.random.split(key, len(xs))
    for training in (None, keys) if differs_in_training(unit) else (None,):
        for leaf in jax.tree.leaves(at_awkward_numbers(unit, xs, training)):
            finite = np.isfinite(leaf).reshape(len(xs), -1).all(axis=1)
            assert finite.all(), xs[~finite]


@eqx.filter_jit
def at_awkward_numbers(unit, xs, keys):
    return jax.vmap(partial(value_and_gradient, unit))(xs, keys)


@each("name", KINDS)
def test_vmap_over_seeds_equals_a_loop(name, key):
    xs = np.random.default_rng(3).normal(size=(7, 3)).astype("float32")

    def make(key):
        return UNITS[name].make(3, 2, key=key)

    def run(unit):
        return jax.vmap(unit)(xs)

    keys = jax.random.split(key, 3)
    units, alone = jax.vmap(make)(keys), [make(key) for key in keys]
    outputs, run = jax.jit(jax.vmap(run))(units), jax.jit(run)
    for i, unit in enumerate(alone):
        for a, b in zip(jax.tree.leaves(units), jax.tree.leaves(unit), strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-6)  # a normal number may round differently
        np.testing.assert_allclose(outputs[i], run(unit), rtol=1e-6, atol=1e-6)
    assert len(np.unique(np.asarray(outputs)[:, 0, 0])) == 3


@each_unit
def test_every_initialiser_by_name_and_as_a_function(name, key):
    """One for each unit, in turn, and all of them for some."""
    case = UNITS[name]
    names = initialisers_of(case.unit)
    turn = list(UNITS).index(name) % len(INITIALISERS)
    some = INITIALISERS if name in KINDS else [list(INITIALISERS)[turn]]
    for init in some:
        function = INITIALISERS[init]
        by_name = case.make(4, 3, **dict.fromkeys(names, init), key=key)
        as_function = case.make(4, 3, **dict.fromkeys(names, function), key=key)
        drawn, again = (list(map(np.asarray, jax.tree.leaves(u))) for u in (by_name, as_function))
        assert all(map(np.array_equal, drawn, again)), init
        drawn = [leaf.ravel()[:4] for leaf in drawn]
        alike = any(np.array_equal(a, b) for a, b in itertools.combinations(drawn, 2))
        assert init == "constant" or not alike, init


@each_unit
def test_negative_sizes_are_refused(name, key):
    for argument in ("in_features", "out_features"):
        sizes = {"in_features": 1, "out_features": 1, argument: -1}
        with pytest.raises(ValueError, match=f"{argument} must be at least 0, got -1"):
            UNITS[name].make(**sizes, key=key)


@some_units
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


@eqx.filter_jit
def trains(model, xs):
    """Whether a gradient step that should lower the loss by a thousandth lowers it, with finite
    gradients of all parameters. With 1/x no fixed rate is small enough."""

    def loss(model):
        return jnp.mean((jax.vmap(model)(xs) - 3.0) ** 2)

    before, gradient = eqx.filter_value_and_grad(loss)(model)
    square = sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient))
    rate = 1e-3 * before / square
    after = loss(eqx.apply_updates(model, jax.tree.map(lambda g: -rate * g, gradient)))
    return jnp.isfinite(square) & (after < before)
