"""The primitives of the equations in PyTorch, under JAX's names."""

# ruff: noqa: F401 (names for `namespace`)

import math
from functools import partial

import torch
from torch import (
    abs,
    broadcast_to,
    clip,
    cos,
    exp,
    expm1,
    floor,
    log,
    maximum,
    mean,
    minimum,
    prod,
    round,
    sigmoid,
    sign,
    sin,
    square,
    sum,
    tanh,
)
from torch import abs as magnitude  # its slope at 0 is 0
from torch import pow as power
from torch.nn.functional import logsigmoid as log_sigmoid
from torch.nn.functional import softplus
from torch.utils.checkpoint import checkpoint

from numerate.ops._torch_products import (
    PLAIN_FACTORS,
    affine_rows,
    in_parts,
    plain_product,
    product_rows,
)


def concatenate(arrays, axis=0):
    return torch.cat(arrays, dim=axis)


def stack(arrays, axis=0):
    return torch.stack(arrays, dim=axis)


def softmax(x, axis=-1):
    return torch.softmax(x, dim=axis)


def where(condition, yes, no):
    return torch.where(condition, yes, no)


def stop_gradient(x):
    return x.detach()


def matvec(weight, x):
    """W x over the last axis of x, in the dtype of the weight also under autocast.

    In bfloat16, the exponents of a product would have two correct digits.
    """
    if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            return torch.matmul(x.to(weight.dtype), weight.mT)
    return torch.matmul(x, weight.mT)


def affine_product(weight, x):
    """Π (W x + 1 - W) over the last axis of x."""
    if _is_plain(weight, x):
        return torch.prod(weight * x.unsqueeze(-2) + (1 - weight), dim=-1)
    return _in_rows(weight, x)


def affine_quotient(weight, x, divisor):
    """Π (W x + 1 - W) / (W d + 1 - W) over the last axis of x and d; no gradient by d."""
    if _is_plain(weight, x):
        above, below = (weight * a.unsqueeze(-2) + (1 - weight) for a in (x, divisor))
        return torch.prod(above / below, dim=-1)
    return _in_rows(weight, x, torch.broadcast_to(divisor, x.shape))


def _in_rows(weight, *inputs):
    dtype, shape = torch.promote_types(weight.dtype, inputs[0].dtype), inputs[0].shape
    rows = (a.to(dtype).reshape(-1, shape[-1]) for a in inputs)
    return affine_rows(weight.to(dtype), *rows).reshape(*shape[:-1], -1)


def product(factor, x, *weights, constants=()):
    """Π factor(x, *weights, *constants) over the last axis of x, for weights `(out, in)`.

    No array of all factors is stored: the backward pass recomputes them, one part of the examples
    at a time.
    """
    if _is_plain(weights[0], x):
        return plain_product(factor, x, weights, constants)
    rows = x.reshape(-1, x.shape[-1])
    if torch.compiler.is_compiling():
        name = f"{factor.__module__}:{factor.__name__}"
        y = product_rows(name, rows, list(weights), list(constants))
    else:
        plain = partial(plain_product, factor, weights=weights, constants=constants)
        parts = [
            checkpoint(plain, xs, use_reentrant=False, preserve_rng_state=False)
            for (xs,) in in_parts(weights[0], rows)
        ]
        y = torch.cat(parts)
    return y.reshape(*x.shape[:-1], -1)


def _is_plain(weight, x):
    """Whether there are few factors, or a graph is exported, which needs PyTorch's own
    operators."""
    tracing = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    if torch.compiler.is_exporting() or tracing:
        return True
    return weight.numel() * math.prod(x.shape[:-1]) <= PLAIN_FACTORS


def negative(x):
    """1 where x < 0, else 0, in the dtype of x."""
    return (x < 0).to(x.dtype)


def ones(shape, like):
    """Ones of the dtype of `like`."""
    return torch.ones(shape, dtype=like.dtype, device=like.device)


def zeros(shape, like):
    """Zeros of the dtype of `like`."""
    return torch.zeros(shape, dtype=like.dtype, device=like.device)


def eps(x) -> float:
    """The machine epsilon of the dtype of x."""
    return torch.finfo(x.dtype).eps


def tiny(x) -> float:
    """The smallest normal number of the dtype of x."""
    return torch.finfo(x.dtype).tiny


def known(x):
    """The value of x as a NumPy array; None if x is traced."""
    if x.device.type == "meta" or torch.compiler.is_compiling():
        return None
    try:
        return x.detach().cpu().double().numpy()
    except RuntimeError:  # `torch.func` maps over it
        return None
