"""The equations on symbols: each primitive agrees with that of the same name in JAX."""

import jax.numpy as jnp
import numpy as np
import pytest
import sympy

from numerate.ops import _jax, _sympy, bounded, linear, magnitude, namespace, retrieved_sign
from numerate.ops._sympy import Symbolic, exact, symbolic
from tests.each import each

pytestmark = pytest.mark.usefixtures("strict_promotion")

A, B = sympy.symbols("a b", real=True)
POSITIVE = sympy.Symbol("p", positive=True)
POINTS = np.array([-2.5, -1.0, -0.25, 0.0, 0.75, 1.5])

OF_ONE = """abs cos exp expm1 floor log_sigmoid magnitude negative sigmoid sign sin softplus square
    tanh""".split()
OF_TWO = "maximum minimum".split()


def primitives(module):
    names = {name for name, value in vars(module).items() if callable(value)}
    return {name for name in names if name.islower() and not name.startswith("_")}


def test_every_primitive_of_jax_is_there():
    assert primitives(_jax) <= primitives(_sympy)


def computed(expressions, *columns):
    function = sympy.lambdify((A, B)[: len(columns)], list(np.ravel(expressions)), "numpy")
    return np.array(function(*columns), float)


@each("name", OF_ONE)
def test_functions_of_one_number(name, float64):
    got = [computed(getattr(_sympy, name)(symbolic([A])), p)[0] for p in POINTS]
    np.testing.assert_allclose(got, getattr(_jax, name)(POINTS), rtol=1e-12, atol=1e-12)


@each("name", OF_TWO)
def test_functions_of_two_numbers(name, float64):
    for p, q in zip(POINTS, POINTS[::-1], strict=True):
        got = computed(getattr(_sympy, name)(symbolic([A]), symbolic([B])), p, q)[0]
        assert got == getattr(_jax, name)(p, q)


def test_functions_of_positive_numbers():
    np.testing.assert_array_equal(_sympy.log(symbolic([POSITIVE])), [sympy.log(POSITIVE)])
    np.testing.assert_array_equal(_sympy.log(symbolic([sympy.S.Zero])), [-sympy.oo])
    power = _sympy.power(symbolic([POSITIVE]), symbolic(np.array([-0.5])))
    np.testing.assert_array_equal(power, [1 / sympy.sqrt(POSITIVE)])


@each("axis", [0, 1, None])
@each("name", ["sum", "prod", "mean"])
def test_reductions(name, axis):
    got = getattr(_sympy, name)(symbolic([[A, 2 * B, B], [1 + A, B, A]]), axis=axis)
    numbers = np.array([[3.0, 10.0, 5.0], [4.0, 5.0, 3.0]])
    wanted = getattr(np, name)(numbers, axis=axis)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(computed(got, 3.0, 5.0), np.ravel(wanted), rtol=1e-12)


@each("axis", [0, -1])
def test_softmax(axis, float64):
    got = _sympy.softmax(symbolic([[A, B], [2 * A, B]]), axis=axis)
    wanted = _jax.softmax(jnp.array([[0.5, 2.0], [1.0, 2.0]]), axis=axis)
    np.testing.assert_allclose(computed(got, 0.5, 2.0), np.ravel(wanted), rtol=1e-12)


@each("shape", [(2,), (3, 2), (2, 3, 2)])
@each("name", ["matvec", "affine_product"])
def test_weighted_inputs_with_batch_axes(name, shape, float64):
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=(4, 2)), rng.normal(size=shape)
    got = getattr(_sympy, name)(symbolic(weight), symbolic(x) * A)
    wanted = getattr(_jax, name)(jnp.asarray(weight), jnp.asarray(x * 3))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(computed(got, 3.0), np.ravel(wanted), rtol=1e-12)


def test_infinite_inputs_of_weight_zero_are_left_out():
    """Such as the logarithm of an input that is 0 for every x."""
    np.testing.assert_array_equal(linear(symbolic(np.eye(2)), symbolic([A, -sympy.oo]))[0], A)


