"""Value and gradient are finite where the docstrings state it: on a grid of inputs, at the exact
corners of every unit's parameters and close to them, in JAX and in PyTorch.

One program for a unit and a dtype computes all cases. `LIMITS` has for each unit the quantities
that must not overflow; a unit without an entry is always finite.
"""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import numerate.torch as adapter
from numerate.ops import GOLDEN_SLOPE
from numerate.units import NRU
from tests.each import each, each_dtype
from tests.units.table import CLOSED, FAMILIES, OPEN, SATURATED, UNITS

pytestmark = pytest.mark.usefixtures("strict_promotion")

# Zero, numbers whose squares overflow or underflow in float32, and pairs that nearly cancel.
GRID = [0.0, -0.0, 1.0, -1.0, 1e30, -1e30, 1e-30, -1e-30, 3.0, -1.000001]
PAIRS = np.array(list(itertools.product(GRID, GRID)))

UNIT, SHARE, SOFT = (-1.0, 0.0, 1.0), (0.0, 1.0), (-SATURATED, SATURATED)
_NAC = {"w_hat": (-SATURATED, 0.0, SATURATED), "m_hat": SOFT}
_NALU = {**_NAC, "gate_weight": (CLOSED, 0.0, OPEN)}
_MASS = {"w_hat": SOFT, "gate_weight": SOFT, "gate_bias": (0.0, SATURATED), "bias": (0.0,)}
_REAL_POWER = {"w_hat": UNIT, "gate_hat": SHARE}

# What every number of a parameter may be: where effective weights and gates are -1, 0 or 1.
CORNERS: dict[str, dict[str, tuple[float, ...]]] = {
    **dict.fromkeys(["NAC", "NACMul", "GNAC", "HillSpaceSum", "HillSpaceProduct"], _NAC),
    **dict.fromkeys(["NALU", "NALUScalarGate", "NALUUntied", "GNALU", "SNALU"], _NALU),
    **dict.fromkeys(["iNALU", "iNALUShared"], _NALU),
    **dict.fromkeys(["NMU", "sNMU", "NMRU", "SignNMRU"], {"w_hat": SHARE}),
    **dict.fromkeys(["NAU", "NRU"], {"w_hat": UNIT}),
    **dict.fromkeys(["RealNPU", "RealNPUModified"], _REAL_POWER),
    "NPU": {"w_real": UNIT, "w_imag": UNIT, "gate_hat": SHARE},
    "NASU": {"sum_hat": UNIT, "product_hat": SHARE, "choice": (0, 1, 2, 3)},
    **dict.fromkeys(["MCFC", "MulMCFC", "MulMCFCSignINALU"], _MASS),
    "MulMCFCSignRealNPU": {**_MASS, "sign_gate": SHARE},
    "NSR": {"w_hat": SOFT, "sign_weight": UNIT, "zero_weight": UNIT, "bias": (0.0,)},
    "NLRL": {"w_hat": SOFT, "n_hat": SOFT, "gate_weight": SOFT},
    "Linear": {"w_hat": UNIT, "bias": SHARE},
    "MLP": {"weights": UNIT, "biases": (0.0,)},
}
SMALL = {"NSR": {"redundancy": 1}, "MLP": {"hidden_size": 2}}
ALL, SAMPLE = 600, 60  # up to so many corners all of them are taken; so many to step beside


class Size(NamedTuple):
    """How large things become that must fit the dtype, each `(corners, pairs)`.

    **Fields:** `value`, the largest partial product; `slope`, the largest derivative or part of
    one; `product`, whose overflow is that of the value, NaN where there is none.
    """

    value: np.ndarray
    slope: np.ndarray
    product: np.ndarray


def _log_space(p, x, eps, floor, weight=None):
    """m = Π (|x| + ε)^W, whose slopes are m log(|x| + ε) and m/(|x| + ε)."""
    weight = p["weight"] if weight is None else weight
    size = np.abs(x) + eps
    m = np.exp(weight[:, 0] @ np.log(size).T)
    steepest = np.maximum(np.abs(np.log(size)), 1 / size).max(axis=1)
    return Size(m, m * steepest, m)


