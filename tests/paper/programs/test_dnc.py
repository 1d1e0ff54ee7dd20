"""The DNC agrees with its equations, slot by slot in float64, and its memory works."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.paper.programs import DNC, CellProgramModel, Programs
from numerate.paper.programs._dnc import addressed, allocation, linked
from tests.each import each

SLOTS, WIDTH, HIDDEN = 5, 3, 4


def logistic(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def content(memory, key, strength):
    lengths = [np.sqrt(row @ row + 1e-6) * np.sqrt(key @ key + 1e-6) for row in memory]
    alike = [row @ key / length for row, length in zip(memory, lengths, strict=True)]
    return softmax(strength * np.array(alike))


def allocated(usage):
    """The paper's: slots in the order of their usage."""
    found, product = np.zeros(len(usage)), 1.0
    for slot in np.argsort(usage, kind="stable"):
        found[slot] = (1 - usage[slot]) * product
        product *= max(usage[slot], 1e-6)
    return found


def links_by_slot(links, precedence, written):
    return np.array(
        [
            [
                0.0
                if i == j
                else (1 - written[i] - written[j]) * links[i, j] + written[i] * precedence[j]
                for j in range(len(written))
            ]
            for i in range(len(written))
        ]
    )


def step_by_slot(cell, x, state):
    """The next state, in NumPy and float64."""
    lstm, layer = cell.controller, cell.interface
    arrays = [np.asarray(a, float) for a in (lstm.weight_ih, lstm.weight_hh, lstm.bias)]
    h, last = state["output"][:HIDDEN], state["output"][HIDDEN:]
    z = arrays[0] @ np.concatenate([x, last]) + arrays[1] @ h + arrays[2]
    enter, keep, new, leave = z.reshape(4, HIDDEN)
    cell_state = logistic(keep) * state["cell"] + logistic(enter) * np.tanh(new)
    h = logistic(leave) * np.tanh(cell_state)
    face = np.asarray(layer.weight, float) @ h + np.asarray(layer.bias, float)
    read_key, write_key, erase, write = face[: 4 * WIDTH].reshape(4, WIDTH)
    read_strength, write_strength = 1 + np.log1p(np.exp(face[4 * WIDTH : 4 * WIDTH + 2]))
    free, allocate, gate = logistic(face[4 * WIDTH + 2 : 4 * WIDTH + 5])
    backward, alike, forward = softmax(face[4 * WIDTH + 5 :])
    before, read = state["written"], state["read"]
    usage = (state["usage"] + before - state["usage"] * before) * (1 - free * read)
    by_content = content(state["memory"], write_key, write_strength)
    written = gate * (allocate * allocated(usage) + (1 - allocate) * by_content)
    memory = np.array(
        [
            row * (1 - weight * logistic(erase)) + weight * write
            for row, weight in zip(state["memory"], written, strict=True)
        ]
    )
    links = links_by_slot(state["links"], state["precedence"], written)
    precedence = (1 - written.sum()) * state["precedence"] + written
    found = content(memory, read_key, read_strength)
    now = backward * links.T @ read + alike * found + forward * links @ read
    return {
        "output": np.concatenate([h, memory.T @ now]),
        "cell": cell_state,
        "memory": memory,
        "usage": usage,
        "precedence": precedence,
        "links": links,
        "written": written,
        "read": now,
    }


@pytest.fixture
def cell(key):
    return DNC(2, HIDDEN, SLOTS, WIDTH, key=key)


def used(cell, key):
    """A state with different usages, because the order of equal ones would depend on rounding."""
    keys = jax.random.split(key, 3)
    return cell.start()._replace(
        memory=jax.random.normal(keys[0], (SLOTS, WIDTH)),
        usage=jax.random.uniform(keys[1], (SLOTS,)),
        read=jax.nn.softmax(jax.random.normal(keys[2], (SLOTS,))),
    )


def states(cell, xs, start=None):
    state, found = cell.start() if start is None else start, []
    step = eqx.filter_jit(cell)
    for x in xs:
        state = step(x, state)
        found.append(state)
    return found


def test_it_is_its_equations(cell, key):
    xs = 3 * jax.random.normal(key, (7, 2))
    start = used(cell, key)
    wanted = {name: np.asarray(v, float) for name, v in start._asdict().items()}
    for x, state in zip(xs, states(cell, xs, start), strict=True):
        wanted = step_by_slot(cell, np.asarray(x, float), wanted)
        for name, value in state._asdict().items():
            np.testing.assert_allclose(value, wanted[name], rtol=1e-4, atol=1e-5, err_msg=name)


def test_weightings_are_shares(cell, key):
    for state in states(cell, 10 * jax.random.normal(key, (30, 2))):
        for shares in (state.written, state.read, state.precedence):
            assert jnp.all(shares >= 0)
            assert shares.sum() <= 1 + 1e-5
        assert jnp.all((state.usage >= 0) & (state.usage <= 1))
        assert jnp.all(jnp.diagonal(state.links) == 0)
        assert jnp.all((state.links >= 0) & (state.links <= 1 + 1e-5))


def test_the_slot_that_is_used_least_is_allocated():
    found = allocation(jnp.array([0.9, 0.0, 1.0, 0.5]))
    np.testing.assert_allclose(found, [0, 1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(allocation(jnp.zeros(3)), [1, 0, 0], atol=1e-5)
    np.testing.assert_allclose(allocation(jnp.ones(3)), [0, 0, 0], atol=1e-5)
    usage = np.array([0.7, 0.2, 0.4])
    np.testing.assert_allclose(allocation(jnp.asarray(usage)), allocated(usage), rtol=1e-5)


def test_what_was_written_is_read_again_by_its_content():
    memory = jnp.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, -1.0]])
    found = addressed(memory, jnp.array([0.0, 1.0, 0.1]), jnp.asarray(50.0))
    np.testing.assert_allclose(memory.T @ found, [0, 2, 0], atol=1e-4)


def test_links_lead_from_a_slot_to_the_one_written_to_next():
    first, second = jnp.eye(3)[0], jnp.eye(3)[2]
    links = linked(jnp.zeros((3, 3)), first, second)
    np.testing.assert_array_equal(links @ first, second)
    np.testing.assert_array_equal(links.T @ second, first)


@pytest.mark.slow
def test_gradients_are_finite_from_an_empty_memory(key):
    model = CellProgramModel(DNC, 9, HIDDEN, key=key)
    tokens = Programs("branch", set_size=1).validation()[0][0]
    gradient = jax.tree.leaves(eqx.filter_jit(eqx.filter_grad(lambda m: m(tokens)[0]))(model))
    assert all(bool(jnp.isfinite(g).all()) for g in gradient)
    assert all(bool(jnp.any(g != 0)) for g in gradient)


@each(
    "sizes, told",
    [
        ((2, -1), "hidden_size must be at least 0, got -1"),
        ((2, 3, 0), "slots and width must be at least 1, got 0 and 8"),
        ((2, 3, 4, 0), "slots and width must be at least 1, got 4 and 0"),
    ],
)
def test_bad_sizes(sizes, told, key):
    with pytest.raises(ValueError, match=told):
        DNC(*sizes, key=key)
