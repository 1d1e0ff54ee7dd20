"""What a search computes beside its main thread."""

import threading
from functools import partial

import pytest

from numerate.regress import _threads


@pytest.fixture
def two_cores(monkeypatch):
    monkeypatch.setattr(_threads, "available_cores", lambda: 2)


@pytest.mark.parametrize("cores", [1, 2])
def test_results_come_in_order(monkeypatch, cores):
    monkeypatch.setattr(_threads, "available_cores", lambda: cores)
    early = [False, True, True, False, True]
    tasks = [partial(pow, n, 2) for n in range(5)]
    assert [wait() for wait in _threads.ahead(tasks, early)] == [0, 1, 4, 9, 16]
    assert list(_threads.ahead([], [])) == []


def test_only_an_early_task_begins_before_the_last_result_is_used(two_cores):
    begun = [threading.Event() for _ in range(3)]
    results = _threads.ahead([event.set for event in begun], [False, True, False])
    next(results)()
    assert begun[1].wait(10)
    next(results)()
    assert not begun[2].is_set()
    next(results)()
    assert begun[2].is_set()


def test_the_end_of_the_loop_waits_for_a_task_that_has_begun(two_cores):
    begun, end, done = threading.Event(), threading.Event(), threading.Event()

    def slow():
        begun.set()
        end.wait(10)
        done.set()

    results = _threads.ahead([int, slow, int], [False, True, True])
    next(results)()
    assert begun.wait(10)
    threading.Timer(0.01, end.set).start()
    results.close()
    assert done.is_set()


def test_a_failure_is_raised_where_the_result_is_wanted(two_cores):
    results = _threads.ahead([int, partial(int, "x")], [False, True])
    assert next(results)() == 0
    with pytest.raises(ValueError, match="invalid literal"):
        next(results)()
