"""Simple function learning: its targets, thresholds, subsets and both interpretations."""

from functools import partial

import jax
import numpy as np
import optax
import pytest
import sympy

from numerate.paper.functions import SimpleFunctionRecurrent, _task
from numerate.tasks import (
    MADSEN_RANGES,
    PAPER_FUNCTIONS,
    SimpleFunction,
    _simple_function,
    _subsets,
    madsen2020,
)
from numerate.train import Config, train_many
from numerate.units import Linear
from tests.each import each

ALL = (*PAPER_FUNCTIONS, "first")
READINGS = ("total", "running")

# Thresholds for ε = 1e-5 that the authors of the data set simulated, with runs of 26 inputs that
# share 13, from a million rows of U[2, 6]; and for a·b on further ranges.
PUBLISHED = {
    "mul": 0.160010658743333,
    "add": 1.47861742158438e-5,
    "sub": 1.38437045113029e-8,
    "div": 4.93805490041429e-12,
    "sqrt": 8.95525993233274e-9,
    "square": 0.159473806098301,
}
PUBLISHED_RANGES = {(10.0, 20.0): 505.3, (1.0, 2.0): 0.160, (1.1, 1.2): 0.105, (0.1, 0.2): 9.2e-4}


def one(task, index=0, seeds=1):
    """The task of one of the instances of a family with `seeds` seeds for each function."""
    instances = task.instances(seeds * task.family)
    return task.at(jax.tree.map(lambda leaf: leaf[index], instances))


def sums(task, x) -> tuple[np.ndarray, np.ndarray]:
    """a and b of every row in float64, and of every step of sequences."""
    x = np.asarray(x, np.float64)
    return x[..., slice(*task.a)].sum(axis=-1), x[..., slice(*task.b)].sum(axis=-1)


def truth(function, a, b):
    symbols = sympy.symbols("a b")
    formula = SimpleFunction((function,)).formulas[0]
    return np.asarray(sympy.lambdify(symbols, sympy.sympify(formula))(a, b), float)


@pytest.fixture
def any_threshold(monkeypatch):
    """Thresholds from small samples, where they do not matter, because they take most of the
    time."""
    monkeypatch.setattr(_subsets, "_SIMULATED", 10_000)
    yield
    _simple_function._threshold.cache_clear()
    _task._threshold.cache_clear()


def every_set(family):
    """Training, validation and extrapolation sets of an instance, by one program for all."""

    @jax.jit
    def draw(instance):
        task = family.at(instance)
        return task.sample(jax.random.key(1), 20), task.validation(), task.extrapolation()

    return draw


@pytest.mark.usefixtures("any_threshold")
@each("make", [SimpleFunction, madsen2020])
def test_static_truth(make):
    family = make(ALL, set_size=50)
    draw = every_set(family)
    for index, function in enumerate(ALL):
        task = one(family, index)
        for x, y in draw(task.instance):
            assert x.shape[1:] == (100,) and y.shape == (len(x), 1)
            exact = truth(function, *sums(task, x))
            np.testing.assert_allclose(y[:, 0], exact, rtol=3e-6, atol=1e-4, err_msg=function)


@pytest.mark.usefixtures("any_threshold")
@each("reading", READINGS)
def test_recurrent_truth(reading):
    family = SimpleFunctionRecurrent(ALL, reading, set_size=50, extrapolation_size=5)
    draw = every_set(family)
    for index, function in enumerate(ALL):
        task = one(family, index)
        for x, y in draw(task.instance):
            assert x.shape[2] == 10 and y.shape == (len(x), 1)
            a, b = sums(task, x)
            if reading == "total":
                exact = truth(function, a.sum(axis=1), b.sum(axis=1))
            else:
                exact = truth(function, a, b).sum(axis=1)
            # Sums of a thousand float32 numbers.
            np.testing.assert_allclose(y[:, 0], exact, rtol=2e-5, atol=1e-3, err_msg=function)


@pytest.mark.usefixtures("any_threshold")
def test_lengths_of_sequences():
    task = one(SimpleFunctionRecurrent(("add",), set_size=4, extrapolation_size=2))
    sets = (partial(task.sample, jax.random.key(0), 3), task.validation, task.extrapolation)
    shapes = [jax.eval_shape(draw)[0].shape for draw in sets]
    assert shapes == [(3, 10, 10), (4, 10, 10), (2, 1000, 10)]


@pytest.mark.usefixtures("any_threshold")
@each("reading", READINGS)
def test_readings(reading):
    """From 10 steps to 1000, f of the sums grows as f does; the sum of f a hundredfold."""
    growth = {"add": 100, "mul": 10_000, "div": 1, "sqrt": 10}
    family = SimpleFunctionRecurrent(tuple(growth), reading, set_size=200)
    draw = every_set(family)
    for index, (function, total) in enumerate(growth.items()):
        _, (_, inside), (_, outside) = draw(one(family, index).instance)
        wanted = total if reading == "total" else 100
        assert np.mean(outside) / np.mean(inside) == pytest.approx(wanted, rel=0.05), function


