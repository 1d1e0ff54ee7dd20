"""Standard recurrent networks against loops in NumPy, and sums over time."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.models import Stack
from numerate.paper.networks import KINDS, RNN, SumOverTime
from numerate.tasks import step_key
from numerate.units import NAU, NMU, sNMU
from tests.each import each


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm(z, u, d, h, c):
    i, f, n, o = np.split(z + u @ h, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(n)
    return sigmoid(o) * np.tanh(c), c


def gru(z, u, d, h, c):
    (z_r, z_u, z_n), (u_r, u_u, u_n) = np.split(z, 3), np.split(u, 3)
    r, update = sigmoid(z_r + u_r @ h), sigmoid(z_u + u_u @ h)
    return update * h + (1 - update) * np.tanh(z_n + r * (u_n @ h + d)), c


STEPS = {
    "lstm": lstm,
    "gru": gru,
    "tanh": lambda z, u, d, h, c: (np.tanh(z + u @ h), c),
    "relu": lambda z, u, d, h, c: (np.maximum(z + u @ h, 0), c),
}


@each("kind", KINDS)
def test_networks_are_their_equations(kind):
    network = RNN(kind, 3, 4, key=jax.random.key(0))
    cell = network.cell
    bias = jax.random.normal(jax.random.key(1), cell.bias.shape)
    network = eqx.tree_at(lambda n: n.cell.bias, network, bias)
    d = np.arange(4.0)
    if kind == "gru":
        network = eqx.tree_at(lambda n: n.cell.bias_n, network, jnp.asarray(d, jnp.float32))
    xs = np.asarray(jax.random.normal(jax.random.key(2), (6, 3)))
    w, u, b = (np.asarray(a) for a in (cell.weight_ih, cell.weight_hh, bias))
    h, c = np.zeros(4), np.zeros(4)
    for x in xs:
        h, c = STEPS[kind](w @ x + b, u, d, h, c)
    np.testing.assert_allclose(eqx.filter_jit(network)(jnp.asarray(xs)), h, rtol=1e-5, atol=1e-6)


@each("kind", KINDS)
def test_every_gate_starts_with_the_size_of_its_own_matrix(kind):
    cell = RNN(kind, 50, 50, key=jax.random.key(0)).cell
    rows = KINDS[kind] * 50
    assert cell.weight_ih.shape == cell.weight_hh.shape == (rows, 50)
    assert float(jnp.abs(cell.weight_ih).max()) == pytest.approx((6 / 100) ** 0.5, rel=0.01)
    forget = np.zeros(rows)
    forget[50:100] = kind == "lstm"
    np.testing.assert_array_equal(cell.bias, forget)
    assert not np.any(getattr(cell, "bias_n", 0.0))


@pytest.mark.slow
@each("kind", KINDS)
def test_no_step_leaves_the_state_at_zero(kind):
    assert not np.any(RNN(kind, 2, 3, key=jax.random.key(0))(jnp.zeros((0, 2))))


@each("kind, counts", [("relu", True), ("tanh", False)])
def test_relu_counts_and_tanh_saturates(kind, counts):
    network = RNN(kind, 1, 1, key=jax.random.key(0))
    ones = jnp.ones((1, 1))
    network = eqx.tree_at(lambda n: (n.cell.weight_ih, n.cell.weight_hh), network, (ones, ones))
    (state,) = network(jnp.ones((100, 1)))
    assert state == 100 if counts else 0.9 < state < 1


@each(
    "make, message",
    [
        (lambda: RNN("elman", 2, 2, key=jax.random.key(0)), "kind must be one of lstm.*'elman'"),
        (lambda: RNN("gru", -1, 2, key=jax.random.key(0)), "input_size"),
        (lambda: RNN("lstm", 2, 0, key=jax.random.key(0)), "hidden_size must be at least 1, got 0"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def products(second):
    return partial(Stack, (partial(NAU, 4, 2), partial(second, 2, 1)))


def test_sum_over_time_of_products_is_exact_with_the_right_weights():
    model = SumOverTime(products(NMU), key=jax.random.key(0))
    pick = jnp.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    model = eqx.tree_at(
        lambda m: (m.model[0].w_hat, m.model[1].w_hat), model, (pick, jnp.ones((1, 2)))
    )
    xs = jnp.arange(40.0).reshape(10, 4)
    assert float(model(xs)[0]) == float(jnp.sum((xs[:, 0] + xs[:, 1]) * xs[:, 3]))
    assert float(model(xs[:0])[0]) == 0.0


@pytest.mark.slow
def test_every_step_has_noise_of_its_own():
    model = SumOverTime(products(sNMU), key=jax.random.key(0))
    xs, key = jnp.ones((3, 4)), jax.random.key(7)
    each = [model.model(xs[0], key=step_key(key, step)) for step in range(3)]
    assert len({float(one[0]) for one in each}) == 3
    np.testing.assert_allclose(model(xs, key=key), sum(each), rtol=1e-6)
    np.testing.assert_allclose(model(xs), 3 * model.model(xs[0]), rtol=1e-6)
