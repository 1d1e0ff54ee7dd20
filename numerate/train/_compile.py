"""Compiling programs for CPUs: XLA's defaults are for large arrays.

Three of them make small models three times slower (measured in `docs/engine.md`): half-width SIMD,
a thread-pool task for every operation, and sums by a kernel library. Here whole programs run in
parallel instead, each in one thread, and the whole training loop of a small model is one function
of machine code.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata

_OPTIONS = {"xla_cpu_prefer_vector_width": 512}
_ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}
# Calls with this mark are compiled to one function, without XLA's run-time. Such a function cannot
# call the kernel library, and matrix multiplication does not work in every case.
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

    - `function`: a function of arrays, as for `jax.jit`.
    - `shapes`: the shapes of its arguments, as arrays or `jax.ShapeDtypeStruct`s. If given, the
      function is compiled at once, otherwise at the first call.
    - `small`: compile it to one function of machine code, which is faster for models of a few
        parameters. If XLA cannot do that, it compiles as usual. Only with `shapes`.
    - `one_thread`: keep matrix products in the calling thread too. Otherwise XLA distributes large
      ones.
    - `options`: options of `jax.jit`, such as `donate_argnums`.

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