def test_readings_agree_on_sums():
    functions = ("add", "sub", "first")
    families = [SimpleFunctionRecurrent(functions, r, set_size=20) for r in READINGS]
    draws = [jax.jit(lambda instance, f=f: f.at(instance).validation()[1]) for f in families]
    for index, function in enumerate(functions):
        a, b = (one(family, index).instance for family in families)
        of_a, of_b = (draw(i) for draw, i in zip(draws, (a, b), strict=True))
        np.testing.assert_allclose(of_a, of_b, rtol=1e-5, atol=1e-5, err_msg=function)
        assert a.threshold == pytest.approx(b.threshold, rel=1e-6), function


@each("function", PUBLISHED)
def test_threshold_is_the_published_one(function):
    """Both are simulated, so they agree to the errors of both simulations."""
    task = madsen2020((function,), lengths=(26, 26), overlap=13)
    assert one(task).instance.threshold == pytest.approx(PUBLISHED[function], rel=5e-3)


@each("range_", PUBLISHED_RANGES)
def test_threshold_of_products_on_other_ranges(range_):
    task = madsen2020(("mul",), range_)
    assert one(task).instance.threshold == pytest.approx(PUBLISHED_RANGES[range_], rel=1e-2)


MAKE = {
    "paper": SimpleFunction,
    "madsen2020": madsen2020,
    **{r: partial(SimpleFunctionRecurrent, reading=r, extrapolation_size=2000) for r in READINGS},
}
# Simulating all takes a minute.
DAILY = [("paper", "div")]


@pytest.mark.parametrize(
    ("make", "function"),
    [
        pytest.param(make, f, marks=[] if (make, f) in DAILY else pytest.mark.slow)
        for make in MAKE
        for f in ALL
    ],
)
def test_threshold_is_the_error_of_a_model_whose_weights_are_off(make, function):
    """Simulated again on the task's own extrapolation set, with the ε of the definition."""
    task = one(MAKE[make]((function,), eps=1e-4))
    x, _ = task.extrapolation()
    x = np.asarray(x, np.float64)
    a, b = sums(task, x)
    off = [s + 1e-4 * (x.sum(axis=-1) - 2 * s) for s in (a, b)]
    if x.ndim == 2:
        error = truth(function, *off) - truth(function, a, b)
    elif task.of.reading == "running":
        error = (truth(function, *off) - truth(function, a, b)).sum(axis=1)
    else:
        exact = truth(function, a.sum(axis=1), b.sum(axis=1))
        error = truth(function, *(s.sum(axis=1) for s in off)) - exact
    assert np.mean(error**2) == pytest.approx(float(task.threshold), rel=0.05)


@pytest.mark.usefixtures("any_threshold")
def test_inputs_follow_their_law():
    """The median of low + (high - low) u² is a quarter of the way."""
    task = one(SimpleFunction(("add",)))
    for (x, _), (low, high) in [
        (task.validation(), (0.1, 3.0)),
        (task.extrapolation(), (3.0, 6.0)),
    ]:
        x = np.asarray(x)
        assert low <= x.min() and x.max() <= high
        assert np.median(x) == pytest.approx(low + (high - low) / 4, rel=0.01)


@pytest.mark.usefixtures("any_threshold")
@each("range_", MADSEN_RANGES)
def test_ranges_of_madsen(range_):
    task = one(madsen2020(("add",), range_, set_size=1000))
    for intervals, (x, _) in [
        (range_, task.validation()),
        (MADSEN_RANGES[range_], task.extrapolation()),
    ]:
        parts = intervals if isinstance(intervals[0], tuple) else (intervals,)
        slack = 1e-6 * max(abs(bound) for part in parts for bound in part)
        x = np.asarray(x)
        inside = [(x >= low - slack) & (x <= high + slack) for low, high in parts]
        assert np.logical_or.reduce(inside).all()
        assert [part.mean() for part in inside] == pytest.approx(
            [1 / len(parts)] * len(parts), abs=0.02
        )


@pytest.mark.usefixtures("any_threshold")
def test_every_extrapolated_sum_is_larger_than_any_in_training():
    task = one(SimpleFunction(("add",)))
    longest = max(stop - start for start, stop in (task.a, task.b))
    for values, (start, stop) in zip(
        sums(task, task.extrapolation()[0]), (task.a, task.b), strict=True
    ):
        assert values.min() > 3.0 * (stop - start) and longest <= 5


