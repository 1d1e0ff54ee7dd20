"""Synchronous advantage actor-critic (A2C).

Environments and agent run in one compiled program. All possible observations are encoded once
before the steps, instead of in every step of every environment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from numerate.train import static_part, update_step


@dataclass(frozen=True)
class ActorCriticConfig:
    """The settings of actor-critic training.

    **Arguments:**

    - `updates`: optimiser steps.
    - `num_envs`: parallel environments.
    - `horizon`: steps of each environment in an update, and of backpropagation through time.
    - `rate`: Adam's initial learning rate, with a cosine schedule to 0.
    - `gae_lambda`: λ of the advantages (Schulman et al. 2016).
    - `entropy`: the initial weight of the policy's entropy, which falls linearly to 0.
    - `value`: the weight of the squared error of the values.
    - `clip`: the largest norm of a gradient.

    **Raises:** `ValueError` for a count below 1.

    !!! example
        >>> ActorCriticConfig(updates=100).num_envs
        64
    """

    updates: int
    num_envs: int = 64
    horizon: int = 20
    rate: float = 3e-3
    gae_lambda: float = 0.95
    entropy: float = 0.03
    value: float = 0.5
    clip: float = 1.0

    def __post_init__(self):
        for name in ("updates", "num_envs", "horizon"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class Learner(NamedTuple):
    """The state of a training.

    **Fields:** `arrays` of the agent and `opt_state` of the optimiser; `states` of the environments
    and `agent_states` of the agent in each; `key`; number of `updates`.
    """

    arrays: PyTree
    opt_state: PyTree
    states: PyTree
    agent_states: PyTree
    key: PRNGKeyArray
    updates: Array


class _Steps(NamedTuple):
    """The steps of an update, `(horizon, num_envs)` each."""

    log_prob: Array  # log-probability of the action taken
    value: Array
    entropy: Array
    reward: Array
    done: Array


class ActorCritic(NamedTuple):
    """The pure functions of a training: see `actor_critic`."""

    init: Callable[[PRNGKeyArray], Learner]
    advance: Callable[[Learner, int], tuple[Learner, Float[Array, "updates"]]]
    agent: Callable[[Learner], Any]


def actor_critic(
    world: Any, goals: tuple[int, int], make: Callable[..., Any], config: ActorCriticConfig
) -> ActorCritic:
    """The training of an agent in an environment by synchronous advantage actor-critic (A2C).

    In every update each environment makes `horizon` steps with actions a ~ π(s) of the agent. The
    loss is the mean over all steps of -log π(a | s) Â + `value` (R - V(s))² - `entropy` H(π(s)),
    and the units' penalties. Advantages Â = Σ_k λ^k δ_{t+k} run to the end of the episode or
    horizon, with δ_t = r_t + V(s_{t+1}) - V(s_t) and without discount. R = Â + V(s); then Â is
    normalised to mean 0 and standard deviation 1. When an episode ends, a new one begins with the
    agent's initial state.

    **Arguments:**

    - `world`: such as a `numerate.paper.gridworld.GridWorld`.
    - `goals`: the smallest and the largest T.
    - `make`: a function of `key=` that makes an agent, such as a partial
        `numerate.paper.gridworld.RecurrentAgent`.
    - `config`: the settings.

    **Returns:** `init(key)`, a `Learner`; `advance(learner, updates)`, a later one and the
    mean reward of the episodes that ended in each update (NaN if none did); and `agent(learner)`.
    All are pure, and can be compiled (with `updates` static) and mapped.

    !!! example
        >>> from functools import partial
        >>> from numerate.paper.gridworld import PositionEncoder, RecurrentAgent
        >>> from numerate.paper.gridworld import GridWorld
        >>> agent = partial(RecurrentAgent, partial(PositionEncoder, 50, 8), 5, 8)
        >>> training = actor_critic(
        ...     GridWorld(pixels=False), (5, 12), agent, ActorCriticConfig(updates=2, num_envs=4))
        >>> learner, rewards = training.advance(training.init(jax.random.key(0)), 2)
        >>> rewards.shape, int(learner.updates)
        ((2,), 2)

    Mnih et al. (2016), arXiv:1602.01783, whose A3C does the same with asynchronous threads.
    Advantages are those of Schulman et al. (2016), arXiv:1506.02438.
    """
    static = static_part(make)
    schedule = optax.cosine_decay_schedule(config.rate, config.updates)
    optimiser = optax.chain(optax.clip_by_global_norm(config.clip), optax.adam(schedule))
    begin = jax.vmap(partial(world.reset, low=goals[0], high=goals[1]))

    def init(key: PRNGKeyArray) -> Learner:
        agent_key, env_key, rest = jax.random.split(key, 3)
        agent = make(key=agent_key)
        arrays = eqx.filter(agent, eqx.is_array)
        states = begin(jax.random.split(env_key, config.num_envs))
        agent_states = _copies(agent.start(), config.num_envs)
        opt_state = optimiser.init(arrays)
        return Learner(arrays, opt_state, states, agent_states, rest, jnp.zeros((), int))

    def roll(agent: Any, learner: Learner) -> tuple[PyTree, PyTree, _Steps, Array]:
        views = world.views(agent.encoder)

        def answers(states: PyTree, agent_states: PyTree) -> Any:
            seen = views[states.agent, states.target]
            return jax.vmap(agent)(seen, jax.vmap(world.goal_input)(states), agent_states)

        def step(carry: Any, key: PRNGKeyArray) -> Any:
            states, agent_states = carry
            action_key, env_key = jax.random.split(key)
            logits, values, agent_states = answers(states, agent_states)
            actions = jax.random.categorical(action_key, logits)
            states, rewards, done = jax.vmap(world.step)(states, actions)
            fresh = begin(jax.random.split(env_key, config.num_envs))
            states = _where(done, fresh, states)
            agent_states = _where(done, _copies(agent.start(), config.num_envs), agent_states)
            log_probs = jax.nn.log_softmax(logits)
            taken = jnp.take_along_axis(log_probs, actions[:, None], 1)[:, 0]
            entropy = -(jnp.exp(log_probs) * log_probs).sum(1)
            return (states, agent_states), _Steps(taken, values, entropy, rewards, done)

        key = jax.random.fold_in(learner.key, learner.updates)
        keys = jax.random.split(key, config.horizon)
        (states, agent_states), steps = jax.lax.scan(
            step, (learner.states, learner.agent_states), keys
        )
        return states, agent_states, steps, answers(states, agent_states).value

    def loss(agent: Any, learner: Learner, progress: Array) -> Any:
        states, agent_states, steps, last = roll(agent, learner)
        advantages = jax.lax.stop_gradient(_advantages(steps, last, config.gae_lambda))
        returns = advantages + jax.lax.stop_gradient(steps.value)
        scaled = (advantages - advantages.mean()) / (advantages.std() + 1e-3)
        policy = (steps.log_prob * scaled).mean()
        value = ((returns - steps.value) ** 2).mean()
        entropy = config.entropy * (1 - progress) * steps.entropy.mean()
        total = config.value * value - policy - entropy
        earned = steps.reward.sum() / steps.done.sum()
        return total, jax.lax.stop_gradient((states, agent_states, earned))

    step = update_step(loss, optimiser, static, has_aux=True)

    def update(learner: Learner, _: None) -> tuple[Learner, Array]:
        progress = learner.updates / config.updates
        arrays, opt_state, (states, agent_states, earned) = step(
            learner.arrays, learner.opt_state, learner, progress, progress=progress
        )
        done = learner.updates + 1
        return Learner(arrays, opt_state, states, agent_states, learner.key, done), earned

    def advance(learner: Learner, updates: int) -> tuple[Learner, Array]:
        return jax.lax.scan(update, learner, length=updates)

    return ActorCritic(init, advance, lambda learner: eqx.combine(learner.arrays, static))


def _advantages(steps: _Steps, last: Array, gae_lambda: float) -> Float[Array, "horizon envs"]:
    """Â from the last step back; `last` are the values after it."""

    def back(carry: Any, step: Any) -> Any:
        advantage, following = carry
        value, reward, done = step
        not_done = 1.0 - done
        delta = reward + not_done * following - value
        advantage = delta + gae_lambda * not_done * advantage
        return (advantage, value), advantage

    start = jnp.zeros_like(last), last
    return jax.lax.scan(back, start, (steps.value, steps.reward, steps.done), reverse=True)[1]


def _copies(tree: PyTree, count: int) -> PyTree:
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), tree)


def _where(chosen: Array, new: PyTree, old: PyTree) -> PyTree:
    """For each environment, the new values where it is chosen."""

    def pick(a: Array, b: Array) -> Array:
        return jnp.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(pick, new, old)


def rewards(world: Any, agent: Any, states: PyTree) -> tuple[Float[Array, "n"], Array]:
    """The reward and length of an episode from each of the states, with the most probable action at
    every step.

    !!! example
        >>> from functools import partial
        >>> from numerate.paper.gridworld import PositionEncoder, RecurrentAgent
        >>> from numerate.paper.gridworld import GridWorld
        >>> world = GridWorld(pixels=False)
        >>> agent = RecurrentAgent(partial(PositionEncoder, 50, 8), 5, 8, key=jax.random.key(0))
        >>> earned, ends = rewards(world, agent, world.starts(8))
        >>> earned.shape, bool((ends <= world.limit).all())
        ((600,), True)
    """
    views = world.views(agent.encoder)
    count = len(states.time)

    def step(carry: Any, _: None) -> Any:
        states, agent_states, over, total, ends = carry
        seen = views[states.agent, states.target]
        logits, _, agent_states = jax.vmap(agent)(
            seen, jax.vmap(world.goal_input)(states), agent_states
        )
        states, reward, done = jax.vmap(world.step)(states, logits.argmax(1))
        total = total + jnp.where(over, 0.0, reward)
        ends = jnp.where(over, ends, states.time)
        return (states, agent_states, over | done, total, ends), None

    agent_states, none = _copies(agent.start(), count), jnp.zeros(count)
    start = states, agent_states, jnp.zeros(count, bool), none, jnp.zeros(count, int)
    (_, _, _, total, ends), _ = jax.lax.scan(step, start, length=world.limit)
    return total, ends
