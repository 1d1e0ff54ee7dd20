"""A grid world with a target square to be reached at a given time."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

# Pixels between the lines of the grid, which are one pixel wide: five squares make 56 pixels.
_SQUARE = 10
_LINE, _GRAY, _RED = (0.25, 0.25, 0.25), (0.5, 0.5, 0.5), (1.0, 0.0, 0.0)


class GridState(NamedTuple):
    """The state of an episode.

    **Fields:** `agent` and `target`, squares counted row by row from 0; `goal`, the time at which
    to reach the target; `time`, steps since the start.
    """

    agent: Int[Array, ""]
    target: Int[Array, ""]
    goal: Int[Array, ""]
    time: Int[Array, ""]


class Transition(NamedTuple):
    """The result of a step: the next state, the reward, and whether the episode is over."""

    state: GridState
    reward: Float[Array, ""]
    done: Bool[Array, ""]


@dataclass(frozen=True)
class GridWorld:
    """Reach the red square exactly at time T, which is only given at the start.

    The agent moves up, down, left or right on a square grid, or stays, also where it would leave
    the grid. An episode ends with a reward of 1 - c |T - t| when the agent reaches the target at
    time t, or without reward after `limit` steps.

    An observation is a sum of three layers: the empty grid, the agent and the target. A network
    need not encode every frame, because there are few different ones: see `views`.

    **Arguments:**

    - `side`: squares in a row.
    - `limit`: the largest number of steps.
    - `slope`: c. The paper does not give it; the reward of its agent without a NAC falls by 0.145
      for every step that it is early.
    - `pixels`: whether observations are pictures, or otherwise two one-hot positions.

    **Shapes:** a picture is `(11 side + 1, same, 3)`, so 56×56 for five squares; positions are
    `(2 side²,)`.

    **Raises:** `ValueError` for a world of one square or a limit without any step.

    !!! example
        >>> world = GridWorld()
        >>> state = world.reset(jax.random.key(0), 5, 12)
        >>> world.picture(state).shape, world.actions
        ((56, 56, 3), 5)
        >>> _, reward, done = world.step(GridState(*map(jnp.array, (3, 4, 6, 5))), jnp.array(3))
        >>> float(reward), bool(done)
        (1.0, True)

    Trask et al. (2018), §4.5. They show neither a picture nor the size of a square; squares of ten
    pixels with lines of one pixel between them give 56.
    """

    side: int = 5
    limit: int = 30
    slope: float = 0.145
    pixels: bool = True
    actions = 5

    def __post_init__(self):
        if self.side < 2:
            raise ValueError(f"side must be at least 2, got {self.side}")
        if self.limit < 1:
            raise ValueError(f"limit must be at least 1, got {self.limit}")

    def reset(self, key: PRNGKeyArray, low: int, high: int) -> GridState:
        """An episode's start: two different squares, and T from `low` to `high`."""
        squares = self.side**2
        where, apart, goal = jax.random.split(key, 3)
        agent = jax.random.randint(where, (), 0, squares)
        target = (agent + jax.random.randint(apart, (), 1, squares)) % squares
        goal = jax.random.randint(goal, (), low, high + 1)
        return GridState(agent, target, goal, jnp.zeros((), int))

    def starts(self, goal: Any) -> GridState:
        """All initial states with that goal, as arrays `(side² (side² - 1),)`."""
        agent, target = np.nonzero(~np.eye(self.side**2, dtype=bool))
        same = jnp.zeros(len(agent), int)
        return GridState(jnp.asarray(agent), jnp.asarray(target), same + goal, same)

    def step(self, state: GridState, action: Int[Array, ""]) -> Transition:
        """Up, down, left, right or stay, as 0 to 4."""
        moves = jnp.array([(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)])
        position = jnp.stack(jnp.divmod(state.agent, self.side)) + moves[action]
        row, column = jnp.clip(position, 0, self.side - 1)
        agent, time = row * self.side + column, state.time + 1
        there = agent == state.target
        reward = jnp.where(there, 1 - self.slope * jnp.abs(state.goal - time), 0.0)
        new = GridState(agent, state.target, state.goal, time)
        return Transition(new, reward, there | (time >= self.limit))

    def goal_input(self, state: GridState) -> Float[Array, "1"]:
        """T at the start, and 0 later."""
        return jnp.where(state.time == 0, state.goal, 0).astype(float)[None]

    def distance(self, state: GridState) -> Int[Array, ""]:
        """The smallest number of steps to the target."""
        agent, target = (jnp.stack(jnp.divmod(s, self.side)) for s in (state.agent, state.target))
        return jnp.abs(agent - target).sum()

    def best(self, state: GridState) -> Float[Array, ""]:
        """The highest reward from a start: below 1 if the target cannot be reached by T."""
        late = jnp.maximum(self.distance(state) - state.goal, 0)
        return jnp.maximum(1 - self.slope * late, 0.0)

    def layers(self) -> tuple[Float[Array, "..."], Float[Array, "squares ..."], Any]:
        """The empty grid, the agent on each square, and the target on each square. A picture is the
        sum of one of each."""
        if self.pixels:
            return _grid(self.side), _squares(self.side, _GRAY), _squares(self.side, _RED)
        one, none = jnp.eye(self.side**2), jnp.zeros((self.side**2, self.side**2))
        return jnp.zeros(2 * self.side**2), jnp.hstack([one, none]), jnp.hstack([none, one])

    def picture(self, state: GridState) -> Float[Array, "..."]:
        """The picture of a state."""
        world, agents, targets = self.layers()
        return world + agents[state.agent] + targets[state.target]

    def views(self, encoder: Any) -> Float[Array, "agents targets features"]:
        """The features that an encoder, such as a `PictureEncoder`, computes for every square of
        the agent and of the target.

        Each layer is embedded once, and every sum of embeddings is encoded. Encoding all sums at
        once would exceed the processor's cache and slow down parallel trainings, so this maps over
        the squares of the agent, and recomputes them for the gradient.
        """
        world, agents, targets = self.layers()
        ground = encoder.embed(world)
        targets = jax.vmap(encoder.embed)(targets)

        @jax.checkpoint
        def of_targets(agent: Array) -> Array:
            return jax.vmap(lambda target: encoder.encode(ground + agent + target))(targets)

        return jax.lax.map(of_targets, jax.vmap(encoder.embed)(agents))


def _grid(side: int) -> Float[Array, "height width 3"]:
    step = _SQUARE + 1
    picture = np.zeros((side * step + 1, side * step + 1, 3), np.float32)
    picture[::step] = picture[:, ::step] = _LINE
    return jnp.asarray(picture)


def _squares(side: int, colour: tuple[float, ...]) -> Float[Array, "squares height width 3"]:
    """The pictures of one coloured square at each position."""
    step = _SQUARE + 1
    pictures = np.zeros((side**2, side * step + 1, side * step + 1, 3), np.float32)
    for square in range(side**2):
        row, column = (step * index + 1 for index in divmod(square, side))
        pictures[square, row : row + _SQUARE, column : column + _SQUARE] = colour
    return jnp.asarray(pictures)