def _gated(p, x, eps, floor, slope=1.0, of_sizes=False):
    """The product, and the slope (a - m) g (1 - g) x of a gate that sees x or |x|."""
    both = p["weight"] if p["weight"].ndim == 4 else np.stack([p["weight"]] * 2, axis=1)
    of_sum, of_product = both[:, 0], both[:, 1]
    size = _log_space(p, x, eps, floor, of_product)
    seen = np.abs(x) if of_sizes else x
    undecided = np.exp(-slope * _without_rounding(p["gate_weight"][:, 0], seen, eps))
    a = np.abs(of_sum[:, 0]) @ np.abs(x).T
    beside = undecided * (a + size.value) * np.abs(x).max(axis=1)
    return size._replace(slope=np.maximum(size.slope, beside))


def _without_rounding(weight, x, eps):
    """The least that |W x| can be where it has been rounded: terms may cancel."""
    rounding = 2 * eps * (np.abs(weight) @ np.abs(x).T)
    return np.maximum(np.abs(weight @ x.T) - rounding, 0)


def _power_unit(p, x, eps, floor):
    """e = exp(A log r - B k), whose slopes are e log r, e k, e/r by x and e (|x| - 1)/r by g."""
    gate = np.clip(p["gate_hat"], 0, 1)[:, None]
    r, k = gate * (np.abs(x) + eps) + 1 - gate, math.pi * gate * (x < 0)
    exponent = np.sum(p.get("w_real", p.get("w_hat")) * np.log(r), axis=-1)
    e = np.exp(exponent - np.sum(p.get("w_imag", 0.0) * k, axis=-1))
    steepest = np.maximum(np.abs(np.log(r)), (np.abs(x) + 1) / r).max(axis=-1)
    return Size(e, e * np.maximum(steepest, math.pi), e)


def _of_factors(factors, slopes):
    """A product of factors, `(corners, pairs, factors)`, of which each has a slope.

    Where large factors cancel small ones it depends on their order whether a part overflows."""
    large = np.maximum(1, np.abs(factors))
    others = [np.delete(large, i, axis=-1).prod(axis=-1) for i in range(factors.shape[-1])]
    steepest = np.max(slopes * np.stack(others, axis=-1), axis=-1)
    return Size(large.prod(axis=-1), steepest, np.abs(factors).prod(axis=-1))


def _affine(p, x, eps, floor):
    """Factors W x + 1 - W, whose slopes are x - 1 and W."""
    weight = p["weight"]
    return _of_factors(weight * x + 1 - weight, np.abs(x) + 1)


def _reciprocals(p, x, eps, floor, weight="weight", of_sizes=True):
    """As `_affine`, of x and 1/x or of their sizes; 1/x has the slope 1/x², and is x/f² below f."""
    weight = np.concatenate([p[weight][:, -2], p[weight][:, -1]], axis=-1)
    far = np.maximum(np.abs(x), floor)
    z = np.concatenate([x, np.sign(x) * np.minimum(np.abs(x) / floor, 1) / far], axis=-1)
    z = np.abs(z) if of_sizes else z
    steep = np.abs(weight) * np.concatenate([np.ones_like(x), 1 / far**2], axis=-1)
    return _of_factors(weight * z + 1 - weight, np.maximum(np.abs(z) + 1, steep))


def _selection(p, x, eps, floor):
    """The product where it is chosen, else nothing."""
    is_sum = p["choice"] < 2
    return Size(*(np.where(is_sum, 0.0, size) for size in _reciprocals(p, x, eps, floor)))


def _powers(p, x, eps, floor, training=False):
    """Factors s p + 1 - s, whose slopes are s p log |x|, s p/x and those by s, p - 1."""
    weight, far = p["w_hat"], np.maximum(np.abs(x), floor)
    steep = np.tanh(1000 * weight)
    s, by_s = (steep**2, 2000 * (1 - steep**2)) if training else (np.abs(weight), 1.0)
    power = far**weight
    slopes = np.maximum(s * power * np.maximum(np.abs(np.log(far)), 1 / far), by_s * (power + 1))
    signed = np.sign(x) * np.minimum(np.abs(x) / floor, 1) * power
    return _of_factors(s * signed + 1 - s, slopes)


Limit = Callable[..., Size]

# What has to fit the dtype, by unit; and where a unit has noise, what has to in training.
LIMITS: dict[str, Limit] = {
    **dict.fromkeys(["NACMul", "HillSpaceProduct", "SNALU"], _log_space),
    **dict.fromkeys(["MulMCFC", "MulMCFCSignINALU", "MulMCFCSignRealNPU"], _log_space),
    **dict.fromkeys(["NALU", "NALUScalarGate", "NALUUntied"], _gated),
    "GNALU": partial(_gated, slope=GOLDEN_SLOPE, of_sizes=True),
    **dict.fromkeys(["NPU", "RealNPU", "RealNPUModified"], _power_unit),
    **dict.fromkeys(["NMU", "sNMU"], _affine),
    "NMRU": partial(_reciprocals, of_sizes=False),
    "SignNMRU": _reciprocals,
    "NASU": _selection,
    "NRU": _powers,
}
IN_TRAINING: dict[str, Limit] = {
    "sNMU": _affine,
    "NASU": partial(_reciprocals, weight="product_hat"),
    "NRU": partial(_powers, training=True),
}


