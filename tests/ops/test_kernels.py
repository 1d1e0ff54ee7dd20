"""Products compiled by Numba are those of PyTorch, where they apply, to rounding."""

import sys

import numpy as np
import pytest
import torch

from numerate.ops import _kernels as kernels
from numerate.ops import _torch_products as products
from numerate.ops import affine_product, noisy_product
from tests.each import each

# (out, in, batch): tiles, outputs and groups of inputs that are full and that are not.
SIZES = [(5, 17, 300), (300, 24, 512)]


@pytest.fixture(autouse=True)
def few_factors(monkeypatch):
    monkeypatch.setattr(kernels, "MANY_FACTORS", 0)
    monkeypatch.setattr(products, "PLAIN_FACTORS", 0)
    monkeypatch.setattr("numerate.ops._torch.PLAIN_FACTORS", 0)


def numbers(out, features, batch, dtype=torch.float64):
    """W, x, noise and slopes, with outputs that have one factor of zero, and two."""
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.0, 1.0, (out, features))
    x = rng.uniform(0.7, 1.3, (batch, features)) * rng.choice([1, 1, 1, -1], (batch, features))
    weight[0, :2] = 1.0
    x[0, 0], x[1, :2] = 0.0, 0.0
    noise, slope = rng.uniform(1.0, 5.0, x.shape), rng.normal(size=(batch, out))
    return [torch.tensor(a, dtype=dtype) for a in (weight, x, noise, slope)]


def value_and_gradients(weight, x, noise, slope):
    weight, x = (a.clone().requires_grad_() for a in (weight, x))
    y = affine_product(weight, x) if noise is None else noisy_product(weight, x, noise)
    return [y.detach(), *torch.autograd.grad(y, (weight, x), slope)]


def without_kernels(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "_kernels", lambda: None)
        return value_and_gradients(*arguments)


def assert_close(got, wanted, tolerance):
    for one, other in zip(got, wanted, strict=True):
        largest = float(other.abs().max())
        torch.testing.assert_close(one, other.to(one.dtype), rtol=0, atol=tolerance * largest)


def check_value_and_gradients(sizes, noisy, monkeypatch):
    weight, x, noise, slope = numbers(*sizes)
    weight, x, slope = (a.T.contiguous().T for a in (weight, x, slope))  # any strides
    arguments = weight, x, noise if noisy else None, slope
    assert kernels.smallest_group(weight, x) is not None
    wanted = without_kernels(*arguments)
    values = []
    for threads in (1, 3):  # which share out the examples, or where these are few, the columns
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        got = value_and_gradients(*arguments)
        assert_close(got, wanted, 1e-12)
        values.append(got[0])
    assert torch.equal(*values)


def test_value_and_gradients_with_noise(monkeypatch):
    check_value_and_gradients(SIZES[0], True, monkeypatch)


@pytest.mark.slow
@each("sizes, noisy", [(SIZES[0], False), (SIZES[1], False), (SIZES[1], True)])
def test_value_and_gradients(sizes, noisy, monkeypatch):
    check_value_and_gradients(sizes, noisy, monkeypatch)


@pytest.mark.slow
@each("noisy", [False, True])
def test_many_factors_in_single_precision(noisy):
    """To the rounding of a thousand factors, and of the sums over 512 examples and 32 outputs."""
    weight, x, noise, slope = numbers(32, 1000, 512, torch.float32)
    x = 1 + (x - x.mean()) / 20  # no product overflows
    arguments = [weight, x, noise if noisy else None, slope]
    got = value_and_gradients(*arguments)
    assert {a.dtype for a in got} == {torch.float32}
    wanted = without_kernels(*(a if a is None else a.double() for a in arguments))
    assert_close(got, wanted, 1000 * torch.finfo(torch.float32).eps / 10)


