"""Large products of affine factors on CPUs, compiled by Numba; for `_torch_products.py`.

PyTorch's operators read and write all factors about ten times. Here a factor exists in a register
only, forward and backward.

The factors of a product are a = W x + 1 - W, those of a quotient a / b with b = W d + 1 - W. The
gradients need 1 / a or 1 / (a b) of each. The factors of a group of four inputs share a division:
the reciprocal of their product, times the other three, is that of one (Montgomery 1987, Mathematics
of Computation 48). This is exact to rounding if no product of some factors of a group leaves the
range of the dtype. `smallest_group` looks at the largest factors; `product` tells where a group is
too small.
"""

import inspect
import math
from collections.abc import Callable
from functools import cache
from threading import Thread
from typing import Any

import numba
import numpy as np
import torch
from numba.core import config
from numba.extending import intrinsic
from torch.nn.functional import pad

if getattr(config, "DISABLE_JIT", False):
    raise ImportError("Numba compiles nothing where NUMBA_DISABLE_JIT is set")

# Up to so many factors, a thousand steps would not save the time to compile.
MANY_FACTORS = 2**21
# A tile has the numbers of so many examples next to each other, for one input after the other.
LANES = 256
GROUP = 4  # the inputs that share a division
PAIR = 2 * GROUP  # the inputs that share one in the forward pass
INPUTS, OUTPUTS = 2048, 256  # at a time; the tiles of outputs stay in the cache
FEW_OUTPUTS = 3  # for which moving the inputs into tiles takes longer than their products
BLOCK = 16  # numbers that are moved together: a line of the cache
# Indices of tiles are unsigned: Numba asks of others whether they are negative, and a loop with a
# question is not compiled to vectors.
ROW, ROW2, ROW3, ROW4 = (np.uintp(k * LANES) for k in (1, 2, 3, 4))

Part = tuple[int, int]


def _compiled(*math_flags: str) -> Callable[[Callable], Callable]:
    """Compile a function for threads, with the fused multiply-add and other flags of LLVM."""
    flags = {"contract", *math_flags}
    compiler = numba.njit(nogil=True, error_model="numpy", fastmath=flags)
    # Without what checks the shapes of arguments while tests run.
    return lambda function: compiler(inspect.unwrap(function))


