"""Large products agree with NumPy, with derivatives of any order, without an array of all
factors."""

import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from numerate.ops import (
    _jax,
    _torch,
    affine_product,
    conjunction,
    noisy_product,
    selected_power_product,
)
from tests.each import each

pytestmark = pytest.mark.usefixtures("strict_promotion")

# (out, in, batch): more factors than are one array in either library, in chunks that do and do
# not divide them, down to one output.
SIZES = [(70, 16, 256), (3, 349, 257), (1, 1003, 270)]


def numbers(sizes, dtype="float64"):
    """W, x and a cotangent, with factors of exactly 0: one for output 0 of example 0, and two,
    as far as there are two inputs, for output 0 of example 1."""
    out, features, batch = sizes
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.0, 1.0, (out, features))
    x = rng.uniform(0.7, 1.3, (batch, features)) * rng.choice([1, 1, 1, -1], (batch, features))
    weight[0, :2] = 1.0
    x[0, 0] = 0.0
    x[1, :2] = 0.0
    return [a.astype(dtype) for a in (weight, x, rng.normal(size=(batch, out)))]


def reference(weight, x, slope):
    """Value and gradients in float64, one example at a time, by products of all other factors."""
    value, of_weight, of_x = [], np.zeros(weight.shape), np.zeros(x.shape)
    for example, slopes, row in zip(x, slope, of_x, strict=True):
        factors = weight * example + (1 - weight)
        before, after = np.ones_like(factors), np.ones_like(factors)
        before[:, 1:] = np.cumprod(factors, 1)[:, :-1]
        after[:, :-1] = np.cumprod(factors[:, ::-1], 1)[:, ::-1][:, 1:]
        others = slopes[:, None] * before * after
        value.append(factors.prod(1))
        of_weight += others * (example - 1)
        row += (others * weight).sum(0)
    return np.array(value), of_weight, of_x


@functools.partial(jax.jit, static_argnums=0)
def in_jax(product, weight, x, slope):
    value, pull = jax.vjp(product, weight, x)
    return [value, *pull(slope)]


def in_torch(product, weight, x, slope):
    arguments = [torch.tensor(a, requires_grad=True) for a in (weight, x)]
    value = product(*arguments)
    gradients = torch.autograd.grad(value, arguments, torch.tensor(slope))
    return [a.detach().numpy() for a in (value, *gradients)]


over_vmap = jax.vmap(affine_product, (None, 0))


WAYS = {
    "vmap": (in_jax, over_vmap),
    "batch": (in_jax, affine_product),
    "torch": (in_torch, affine_product),
}
each_way = each("way", WAYS)


def assert_close(got, wanted, tolerance):
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


# Of the batch, which is compiled as `vmap` is, one.
@each(
    "way, sizes",
    [(way, s) for way in WAYS for s in (SIZES[:1] if way == "batch" else SIZES)],
)
def test_value_and_gradient_are_numpys(way, sizes, float64):
    library, product = WAYS[way]
    weight, x, slope = numbers(sizes)
    wanted = reference(weight, x, slope)
    assert_close(library(product, weight, x, slope), wanted, 1e-12)


@pytest.mark.slow
@each_way
def test_in_single_precision(way):
    library, product = WAYS[way]
    weight, x, slope = numbers((32, 64, 200), "float32")
    wanted = reference(*(a.astype(np.float64) for a in (weight, x, slope)))
    got = library(product, weight, x, slope)
    assert {a.dtype for a in got} == {np.dtype("float32")}
    # A product of 64 factors, and the sum of 200 of them, each with their roundings.
    assert_close(got, wanted, 64 * np.finfo(np.float32).eps)