@pytest.mark.slow
def test_products_of_a_group_that_leave_the_range():
    """Ten small factors, whose product may not be divided by, beside ten large ones: their
    gradients are y over a factor, and no product of the factors after it overflows."""
    weight = torch.ones(4, 20)
    x = torch.cat([torch.full((300, 10), 1e-3), torch.full((300, 10), 1e3)], 1)
    x = x * torch.linspace(0.98, 1.02, 300)[:, None]
    assert 1e-24 < kernels.smallest_group(weight, x) < 1e-11
    slope = torch.full((300, 4), 1e10)
    got = value_and_gradients(weight, x, None, slope)
    assert (got[0] > 0.1).all() and (got[0] < 10).all()
    assert_close(got, without_kernels(weight.double(), x.double(), None, slope.double()), 1e-5)


def test_a_large_gradient_of_other_factors_than_zero():
    """The product of the others comes before the gradient, which together would overflow."""
    weight, x = torch.ones(4, 8), torch.ones(300, 8)
    x[:, :2], x[:, 2], x[:, 3:5] = 1e15, 0.0, 1e-15
    _, _, of_x = value_and_gradients(weight, x, None, torch.full((300, 4), 1e10))
    np.testing.assert_allclose(of_x[:, 2], 4e10, rtol=1e-5)


@pytest.mark.slow
def test_many_inputs_are_taken_in_parts(monkeypatch):
    monkeypatch.setattr(kernels, "INPUTS", 16)
    kernels._kernels.cache_clear()  # it is compiled in
    try:
        check_value_and_gradients((300, 40, 300), True, monkeypatch)
    finally:
        kernels._kernels.cache_clear()


def test_without_new_threads_the_kernels_run_in_this_one(monkeypatch):
    def refused(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(kernels.Thread, "start", refused)
    made = []
    kernels._in_threads(made.append, [(1,), (2,), (3,)])
    assert made == [1, 2, 3]

    def failing(number):
        raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        kernels._in_threads(failing, [(1,), (2,)])


@pytest.mark.slow
def test_slopes_of_zero_and_products_of_zero_are_no_division():
    weight, x = torch.ones(4, 8), torch.full((300, 8), 2.0)
    x[::2, 3] = 0.0
    slope = torch.eye(4)[0].expand(300, 4)
    _, of_weight, of_x = value_and_gradients(weight, x, None, slope)
    wanted = torch.zeros(300, 8)
    wanted[::2, 3] = 2.0**7
    wanted[1::2] = 2.0**7
    assert torch.equal(of_x, wanted)
    assert of_weight[0].isfinite().all() and not of_weight[1].any()


@each(
    "change",
    {
        "a factor is large": lambda weight, x, d: (weight, x * 1e6, d),
        "an input is NaN": lambda weight, x, d: (weight, torch.where(x > 1.2, np.nan, x), d),
        "an input is infinite": lambda weight, x, d: (weight, torch.where(x > 1.2, np.inf, x), d),
        "a divisor may be zero": lambda weight, x, d: (weight * 3, x, d * 0),
        "a divisor is small": lambda weight, x, d: (weight, x, d * 0.1),
        "inputs are too narrow": lambda weight, x, d: (weight, x[:, :1], d[:, :1]),
        "the noise has another shape": lambda weight, x, d: (weight, x, d[:1]),
        "there are few outputs": lambda weight, x, d: (weight[:2], x, d),
        "few examples": lambda weight, x, d: (weight, x[:100], d[:100]),
        "half precision": lambda *arrays: [a.half() for a in arrays],
    }.items(),
)
def test_what_a_kernel_cannot_hold_is_left_to_pytorch(change):
    weight, x, noise, _ = numbers(*SIZES[0], torch.float32)
    assert kernels.smallest_group(weight, x, noise) is not None
    assert kernels.smallest_group(*change[1](weight, x, noise)) is None


def test_few_factors_are_left_to_pytorch(monkeypatch):
    weight, x, *_ = numbers(*SIZES[0])
    monkeypatch.setattr(kernels, "MANY_FACTORS", weight.numel() * len(x))
    assert kernels.smallest_group(weight, x) is None


def test_without_numba_there_are_no_kernels(monkeypatch):
    monkeypatch.delitem(sys.modules, "numerate.ops._kernels")
    monkeypatch.setitem(sys.modules, "numba", None)
    products._kernels.cache_clear()
    try:
        assert products._kernels() is None
    finally:
        products._kernels.cache_clear()
