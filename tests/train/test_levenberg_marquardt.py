"""Levenberg-Marquardt over a population, on problems with known solutions."""

import threading

import jax.numpy as jnp
import numpy as np
import pytest

from numerate.regress._stacks import stack
from numerate.train import levenberg_marquardt

X = np.linspace(1.0, 2.0, 40)


def power_law(p, x, y):
    return p[0] * x ** p[1] - y


def rosenbrock(p):
    return jnp.stack([10 * (p[1] - p[0] ** 2), 1 - p[0]])


def test_finds_the_parameters_from_every_start():
    starts = np.random.default_rng(0).uniform(0.5, 3, (16, 2))
    fitted = levenberg_marquardt(power_law, starts, shared=(X, 3 * X**1.5))
    np.testing.assert_allclose(fitted.parameters, np.tile([3, 1.5], (16, 1)), rtol=1e-12)
    assert np.all(fitted.loss < 1e-28)


def test_rosenbrocks_valley_in_few_steps():
    fitted = levenberg_marquardt(rosenbrock, np.array([[-1.2, 1.0]]), steps=60)
    np.testing.assert_allclose(fitted.parameters, [[1, 1]], rtol=1e-12)
    assert fitted.iterations[0] < 40


def test_converges_faster_than_linearly_where_the_residual_vanishes():
    losses = [
        levenberg_marquardt(
            power_law, np.array([[2.0, 1.0]]), shared=(X, 3 * X**1.5), steps=n
        ).loss[0]
        for n in range(2, 8)
    ]
    gained = -np.diff(np.log10(losses))
    # Each step gains more digits than the one before, until rounding stops it.
    assert np.all(np.diff(gained) > 0.4)


def test_a_start_does_not_depend_on_the_ones_beside_it():
    starts = np.random.default_rng(1).uniform(0.5, 3, (8, 2))
    together = levenberg_marquardt(power_law, starts, shared=(X, np.sin(X)))
    for i, start in enumerate(starts):
        alone = levenberg_marquardt(power_law, start[None], shared=(X, np.sin(X)))
        np.testing.assert_allclose(alone.parameters[0], together.parameters[i], rtol=1e-6)


def test_a_start_that_is_not_finite_stays_put_and_harms_no_other():
    fitted = levenberg_marquardt(
        power_law, np.array([[np.nan, 1.0], [2.0, 1.0]]), shared=(X, 3 * X**1.5)
    )
    assert np.isinf(fitted.loss[0])
    np.testing.assert_allclose(fitted.parameters[1], [3, 1.5], rtol=1e-12)


def test_a_parameter_without_effect_is_left_alone():
    fitted = levenberg_marquardt(
        lambda p, x: p[0] * x - 2 * x + 0 * p[1], np.array([[1.0, 7.0]]), shared=(X,)
    )
    np.testing.assert_allclose(fitted.parameters, [[2, 7]], rtol=1e-12)


def test_enough_solved_starts_end_the_rest():
    starts = np.random.default_rng(0).uniform(0.5, 3, (16, 2))
    all_of_them = levenberg_marquardt(power_law, starts, shared=(X, 3 * X**1.5))
    some = levenberg_marquardt(power_law, starts, shared=(X, 3 * X**1.5), enough=1)
    assert some.iterations.max() < all_of_them.iterations.max()


def test_starts_must_be_a_matrix():
    with pytest.raises(ValueError, match=r"starts must have shape .* got \(2,\)"):
        levenberg_marquardt(rosenbrock, np.zeros(2))


TARGETS = {
    "a*b+c*d": (lambda a, b, c, d: a * b + c * d, 4, "PS", 64),
    "a/b+c": (lambda a, b, c: a / b + c, 3, "PS", 64),
    "(a+b)*c": (lambda a, b, c: (a + b) * c, 3, "SP", 24),
    "sqrt(a^2+b^2)": (lambda a, b: np.sqrt(a**2 + b**2), 2, "PSP", 64),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == "(a+b)*c" else pytest.mark.slow) for n in TARGETS],
)
def test_random_starts_of_a_stack_solve_it(name):
    function, width, kinds, count = TARGETS[name]
    architecture, rng = stack(kinds, width), np.random.default_rng(0)
    x = rng.uniform(1, 2, (100, width))
    y = function(*x.T)
    starts, odd, free = architecture.starts(count, np.zeros(width, bool), rng)
    tables = {"shared": (x, y, np.ones(100)), "each": (odd, free)}
    fitted = levenberg_marquardt(architecture.residual, starts, **tables, steps=300)
    assert np.sqrt(fitted.loss.min()) / np.std(y) < 1e-10


def test_populations_in_several_threads_do_not_wait_for_each_other_for_ever():
    rng = np.random.default_rng(0)
    table, starts = rng.normal(size=(64, 40)), rng.normal(size=(32, 40))

    def residual(p, x):
        return (x @ p) ** 2 - 1

    def fit():
        for _ in range(5):
            levenberg_marquardt(residual, starts, shared=(table,), steps=30)

    threads = [threading.Thread(target=fit, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