@each_way
def test_gradient_is_the_slope_of_the_value_where_factors_are_zero(way, float64):
    library, product = WAYS[way]
    weight, x, slope = numbers(SIZES[0])
    _, of_weight, of_x = library(product, weight, x, slope)
    step = 1e-5

    def total(weight, x):
        return float((library(product, weight, x, slope)[0] * slope).sum())

    for index in [(0, 0), (0, 1), (0, 5), (3, 0)]:
        shift = np.zeros_like(weight)
        shift[index] = step
        change = (total(weight + shift, x) - total(weight - shift, x)) / (2 * step)
        # Right to step², and to the rounding of a sum of 10,000 products over the step.
        np.testing.assert_allclose(of_weight[index], change, rtol=1e-6, atol=1e-6)
    for index in [(0, 0), (0, 3), (1, 0), (1, 1), (1, 4)]:
        shift = np.zeros_like(x)
        shift[index] = step
        change = (total(weight, x + shift) - total(weight, x - shift)) / (2 * step)
        np.testing.assert_allclose(of_x[index], change, rtol=1e-6, atol=1e-6)


@each_way
def test_factors_of_zero_leave_the_product_of_the_others(way, float64):
    """One zero: the slope by that input is the product of the rest. Two: there is none."""
    library, product = WAYS[way]
    out, features, batch = SIZES[0]
    weight, x, slope = (
        np.full(s, v)
        for s, v in (((out, features), 1.0), ((batch, features), 2.0), ((batch, out), 1.0))
    )
    x[0, 7] = 0.0
    x[1, 7:9] = 0.0
    _, _, of_x = library(product, weight, x, slope)
    np.testing.assert_array_equal(
        of_x[0], np.where(np.arange(features) == 7, out * 2.0 ** (features - 1), 0.0)
    )
    np.testing.assert_array_equal(of_x[1], np.zeros(features))


@each("way", ["batch", "torch"])
def test_gradient_is_finite_where_the_value_is_not(way):
    """If the product of two factors overflows, the gradient of each is the other."""
    library, product = WAYS[way]
    weight, x, slope = numbers((32, 64, 200), "float32")  # one program with the test of precision
    weight[:], x[:] = np.eye(64)[0] + np.eye(64)[1], 1.0
    x[0, :2], x[1, :2] = [1e30, 2e30], [1e-30, 2e-30]
    value, _, of_x = library(product, weight, x, slope)
    assert np.isinf(value[0]).all() and (value[1] == 0).all()
    total = slope[:2].astype(np.float64).sum(1)
    np.testing.assert_allclose(of_x[0, :2], total[0] * np.array([2e30, 1e30]), rtol=1e-5)
    np.testing.assert_allclose(of_x[1, :2], total[1] * np.array([2e-30, 1e-30]), rtol=1e-5)


def with_noise(noise):
    """`noisy_product` of each library, with the noise of every example."""
    over = jax.vmap(noisy_product, (None, 0, 0))
    return [
        (in_jax, lambda w, x: over(w, x, jnp.asarray(noise))),
        (in_torch, lambda w, x: noisy_product(w, x, torch.tensor(noise))),
    ]


@pytest.mark.usefixtures("small_chunks")
@each("out, features, batch", [(3, 4, 5), (70, 40, 100)])
def test_noisy_products_and_their_gradients_are_numpys(out, features, batch, float64):
    """In float64, where both products can be held; with one factor of zero, and with two."""
    weight, x, slope = numbers((out, features, batch))
    weight[0, -1], weight[-1, -1] = 0.0, 1.0
    noise = np.random.default_rng(1).uniform(1.0, 1.2 if features > 99 else 5.0, x.shape)
    value, of_weight, of_x = reference(weight, x * noise, np.zeros_like(slope))
    below = (weight * noise[:, None] + 1 - weight).prod(2)
    value = value / below
    for b in range(batch):
        bottom = weight * noise[b] + 1 - weight
        quotients = (weight * noise[b] * x[b] + 1 - weight) / bottom
        others = np.stack([np.delete(quotients, i, 1).prod(1) for i in range(features)], 1)
        others *= slope[b, :, None] * noise[b]
        of_weight += others * (x[b] - 1) / bottom**2
        of_x[b] = (others * weight / bottom).sum(0)
    for library, product in with_noise(noise):
        assert_close(library(product, weight, x, slope), (value, of_weight, of_x), 1e-12)


