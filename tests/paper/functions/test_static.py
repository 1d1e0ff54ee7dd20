"""Simple function learning: the paper's numbers, fits of a given function, and independent
seeds."""

import dataclasses
from importlib import import_module

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from numerate.paper import experiment
from numerate.study import Job
from numerate.tasks import FUNCTIONS, PAPER_FUNCTIONS
from tests.each import each

STATIC = experiment("simple-static")
module = import_module("numerate.paper.functions.static")
TINY = dataclasses.replace(STATIC.scales["smoke"], steps=20, mlp_steps=20, rows=50)


# Tables 1 and 7 as printed, which the page computes from table 6.
@each(
    "unit, function, condition, printed",
    [
        ("ReLU6", "add", "extrapolation", 42.6),
        ("ReLU6", "div", "interpolation", 4.2),
        ("None", "mul", "interpolation", 20.9),
        ("NAC", "div", "extrapolation", 61.3),
        ("NAC", "square", "interpolation", 22.4),  # 22.5 from the rounded errors.
        ("NALU", "div", "interpolation", 5.3),
        ("NALU", "div", "extrapolation", 0.7),
        ("Softsign", "sqrt", "extrapolation", 7.7),
        ("SELU", "mul", "extrapolation", 10.4),
        ("CReLU", "mul", "interpolation", 15.5),
    ],
)
def test_scores_of_the_paper(unit, function, condition, printed):
    assert module.PAPER[unit, function, condition] == pytest.approx(printed, abs=0.08)


def test_paper_has_a_score_for_each_of_its_models():
    assert len(module.PAPER) == 11 * 6 * 2
    assert {unit for unit, *_ in module.PAPER} < set(STATIC.units)


@each("function", PAPER_FUNCTIONS)
def test_given_function_with_the_right_weights_is_exact(function):
    weight = jnp.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    model = module.Given(weight, jnp.asarray(list(FUNCTIONS).index(function)))
    expected = FUNCTIONS[function].value(5.0, 4.0)
    assert model(jnp.array([2.0, 3.0, 4.0])) == pytest.approx(np.array([expected]), rel=1e-6)


@pytest.mark.slow
@each("function", ["mul", "div", "sqrt"])
def test_second_order_steps_find_the_sums(function):
    index = list(FUNCTIONS).index(function)
    with jax.enable_x64(True):
        x = jax.random.uniform(jax.random.key(0), (40, 6), minval=0.1, maxval=3.0)
        y = FUNCTIONS[function].value(x[:, :2].sum(axis=1), x[:, 3:5].sum(axis=1))[:, None]
        weight = module._fitted(jax.random.key(1), x, y, index, 4)
        model = module.Given(jnp.asarray(weight), jnp.asarray(index))
        np.testing.assert_allclose(jax.vmap(model)(10 * x)[:, 0], _scaled(function, y), rtol=1e-9)


def _scaled(function, y):
    return y[:, 0] * {"mul": 100.0, "div": 1.0, "sqrt": 10**0.5}[function]


def test_a_network_without_any_finite_error_is_no_result():
    models = eqx.filter_vmap(lambda key: module.STACKS["NAU-NMU"](key=key))(
        jax.random.split(jax.random.key(0), 2)
    )
    kept = jax.tree.map(lambda a: module._not_a_number(jnp.array([True, False]), a), models)
    assert jnp.isnan(kept[0].w_hat[0]).all() and (kept[0].w_hat[1] == models[0].w_hat[1]).all()


def test_every_model_of_a_scale_is_run_once():
    for scale, settings in STATIC.scales.items():
        units = [unit for unit in STATIC.units if unit in (settings.units or STATIC.units)]
        assert [job.unit for job in STATIC.plan(settings)] == units, scale
    (job,) = STATIC.plan(STATIC.scales["quick"], ("NAC",))
    assert job == Job("NAC", range(STATIC.scales["quick"].seeds))


def test_verdict_says_what_always_works_and_what_never_does():
    settings = TINY
    rows = module.pl.DataFrame(
        [
            {"unit": unit, "function": function, "seed": seed, "condition": condition}
            | {"error": error, "random": 1.0, "threshold": 0.1}
            for unit, good in (("NALU", {"add"}), ("NAU-NMU", {"add", "mul"}))
            for function in PAPER_FUNCTIONS
            for seed in range(2)
            for condition in ("interpolation", "extrapolation")
            for error in (0.0 if function in good and (unit, seed) != ("NALU", 1) else 1.0,)
        ]
    )
    said = STATIC.sentences(rows, settings)["verdict"]
    assert "0.0 on a + b. Shares of NALUs that pass the criterion: a + b 50 %, a − b" in said
    assert "Solved with every seed: a + b by NAU-NMU; a × b by NAU-NMU." in said
    assert "solves a − b, a / b, a² and √a with every seed" in said
