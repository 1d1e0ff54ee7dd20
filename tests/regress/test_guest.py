"""A fit is a guest in its process: it leaves nothing changed, and says what it cannot stand."""

import os
import random
import signal
import threading
import time
import warnings

import jax
import numpy as np
import pytest

from numerate import ArithmeticRegressor

X = np.random.default_rng(0).normal(size=(48, 2))
Y = X[:, 0] * X[:, 1] + np.sin(X[:, 0])


def state():
    return {
        "warnings": list(warnings.filters),
        "random": random.getstate(),
        "numpy.random": repr(np.random.get_state()),
        "numpy": (np.geterr(), np.get_printoptions()),
        "jax": dict(jax.config.values),
        "environment": dict(os.environ),
        "signals": [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)],
    }


def fitted(order=slice(None)):
    return ArithmeticRegressor(max_depth=1, n_starts=8).fit(X[order], Y[order])


def trained():
    """With stacks that are trained, instead of closed forms; of one column, to compile fewer."""
    x = X[:20, :1]
    return ArithmeticRegressor(max_depth=2, n_starts=8, closed_forms=False).fit(
        x, np.sin(2 * x[:, 0])
    )


def test_a_fit_changes_nothing_also_from_four_threads_at_once():
    for fit in (fitted, trained):  # what is imported may change things once
        fit()
    before, found = state(), []
    threads = [
        threading.Thread(target=lambda fit=fit: found.append(str(fit().formula_)))
        for fit in (fitted, trained, fitted, fitted)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state() == before
    assert len(found) == 4 and len(set(found)) <= 2


def test_the_order_of_rows_changes_no_constant():
    one = fitted()
    for seed in range(2):
        other = fitted(np.random.default_rng(seed).permutation(len(Y)))
        assert other.equations_.equals(one.equations_)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are for Unix")
def test_a_forked_process_predicts_and_says_why_it_does_not_fit():
    model = fitted()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns, too
        child = os.fork()
    if child == 0:
        try:
            assert np.isfinite(model.predict(X)).any()
            fitted()
        except RuntimeError as error:
            os._exit(0 if "'spawn' or 'forkserver'" in str(error) else 1)
        finally:
            os._exit(2)
    until = time.monotonic() + 30
    ended, code = 0, None
    while not ended and time.monotonic() < until:
        ended, code = os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert (bool(ended), code) == (True, 0)
