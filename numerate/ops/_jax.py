"""The primitives of the equations in JAX."""

# ruff: noqa: F401 (names for `namespace`)

import functools
import math
import operator

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.custom_derivatives import SymbolicZero
from jax.nn import log_sigmoid, sigmoid, softmax, softplus
from jax.numpy import (
    abs,
    broadcast_to,
    clip,
    concatenate,
    cos,
    exp,
    expm1,
    floor,
    log,
    maximum,
    mean,
    minimum,
    power,
    prod,
    round,
    sign,
    sin,
    square,
    stack,
    sum,
    tanh,
    where,
)

stop_gradient = jax.lax.stop_gradient

# Up to this many weights, sums and products are unrolled into scalar operations. Under `vmap` over
# seeds and examples a matmul of tiny matrices becomes a batched matmul with a seed axis, which is
# slow on all backends. Unrolled, a whole unit is elementwise and XLA fuses it into one loop. On 2
# CPU cores (225 seeds, batch 128, Adam) a NALU trains 1.7 times faster for 2→1, 2.2 times for 4→1,
# 1.5 times for 6→1 and 1.2 times for 2→2→1; from 8 weights on it is slower.
UNROLLED_PRODUCTS = 6

# Up to this many factors per example, a product is one `prod` over an array of all factors. For
# more, a scan is faster, 1.3 times for 32→32 and 10 times for 256→16 with 1024 examples, and takes
# a twentieth of the memory. Each of its steps multiplies `CHUNK` inputs.
PLAIN_FACTORS = 1000
CHUNK = 16


def magnitude(x):
    """|x| with slope 0 at 0, where that of `abs` is 1."""
    return x * sign(x)


def matvec(weight, x):
    """W x over the last axis of x, in the full precision of its dtype on every device."""
    if weight.size == 0:
        return jnp.zeros((*x.shape[:-1], weight.shape[0]), weight.dtype)
    if weight.size > UNROLLED_PRODUCTS or x.ndim > 1:
        return jnp.matmul(x, weight.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.stack([_dot(row, x) for row in weight])


def _dot(row, x):
    total = row[0] * x[0]
    for i in range(1, x.size):
        total = total + row[i] * x[i]
    return total


def affine_product(weight, x):
    """Π (W x + 1 - W) over the last axis of x."""
    if weight.size > PLAIN_FACTORS:
        return _scanned_product(_affine, x, weight)
    factors = weight * x[..., None, :] + (1 - weight)
    if factors.size > UNROLLED_PRODUCTS or factors.size == 0:
        return jnp.prod(factors, axis=-1)
    total = factors[..., 0]
    for i in range(1, x.shape[-1]):
        total = total * factors[..., i]
    return total


def affine_quotient(weight, x, divisor):
    """Π (W x + 1 - W) / (W d + 1 - W) over the last axis of x and d."""
    if weight.size > PLAIN_FACTORS:
        return _scanned_product(_affine, x, weight, divisor=divisor)
    rest = 1 - weight
    above, below = (weight * a[..., None, :] + rest for a in (x, divisor))
    return jnp.prod(above / below, axis=-1)


def product(factor, x, *weights, constants=()):
    """Π factor(x, *weights, *constants) over the last axis of x, for weights `(out, in)`."""

    def of(x, *weights):
        return factor(x, *weights, *constants)

    if weights[0].size > PLAIN_FACTORS:
        return _scanned_product(of, x, *weights)
    return jnp.prod(of(x[..., None, :], *weights), axis=-1)


def _scanned_product(factor, x, *weights, divisor=None):
    """Π factor(x, *weights) over the last axis of x, without an array of all factors; over the same
    product of the divisor, if there is one, chunk by chunk.

    A scan multiplies them chunk by chunk. The backward pass recomputes the factors of a chunk from
    the product before it. With n chunks in two nested levels, about 2√n of these products are
    stored. Nothing is divided by a factor of x, which may be zero. There is no `custom_vjp`: under
    `vmap` it would return one weight gradient per example; here they are summed inside the scan.
    """
    outer, inner, size = _chunks(x.shape[-1])

    # Padding with inputs of 1 and weights of 0 gives factors of 1.
    def split(array, blank):
        array = jnp.moveaxis(array, -1, 0)
        blanks = blank((outer * inner * size - len(array), *array.shape[1:]), array.dtype)
        array = jnp.concatenate([array, blanks])
        return array.reshape(outer, inner, size, *array.shape[1:])

    def times(y, xs, ws):
        for i in range(size):
            y = y * factor(xs[i][..., None], *(w[i] for w in ws))
        return y

    def chunk(y, these):
        inputs, ws = these
        if divisor is None:
            return times(y, inputs[0], ws), None
        above, below = (times(1, xs, ws) for xs in inputs)
        return y * (above / below), None

    def chunks(y, these):
        return jax.lax.scan(jax.checkpoint(chunk), y, these)[0], None

    shape = (*x.shape[:-1], weights[0].shape[0])
    one = jnp.ones(shape, jnp.result_type(x, *weights))
    inputs = [x] if divisor is None else [x, divisor]
    these = [split(x, jnp.ones) for x in inputs], [split(w, jnp.zeros) for w in weights]
    return jax.lax.scan(jax.checkpoint(chunks), one, these)[0]


def _chunks(features):
    """The numbers of outer chunks, inner chunks and features per chunk that cover all features."""
    count = -(-features // CHUNK)
    outer = math.isqrt(count)
    inner = -(-count // outer)
    return outer, inner, -(-features // (outer * inner))


@jax.custom_jvp
def _affine(x, weight):
    """W x + 1 - W for one input of each example, `(*batch, 1)`, and its weights, `(out,)`.

    The tangent is written as matmuls, so that its transpose consists of matmuls too: XLA on CPUs
    stores all terms of any other sum of products.
    """
    return weight * x + (1 - weight)


@functools.partial(_affine.defjvp, symbolic_zeros=True)
def _affine_jvp(primals, tangents):
    x, weight = primals
    pairs = [(tangents[0], weight), (x - 1, tangents[1])]
    terms = [
        jnp.matmul(a, b[None], precision=jax.lax.Precision.HIGHEST)
        for a, b in pairs
        if not isinstance(a, SymbolicZero) and not isinstance(b, SymbolicZero)
    ]
    return _affine(x, weight), functools.reduce(operator.add, terms)


def negative(x):
    """1 where x < 0, else 0, in the dtype of x."""
    return (x < 0).astype(x.dtype)


def ones(shape, like):
    """Ones of the dtype of `like`."""
    return jnp.ones(shape, like.dtype)


def zeros(shape, like):
    """Zeros of the dtype of `like`."""
    return jnp.zeros(shape, like.dtype)


def eps(x) -> float:
    """The machine epsilon of the dtype of x."""
    return float(jnp.finfo(x.dtype).eps)


def tiny(x) -> float:
    """The smallest normal number of the dtype of x."""
    return float(jnp.finfo(x.dtype).tiny)


def known(x):
    """The value of x as a NumPy array; None if x is traced."""
    return None if isinstance(x, Tracer) else np.asarray(x)