def test_numbers_stay_numbers_of_their_dtype_until_they_meet_expressions():
    weight = symbolic(np.array([0.5, 0.3], np.float32))
    for numbers in (1 - weight, _sympy.tanh(weight), weight * weight, weight < 0.3):
        assert isinstance(numbers, Symbolic)
        assert numbers.dtype.kind in "fb"
    assert _sympy.tanh(weight).dtype == np.float32
    assert _sympy.tanh(weight.astype(np.float64)).dtype == np.float64  # not only in 64-bit mode
    mixed = weight * symbolic([A, A])
    assert list(mixed) == [A / 2, sympy.Float(float(np.float32(0.3))) * A]


def test_exact_numbers():
    for dtype in (np.float32, np.float64):
        assert [exact(v) for v in np.array([0, -1.5, np.pi, -np.pi / 2], dtype)] == [
            sympy.S.Zero,
            sympy.Rational(-3, 2),
            sympy.pi,
            -sympy.pi / 2,
        ]
        assert exact(dtype(0.3)) == sympy.Float(float(dtype(0.3)))
    assert exact(float("inf")) is sympy.oo
    assert exact(2 * np.finfo(float).tiny ** 0.5) == 0
    assert exact(np.bool_(True)) is sympy.true


def test_epsilon_is_left_out_and_divisions_are_not_guarded():
    assert namespace(symbolic([A])) is _sympy
    assert _sympy.eps(symbolic([A])) == 0
    assert list(namespace(symbolic([A])).ones((1,), symbolic([A]))) == [1]


def test_signs_of_whole_exponents():
    x = symbolic([A, B])
    weight = symbolic(np.array([[1.0, -1.0], [2.0, 1.0], [0.0, 0.0], [0.5, 1.0]]))
    signs = retrieved_sign(weight, x)
    assert list(signs[:3]) == [sympy.sign(A) * sympy.sign(B), sympy.sign(B), 1]
    assert signs[3] == sympy.sign(B) * sympy.cos(sympy.pi * sympy.Max(0, -sympy.sign(A)) / 2)
    assert list(retrieved_sign(weight, symbolic([POSITIVE] * 2))) == [1, 1, 1, 1]


def test_cases_that_are_bounds():
    x, zero = symbolic([A]), symbolic(np.zeros(1))
    assert list(bounded(x, -1.0, 1.0)) == [sympy.Min(1, sympy.Max(-1, A))]
    assert list(bounded(symbolic([POSITIVE]), -1.0, 1.0)) == [sympy.Min(1, POSITIVE)]
    assert list(_sympy.where(x <= 0, zero, x)) == [sympy.Max(0, A)]
    assert list(_sympy.where(x >= 0, zero, x)) == [sympy.Min(0, A)]
    assert list(_sympy.where(x > 0, zero, 2 * x)) == [sympy.Piecewise((0, A > 0), (2 * A, True))]
    assert list(_sympy.clip(x, 0.0, 1.0)) == [sympy.Min(1, sympy.Max(0, A))]


def test_signs_are_known_to_lie_between_minus_one_and_one():
    """To rounding: 0.3 s + 0.7 may exceed 1."""
    weight = symbolic(np.array([0.3]))
    mixture = weight * symbolic([sympy.sign(A)]) + (1 - weight)
    both = mixture * symbolic([1 - 2 * sympy.Max(0, -sympy.sign(B))])
    assert list(bounded(both, -1.0, 1.0)) == list(both)
    assert list(bounded(3 * both, -1.0, 1.0)) != list(3 * both)


def test_magnitude_of_symbols_is_their_absolute_value():
    assert list(magnitude(symbolic([A, POSITIVE, -POSITIVE]))) == [abs(A), POSITIVE, POSITIVE]


def test_joined_arrays_of_numbers_and_of_expressions():
    numbers, x = symbolic(np.array([0.5])), symbolic([A])
    assert list(_sympy.concatenate([numbers, x])) == [sympy.S.Half, A]
    assert _sympy.stack([numbers, x]).shape == (2, 1)
    assert _sympy.concatenate([numbers, numbers]).dtype == np.float64
    assert _sympy.broadcast_to(x, (3, 1)).shape == (3, 1)
