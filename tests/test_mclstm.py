"""The mass-conserving LSTM conserves mass."""

import inspect
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from numerate.cells import MCLSTM
from numerate.models import Stack
from numerate.serialise import load, save
from numerate.units import NAC
from tests.each import each, each_dtype

pytestmark = pytest.mark.usefixtures("strict_promotion")

SIZES = {"mass_size": 2, "aux_size": 3, "hidden_size": 4}


STATES = eqx.filter_jit(lambda cell, xs: cell.states(xs))
STEP = eqx.filter_jit(lambda cell, x, c: cell.step(x, c))


def sequence(key, dtype, time=50):
    """Rain and weather: masses from 0 to 1, the others of any sign."""
    mass = jax.random.uniform(key, (time, SIZES["mass_size"]), dtype)
    return jnp.concatenate([mass, jax.random.normal(key, (time, SIZES["aux_size"]), dtype)], axis=1)


def softmax(v):
    powers = np.exp(v - v.max())
    return powers / powers.sum()


def reference(cell, xs, c):
    """One column of one matrix at a time, in NumPy."""
    outputs, cells = [], []
    p = {name: np.asarray(v, float) for name, v in vars(cell).items() if eqx.is_array(v)}
    n, k = cell.hidden_size, cell.mass_size
    for x in xs:
        total = np.abs(c).sum()
        f = np.concatenate([x[k:], c / total if total else 0 * c])
        inward = (p["input_weight"] @ f).reshape(n, k) + p["input_bias"]
        across = (p["cell_weight"] @ f).reshape(n, n) + p["cell_bias"]
        m = sum(softmax(inward[:, j]) * x[j] for j in range(k))
        m = m + sum(softmax(across[:, j]) * c[j] for j in range(n))
        o = 1 / (1 + np.exp(-(p["output_weight"] @ f + p["output_bias"])))
        outputs.append(o * m)
        c = (1 - o) * m
        cells.append(c)
    return np.array(outputs), np.array(cells)


@pytest.mark.slow
@each("sign", [1, -1])
def test_what_came_in_is_in_the_cells_or_has_gone_out(sign, float64, key):
    cell = MCLSTM(**SIZES, weight_init="uniform", key=key)
    xs = sequence(key, float64, 1000) * jnp.array([1.0, sign, 1.0, 1.0, 1.0])
    outputs, cells = STATES(cell, xs)
    for t in (0, 1, 10, 999):
        came = xs[: t + 1, :2].sum()
        np.testing.assert_allclose(outputs[: t + 1].sum() + cells[t].sum(), came, rtol=1e-12)
    assert jnp.all((outputs >= 0) & (cells >= 0)) == (sign == 1)


