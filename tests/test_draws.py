"""Draws by one program for all shapes are those of a program for each."""

import jax
import numpy as np

from tests.draws import share_programs

SHAPES = [(), (1,), (9, 2), (2, 3, 4), (30, 30)]


def test_the_first_numbers_of_a_longer_draw_are_those_of_a_shorter_one(monkeypatch, dtype):
    for module in (jax.random, jax._src.random):
        for name in ("uniform", "normal", "split"):
            function = getattr(jax.random, name)
            monkeypatch.setattr(module, name, getattr(function, "__wrapped__", function))
    uniform, normal, split = jax.random.uniform, jax.random.normal, jax.random.split
    share_programs()
    assert jax.random.uniform is not uniform
    key = jax.random.key(1)
    for shape in SHAPES:
        for own, shared, ends in (
            (uniform, jax.random.uniform, (-2.0, 3.0)),
            (normal, jax.random.normal, ()),
        ):
            alone, together = own(key, shape, dtype, *ends), shared(key, shape, dtype, *ends)
            assert (alone.shape, alone.dtype) == (together.shape, together.dtype)
            np.testing.assert_array_equal(alone, together)
    for count in (2, 5, 32):
        alone, together = split(key, count), jax.random.split(key, count)
        assert alone.dtype == together.dtype
        np.testing.assert_array_equal(*map(jax.random.key_data, (alone, together)))
