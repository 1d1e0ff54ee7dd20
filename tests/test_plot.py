"""Figures of real fits: their content, also for unusual tables."""

import matplotlib
import numpy as np
import pytest

import numerate
from numerate.plot import check_can_plot, plot_fit, save_plot
from numerate.tables import InputError, read_table


@pytest.fixture(scope="module")
def kepler():
    return numerate.fit("kepler"), read_table("kepler")


@pytest.fixture(scope="module")
def figure(kepler):
    return plot_fit(*kepler)


def panels(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def test_one_feature_shows_the_curve_beyond_the_data(figure):
    axes = panels(figure)["The formula"]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    low, high = axes.get_xlim()
    assert low < 0.387 < 30.1 < high
    formula = axes.get_lines()[0]
    x, y = formula.get_xdata(), formula.get_ydata()
    seen = np.isfinite(y)
    assert x[seen].min() == 0.387 and x[seen].max() == 30.1
    np.testing.assert_allclose(y[seen], x[seen] ** 1.5)


def test_residuals_are_in_units_of_what_the_written_decimals_explain(figure):
    axes = panels(figure)["Residuals"]
    points = axes.get_lines()[-1].get_ydata()
    assert len(points) == 8
    assert 0.8 < np.abs(points).max() < 1  # Saturn: 0.90


def test_the_chosen_formula_stands_out_on_the_front(kepler, figure):
    model, _ = kepler
    axes = panels(figure)["Accuracy against simplicity"]
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


@pytest.mark.slow
def test_the_same_fit_gives_the_same_file_and_leaves_no_style_behind(kepler, tmp_path):
    matplotlib.get_backend()  # Chosen when first asked for, which is no business of the style.
    before = matplotlib.rcParams.copy()
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    for name in ("a.svg", "b.svg", "a.pdf", "a.png"):
        save_plot(*kepler, tmp_path / name)
    assert matplotlib.rcParams == before
    for extension, start in starts.items():
        assert (tmp_path / f"a.{extension}").read_bytes().startswith(start), extension
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"Date" not in (tmp_path / "a.pdf").read_bytes()


def test_unknown_formats_are_refused():
    with pytest.raises(InputError, match=r"must be a \.png, \.svg or \.pdf file"):
        check_can_plot("fit.gif")
