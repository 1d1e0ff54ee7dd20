"""Arriving at a time told in advance: a world seen as pictures, and agents that learn in it."""

from ._accumulator import Tally
from ._actor_critic import (
    ActorCritic,
    ActorCriticConfig,
    Learner,
    actor_critic,
    rewards,
)
from ._agents import Answer, Memory, PictureEye, PlaceEye, RecurrentAgent
from ._world import GridState, GridWorld, Transition

__all__ = [
    "ActorCritic",
    "ActorCriticConfig",
    "Answer",
    "GridState",
    "GridWorld",
    "Learner",
    "Memory",
    "PictureEye",
    "PlaceEye",
    "RecurrentAgent",
    "Tally",
    "Transition",
    "actor_critic",
    "rewards",
]
