"""Actor-critic: its advantages, its determinism, and that agents learn."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate import NAU
from numerate.paper.gridworld import (
    ActorCriticConfig,
    GridWorld,
    PositionEncoder,
    RecurrentAgent,
    actor_critic,
    rewards,
)
from numerate.paper.gridworld._actor_critic import _advantages, _Steps
from tests.each import each

WORLD = GridWorld(side=2, limit=8, pixels=False)
AGENT = partial(RecurrentAgent, partial(PositionEncoder, 8, 16), 5, 16, NAU)
TRAINING = actor_critic(WORLD, (2, 4), AGENT, ActorCriticConfig(800, num_envs=32, horizon=8))
ADVANCE = jax.jit(TRAINING.advance, static_argnums=1)


def test_advantages_are_those_of_the_definition():
    """Sums of λ^k δ up to where an episode ends, each written out."""
    random = np.random.default_rng(0)
    value, reward, last = (
        random.normal(size=(6, 3)),
        random.normal(size=(6, 3)),
        random.normal(size=3),
    )
    done = random.random((6, 3)) < 0.3
    assert done.any() and not done.all()
    following = np.vstack([value[1:], last])
    delta = reward + np.where(done, 0, following) - value
    expected = np.zeros((6, 3))
    for t in range(6):
        for world in range(3):
            for k in range(t, 6):
                expected[t, world] += 0.9 ** (k - t) * delta[k, world]
                if done[k, world]:
                    break
    nothing = jnp.zeros((6, 3))
    steps = _Steps(nothing, *map(jnp.asarray, (value, nothing, reward, done)))
    np.testing.assert_allclose(_advantages(steps, jnp.asarray(last), 0.9), expected, atol=1e-5)


@pytest.mark.slow
def test_the_same_key_gives_the_same_agent_and_pieces_do_not_matter():
    once, earned = ADVANCE(TRAINING.init(jax.random.key(3)), 20)
    first, a = ADVANCE(TRAINING.init(jax.random.key(3)), 10)
    twice, b = ADVANCE(first, 10)
    np.testing.assert_array_equal(earned, jnp.concatenate([a, b]))
    for x, y in zip(jax.tree.leaves(once.arrays), jax.tree.leaves(twice.arrays), strict=True):
        np.testing.assert_array_equal(x, y)
    other, _ = ADVANCE(TRAINING.init(jax.random.key(4)), 10)
    assert not jnp.array_equal(other.arrays.actor.weight, first.arrays.actor.weight)


@pytest.mark.slow
def test_constraints_hold_after_every_update():
    learner = TRAINING.init(jax.random.key(0))
    far = eqx.tree_at(lambda a: a.counter.unit.w_hat, learner.arrays, jnp.full((4, 2), 5.0))
    learner, _ = ADVANCE(learner._replace(arrays=far), 10)
    assert float(jnp.abs(learner.arrays.counter.unit.w_hat).max()) <= 1.0


@pytest.mark.slow
def test_agents_learn_to_wait():
    """An agent on the shortest path in a world of four squares arrives after 4/3 steps on average,
    for a reward of 0.61 at T = 4."""
    learner = TRAINING.init(jax.random.key(0))
    for _ in range(8):
        learner, _ = ADVANCE(learner, 100)
    earned, ends = rewards(WORLD, TRAINING.agent(learner), WORLD.starts(4))
    assert float(earned.mean()) > 0.9 and float(ends.mean()) > 3.3


@pytest.mark.slow
def test_rewards_count_the_first_episode_only():
    """An agent that reaches the target at once has that reward, whatever follows."""
    agent = TRAINING.agent(TRAINING.init(jax.random.key(0)))
    earned, ends = rewards(WORLD, agent, WORLD.starts(3))
    late = WORLD.slope * jnp.abs(ends - 3)
    np.testing.assert_allclose(earned, jnp.where(earned == 0, 0.0, 1 - late), atol=1e-6)
    assert (ends >= 1).all() and (ends <= 8).all() and len(ends) == 12


@each("name", ["updates", "num_envs", "horizon"])
def test_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        ActorCriticConfig(**({"updates": 1} | {name: 0}))
