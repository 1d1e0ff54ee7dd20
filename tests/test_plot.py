"""Figures of real fits: their content, also for unusual tables."""

from itertools import product

import matplotlib
import numpy as np
import pytest

import numerate
from numerate.plot import check_can_plot, plot_fit, save_plot
from numerate.tables import InputError, read_table


@pytest.fixture(scope="module")
def kepler():
    return numerate.fit("kepler"), read_table("kepler")


def panels(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def test_one_feature_shows_the_curve_beyond_the_data(kepler):
    axes = panels(plot_fit(*kepler))["The formula"]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    low, high = axes.get_xlim()
    assert low < 0.387 < 30.1 < high
    formula = axes.get_lines()[0]
    x, y = formula.get_xdata(), formula.get_ydata()
    seen = np.isfinite(y)
    assert x[seen].min() == 0.387 and x[seen].max() == 30.1
    np.testing.assert_allclose(y[seen], x[seen] ** 1.5)


def test_residuals_are_in_units_of_what_the_written_decimals_explain(kepler):
    axes = panels(plot_fit(*kepler))["Residuals"]
    points = axes.get_lines()[-1].get_ydata()
    assert len(points) == 8
    assert 0.8 < np.abs(points).max() < 1  # Saturn: 0.90


def test_the_chosen_formula_stands_out_on_the_front(kepler):
    model, table = kepler
    axes = panels(plot_fit(model, table))["Accuracy against simplicity"]
    labels = [text.get_text() for text in axes.texts]
    assert len(labels) == len(model.report()["equations"])
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    chosen = colours.pop(model.report()["formula"])
    assert chosen not in colours.values()


def test_several_features_and_many_rows():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, (2, 10_000))
    table = read_table({"a $x$": a, "b": b, "p_1": a * b})
    figure = plot_fit(numerate.fit(table), table)
    assert "The formula" not in panels(figure)
    shown = panels(figure)["Formula against data"].get_lines()[-1].get_xdata()
    assert len(shown) < 5000
    assert {(a * b).min(), (a * b).max()} <= set(shown)
    figure.savefig("/dev/null", format="svg")


def test_the_same_fit_gives_the_same_file_and_leaves_no_style_behind(kepler, tmp_path):
    matplotlib.get_backend()  # Chosen when first asked for, which is no business of the style.
    before = matplotlib.rcParams.copy()
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    for name, extension in product("ab", ("svg", "pdf")):
        save_plot(*kepler, tmp_path / f"{name}.{extension}")
    save_plot(*kepler, tmp_path / "a.png")
    assert matplotlib.rcParams == before
    for extension, start in starts.items():
        assert (tmp_path / f"a.{extension}").read_bytes().startswith(start), extension
    for extension in ("svg", "pdf"):
        first, second = (tmp_path / f"{name}.{extension}" for name in "ab")
        assert first.read_bytes() == second.read_bytes(), extension


def test_unknown_formats_are_refused():
    with pytest.raises(InputError, match=r"must be a \.png, \.svg or \.pdf file"):
        check_can_plot("fit.gif")
