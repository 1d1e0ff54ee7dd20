"""The primitives of the equations in PyTorch, under JAX's names."""

# ruff: noqa: F401 (names for `namespace`)

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

    The exponents of a product in bfloat16 would be right to two digits.
    """
    if torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            return torch.matmul(x.to(weight.dtype), weight.mT)
    return torch.matmul(x, weight.mT)


def affine_product(weight, x):
    """Π (W x + 1 - W) over the last axis of x."""
    return torch.prod(weight * x.unsqueeze(-2) + (1 - weight), dim=-1)


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