def corners(name, dtype):
    """A unit 2→1, and for each of its arrays the values at all corners, those an epsilon and 1e-3
    beside some of them, and the one that it starts with by default."""
    kind: Any = UNITS[name].unit  # the base class has no constructor to check against
    unit = kind(2, 1, **SMALL.get(name, {}), dtype=dtype, key=jax.random.key(0))
    names = sorted(n for n, v in vars(unit).items() if any(map(eqx.is_array, jax.tree.leaves(v))))
    fields = {name: getattr(unit, name) for name in names}
    leaves, structure = jax.tree.flatten(fields)
    columns = [CORNERS[name][n] for n, v in fields.items() for _ in range(count(v))]
    rng = np.random.default_rng(0)
    if math.prod(map(len, columns)) <= ALL:
        rows = np.array(list(itertools.product(*columns)))
    else:
        rows = np.stack([rng.choice(column, 2 * SAMPLE) for column in columns], axis=-1)
    few = rng.permutation(rows)[:SAMPLE]
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    arrays = []
    for at, near, leaf in zip(
        *(np.split(v, ends, axis=-1) for v in (rows, few)), leaves, strict=True
    ):
        whole = jnp.issubdtype(leaf.dtype, jnp.integer)
        moves = [0.0 if whole else by for by in (float(jnp.finfo(dtype).eps), 1e-3)]
        values = np.concatenate([at, *(moved(near, by, rng) for by in moves), np.ravel(leaf)[None]])
        arrays.append(jnp.asarray(values.reshape(-1, *leaf.shape), leaf.dtype))
    return unit, structure.unflatten(arrays)


def count(field):
    return sum(leaf.size for leaf in jax.tree.leaves(field))


def moved(values, by, rng):
    """Numbers up to 1 moved to either side, and saturated ones to where that much is missing."""
    if by == 0:
        return values
    beside = values + by * rng.choice([-1, 1], values.shape)
    return np.where(np.abs(values) <= 1, beside, -math.log(by) * np.sign(values))


@eqx.filter_jit
def in_jax(unit, fields, xs, key=None):
    """Value and gradients by the fields and by x, `(corners, pairs, …)`, and the weights."""
    names = list(fields)

    def with_fields(fields):
        return eqx.tree_at(lambda u: [getattr(u, n) for n in names], unit, list(fields.values()))

    def of_pair(fields, x):
        function = eqx.filter_value_and_grad(lambda both: both[0](both[1], key=key)[0])
        return function((with_fields(fields), x))

    of_corner = jax.vmap(of_pair, in_axes=(None, 0))
    value, gradients = jax.vmap(of_corner, in_axes=(0, None))(fields, xs)
    return value, gradients, jax.vmap(lambda fields: with_fields(fields).weight)(fields)


def in_torch(unit, fields, xs, training):
    """The value and gradients of `in_jax`."""
    module = adapter.to_torch(unit).train(training)
    named = {}
    for name, field in fields.items():
        entries = (
            {f"{name}.{i}": v for i, v in enumerate(field)} if isinstance(field, tuple) else {}
        )
        named |= entries or {name: field}
    tensors = {n: torch.from_numpy(np.array(v)) for n, v in named.items()}
    whole = {n: v for n, v in tensors.items() if not v.is_floating_point()}
    real = {n: v for n, v in tensors.items() if n not in whole}

    def of_pair(real, whole, x):
        return torch.func.functional_call(module, {**real, **whole}, (x,))[0]

    function = torch.func.grad_and_value(of_pair, argnums=(0, 2))
    of_corner = torch.func.vmap(function, in_dims=(None, None, 0), randomness="different")
    all_corners = torch.func.vmap(of_corner, in_dims=(0, 0, None), randomness="different")
    gradients, value = all_corners(real, whole, torch.from_numpy(xs))
    return value.numpy(), [v.numpy() for v in (*gradients[0].values(), gradients[1])]


