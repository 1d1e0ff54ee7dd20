"""Scenes of digits: their content, positions and labels."""

import numpy as np
import pytest

from numerate.paper.digits import DigitScenes
from tests.each import each

SIDE = 28
# Each digit is a square of its own shade, so that a scene tells what is in it.
IMAGES = np.stack([np.full((SIDE, SIDE), 20 * (digit + 1), np.uint8) for digit in range(10)])
LABELS = np.arange(10)


@pytest.fixture(scope="module")
def scenes():
    return DigitScenes().draw(IMAGES, LABELS, 600)


def test_a_scene_shows_as_many_even_digits_as_it_says(scenes):
    # No square covers a whole other one, so every shade that is there can be seen.
    for image, even, digits in zip(*scenes, strict=True):
        shades, seen = np.unique(image[image > 0], return_counts=True)
        different = {int(shade) // 20 - 1 for shade in shades}
        assert len(different) <= digits and bool(len(seen)) == bool(digits)
        if len(different) == digits:  # no digit twice
            assert sum(digit % 2 == 0 for digit in different) == even


def test_every_number_of_digits_is_as_frequent(scenes):
    counts = np.bincount(scenes.digits, minlength=6)
    assert len(counts) == 6
    assert counts.min() > 60 and counts.max() < 140  # 100 each, by four standard deviations


def test_digits_keep_their_distance():
    # With the diagonal of a digit between their corners no two can overlap.
    far = DigitScenes(side=200, apart=40).draw(IMAGES, LABELS, 100)
    lit = (far.images > 0).sum((1, 2))
    np.testing.assert_array_equal(lit, far.digits * SIDE * SIDE)
    near = DigitScenes(side=200, apart=0).draw(IMAGES, LABELS, 100)
    assert ((near.images > 0).sum((1, 2)) < near.digits * SIDE * SIDE).any()


def test_shrinking_is_the_mean():
    whole, half = (DigitScenes(shrink=s).draw(IMAGES, LABELS, 20, seed=3) for s in (1, 2))
    means = whole.images.reshape(20, 50, 2, 50, 2).mean((2, 4))
    np.testing.assert_allclose(half.images, means, atol=0.5)
    np.testing.assert_array_equal(half.even, whole.even)


def test_the_same_seed_gives_the_same_scenes():
    one, same, other = (DigitScenes().draw(IMAGES, LABELS, 30, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.images, same.images)
    assert (one.images != other.images).any()


@each(
    "make, rule",
    [
        (lambda: DigitScenes(shrink=3), "shrink must divide"),
        (lambda: DigitScenes(side=20).draw(IMAGES, LABELS, 1), "side must be at least 28"),
    ],
)
def test_what_cannot_be_is_refused(make, rule):
    with pytest.raises(ValueError, match=rule):
        make()
