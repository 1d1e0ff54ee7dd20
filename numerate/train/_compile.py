"""How the program of a chunk is compiled for a CPU: XLA's defaults are for large arrays.

Three of them cost a factor of three for small models (measured in `docs/engine.md`): half-width
SIMD; every operation a task of its own, handed to a pool of threads; and sums by a library of
kernels. Here whole chunks run in parallel instead, each in one thread, and for a small model
the whole training loop is one function of machine code.
"""

from collections.abc import Callable
from typing import Any

import jax
from jax.experimental.xla_metadata import set_xla_metadata

_OPTIONS = {"xla_cpu_prefer_vector_width": 512}
# Calls that are marked so are compiled to one function, without XLA's run-time. It cannot call
# the library of kernels from there, nor does matrix multiplication work in every case.
_ONE_FUNCTION = {"xla_cpu_small_call": "true", "inlineable": "false"}
_NO_KERNEL_LIBRARY = {"xla_cpu_experimental_ynn_fusion_type": ""}


def compile_chunk(function: Callable[..., Any], *shapes: Any, small: bool) -> Any:
    """The compiled `function`, whose first argument is donated; `small` as one machine function.

    An XLA that cannot do that, an older one or one for another device, compiles as usual.
    """
    if jax.default_backend() != "cpu":
        return jax.jit(function, donate_argnums=0).lower(*shapes).compile()
    if small:
        try:
            return _compiled(_as_one_function(function), shapes, _OPTIONS | _NO_KERNEL_LIBRARY)
        except jax.errors.JaxRuntimeError:
            pass
    return _compiled(function, shapes, _OPTIONS)


def _compiled(function: Callable[..., Any], shapes: tuple, options: dict) -> Callable[..., Any]:
    jitted = jax.jit(function, donate_argnums=0, compiler_options=options)
    return jitted.lower(*shapes).compile()


def _as_one_function(function: Callable[..., Any]) -> Callable[..., Any]:
    inner = jax.jit(function)

    def outer(*arguments: Any) -> Any:
        with set_xla_metadata(**_ONE_FUNCTION):
            return inner(*arguments)

    return outer