def check(where, fields, size, value, gradients):
    """Finite where what must fit the dtype does, by a factor of 8; and a product that does not
    fit it shows."""
    largest = float(jnp.finfo(value.dtype).max)
    fits, slope_fits = size.value < largest / 8, size.slope < largest / 8

    def at(cases):
        corner, pair = np.argwhere(cases)[0]
        return where, jax.tree.map(lambda v: v[corner].tolist(), fields), PAIRS[pair]

    assert value.shape == fits.shape
    finite = np.isfinite(value)
    assert not (fits & ~finite).any(), at(fits & ~finite)
    overflows = size.product > 8 * largest
    assert not (overflows & finite).any(), at(overflows & finite)
    for gradient in gradients:
        finite = np.isfinite(gradient).reshape(*fits.shape, -1).all(axis=-1)
        wrong = fits & slope_fits & ~finite
        assert not wrong.any(), at(wrong)
    assert (fits & slope_fits).mean() > 0.7, where  # what is promised is most of the grid


# One unit of each family, and those whose equation has a guard of its own.
DAILY = tuple(dict.fromkeys((*FAMILIES, "NRU", "NMRU", "NLRL", "GNALU", "NSR", "NASU", "MulMCFC")))


@each("name", DAILY)
def test_value_and_gradients_are_finite_where_documented(name):
    finite_where_documented(name, jnp.dtype("float32"))


@pytest.mark.slow
@each("name", [name for name in UNITS if name not in DAILY])
def test_value_and_gradients_of_the_others_are_finite(name):
    finite_where_documented(name, jnp.dtype("float32"))


@pytest.mark.slow
@each("name", UNITS)
def test_value_and_gradients_are_finite_in_float64(name, float64):
    finite_where_documented(name, float64)


def test_the_power_of_an_nru_is_finite_in_float64(float64):
    finite_where_documented("NRU", float64)


def finite_where_documented(name, dtype):
    unit, fields = corners(name, dtype)
    xs = PAIRS.astype(dtype)
    for training in (False, True) if name in IN_TRAINING else (False,):
        value, gradients, weight = in_jax(unit, fields, xs, jax.random.key(1) if training else None)
        size = sizes(unit, fields, weight, xs, training)
        check(("JAX", training), fields, size, np.asarray(value), jax.tree.leaves(gradients))
        check(("PyTorch", training), fields, size, *in_torch(unit, fields, xs, training))


def sizes(unit, fields, weight, xs, training):
    """What has to fit the dtype for the cases of a unit; in training noise decides what shows."""
    limit = (IN_TRAINING if training else LIMITS).get(type(unit).__name__)
    cases = (len(weight), len(xs))
    if limit is None:
        return Size(*[np.zeros(cases)] * 3)
    p = {name: np.asarray(field, float) for name, field in fields.items()}
    limits = jnp.finfo(xs.dtype)
    eps, floor = float(limits.eps), 2 * float(limits.tiny) ** 0.5
    with np.errstate(over="ignore", invalid="ignore"):  # 1e307² in float64
        size = limit({**p, "weight": np.asarray(weight, float)}, xs.astype(float), eps, floor)
    return size._replace(product=np.zeros(cases)) if training else size


QUOTIENT, OF = [[1.0, -1.0]], [3.0, 4.0]


@each_dtype
def test_gradients_of_the_quotient_of_an_nru(dtype, tolerance):
    """At 3/4. Another piece of its power, which that of W = -1 overflows in, made ∂y/∂W₂ NaN."""
    unit = eqx.tree_at(
        lambda u: u.w_hat, NRU(2, 1, key=jax.random.key(0)), jnp.asarray(QUOTIENT, dtype)
    )
    x = jnp.asarray(OF, dtype)
    # d(|W| x^W + 1 - |W|)/dW is sign(W) (x^W - 1) + |W| x^W log x.
    of_weight = [[(2 + 3 * math.log(3)) / 4, 3 * (0.75 + math.log(4) / 4)]]
    module, of = adapter.to_torch(unit).eval(), torch.from_numpy(np.array(x)).requires_grad_()
    y = module(of)
    y.sum().backward()
    value, gradients = eqx.filter_value_and_grad(lambda both: both[0](both[1])[0])((unit, x))
    for got, by_weight, by_x in [
        (value, gradients[0].w_hat, gradients[1]),
        (y[0].detach(), module.w_hat.grad, of.grad),
    ]:
        np.testing.assert_allclose(got, 0.75, rtol=tolerance)
        np.testing.assert_allclose(by_weight, of_weight, rtol=tolerance)
        np.testing.assert_allclose(by_x, [0.25, -3 / 16], rtol=tolerance)