def smallest_group(
    weight: torch.Tensor, x: torch.Tensor, divisor: torch.Tensor | None = None
) -> float | None:
    """The smallest |Π a| of a pair of groups that may be divided by; `None` if a kernel would not
    be exact, or not faster."""
    if weight.device.type != "cpu" or weight.dtype not in (torch.float32, torch.float64):
        return None
    if len(x) * weight.numel() <= MANY_FACTORS or 2 * len(x) < LANES:
        return None
    if len(weight) <= FEW_OUTPUTS or x.shape[1:] != weight.shape[1:]:
        return None
    if divisor is not None and divisor.shape != x.shape:
        return None
    largest = 2.0 ** (math.log2(torch.finfo(weight.dtype).max) // PAIR)
    lowest, highest = _factors_between(weight, x)
    top, bottom, most_below = max(-lowest, highest), 1.0, 1.0
    if divisor is not None:
        bottom, most_below = _factors_between(weight, divisor)
    # False for NaN. Small divisors would allow factors of x whose products are out of range.
    if not (top <= largest and most_below <= largest and bottom >= 0.5):
        return None
    # The product of some factors of a group is that of a pair of groups, over all the others.
    most = top**GROUP * (top * most_below) ** (GROUP - 1) / bottom**GROUP
    tiny = torch.finfo(weight.dtype).tiny
    # One huge factor would make many usual products too small.
    return most * tiny if most * tiny < tiny**0.3 else None


def _factors_between(weight, x) -> tuple[float, float]:
    """Bounds of W x + 1 - W, which is extreme where W and x are, and of its rounding."""
    weights, inputs = ([float(a) for a in torch.aminmax(t)] for t in (weight, x))
    corners = [1 + w * (a - 1) for w in weights for a in inputs]
    terms = [1 + abs(w) * (abs(a) + 1) for w in weights for a in inputs]
    rounding = 4 * torch.finfo(weight.dtype).eps * max(terms)
    return min(corners) - rounding, max(corners) + rounding


def product(
    weight: torch.Tensor, x: torch.Tensor, divisor: torch.Tensor | None, smallest: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The products or quotients, `(batch, out)`, and which may be divided by their factors: no pair
    of groups has a product below `smallest`, and they are neither zero nor out of range."""
    w, limits = _padded(weight), torch.finfo(weight.dtype)
    y = x.new_empty(len(x), len(w))
    divisible = y.new_empty(y.shape, dtype=torch.bool)
    arrays = _arrays(w, 1 - w, x, x if divisor is None else divisor, y, divisible)
    bounds = smallest, limits.tiny, limits.max
    jobs = _jobs(len(x), len(w), 1)
    rooms = _rooms(x, len(jobs), 2 * min(INPUTS, w.shape[1]) + 2 * OUTPUTS)
    calls = [(*arrays, bounds, room, *job) for room, job in zip(rooms, jobs, strict=True)]
    _in_threads(_kernels(divisor is not None)[0], calls)
    return y, divisible


def gradients(
    gradient: torch.Tensor,
    weight: torch.Tensor,
    x: torch.Tensor,
    divisor: torch.Tensor | None,
    y: torch.Tensor,
    divisible: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Those by W and x of the products y that may be divided, with the gradient by y."""
    w, of_x = _padded(weight), x.new_empty(x.shape)
    d = x if divisor is None else divisor
    arrays = _arrays(w, 1 - w, x, d, gradient, y, divisible, of_x)
    jobs = _jobs(len(x), w.shape[1], GROUP)
    first, last = jobs[0][1]
    rooms = _rooms(x, len(jobs), 4 * min(INPUTS, last - first) + OUTPUTS)
    # Threads that share out the examples have sums of their own.
    copies = len(jobs) if (first, last) == (0, w.shape[1]) else 1
    of_weights = w.new_zeros(copies, *w.shape)
    totals = [*of_weights.numpy()] * (len(jobs) // copies)
    own = zip(totals, rooms, jobs, strict=True)
    calls = [(*arrays, total, room, *job) for total, room, job in own]
    _in_threads(_kernels(divisor is not None)[1], calls)
    return of_weights.sum(0)[:, : x.shape[1]].contiguous(), of_x


def _padded(weight):
    return pad(weight, (0, -weight.shape[1] % PAIR)).contiguous()


def _arrays(*tensors):
    return [tensor.contiguous().numpy() for tensor in tensors]


def _rooms(x, count, rows):
    """Memory for the tiles of each job. PyTorch's is aligned to the widest vectors."""
    return x.new_empty(count, rows * LANES).numpy()


def _jobs(examples: int, columns: int, step: int) -> list[tuple[Part, Part]]:
    """One for each thread: some tiles of examples, or if these are too few, some columns of all."""
    threads = torch.get_num_threads()
    if examples > (threads - 1) * LANES:
        return [(part, (0, columns)) for part in _parts(examples, threads, LANES)]
    return [((0, examples), part) for part in _parts(columns, threads, step)]


def _parts(count: int, parts: int, step: int) -> list[Part]:
    size = step * math.ceil(count / (step * parts))
    return [(start, min(start + size, count)) for start in range(0, count, size)]


def _in_threads(kernel: Callable, calls: list[tuple]) -> None:
    """Make the calls, each in a thread; the first, and those that get none, in this one."""
    raised: list[BaseException] = []

    def call(arguments: tuple) -> None:
        try:
            kernel(*arguments)
        except BaseException as error:
            raised.append(error)

    # New ones: a forked process would wait for the threads of a pool for ever.
    threads = [Thread(target=call, args=(arguments,)) for arguments in calls[1:]]
    mine, started = calls[:1], []
    for thread, arguments in zip(threads, calls[1:], strict=True):
        try:
            thread.start()
            started.append(thread)
        except RuntimeError:  # there are too many, or Python is about to end
            mine.append(arguments)
    for arguments in mine:
        call(arguments)
    for thread in started:
        thread.join()
    if raised:
        raise raised[0]


def _prefer_widest(context):
    def generate(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return numba.types.none(), generate


# Vectors of 512 bits where the CPU has them; LLVM prefers 256.
_widest_vectors: Any = intrinsic(_prefer_widest)


@_compiled()
def _fill(tile, number):
    for k in range(len(tile)):
        tile[k] = number


@_compiled()
def _gather(tile, rows, start, part, blank):
    """Move some columns of the rows of some examples into a tile, filled up with a blank."""
    _fill(tile, blank)
    count, last = min(LANES, len(rows) - start), min(part[1], rows.shape[1])
    for first in range(0, count, BLOCK):
        for column in range(part[0], last):
            for lane in range(first, min(first + BLOCK, count)):
                tile[(column - part[0]) * LANES + lane] = rows[start + lane, column]


@_compiled()
def _gather_slopes(tile, gradient, y, divisible, start, part):
    """Those by the logarithms of some outputs; 0 where y may not be divided."""
    _fill(tile, 0)
    count = min(LANES, len(y) - start)
    for first in range(0, count, BLOCK):
        for column in range(part[0], part[1]):
            for row in range(start + first, start + min(first + BLOCK, count)):
                if divisible[row, column]:
                    k = (column - part[0]) * LANES + row - start
                    tile[k] = gradient[row, column] * y[row, column]


@_compiled()
def _scatter(rows, start, part, tile):
    """Move a tile into some columns of the rows of its examples."""
    count, last = min(LANES, len(rows) - start), min(part[1], rows.shape[1])
    for first in range(part[0], last, BLOCK):
        for lane in range(count):
            for column in range(first, min(first + BLOCK, last)):
                rows[start + lane, column] = tile[(column - part[0]) * LANES + lane]


@_compiled()
def _keep_divisible(least, y, bounds):
    """Set the least products to 0 where a group, or y, is out of bounds."""
    smallest, tiny, largest = bounds
    for k in range(len(y)):
        if not (least[k] >= smallest and tiny <= abs(y[k]) <= largest):
            least[k] = 0


@_compiled()
def _four(weight, o, i):
    return weight[o, i], weight[o, i + 1], weight[o, i + 2], weight[o, i + 3]


@_compiled()
def _factors(weight, rest, x, k):
    return (
        weight[0] * x[k] + rest[0],
        weight[1] * x[k + ROW] + rest[1],
        weight[2] * x[k + ROW2] + rest[2],
        weight[3] * x[k + ROW3] + rest[3],
    )


@_compiled()
def _all(factors):
    return (factors[0] * factors[1]) * (factors[2] * factors[3])


@_compiled()
def _times(one, other):
    return one[0] * other[0], one[1] * other[1], one[2] * other[2], one[3] * other[3]


@_compiled("reassoc")
def _plus(total, term):
    """Their sum, which may be taken in any order."""
    return total + term


@cache
def _kernels(quotient: bool) -> tuple[Callable, Callable]:
    """The forward and the backward pass."""

    @_compiled()
    def forward(weight, rest, x, d, y, divisible, bounds, room, examples, outputs):
        """y = Π a / b, and whether it may be divided by its factors."""
        _widest_vectors()
        out, features = weight.shape
        one = weight.dtype.type(1)
        size = min(features, INPUTS) * LANES
        x_tile, d_tile = room[:size], room[size : 2 * size]
        y_tile, least = room[2 * size : -OUTPUTS * LANES], room[-OUTPUTS * LANES :]
        for start in range(examples[0], examples[1], LANES):
            for top in range(outputs[0], outputs[1], OUTPUTS):
                bottom = min(top + OUTPUTS, outputs[1])
                _fill(y_tile, one)
                _fill(least, np.inf)
                for begin in range(0, features, INPUTS):
                    part = begin, min(begin + INPUTS, features)
                    if top == outputs[0] or features > INPUTS:
                        _gather(x_tile, x, start, part, one)
                        if quotient:
                            _gather(d_tile, d, start, part, one)
                    for i in range(part[0], part[1], PAIR):
                        first = np.uintp((i - begin) * LANES)
                        for o in range(top, bottom):
                            w, v = _four(weight, o, i), _four(weight, o, i + GROUP)
                            r, s = _four(rest, o, i), _four(rest, o, i + GROUP)
                            of_o = np.uintp((o - top) * LANES)
                            for lane in range(ROW):
                                k, n = first + lane, of_o + lane
                                a = _all(_factors(w, r, x_tile, k))
                                a *= _all(_factors(v, s, x_tile, k + ROW4))
                                size_of_a = abs(a)
                                if quotient:
                                    b = _all(_factors(w, r, d_tile, k))
                                    a /= b * _all(_factors(v, s, d_tile, k + ROW4))
                                y_tile[n] *= a
                                small = size_of_a < least[n]
                                least[n] = size_of_a if small else least[n]
                _scatter(y, start, (top, bottom), y_tile)
                _keep_divisible(least, y_tile, bounds)
                _scatter(divisible, start, (top, bottom), least)

    @_compiled()
    def backward(
        weight, rest, x, d, gradient, y, divisible, of_x, of_weight, room, examples, inputs
    ):
        """Of W: Σ slope (x - d) / (a b), with b = d = 1 in a product; of x: Σ slope W / a."""
        _widest_vectors()
        out, features = weight.shape
        one, zero = weight.dtype.type(1), weight.dtype.type(0)
        size = min(inputs[1] - inputs[0], INPUTS) * LANES
        x_tile, d_tile, difference = room[:size], room[size : 2 * size], room[2 * size : 3 * size]
        of_x_tile, slopes = room[3 * size : 4 * size], room[4 * size :]
        for start in range(examples[0], examples[1], LANES):
            for begin in range(inputs[0], inputs[1], INPUTS):
                part = begin, min(begin + INPUTS, inputs[1])
                _gather(x_tile, x, start, part, one)
                if quotient:
                    _gather(d_tile, d, start, part, one)
                for k in range((part[1] - begin) * LANES):
                    difference[k] = x_tile[k] - (d_tile[k] if quotient else one)
                _fill(of_x_tile, zero)
                for top in range(0, out, OUTPUTS):
                    bottom = min(top + OUTPUTS, out)
                    _gather_slopes(slopes, gradient, y, divisible, start, (top, bottom))
                    for i in range(part[0], part[1], GROUP):
                        first = np.uintp((i - begin) * LANES)
                        for o in range(top, bottom):
                            w, r = _four(weight, o, i), _four(rest, o, i)
                            of_o = np.uintp((o - top) * LANES)
                            total0 = total1 = total2 = total3 = zero
                            for lane in range(ROW):
                                k = first + lane
                                a = _factors(w, r, x_tile, k)
                                b = _factors(w, r, d_tile, k) if quotient else (one, one, one, one)
                                g = _times(a, b)
                                left, right = g[0] * g[1], g[2] * g[3]
                                by = slopes[of_o + lane]
                                inverse = one / (left * right) if by != zero else zero
                                of_left, of_right = inverse * right, inverse * left
                                t0, t1 = by * (of_left * g[1]), by * (of_left * g[0])
                                t2, t3 = by * (of_right * g[3]), by * (of_right * g[2])
                                total0 = _plus(total0, t0 * difference[k])
                                total1 = _plus(total1, t1 * difference[k + ROW])
                                total2 = _plus(total2, t2 * difference[k + ROW2])
                                total3 = _plus(total3, t3 * difference[k + ROW3])
                                of_x_tile[k] += t0 * (b[0] * w[0])
                                of_x_tile[k + ROW] += t1 * (b[1] * w[1])
                                of_x_tile[k + ROW2] += t2 * (b[2] * w[2])
                                of_x_tile[k + ROW3] += t3 * (b[3] * w[3])
                            of_weight[o, i] += total0
                            of_weight[o, i + 1] += total1
                            of_weight[o, i + 2] += total2
                            of_weight[o, i + 3] += total3
                _scatter(of_x, start, part, of_x_tile)

    return forward, backward
