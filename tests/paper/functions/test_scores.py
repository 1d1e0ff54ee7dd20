"""Scores of models on functions: the best and solved seeds, and their format."""

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from numerate.paper.functions import Scores
from numerate.paper.functions._scores import shown
from numerate.study import errors_in_float64, heat, seed_keys
from numerate.tasks import PAPER_FUNCTIONS, SimpleFunction
from numerate.units import Linear
from tests.each import each

NAN = float("nan")


def scores(*seeds: tuple[float, float], **more) -> Scores:
    """Of one model on a + b, from the errors of every seed inside and outside."""
    rows = [
        {"unit": "NAC", "function": "add", "seed": seed, "condition": condition, "error": error}
        | {"random": 4.0, "threshold": 0.1}
        for seed, errors in enumerate(seeds)
        for condition, error in zip(("interpolation", "extrapolation"), errors, strict=True)
    ]
    functions = {"add": "a + b", "mul": "a × b"}
    return Scores(pl.DataFrame(rows), ("NALU", "NAC"), functions, **{"paper": {}} | more)


def test_the_best_seed_is_chosen_inside_of_the_training_range():
    found = scores((0.02, 4.0), (0.04, 0.0), (NAN, 0.0))
    assert found.best("NAC", "add", "interpolation") == pytest.approx(0.5)
    assert found.best("NAC", "add", "extrapolation") == pytest.approx(100.0)


def test_what_is_not_a_number_is_neither_solved_nor_best_and_counts_as_worst():
    found = scores((0.01, NAN), (0.02, 0.05), (0.03, math.inf))
    assert found.solved("NAC", "add") == (False, True, False)
    assert found.share("NAC", "add") == pytest.approx(1 / 3)
    assert found.median("NAC", "add", "extrapolation") == math.inf
    assert math.isnan(scores((NAN, 1.0)).best("NAC", "add", "extrapolation"))


def test_a_threshold_itself_is_not_solved():
    assert scores((0.0, 0.1), (0.0, 0.0999)).solved("NAC", "add") == (False, True)


def test_table_has_lines_of_what_was_run_beside_the_papers():
    found = scores(
        (0.02, 0.4),
        (0.04, 0.02),
        paper={("NAC", "add", "extrapolation"): 1234.0},
        others={("NAC", "add"): "1 of 2"},
    )
    (line,) = found.table("extrapolation").lines
    assert line.labels == ("NAC", "a + b")
    assert line.values == pytest.approx((10.0, 0.5)) and line.solved == (False, True)
    assert (line.paper, line.others) == (">999", "1 of 2")
    (line,) = found.table("interpolation").lines
    assert (line.solved, line.paper, line.others) == (None, "", "")


def test_grids_have_a_line_for_each_model_and_a_column_for_each_function():
    found = scores((0.02, 0.4), (0.04, 0.02), paper={("NAC", "add", "extrapolation"): 0.0})
    grids = found.grids()
    assert grids["solved"].splitlines()[-1] == "| NAC | 50 % |  |"
    assert grids["median extrapolation"].splitlines()[-1] == "| NAC | 5.2 (0.0) |  |"
    assert grids["best extrapolation"].splitlines()[-1] == "| NAC | 10.0 (0.0) |  |"
    assert grids["best interpolation"].splitlines()[-1] == "| NAC | 0.5 |  |"


@each("score, text", [(0.0, "0.0"), (99.96, "100.0"), (999.0, "999.0"), (1000, ">999")])
def test_scores_are_written_as_in_the_paper(score, text):
    assert shown(score) == text


def test_heat_shows_every_number_and_the_worst_colour_for_none():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    heat(axes, np.array([[0.0, 1e9], [NAN, 10.0]]), shown, ("x", "y"), ("r", "s"))
    assert [text.get_text() for text in axes.texts] == ["0.0", ">999", "–", "10.0"]
    colours = np.asarray(axes.images[0].get_array())
    assert colours[0, 0] == 0.0 and colours[0, 1] == colours[1, 0] == 1.0


def linear(task: SimpleFunction, seeds: int) -> Linear:
    """The exact sums of the subsets of every seed."""
    models = eqx.filter_vmap(lambda key: Linear(100, 1, key=key))(seed_keys(range(seeds)))
    weight = jnp.asarray(task.instances(seeds).subsets.sum(axis=1, keepdims=True))
    return eqx.tree_at(lambda m: m.w_hat, models, weight)


@pytest.mark.slow
def test_errors_are_measured_without_the_rounding_of_float32():
    task = SimpleFunction(("add",), set_size=200)
    errors = errors_in_float64(linear(task, 3), task, task.instances(3))
    assert errors.shape == (3, 2) and errors.dtype == np.float64
    assert (errors < 1e-27).all()  # Sums of up to ten numbers below 60, rounded to 1e-16.


@pytest.mark.slow
def test_an_error_does_not_depend_on_the_other_models():
    task = SimpleFunction(("mul",), set_size=100)
    many = errors_in_float64(linear(task, 35), task, task.instances(35))
    few = errors_in_float64(linear(task, 2), task, task.instances(2))
    assert (many[:2] == few).all() and len(many) == 35
    assert (many > 1).all()


def test_errors_are_those_of_each_models_own_task():
    """A model of the wrong function errs, and the sets are those of the task."""
    task = SimpleFunction(PAPER_FUNCTIONS, set_size=50)
    instances = task.instances(6)
    same = np.broadcast_to(instances.subsets.sum(axis=1, keepdims=True), (6, 1, 100))
    models = eqx.tree_at(lambda m: m.w_hat, linear(task, 6), jnp.asarray(same))
    errors = errors_in_float64(models, task, instances)
    assert errors[0].max() < 1e-27 and (errors[1:] > 0.01).all()
    assert (errors[1:5, 1] > errors[1:5, 0]).all()
