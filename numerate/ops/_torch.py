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
# A large W is taken so many weights at a time, which stay in the cache for several examples.
TILE, FEW_ROWS = 2**15, 16


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


def affine_quotient(weight, x, divisor):
    """Π (W x + 1 - W) / (W d + 1 - W) over the last axis of x and d; no gradient by d."""
    if _is_plain(weight, x):
        above, below = (weight * a.unsqueeze(-2) + (1 - weight) for a in (x, divisor))
        return torch.prod(above / below, dim=-1)
    dtype = torch.promote_types(weight.dtype, x.dtype)
    rows = (a.to(dtype).reshape(-1, x.shape[-1]) for a in (x, divisor))
    return _AffineQuotient.apply(weight.to(dtype), *rows).reshape(*x.shape[:-1], -1)


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
    y = x.new_empty(len(x), len(weight))
    for w, y_w in _in_tiles([weight], y):
        factors = _AffineFactors(w, x)
        for xs, ys in _in_parts(w, x, y_w):
            ys.copy_(torch.prod(factors(xs), dim=-1))
    return y


@torch.library.custom_op("numerate::affine_product_backward", mutates_args=())
def _affine_rows_backward(
    gradient: torch.Tensor, weight: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients by W and x. Where possible, the product of the other factors is y / factor."""
    of_weight, of_x = torch.zeros_like(weight), torch.zeros_like(x)
    for w, of_w, y_w, gradient_w in _in_tiles([weight, of_weight], y, gradient):
        factors = _AffineFactors(w, x)
        for gradients, xs, ys, of_xs in _in_parts(w, gradient_w, x, y_w, of_x):
            others = factors(xs)
            torch.div((gradients * ys).unsqueeze(-1), others, out=others)
            row, out = _not_divisible(ys)
            if len(row) > 0:
                products = _products_of_others(factors.of(xs, row, out))
                others[row, out] = gradients[row, out, None] * products
            _add_by_weight(of_w, others, xs - 1)
            of_xs += torch.sum(others.mul_(w), dim=1)
    return of_weight, of_x


@torch.library.custom_op("numerate::affine_quotient", mutates_args=())
def _quotient_rows(weight: torch.Tensor, x: torch.Tensor, divisor: torch.Tensor) -> torch.Tensor:
    """The products of quotients for the rows of x, without an array of all factors."""
    y = x.new_empty(len(x), len(weight))
    for w, y_w in _in_tiles([weight], y):
        above, below = _AffineFactors(w, x), _AffineFactors(w, x)
        for xs, ds, ys in _in_parts(w, x, divisor, y_w):
            ys.copy_(torch.prod(above(xs).div_(below(ds)), dim=-1))
    return y


@torch.library.custom_op("numerate::affine_quotient_backward", mutates_args=())
def _quotient_rows_backward(
    gradient: torch.Tensor,
    weight: torch.Tensor,
    x: torch.Tensor,
    divisor: torch.Tensor,
    y: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients by W and x: of a quotient W / below, and (x - d) / below²."""
    of_weight, of_x = torch.zeros_like(weight), torch.zeros_like(x)
    for w, of_w, y_w, gradient_w in _in_tiles([weight, of_weight], y, gradient):
        above, below = _AffineFactors(w, x), _AffineFactors(w, x)
        for gradients, xs, ds, ys, of_xs in _in_parts(w, gradient_w, x, divisor, y_w, of_x):
            others, bottom = above(xs), below(ds)
            torch.div((gradients * ys).unsqueeze(-1), others, out=others)
            row, out = _not_divisible(ys)
            if len(row) > 0:
                bottoms = bottom[row, out]
                products = _products_of_others(above.of(xs, row, out) / bottoms)
                others[row, out] = gradients[row, out, None] * products / bottoms
            _add_by_weight(of_w, torch.div(others, bottom, out=bottom), xs - ds)
            of_xs += torch.sum(others.mul_(w), dim=1)
    return of_weight, of_x


def _in_tiles(weights, *outputs):
    """Some rows of weights, and the same columns of outputs, at a time."""
    size = max(1, TILE // weights[0].shape[-1])
    rows = (weight.split(size) for weight in weights)
    return zip(*rows, *(output.split(size, dim=1) for output in outputs), strict=True)


def _not_divisible(y):
    """Where a product has a factor of zero, an underflow or an overflow."""
    smallest = torch.finfo(y.dtype).tiny
    return torch.nonzero(~((y.abs() >= smallest) & y.isfinite()), as_tuple=True)


def _add_by_weight(total, gradients, x):
    """total += Σ gradients x over the rows of x, in place, and row by row if these are few."""
    if len(x) > FEW_ROWS:
        total += torch.sum(gradients * x[:, None], dim=0)
        return
    for row, gradient_of_row in zip(x, gradients, strict=True):
        total.addcmul_(gradient_of_row, row)


class _AffineFactors:
    """W x + 1 - W for some rows of x at a time, in the same memory each time."""

    def __init__(self, weight: torch.Tensor, x: torch.Tensor):
        self.weight, self.rest = weight, torch.rsub(weight, 1)
        self.room = x.new_empty(min(_rows_at_a_time(weight), len(x)), *weight.shape)

    def __call__(self, xs):
        out = self.room[: len(xs)]
        return torch.addcmul(self.rest, self.weight, xs[:, None], out=out)

    def of(self, xs, row, out):
        """Those of some pairs of a row and an output."""
        return torch.addcmul(self.rest[out], self.weight[out], xs[row])


def _rows_at_a_time(weight):
    return max(1, PLAIN_FACTORS // weight.numel())


def _in_parts(weight, *arrays):
    rows = _rows_at_a_time(weight)
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
def _(gradient, weight, x, y):
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
    def backward(ctx, gradient):
        return _affine_rows_backward(gradient, *ctx.saved_tensors)


@_quotient_rows.register_fake
def _(weight, x, divisor):
    return x.new_empty(len(x), len(weight))


@_quotient_rows_backward.register_fake
def _(gradient, weight, x, divisor, y):
    return torch.empty_like(weight), torch.empty_like(x)


class _AffineQuotient(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(weight, x, divisor):
        return _quotient_rows(weight, x, divisor)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, output)

    @staticmethod
    def backward(ctx, gradient):
        return *_quotient_rows_backward(gradient, *ctx.saved_tensors), None


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
    gradient: torch.Tensor,
    factor: str,
    x: torch.Tensor,
    weights: list[torch.Tensor],
    constants: list[float],
) -> list[torch.Tensor]:
    """The gradients by x and by each of the weights."""
    of, of_x = pkgutil.resolve_name(factor), torch.empty_like(x)
    of_weights = [torch.zeros_like(weight) for weight in weights]
    for gradients, xs, of_xs in _in_parts(weights[0], gradient, x, of_x):
        pulled = torch.func.vjp(partial(_plain_product, of, constants=constants), xs, weights)[1]
        part, parts = pulled(gradients)
        of_xs.copy_(part)
        for total, part in zip(of_weights, parts, strict=True):
            total += part
    return [of_x, *of_weights]


@_product_rows.register_fake
def _(factor, x, weights, constants):
    return x.new_empty(len(x), len(weights[0]))


@_product_rows_backward.register_fake
def _(gradient, factor, x, weights, constants):
    return [torch.empty_like(a) for a in (x, *weights)]


def _keep_for_product(ctx, inputs, output):
    ctx.factor, x, weights, ctx.constants = inputs
    ctx.save_for_backward(x, *weights)


def _product_gradient(ctx, gradient):
    x, *weights = ctx.saved_tensors
    of_x, *of_weights = _product_rows_backward(gradient, ctx.factor, x, weights, ctx.constants)
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
