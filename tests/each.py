"""One test for many cases: pytest takes longer to set up and report a test than most cases take."""

import contextlib
import ctypes
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
from jax._src.interpreters import mlir

# The one rule for how close to rounding results must be, in each precision.
TOLERANCES = {"float32": 1e-6, "float64": 1e-12}

# Compiled programs are about 1 MB each, and JAX keeps them all; forgotten are so many at a time.
PROGRAMS = 400
_compiled: list[str] = []


def _count(event: str, *_args, **_kwargs) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        _compiled.append(event)


jax.monitoring.register_event_duration_secs_listener(_count)


def forget_programs() -> None:
    """Bounds the memory of a test process; called after every case and every test."""
    if len(_compiled) > PROGRAMS:
        jax.clear_caches()
        _shared_context.cache_clear()
        _compiled.clear()
        with contextlib.suppress(OSError, AttributeError):  # elsewhere than in glibc
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # which keeps what was freed otherwise


_new_context = mlir.make_ir_context
_shared_context = functools.cache(_new_context)


def share_contexts() -> None:
    """One MLIR context for all programs, which takes JAX longer to make than to write a small
    program in. What is compiled while another program is written has its own."""

    def context() -> mlir.ir.Context:
        return _shared_context() if mlir.ir.Context.current is None else _new_context()

    mlir.make_ir_context = context


def each(names: str, values: Iterable[Any]) -> Callable[[Callable], Callable]:
    """Like `pytest.mark.parametrize`, but one test with a subtest for each case, whose name shows
    which case failed. Fixtures are made once for all cases."""
    keys = names.split(", ")

    def decorate(test):
        inner, below = getattr(test, "_each", (test, [{}]))
        here = [dict(zip(keys, v if len(keys) > 1 else (v,), strict=True)) for v in values]
        cases = [above | case for above in here for case in below]

        @functools.wraps(inner)
        def over_cases(subtests, **fixtures):
            for case in cases:
                with subtests.test(", ".join(map(shown, case.values()))):
                    inner(**case, **fixtures)
                forget_programs()

        given = [p for n, p in inspect.signature(inner).parameters.items() if n not in cases[0]]
        given = [p for p in given if p.default is p.empty]
        subtests = inspect.Parameter("subtests", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        over_cases.__signature__ = inspect.Signature([subtests, *given])
        over_cases._each = inner, cases
        return over_cases

    return decorate


def shown(value: Any) -> str:
    return (getattr(value, "__name__", None) or str(value))[:200]


def each_dtype(test: Callable) -> Callable:
    """One test for both precisions, float64 in JAX's 64-bit mode; it takes the `dtype` and
    optionally the `tolerance`."""
    parameters = inspect.signature(test).parameters
    given = [p for name, p in parameters.items() if name not in ("dtype", "tolerance")]

    @functools.wraps(test)
    def in_both(**fixtures):
        for name, tolerance in TOLERANCES.items():
            closeness = {"tolerance": tolerance} if "tolerance" in parameters else {}
            with jax.enable_x64(name == "float64"):
                try:
                    test(dtype=jnp.dtype(name), **closeness, **fixtures)
                except BaseException as error:
                    error.add_note(f"in {name}")
                    raise

    in_both.__signature__ = inspect.Signature(given)
    return in_both