@pytest.mark.usefixtures("any_threshold")
def test_magnitudes_are_those_of_the_paper():
    """Over seeds, a is from 1 to 5 in training, and 2.5 to 4 times larger in extrapolation."""
    task = SimpleFunction(("first",), set_size=500)
    draw, inside, outside = every_set(task), [], []
    for seed in range(20):
        _, validation, extrapolation = draw(one(task, seed, 20).instance)
        inside.append(np.mean(validation[1]))
        outside.append(np.mean(extrapolation[1]))
    assert 1 < min(inside) and max(inside) < 6
    assert all(2.5 < e / i < 4 for i, e in zip(inside, outside, strict=True))


@pytest.mark.usefixtures("any_threshold")
def test_subsets_are_the_same_whatever_else_is_asked():
    """A seed's subsets depend on neither the number of seeds nor the functions."""
    few = SimpleFunction(("add",)).instances(3).subsets
    many = SimpleFunction(("mul", "sub")).instances(20).subsets
    later = SimpleFunction(("add",), first_seed=2).instances(5).subsets
    np.testing.assert_array_equal(few, many[:3])
    np.testing.assert_array_equal(few, many[10:13])
    np.testing.assert_array_equal(later[0], few[2])
    assert len(np.unique(many[:10], axis=0)) == 10


@pytest.mark.usefixtures("any_threshold")
def test_runs_of_the_paper_have_all_lengths_and_are_never_the_same():
    subsets = SimpleFunction(("add",), in_features=6).instances(200).subsets
    lengths = subsets.sum(axis=2)
    assert set(np.unique(lengths)) == {2, 3, 4, 5}
    assert not (subsets[:, 0] == subsets[:, 1]).all(axis=1).any()
    assert (np.abs(np.diff(subsets, axis=2)).sum(axis=2) <= 2).all()


@pytest.mark.usefixtures("any_threshold")
def test_runs_of_madsen_share_twelve_inputs():
    subsets = madsen2020(("add",)).instances(100).subsets
    assert (subsets.sum(axis=2) == 25).all() and (subsets.prod(axis=1).sum(axis=1) == 12).all()
    starts = subsets[:, 0].argmax(axis=1)
    assert starts.min() < 10 and 52 < starts.max() <= 62


@pytest.mark.usefixtures("any_threshold")
def test_sets_are_fixed_and_batches_are_not():
    task = one(SimpleFunction(("mul",), set_size=5))
    assert (task.validation()[0] == task.validation()[0]).all()
    a, b = (task.sample(key, 8)[0] for key in jax.random.split(jax.random.key(0)))
    assert not np.array_equal(a, b)


@pytest.mark.slow
def test_training_gives_every_seed_its_own_subsets():
    """A linear model learns the subsets of each seed, of the sum and of the difference."""
    task = SimpleFunction(("add", "sub"), in_features=8, set_size=100)
    keys = jax.random.split(jax.random.key(0), 4)
    config = Config(steps=2000, batch_size=32, log_every=2000, optimiser=optax.adam(1e-2))
    run = train_many(keys, task, partial(Linear, 8, 1, w_hat_init="constant"), config)
    first, second = task.instances(4).subsets.swapaxes(0, 1)
    exact = np.concatenate([(first + second)[:2], (first - second)[2:]])
    np.testing.assert_allclose(np.asarray(run.model.w_hat)[:, 0], exact, atol=0.05)
    assert np.shape(run.threshold) == (4,)


@each(
    "make, message",
    [
        (lambda: SimpleFunction(("pow",)), "functions must be among add, sub.*'pow'"),
        (lambda: SimpleFunction(()), "at least one"),
        (lambda: SimpleFunction(train_range=(2.0, 1.0)), "low < high"),
        (lambda: SimpleFunction(("sqrt",), train_range=(-1.0, 1.0)), "must not contain negative"),
        (lambda: SimpleFunction(eps=0.0), "eps must be positive"),
        (lambda: SimpleFunction(set_size=0), "set_size must be at least 1"),
        (lambda: SimpleFunction(lengths=(0, 2)), "lengths must be"),
        (lambda: SimpleFunction(in_features=3, lengths=(3, 3)), "two different runs"),
        (lambda: SimpleFunction(lengths=(5, 5), overlap=6), "overlap must be"),
        (lambda: madsen2020(train_range=(0.0, 3.0)), "one of MADSEN_RANGES"),
        (lambda: SimpleFunctionRecurrent(reading="sum"), "reading must be.*'sum'"),
        (lambda: SimpleFunctionRecurrent(length=0), "length must be at least 1"),
        (lambda: SimpleFunction().instances(7), "shared equally by 6 functions"),
        (lambda: SimpleFunction().validation(), "subsets of a .* differ between seeds"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_thresholds_are_simulated_once():
    """Every model trained on a task needs the same ones."""
    task = SimpleFunction(("mul",), first_seed=77)
    first = task.instances(3).threshold
    before = _simple_function._threshold.cache_info().misses
    assert (SimpleFunction(("mul",), first_seed=77).instances(3).threshold == first).all()
    assert _simple_function._threshold.cache_info().misses == before
