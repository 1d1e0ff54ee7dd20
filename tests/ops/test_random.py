"""Statistical tests of the generator of training batches, each with a p-value.

The numbers are fixed by their keys, so a test either always passes or always fails. A sound
generator fails one test in a million (`P_MIN`); about a hundred p-values are computed. A flawed
generator fails by many orders of magnitude, as `test_the_tests_can_fail` shows for three of them.
"""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from numerate.tasks import bits, step_key, uniform
from tests.each import each

P_MIN = 1e-6
COUNT = 1 << 20


def stream(kind: str) -> np.ndarray:
    """A million words as drawn in training: within one batch, or across keys."""
    if kind == "one key":
        return np.asarray(bits(step_key(jax.random.key(0), 0), (COUNT,)))
    if kind == "steps of a seed":
        return _grid(seeds=[3], steps=range(4096))
    if kind == "seeds of a step":
        return _grid(seeds=range(4096), steps=[5])
    if kind == "high bits of seeds":
        return _grid(seeds=[i << 20 for i in range(4096)], steps=[0])
    raise AssertionError(kind)


def _grid(seeds, steps) -> np.ndarray:
    """256 words, one batch of two inputs, for every seed and step, one after another."""
    seeds, steps = jnp.asarray(list(seeds), jnp.uint32), jnp.asarray(list(steps))
    draw = lambda seed, step: bits(step_key(jax.random.key(seed), step), (256,))  # noqa: E731
    table = jax.jit(jax.vmap(jax.vmap(draw, (None, 0)), (0, None)))(seeds, steps)
    return np.asarray(table).ravel()


KINDS = ["one key", "steps of a seed", "seeds of a step", "high bits of seeds"]


def chi_square(observed: np.ndarray, expected: float | np.ndarray) -> float:
    """The two-sided p-value: counts that are too uniform fail too."""
    statistic = ((observed - expected) ** 2 / expected).sum()
    degrees = observed.size - 1
    return 2 * min(stats.chi2.sf(statistic, degrees), stats.chi2.cdf(statistic, degrees))


def z_score(value: float, mean: float, variance: float) -> float:
    return math.erfc(abs(value - mean) / math.sqrt(2 * variance))


def uniformity(words: np.ndarray, low_bits: bool) -> float:
    """Chi-squared of 4096 equal cells, by the highest or the lowest twelve bits."""
    cells = words & 0xFFF if low_bits else words >> 20
    return chi_square(np.bincount(cells, minlength=4096), words.size / 4096)


def bit_balance(words: np.ndarray) -> float:
    """The least balanced of the 32 bits, corrected for 32 tests."""
    worst = min(
        z_score(((words >> bit) & 1).sum(), words.size / 2, words.size / 4) for bit in range(32)
    )
    return min(1.0, 32 * worst)


def lag_correlation(words: np.ndarray, lag: int) -> float:
    """Autocorrelation at `lag`."""
    x = words / 2.0**32 - 0.5
    product = (x[:-lag] * x[lag:]).sum()
    return z_score(product, 0.0, (x.size - lag) / 144)


