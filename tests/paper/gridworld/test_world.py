"""The grid world's rules, pictures and optimal reward."""

from itertools import product
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.paper.gridworld import GridState, GridWorld
from tests.each import each

UP, DOWN, LEFT, RIGHT, STAY = range(5)
WORLD = GridWorld()


def state(agent, target, goal=8, time=0):
    return GridState(*map(jnp.array, (agent, target, goal, time)))


@each(
    "agent, action, to",
    [(0, UP, 0), (0, DOWN, 5), (0, LEFT, 0), (0, RIGHT, 1), (0, STAY, 0)]
    + [(24, UP, 19), (24, DOWN, 24), (24, LEFT, 23), (24, RIGHT, 24), (24, STAY, 24)]
    + [(12, UP, 7), (12, DOWN, 17), (12, LEFT, 11), (12, RIGHT, 13), (12, STAY, 12)],
)
def test_moves(agent, action, to):
    new, reward, done = WORLD.step(state(agent, 3), jnp.array(action))
    assert (int(new.agent), int(new.time), float(reward), bool(done)) == (to, 1, 0.0, False)


@each("late", [-3, 0, 2])
def test_reward_falls_with_every_step_too_early_or_late(late):
    _, reward, done = WORLD.step(state(0, 1, goal=8, time=7 + late), jnp.array(RIGHT))
    assert bool(done) and float(reward) == pytest.approx(1 - 0.145 * abs(late))


def test_time_is_up_at_the_limit_without_a_reward():
    _, reward, done = WORLD.step(state(0, 9, goal=8, time=29), jnp.array(RIGHT))
    assert bool(done) and float(reward) == 0.0
    assert not WORLD.step(state(0, 9, goal=8, time=28), jnp.array(RIGHT)).done


def test_the_goal_is_an_input_once():
    assert WORLD.goal_input(state(0, 1, goal=8)).tolist() == [8.0]
    assert WORLD.goal_input(state(0, 1, goal=8, time=1)).tolist() == [0.0]


def test_resets_are_two_different_squares_and_every_goal():
    states = jax.vmap(lambda key: WORLD.reset(key, 5, 12))(
        jax.random.split(jax.random.key(0), 4000)
    )
    assert (states.agent != states.target).all() and not states.time.any()
    assert set(np.unique(states.goal)) == set(range(5, 13))
    pairs = set(zip(states.agent.tolist(), states.target.tolist(), strict=True))
    assert len(pairs) > 590  # of 600; 0.8 are expected to be missing


def test_starts_are_all_pairs():
    starts = WORLD.starts(7)
    pairs = set(zip(starts.agent.tolist(), starts.target.tolist(), strict=True))
    assert pairs == {(a, b) for a, b in product(range(25), repeat=2) if a != b}
    assert (starts.goal == 7).all() and not starts.time.any()


def test_from_eight_on_every_target_can_be_reached_in_time():
    """The farthest squares are eight steps apart."""
    best = jax.vmap(WORLD.best)
    assert (best(WORLD.starts(8)) == 1).all()
    late = best(WORLD.starts(7))
    assert (late < 1).sum() == 4 and float(late.min()) == pytest.approx(1 - 0.145)


def test_the_best_is_what_a_shortest_way_after_waiting_earns():
    for agent, target, goal in [(0, 24, 5), (0, 24, 12), (3, 4, 6), (22, 2, 5)]:
        at = state(agent, target, goal)
        wait = max(goal - int(WORLD.distance(at)), 0)
        rows, columns = target // 5 - agent // 5, target % 5 - agent % 5
        way = [DOWN if rows > 0 else UP] * abs(rows) + [RIGHT if columns > 0 else LEFT] * abs(
            columns
        )
        for action in [STAY] * wait + way:
            at, reward, done = WORLD.step(at, jnp.array(action))
        assert done
        assert float(reward) == pytest.approx(float(WORLD.best(state(agent, target, goal))))


def test_pictures_have_the_papers_size_and_three_colours():
    picture = np.asarray(WORLD.picture(state(7, 12)))
    assert picture.shape == (56, 56, 3)
    gray, red = (picture == [0.5, 0.5, 0.5]).all(-1), (picture == [1, 0, 0]).all(-1)
    assert gray[12:22, 23:33].all() and gray.sum() == 100  # row 1, column 2
    assert red[23:33, 23:33].all() and red.sum() == 100  # row 2, column 2
    lines = (picture == 0.25).all(-1)
    assert lines[::11].all() and lines[:, ::11].all() and lines.sum() == 6 * 56 * 2 - 36
    assert not picture[~(gray | red | lines)].any()


@each("pixels", [True, False])
def test_views_are_of_pictures(pixels):
    world = GridWorld(side=3, pixels=pixels)
    views = world.views(SimpleNamespace(embed=lambda layer: layer, encode=jnp.ravel))
    for agent, target in product(range(9), repeat=2):
        expected = world.picture(state(agent, target)).ravel()
        np.testing.assert_array_equal(views[agent, target], expected)


@each("wrong, named", [({"side": 1}, "side"), ({"limit": 0}, "limit")])
def test_refused(wrong, named):
    with pytest.raises(ValueError, match=f"{named} must be at least"):
        GridWorld(**wrong)
