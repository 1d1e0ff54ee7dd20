"""Reaching a target at a given time: a grid world, observed as pictures, and agents that learn in
it."""

from ._accumulator import Accumulator
from ._actor_critic import (
    ActorCritic,
    ActorCriticConfig,
    Learner,
    actor_critic,
    rewards,
)
from ._agents import PictureEncoder, PolicyOutput, PositionEncoder, RecurrentAgent, RecurrentState
from ._world import GridState, GridWorld, Transition

__all__ = [
    "ActorCritic",
    "ActorCriticConfig",
    "PolicyOutput",
    "GridState",
    "GridWorld",
    "Learner",
    "RecurrentState",
    "PictureEncoder",
    "PositionEncoder",
    "RecurrentAgent",
    "Accumulator",
    "Transition",
    "actor_critic",
    "rewards",
]