def pairs(words: np.ndarray, lag: int) -> float:
    """Chi-squared of neighbours in a grid of 64 by 64: dependence of any form."""
    usable = words[: words.size // (2 * lag) * 2 * lag].reshape(-1, 2, lag)
    cells = (usable[:, 0] >> 26) * 64 + (usable[:, 1] >> 26)
    return chi_square(np.bincount(cells.ravel(), minlength=4096), cells.size / 4096)


def birthday_spacings(words: np.ndarray) -> float:
    """Marsaglia's test: repeated spacings between 4096 birthdays in a year of 2^32 days are
    Poisson with mean 4096^3 / 2^34 = 4; here summed over 256 years."""
    years = np.sort(words.reshape(-1, 4096).astype(np.int64), axis=1)
    spacings = np.sort(np.diff(years, axis=1), axis=1)
    repeats = (np.diff(spacings, axis=1) == 0).sum()
    mean = 4.0 * years.shape[0]
    return 2 * min(stats.poisson.sf(repeats - 1, mean), stats.poisson.cdf(repeats, mean))


STATISTICS = {
    "uniform high bits": lambda words: uniformity(words, low_bits=False),
    "uniform low bits": lambda words: uniformity(words, low_bits=True),
    "Kolmogorov-Smirnov": lambda words: stats.kstest(words / 2.0**32, "uniform").pvalue,
    "bit balance": bit_balance,
    "pairs 1": lambda words: pairs(words, 1),
    # Distances that are powers of two: 128 is between the two inputs of an example, 256 between
    # batches of two inputs.
    **{f"pairs {lag}": lambda w, lag=lag: pairs(w, lag) for lag in 2 ** np.arange(1, 17)},
    **{f"lag {lag}": lambda w, lag=lag: lag_correlation(w, lag) for lag in (1, 2, 16, 128, 256)},
    "birthday spacings": birthday_spacings,
}


@each("kind", KINDS)
def test_statistics(kind):
    words = stream(kind)
    p_values = {name: float(statistic(words)) for name, statistic in STATISTICS.items()}
    assert all(p > P_MIN for p in p_values.values()), p_values


@each(
    "flawed, caught_by",
    [
        # A counter that is multiplied once: uniform, but not random.
        (lambda i: i * np.uint32(0x9E3779B9), "uniform high bits"),
        # The low bits of a linear congruential generator have short periods.
        (lambda i: i * np.uint32(1664525) + np.uint32(1013904223), "uniform low bits"),
        # Every step draws the batch of the step before, shifted by one word.
        (lambda i: np.asarray(bits(step_key(jax.random.key(0), 0), (COUNT,)))[i // 2], "lag 1"),
    ],
)
def test_the_tests_can_fail(flawed, caught_by):
    words = flawed(np.arange(COUNT, dtype=np.uint32))
    assert STATISTICS[caught_by](words) < P_MIN


def test_neighbouring_seeds_and_steps_are_uncorrelated():
    """All pairs among 32 keys: seeds 0 to 3, and steps 0 to 7 of each."""
    table = _grid(range(4), range(8)).reshape(32, 256) / 2.0**32 - 0.5
    products = [(a * b).sum() for a, b in itertools.combinations(table, 2)]
    p_value = stats.kstest(np.array(products) / math.sqrt(256 / 144), "norm").pvalue
    assert p_value > P_MIN


@each("what", ["position", "seed", "step"])
def test_avalanche(what):
    """Flipping any one bit of the position, the seed or the step flips half of the output."""
    rng = np.random.default_rng(0)
    origins = jnp.asarray(rng.integers(0, 2**31, 4096), jnp.uint32)

    def word(origin):
        if what == "position":
            return _word_at(origin)
        seed, step = (origin, 7) if what == "seed" else (7, origin)
        return bits(step_key(jax.random.key(seed), step), (1,))[0]

    flips = jax.jit(jax.vmap(lambda o, b: word(o) ^ word(o ^ (jnp.uint32(1) << b)), (0, None)))
    for bit in range(31):
        flipped = np.asarray(flips(origins, jnp.uint32(bit)))
        share = np.array([((flipped >> out) & 1).mean() for out in range(32)])
        # The published bias of the hash is 1e-3; 5 σ of 4096 origins are 0.04.
        assert abs(share - 0.5).max() < 0.04, (what, bit, share)


def _word_at(position):
    """The word at any position: `bits` counts from 0, and a key's first word shifts the count."""
    first, second = jax.random.key_data(step_key(jax.random.key(0), 0))
    key = jax.random.wrap_key_data(jnp.stack([first + position, second]))
    return bits(key, (1,))[0]


def test_no_collisions_within_a_key():
    words = stream("one key")
    assert np.unique(words).size == words.size


def test_uniform_values():
    key = step_key(jax.random.key(0), 0)
    x = np.asarray(uniform(key, (COUNT,), minval=-3.0, maxval=5.0))
    assert x.dtype == np.float32 and x.min() >= -3 and x.max() <= 5
    assert z_score(x.mean(), 1.0, 64 / 12 / COUNT) > P_MIN
    assert stats.kstest((x + 3) / 8, "uniform").pvalue > P_MIN


def test_uniform_in_float64_uses_53_bits():
    with jax.enable_x64(True):
        x = np.asarray(uniform(step_key(jax.random.key(0), 0), (1 << 16,)))
    assert x.dtype == np.float64
    assert stats.kstest(x, "uniform").pvalue > P_MIN
    # The last bits are random too: scaled by 2^53 they are whole, and odd half of the time.
    whole = x * 2.0**53
    assert (whole == np.floor(whole)).all()
    assert z_score((whole % 2).sum(), x.size / 2, x.size / 4) > P_MIN


def test_step_key_is_an_ordinary_key():
    key = step_key(jax.random.key(0), 3)
    normal = np.asarray(jax.random.normal(key, (COUNT,)))
    assert stats.kstest(normal[:65536], "norm").pvalue > P_MIN


def test_other_kinds_of_key_are_refused():
    with pytest.raises(ValueError, match="key must be one key of two words.*rbg"):
        step_key(jax.random.key(0, impl="rbg"), 0)