def test_noise_does_not_overflow_where_the_product_does_not():
    weight, x, slope = numbers((64, 256, 40), "float32")
    noise = np.full(x.shape, 5.0, "float32")
    assert np.log10(weight * 5 + 1 - weight).sum(1).max() > np.log10(np.finfo(np.float32).max)
    for library, product in with_noise(noise):
        for found in library(product, weight, x, slope):
            assert np.isfinite(found).all() and found.any()


PRODUCTS = {
    "affine": affine_product,
    "noisy": lambda w, x: noisy_product(w, x, x * 0 + 2),
    "power": lambda w, x: selected_power_product(w, w, x),
    "logic": lambda w, x: conjunction(w, w, x),
}


@pytest.mark.slow
def test_jax_never_has_all_factors():
    check_memory("power", "vmap")


@pytest.mark.slow
@each("name, over", [("affine", "vmap"), ("affine", "batch"), ("logic", "vmap")])
def test_jax_never_has_all_factors_of_batches_and_conjunctions(name, over):
    check_memory(name, over)


def check_memory(name, over):
    product = jax.vmap(PRODUCTS[name], (None, 0)) if over == "vmap" else PRODUCTS[name]
    features, out, batch = 2048, 256, 512
    shapes = [(out, features), (batch, features)]
    arguments = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes]
    step = jax.jit(jax.value_and_grad(lambda w, x: product(w, x).sum(), (0, 1)))
    analysis = step.lower(*arguments).compile().memory_analysis()
    assert analysis is not None
    assert analysis.temp_size_in_bytes < batch * out * features * 4 / 8


@each("name", list(PRODUCTS))
def test_torch_never_has_all_factors(name):
    features, out, batch = 128, 128, 128
    weight = torch.rand(out, features, requires_grad=True)
    x = torch.rand(batch, features, requires_grad=True)
    largest = []

    class Largest(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            tensors = [t for t in torch.utils._pytree.tree_leaves(result) if torch.is_tensor(t)]
            largest.extend(t.numel() for t in tensors)
            return result

    saved = []
    keep = torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t)
    with Largest(), keep:
        PRODUCTS[name](weight, x).sum().backward()
    assert 0 < max(largest) <= max(_torch.PLAIN_FACTORS, weight.numel())
    assert sum({t.data_ptr(): t.numel() for t in saved}.values()) < batch * out * features / 8


@pytest.fixture
def small_chunks(monkeypatch):
    """Small chunks, for shorter programs that compile faster."""
    monkeypatch.setattr(_jax, "CHUNK", 4)


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
@each("order", ["forward", "hessian", "for each example"])
def test_every_other_derivative_in_jax(order, float64):
    weight, x, _ = map(jnp.asarray, numbers((40, 30, 3)))

    def plain(weight, x):
        return jnp.prod(weight * x + (1 - weight), axis=-1)

    def derivative(product):
        if order == "forward":
            return jax.jacfwd(product, (0, 1))(weight, x[0])
        if order == "hessian":
            return jax.hessian(lambda x: product(weight, x).sum())(x[0])
        return jax.vmap(jax.grad(lambda w, x: product(w, x).sum()), (None, 0))(weight, x)

    found = (jax.jit(derivative, static_argnums=0)(f) for f in (affine_product, plain))
    assert_close(*map(jax.tree.leaves, found), 1e-12)


@pytest.mark.usefixtures("small_chunks")
def test_weights_of_many_seeds(float64):
    weight, x, _ = map(jnp.asarray, numbers((40, 30, 3)))
    weights = jnp.stack([weight, weight / 2])
    together = jax.vmap(lambda weight: over_vmap(weight, x))(weights)
    for got, one in zip(together, weights, strict=True):
        np.testing.assert_allclose(got, over_vmap(one, x), rtol=1e-12)


