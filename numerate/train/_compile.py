"""Compiling programs for CPUs: XLA's defaults are for large arrays.

Three of them cost a factor of three for small models (measured in `docs/engine.md`): half-width
SIMD; every operation a task of its own, handed to a pool of threads; and sums by a library of
kernels. Here whole programs run in parallel instead, each in one thread, and for a small model
the whole training loop is one function of machine code.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata

_OPTIONS = {"xla_cpu_prefer_vector_width": 512}
_ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}
# Calls that are marked so are compiled to one function, without XLA's run-time. It cannot call
# the library of kernels from there, nor does matrix multiplication work in every case.
_ONE_FUNCTION = {"xla_cpu_small_call": "true", "inlineable": "false"}
_NO_KERNEL_LIBRARY = {"xla_cpu_experimental_ynn_fusion_type": ""}


def compile_program(
    function: Callable[..., Any],
    *shapes: Any,
    small: bool = False,
    one_thread: bool = False,
    **options: Any,
) -> Any:
    """`function` compiled for one core of a CPU, to run beside others in `run_parallel`.

    **Arguments:**

    - `function`: of arrays, as for `jax.jit`.
    - `shapes`: of its arguments, as arrays or `jax.ShapeDtypeStruct`s: then it is compiled now, for
        these. Without them it is compiled when it is called.
    - `small`: compile it to one function of machine code, which is faster for models of a few
        parameters. An XLA that cannot do that compiles as usual. Only with `shapes`.
    - `one_thread`: keep matrix products in the calling thread too. XLA shares out large ones
        otherwise.
    - `options`: of `jax.jit`, such as `donate_argnums`.

    On accelerators this is `jax.jit`.

    !!! example
        >>> float(compile_program(lambda x: 2 * x, one_thread=True)(3.0))
        6.0
    """
    if jax.default_backend() != "cpu":
        return _compiled(jax.jit(function, **options), shapes)
    here = _OPTIONS | (_ONE_THREAD if one_thread else {})
    if small:
        try:
            as_one = jax.jit(
                _as_one_function(function), compiler_options=here | _NO_KERNEL_LIBRARY, **options
            )
            return _compiled(as_one, shapes)
        except jax.errors.JaxRuntimeError:
            pass
    return _compiled(jax.jit(function, compiler_options=here, **options), shapes)


def _compiled(jitted: Any, shapes: tuple) -> Any:
    return jitted.lower(*shapes).compile() if shapes else jitted


def _as_one_function(function: Callable[..., Any]) -> Callable[..., Any]:
    inner = jax.jit(function)

    def outer(*arguments: Any) -> Any:
        with set_xla_metadata(**_ONE_FUNCTION):
            return inner(*arguments)

    return outer
