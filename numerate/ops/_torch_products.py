"""Products of many factors in PyTorch, forward and backward, without an array of all factors.

They are custom operators, because `torch.compile` would unroll the loops. They have no second
derivative and raise an error if one is requested.
"""

import itertools
import pkgutil
from functools import cache, partial
from importlib import import_module
from types import ModuleType

import torch

# The largest number of factors in one array: 1 MiB in float32, which fits the cache.
PLAIN_FACTORS = 2**18
# A large W is taken so many weights at a time, which stay in the cache for several examples.
TILE, FEW_ROWS = 2**15, 16


def affine_rows(weight, x, divisor=None):
    """Π (W x + 1 - W), or Π (W x + 1 - W) / (W d + 1 - W), for the rows of x and d.

    There is no gradient by d.
    """
    return _AffineProduct.apply(weight, x, divisor)[0]


class _AffineProduct(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(weight, x, divisor):
        return _affine_rows(weight, x, divisor)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(output[1])
        ctx.save_for_backward(*inputs, *output)

    @staticmethod
    def backward(ctx, gradient, _):
        return *_affine_rows_backward(gradient, *ctx.saved_tensors), None


@torch.library.custom_op("numerate::affine_product", mutates_args=())
def _affine_rows(
    weight: torch.Tensor, x: torch.Tensor, divisor: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """The products, and where they may be divided by each of their factors."""
    kernels, smallest = _kernels_for(weight, x, divisor)
    if kernels is not None:
        return kernels.product(weight, x, divisor, smallest)
    y = x.new_empty(len(x), len(weight))
    for w, y_w in _in_tiles([weight], y):
        above = _AffineFactors(w, x)
        below = None if divisor is None else _AffineFactors(w, x)
        for xs, ds, ys in in_parts(w, x, divisor, y_w):
            factors = above(xs)
            if below is not None:
                factors.div_(below(ds))
            ys.copy_(torch.prod(factors, dim=-1))
    return y, _is_normal(y)


@torch.library.custom_op("numerate::affine_product_backward", mutates_args=())
def _affine_rows_backward(
    gradient: torch.Tensor,
    weight: torch.Tensor,
    x: torch.Tensor,
    divisor: torch.Tensor | None,
    y: torch.Tensor,
    divisible: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradients by W and x: of a factor x - 1 and W, of a quotient (x - d) / below² and
    W / below. Where possible, the product of the other factors is y / factor."""
    kernels, _ = _kernels_for(weight, x, divisor)
    if kernels is not None:
        of_weight, of_x = kernels.gradients(gradient, weight, x, divisor, y, divisible)
        _add_indivisible(of_weight, of_x, gradient, weight, x, divisor, y, divisible)
        return of_weight, of_x
    of_weight, of_x = (a.new_zeros(a.shape) for a in (weight, x))
    for w, of_w, *of_outputs in _in_tiles([weight, of_weight], gradient, y, divisible):
        above = _AffineFactors(w, x)
        below = None if divisor is None else _AffineFactors(w, x)
        parts = in_parts(w, x, divisor, of_x, *of_outputs)
        for xs, ds, of_xs, gradients, ys, ok in parts:
            others = above(xs)
            torch.div((gradients * ys).unsqueeze(-1), others, out=others)
            row, out = torch.nonzero(~ok, as_tuple=True)
            if len(row) > 0:
                others[row, out], _ = _of_others(gradients, w, xs, ds, row, out)
            if below is None:
                _add_by_weight(of_w, others, xs - 1)
            else:
                bottom = below(ds)
                _add_by_weight(of_w, torch.div(others, bottom, out=bottom), xs - ds)
            of_xs += torch.sum(others.mul_(w), dim=1)
    return of_weight, of_x


@cache
def _kernels() -> ModuleType | None:
    """The compiled products; `None` if Numba is not installed, or not for these versions."""
    try:
        return import_module("numerate.ops._kernels")
    except ImportError:
        return None


def _kernels_for(weight, x, divisor):
    """The compiled products and the smallest group they may divide by, if they take these."""
    kernels = _kernels() if x.device.type == "cpu" else None
    smallest = kernels and kernels.smallest_group(weight, x, divisor)
    return (None, None) if smallest is None else (kernels, smallest)


def _is_normal(y):
    """False for a product with a factor of zero, an underflow or an overflow."""
    return (y.abs() >= torch.finfo(y.dtype).tiny) & y.isfinite()


def _add_indivisible(of_weight, of_x, gradient, weight, x, divisor, y, divisible):
    """Add the gradients of the products that the kernels leave out, in place."""
    pairs = torch.nonzero(~divisible)
    pairs = pairs[gradient[pairs[:, 0], pairs[:, 1]] != 0]
    for some in pairs.split(max(1, PLAIN_FACTORS // weight.shape[1])):
        row, out = some.unbind(1)
        others, below = _of_others(gradient, weight, x, divisor, row, out, y)
        difference = x[row] - (1 if divisor is None else divisor[row])
        of_weight.index_add_(0, out, others / below * difference)
        of_x.index_add_(0, row, others * weight[out])


def _of_others(gradient, weight, x, divisor, row, out, y=None):
    """For some pairs of an example and an output, the gradient by each factor, and the divisors.

    The product of the others is that of the factors before and after, so that a factor may be zero,
    or y over the factor where y is given and normal.
    """
    w, rest = weight[out], 1 - weight[out]
    factors, below = torch.addcmul(rest, w, x[row]), torch.ones_like(w)
    if divisor is not None:
        below = torch.addcmul(rest, w, divisor[row])
        factors /= below
    before, after = torch.ones_like(factors), torch.ones_like(factors)
    before[..., 1:] = factors[..., :-1].cumprod(-1)
    after[..., :-1] = factors[..., 1:].flip(-1).cumprod(-1).flip(-1)
    others = before * after
    if y is not None:
        normal = _is_normal(y[row, out])[:, None]
        others = torch.where(normal, y[row, out, None] / factors, others)
    return gradient[row, out, None] * others / below, below


def _in_tiles(weights, *outputs):
    """Some rows of weights, and the same columns of outputs, at a time."""
    size = max(1, TILE // weights[0].shape[-1])
    rows = (weight.split(size) for weight in weights)
    return zip(*rows, *(output.split(size, dim=1) for output in outputs), strict=True)


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


def _rows_at_a_time(weight):
    return max(1, PLAIN_FACTORS // weight.numel())


def in_parts(weight, *arrays):
    """Some rows of the arrays at a time, so that their factors fit the cache; None stays None."""
    rows = _rows_at_a_time(weight)
    count = len(next(a for a in arrays if a is not None).split(rows))
    parts = (itertools.repeat(None, count) if a is None else a.split(rows) for a in arrays)
    return zip(*parts, strict=True)


@_affine_rows.register_fake
def _(weight, x, divisor):
    y = x.new_empty(len(x), len(weight))
    return y, y.new_empty(y.shape, dtype=torch.bool)


@_affine_rows_backward.register_fake
def _(gradient, weight, x, divisor, y, divisible):
    return weight.new_empty(weight.shape), x.new_empty(x.shape)


def plain_product(factor, x, weights, constants):
    return torch.prod(factor(x.unsqueeze(-2), *weights, *constants), dim=-1)


@torch.library.custom_op("numerate::product", mutates_args=())
def product_rows(
    factor: str, x: torch.Tensor, weights: list[torch.Tensor], constants: list[float]
) -> torch.Tensor:
    """`product` for the rows of x, with the factor function given as "module:name"."""
    of = pkgutil.resolve_name(factor)
    return torch.cat(
        [plain_product(of, xs, weights, constants) for (xs,) in in_parts(weights[0], x)]
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
    for gradients, xs, of_xs in in_parts(weights[0], gradient, x, of_x):
        pulled = torch.func.vjp(partial(plain_product, of, constants=constants), xs, weights)[1]
        part, parts = pulled(gradients)
        of_xs.copy_(part)
        for total, part in zip(of_weights, parts, strict=True):
            total += part
    return [of_x, *of_weights]


@product_rows.register_fake
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


product_rows.register_autograd(_product_gradient, setup_context=_keep_for_product)