@each_dtype
def test_agrees_with_numpy_reference(dtype, tolerance, key):
    cell = MCLSTM(**SIZES, key=key)
    xs = sequence(key, dtype, 20)
    run = eqx.filter_jit(lambda cell, *given: (cell.states(*given), cell(*given)))
    for c in (None, jnp.array([1.0, 0.0, 2.0, 0.5], dtype)):
        (outputs, cells), last = run(cell, xs, c)
        assert outputs.dtype == cells.dtype == dtype
        start = np.zeros(4) if c is None else np.asarray(c, float)
        wanted = reference(cell, np.asarray(xs, float), start)
        np.testing.assert_allclose(outputs, wanted[0], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(cells, wanted[1], rtol=10 * tolerance, atol=10 * tolerance)
        np.testing.assert_allclose(last, outputs[-1], rtol=tolerance)


def test_continues_from_given_cells(key):
    cell, xs = MCLSTM(**SIZES, key=key), sequence(key, jnp.float32)
    outputs, cells = STATES(cell, xs)
    np.testing.assert_allclose(cell(xs[20:], cells[19]), outputs[-1], rtol=1e-5)


def test_short_sequences(key):
    cell = MCLSTM(**SIZES, key=key)
    np.testing.assert_array_equal(cell(jnp.ones((0, 5))), jnp.zeros(4))
    wanted, _ = STEP(cell, jnp.ones(5), jnp.zeros(4))
    np.testing.assert_allclose(cell(jnp.ones((1, 5))), wanted, rtol=1e-6)


def test_starts_by_keeping(key):
    """σ(-3) is about 1/20: little leaves in a step, and the cells mostly keep what they have."""
    cell = MCLSTM(1, 1, 3, weight_init="constant", key=key)
    output, cells = STEP(cell, jnp.zeros(2), jnp.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(output.sum(), 1 / (1 + np.exp(3.0)), rtol=1e-5)
    assert cells[0] > cells[1] == cells[2] > 0


def test_adds_what_is_marked_over_a_thousand_steps(float64, key):
    """The addition task: [number, is it marked?, is it the end?]. The other numbers go to the
    second cell, whose gate stays closed."""
    cell = MCLSTM(1, 2, 2, weight_init="constant", key=key)
    features = jnp.zeros((2, 4))
    new = [
        features.at[:, 0].set(jnp.array([200.0, -200.0])),
        jnp.array([[-100.0], [100.0]]),
        200.0 * jnp.eye(2),
        features.at[0, 1].set(200.0),
        jnp.full(2, -100.0),
    ]
    fields = ("input_weight", "input_bias", "cell_bias", "output_weight", "output_bias")
    cell = eqx.tree_at(lambda u: [getattr(u, name) for name in fields], cell, new)
    numbers = jax.random.normal(key, (1000,))
    marked = jax.random.bernoulli(key, 0.3, (1000,)).astype(float64)
    end = jnp.zeros(1000).at[-1].set(1.0)
    outputs, _ = STATES(cell, jnp.stack([numbers, marked, end], axis=1))
    np.testing.assert_allclose(outputs[-1, 0], (numbers * marked).sum(), rtol=1e-12)
    np.testing.assert_allclose(outputs[:-1], 0.0, atol=1e-12)


@pytest.mark.slow
def test_gradient_is_finite_also_for_empty_cells(key):
    cell, masses = MCLSTM(**SIZES, key=key), jnp.array([0.0, 1.0, -1.0, 1e-30, 1e30])
    xs = jnp.full((5, 5, 5), 0.5).at[:, :, :2].set(masses[:, None, None])
    gradient = jax.grad(lambda both: both[0](both[1]).sum())
    found = jax.jit(jax.vmap(lambda xs: gradient((cell, xs))))(xs)
    for leaf in jax.tree.leaves(found):
        finite = jnp.isfinite(leaf).reshape(len(masses), -1).all(axis=1)
        assert finite.all(), masses[~finite]


@pytest.mark.slow
def test_every_parameter_learns_through_time(key):
    model = Stack([partial(MCLSTM, 2, 3, 4), partial(NAC, 4, 1)], key=key)
    gradient = jax.jit(jax.grad(lambda model: model(sequence(key, jnp.float32))[0]))(model)
    assert all(jnp.any(g != 0) for g in jax.tree.leaves(gradient))


def test_step_is_the_same_in_pytorch(float64, key):
    """`step` is written with `numerate.ops`, so that an adapter can use it."""
    cell = MCLSTM(**SIZES, key=key)
    x, c = sequence(key, float64, 7), jnp.abs(jax.random.normal(key, (7, 4)))
    names = [name for name, v in vars(cell).items() if eqx.is_array(v)]
    arrays = [torch.tensor(np.asarray(getattr(cell, n))) for n in names]
    theirs = eqx.tree_at(lambda u: [getattr(u, n) for n in names], cell, arrays)
    wanted = jax.jit(jax.vmap(cell.step))(x, c)
    found = theirs.step(torch.tensor(np.asarray(x)), torch.tensor(np.asarray(c)))
    for ours, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-12)


@pytest.mark.slow
@each_dtype
def test_round_trip(tmp_path, dtype, key):
    model = Stack([partial(MCLSTM, 2, 3, 4), partial(NAC, 4, 1)], key=key)
    save(model, tmp_path / "model")
    assert eqx.tree_equal(load(tmp_path / "model"), model, typematch=True)


@each("argument", SIZES)
def test_negative_sizes_are_refused(argument, key):
    with pytest.raises(ValueError, match=f"{argument} must be at least 0, got -1"):
        MCLSTM(**{**SIZES, argument: -1}, key=key)


def test_a_state_of_another_batch_is_refused(key):
    cell = MCLSTM(1, 2, 4, key=key)
    with pytest.raises(ValueError, match=r"batch of its input, \(4,\); got \(3,\)"):
        inspect.unwrap(MCLSTM.step)(cell, jnp.ones((4, 3)), jnp.ones((3, 4)))
