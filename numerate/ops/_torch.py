"""The primitives of the equations in PyTorch, under JAX's names."""

# ruff: noqa: F401 (names for `namespace`)

import math
import pkgutil
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

# The largest number of factors in one array: 1 MiB in float32, which fits the cache.
PLAIN_FACTORS = 2**18


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
    dtype = torch.promote_types(weight.dtype, x.dtype)
    rows = x.to(dtype).reshape(-1, x.shape[-1])
    return _AffineProduct.apply(weight.to(dtype), rows).reshape(*x.shape[:-1], -1)


def product(factor, x, *weights, constants=()):
    """Π factor(x, *weights, *constants) over the last axis of x, for weights `(out, in)`.

    No array of all factors is stored: the backward pass recomputes them, one part of the examples
    at a time.
    """
    if _is_plain(weights[0], x):
        return _plain_product(factor, x, weights, constants)
    rows = x.reshape(-1, x.shape[-1])
    if torch.compiler.is_compiling():
        name = f"{factor.__module__}:{factor.__name__}"
        y = _product_rows(name, rows, list(weights), list(constants))
    else:
        plain = partial(_plain_product, factor, weights=weights, constants=constants)
        parts = [
            checkpoint(plain, xs, use_reentrant=False, preserve_rng_state=False)
            for (xs,) in _in_parts(weights[0], rows)
        ]
        y = torch.cat(parts)
    return y.reshape(*x.shape[:-1], -1)


def _plain_product(factor, x, weights, constants):
    return torch.prod(factor(x.unsqueeze(-2), *weights, *constants), dim=-1)


def _is_plain(weight, x):
    """Whether there are few factors, or a graph is exported, which needs PyTorch's own
    operators."""
    tracing = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    if torch.compiler.is_exporting() or tracing:
        return True
    return weight.numel() * math.prod(x.shape[:-1]) <= PLAIN_FACTORS


# Custom operators, because `torch.compile` would unroll the loops. They have no second derivative
# and raise an error if one is requested.
@torch.library.custom_op("numerate::affine_product", mutates_args=())
def _affine_rows(weight: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The products for the rows of x, without an array of all factors."""
    y, rest = x.new_empty(len(x), len(weight)), 1 - weight
    for xs, ys in _in_parts(weight, x, y):
        torch.prod(torch.addcmul(rest, weight, xs[:, None]), dim=-1, out=ys)
    return y


@torch.library.custom_op("numerate::affine_product_backward", mutates_args=())
def _affine_rows_backward(
    slope: torch.Tensor, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients by W and x. Where possible, the product of the other factors is y / factor."""
    of_weight, of_x, rest = torch.zeros_like(weight), torch.empty_like(x), 1 - weight
    smallest = torch.finfo(x.dtype).tiny
    for slopes, xs, ys, of_xs in _in_parts(weight, slope, x, y, of_x):
        factors = torch.addcmul(rest, weight, xs[:, None])
        others = torch.div((slopes * ys).unsqueeze(-1), factors, out=factors)
        row, out = torch.nonzero(~((ys.abs() >= smallest) & ys.isfinite()), as_tuple=True)
        if len(row) > 0:  # a factor of zero, an underflow or an overflow
            factors = torch.addcmul(rest[out], weight[out], xs[row])
            others[row, out] = slopes[row, out, None] * _products_of_others(factors)
        of_weight += torch.sum(others * (xs[:, None] - 1), dim=0)
        torch.sum(others.mul_(weight), dim=1, out=of_xs)
    return of_weight, of_x


def _in_parts(weight, *arrays):
    rows = max(1, PLAIN_FACTORS // weight.numel())
    return zip(*(array.split(rows) for array in arrays), strict=True)


def _products_of_others(factors):
    """For each factor the product of all others over the last axis, without a division."""
    before, after = torch.ones_like(factors), torch.ones_like(factors)
    before[..., 1:] = factors[..., :-1].cumprod(-1)
    after[..., :-1] = factors[..., 1:].flip(-1).cumprod(-1).flip(-1)
    return before * after


@_affine_rows.register_fake
def _(weight, x):
    return x.new_empty(len(x), len(weight))


@_affine_rows_backward.register_fake
def _(slope, weight, x, y):
    return torch.empty_like(weight), torch.empty_like(x)


class _AffineProduct(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(weight, x):
        return _affine_rows(weight, x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx, slope):
        return _affine_rows_backward(slope, *ctx.saved_tensors)


@torch.library.custom_op("numerate::product", mutates_args=())
def _product_rows(
    factor: str, x: torch.Tensor, weights: list[torch.Tensor], constants: list[float]
) -> torch.Tensor:
    """`product` for the rows of x, with the factor function given as "module:name"."""
    of = pkgutil.resolve_name(factor)
    return torch.cat(
        [_plain_product(of, xs, weights, constants) for (xs,) in _in_parts(weights[0], x)]
    )


@torch.library.custom_op("numerate::product_backward", mutates_args=())
def _product_rows_backward(
    slope: torch.Tensor,
    factor: str,
    x: torch.Tensor,
    weights: list[torch.Tensor],
    constants: list[float],
) -> list[torch.Tensor]:
    """The gradients by x and by each of the weights."""
    of, of_x = pkgutil.resolve_name(factor), torch.empty_like(x)
    of_weights = [torch.zeros_like(weight) for weight in weights]
    for slopes, xs, of_xs in _in_parts(weights[0], slope, x, of_x):
        pulled = torch.func.vjp(partial(_plain_product, of, constants=constants), xs, weights)[1]
        part, parts = pulled(slopes)
        of_xs.copy_(part)
        for total, part in zip(of_weights, parts, strict=True):
            total += part
    return [of_x, *of_weights]


@_product_rows.register_fake
def _(factor, x, weights, constants):
    return x.new_empty(len(x), len(weights[0]))


@_product_rows_backward.register_fake
def _(slope, factor, x, weights, constants):
    return [torch.empty_like(a) for a in (x, *weights)]


def _keep_for_product(ctx, inputs, output):
    ctx.factor, x, weights, ctx.constants = inputs
    ctx.save_for_backward(x, *weights)


def _product_gradient(ctx, slope):
    x, *weights = ctx.saved_tensors
    of_x, *of_weights = _product_rows_backward(slope, ctx.factor, x, weights, ctx.constants)
    # PyTorch treats an empty list as a list of tensors, and expects as many gradients.
    return None, of_x, of_weights, None if ctx.constants else []


_product_rows.register_autograd(_product_gradient, setup_context=_keep_for_product)


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
