"""Agents: encoders, counters and states."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate import NAC, NAU
from numerate.initialisers import constant
from numerate.paper.gridworld import (
    Accumulator,
    GridWorld,
    PictureEncoder,
    PositionEncoder,
    RecurrentAgent,
)
from tests.each import each

KEY = jax.random.key(0)
ENCODER = partial(PositionEncoder, 50, 8)


@pytest.mark.slow
def test_an_encoder_has_a3cs_convolutions():
    """The same as XLA's convolutions, 8×8 with stride 4 and 4×4 with stride 2."""
    encoder = PictureEncoder(56, 5, (3, 4), key=KEY)
    picture = jax.random.uniform(jax.random.key(1), (56, 56, 3))
    x, sizes = picture[None], ((4, 3, 3), (2, 3, 4))
    for kernel, bias, (stride, channels, out) in zip(
        encoder.kernels, encoder.biases, sizes, strict=True
    ):
        quarters = kernel.reshape(2, 2, stride, stride, channels, out)
        whole = quarters.transpose(0, 2, 1, 3, 4, 5).reshape(2 * stride, 2 * stride, channels, out)
        layout = ("NHWC", "HWIO", "NHWC")
        x = jax.lax.conv_general_dilated(
            x, whole, (stride, stride), "VALID", dimension_numbers=layout
        )
        x = jax.nn.relu(x + bias)
    assert x.shape == (1, 5, 5, 4)
    expected = jax.nn.relu(encoder.layer(x.ravel()))
    np.testing.assert_allclose(encoder(picture), expected, atol=1e-5)


@pytest.mark.slow
@each("pixels", [True, False])
def test_looking_at_layers_is_looking_at_their_sum(pixels):
    world = GridWorld(pixels=pixels)
    encoder = PictureEncoder(56, 6, key=KEY) if pixels else PositionEncoder(50, 6, key=KEY)
    views = world.views(encoder)
    for agent, target in [(0, 24), (7, 3), (12, 13)]:
        start = world.starts(8)._replace(agent=agent, target=target)
        np.testing.assert_allclose(views[agent, target], encoder(world.picture(start)), atol=1e-5)


def test_an_eye_needs_room():
    with pytest.raises(ValueError, match="side must be at least 20 pixels, got 19"):
        PictureEncoder(19, 4, key=KEY)
    assert PictureEncoder(20, 4, key=KEY)(jnp.ones((20, 20, 3))).shape == (4,)


def test_an_accumulator_counts_down():
    """With weights 1 and -1, and T at the start, n is the remaining time, 0 at T."""
    accumulator = Accumulator(NAU, 2, 1, key=KEY)
    accumulator = eqx.tree_at(lambda t: t.unit.w_hat, accumulator, jnp.array([[1.0, -1.0]]))
    n, left = jnp.zeros(1), []
    for time in range(25):
        n = accumulator.step(jnp.array([25.0 if time == 0 else 0.0, 1.0]), n)
        left.append(float(n[0]))
    assert left == list(range(24, -1, -1))


def test_an_agent_hands_the_count_to_its_lstm():
    agent = RecurrentAgent(ENCODER, 5, 6, NAC, counts=2, key=KEY)
    one = partial(NAC, w_hat_init=constant(50.0), m_hat_init=constant(50.0))
    goal_input, seen = jnp.array([7.0]), jnp.ones(8)
    counting = RecurrentAgent(ENCODER, 5, 6, one, counts=2, key=KEY)
    state = counting(seen, goal_input, counting.start()).state
    assert state.n.tolist() == [8.0, 8.0]
    assert counting(seen, 0 * goal_input, state).state.n.tolist() == [9.0, 9.0]
    h, c = agent.lstm(
        jnp.concatenate([seen, goal_input, jnp.array([8.0, 8.0])]), (jnp.zeros(6),) * 2
    )
    np.testing.assert_allclose(state.h, h, rtol=1e-6)
    np.testing.assert_allclose(state.c, c, rtol=1e-6)


@each("accumulator, features", [(True, 2), (False, 4)])
def test_a_cell_sees_its_own_last_count_and_a_tally_does_not(accumulator, features):
    agent = RecurrentAgent(ENCODER, 5, 6, NAC, counts=2, accumulate=accumulator, key=KEY)
    assert agent.counter is not None and agent.counter.unit.in_features == features


def test_an_agent_without_a_unit_counts_nothing():
    agent = RecurrentAgent(ENCODER, 5, 6, key=KEY)
    answer = agent(jnp.ones(8), jnp.zeros(1), agent.start())
    assert answer.state.n.shape == (0,) and answer.value.shape == ()
    assert agent.lstm.input_size == 9


def test_a_new_agent_has_no_favourite():
    agent = RecurrentAgent(ENCODER, 5, 48, NAC, key=KEY)
    logits = agent(jnp.ones(8), jnp.array([12.0]), agent.start()).logits
    assert float(jnp.ptp(jax.nn.softmax(logits))) < 0.01


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="counts"):
        RecurrentAgent(ENCODER, 5, 6, NAC, counts=-1, key=KEY)
