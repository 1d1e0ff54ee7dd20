"""Units are called as one program, which compiles faster than their operations one by one."""

import functools

import equinox as eqx
import pytest

from numerate.units import Unit

_call = Unit.__call__
_compiled = eqx.filter_jit(_call)


@functools.wraps(_call)
def _called(self, *arguments, **keywords):
    return _compiled(self, *arguments, **keywords)


@pytest.fixture(autouse=True)
def compiled_calls(monkeypatch):
    monkeypatch.setattr(Unit, "__call__", _called)