def test_no_gradient_by_inputs_is_computed_where_none_is_wanted():
    """Half of the matmuls of the reverse pass."""

    def matmuls(wanted):
        step = jax.grad(lambda w, x: affine_product(w, x).sum(), wanted)
        return str(jax.make_jaxpr(step)(jnp.ones((40, 30)), jnp.ones(30))).count("dot_general")

    assert 0 < matmuls(0) == matmuls((0, 1)) / 2


def test_a_second_derivative_in_torch_is_refused():
    weight, x = torch.rand(600, 600), torch.rand(2, 600, requires_grad=True)
    (slope,) = torch.autograd.grad(affine_product(weight, x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="affine_product_backward"):
        slope.sum().backward()


def test_forward_mode_in_torch_is_refused():
    weight, x = torch.rand(600, 600), torch.rand(2, 600)
    with pytest.raises(NotImplementedError, match="jvp"):
        torch.func.jvp(affine_product, (weight, x), (weight, x))


def test_a_graph_for_others_has_no_operator_of_ours():
    class Module(torch.nn.Module):
        def forward(self, weight, x):
            return affine_product(weight, x)

    program = torch.export.export(Module(), (torch.rand(600, 600), torch.rand(2, 600)))
    assert "numerate" not in str(program.graph)


# In a process of its own: the checks of shapes, which are of the tests, do not compile.
COMPILED = """
import sys, torch
from numerate.torch import NLRL, NMU
for Unit in (NMU, NLRL):
    unit = Unit(600, 600, dtype=torch.float64, seed=0)
    compiled = torch.compile(unit, backend=sys.argv[1], fullgraph=True, dynamic=True)
    for batch in (2, 5):
        x = torch.rand(batch, 600, dtype=torch.float64, requires_grad=True)
        wanted, got = (torch.autograd.grad(f(x).square().sum(), (*unit.parameters(), x))
                       for f in (unit, compiled))
        for one, other in zip(wanted, got, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-12 * float(one.abs().max()))
"""


# Every day, `test_a_graph_for_others_has_no_operator_of_ours` follows the scan, and the compiled
# modules of `tests/adapters` are small. Inductor calls a C++ compiler, for half a minute.
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_both_scans_compiled_in_torch_as_one_graph(backend):
    run = subprocess.run([sys.executable, "-c", COMPILED, backend], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_any_batch_and_mixed_precision_in_torch(float64):
    weight, x, _ = (torch.tensor(a) for a in numbers((600, 600, 6)))
    wanted = affine_product(weight, x)
    got = affine_product(weight, x.reshape(2, 1, 3, 600))
    assert got.shape == (2, 1, 3, 600)
    torch.testing.assert_close(got.reshape(6, 600), wanted)
    assert affine_product(weight, x.to(torch.bfloat16)).dtype == torch.float64


def powers(weight, x):
    return selected_power_product(weight, weight, x)


@pytest.mark.slow
@pytest.mark.usefixtures("small_chunks")
def test_powers_go_through_the_same_scan(float64):
    weight, x, slope = numbers((32, 40, 260))
    got = [
        in_jax(jax.vmap(powers, (None, 0)), weight, x, slope),
        in_torch(powers, weight, x, slope),
    ]
    few = [in_torch(powers, weight, x[i : i + 1], slope[i : i + 1]) for i in range(len(x))]
    value, of_weight, of_x = zip(*few, strict=True)
    wanted = [np.concatenate(value), np.sum(of_weight, 0), np.concatenate(of_x)]
    for found in got:
        assert_close(found, wanted, 1e-12)
    assert weight.size > _jax.PLAIN_FACTORS and weight.size * len(x) > _torch.PLAIN_FACTORS
