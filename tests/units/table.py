"""The table of the common tests of the units: `numerate.units.exact.EXACT`, with the NumPy
reference of each unit and the exceptions of its tests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import sympy

from numerate.units import Unit
from numerate.units._exact import CLOSED, EITHER, OPEN, POSITIVE, PRODUCTS, SATURATED
from numerate.units.exact import EXACT as EXACT_PARAMETERS
from numerate.units.exact import OPERATIONS as WEIGHTS
from numerate.units.exact import exact
from tests.units import references

__all__ = [
    "CLOSED",
    "EITHER",
    "EXACT",
    "FAMILIES",
    "KINDS",
    "OPEN",
    "OPERATIONS",
    "POSITIVE",
    "PRODUCTS",
    "SATURATED",
    "UNITS",
    "A",
    "B",
    "Case",
    "central_differences",
    "differs_in_training",
    "epsilon",
    "parameters",
]

A, B = sympy.symbols("a b", positive=True)
_FORMULAS = {"+": A + B, "-": A - B, "*": A * B, "/": A / B, "sqrt": sympy.sqrt(A)}

# What two inputs are to become, and the weights of a sum or product that does it.
OPERATIONS = {o: (_FORMULAS[o], weights) for o, weights in WEIGHTS.items()}


@dataclass(frozen=True)
class Case:
    """A unit, the arguments beyond the sizes, and its NumPy reference.

    `roundings` multiplies the tolerance of float32, which is 8 roundings, for equations that
    are worse conditioned at weights in between; each with its reason. `penalty` is that at the
    exact weights. `spread` is how far from 0 parameters may lie so that the power of 1e30
    beside ordinary numbers, and its gradient, fit float32. `columns` is the second size of the
    effective weight where that is not `in_features`."""

    unit: type[Unit]
    reference: Callable[..., np.ndarray]
    kwargs: dict[str, Any] = field(default_factory=dict)
    roundings: int = 1
    penalty: float = 0.0
    spread: float = 2.0
    columns: int | None = None

    @property
    def exact(self) -> dict[str, dict[str, Any]]:
        """The parameters with which it is exact for each operation."""
        return EXACT_PARAMETERS[self.unit].parameters

    @property
    def signs(self) -> tuple[int, ...]:
        """The signs of inputs for which it is."""
        return EXACT_PARAMETERS[self.unit].signs

    def make(self, in_features: int, out_features: int, **kwargs) -> Unit:
        make = partial(self.unit, in_features, out_features, **{**self.kwargs, **kwargs})
        return _once((self.unit, in_features, out_features), kwargs, make)

    def outputs(self, unit: Unit, xs: np.ndarray) -> np.ndarray:
        """What the reference says of inputs `(batch, in)`, which the unit computes to rounding."""
        p, eps = parameters(unit), epsilon(unit, xs.dtype)
        with np.errstate(over="ignore"):  # 1 / (1 + ∞) is what a saturated gate is
            return np.array([self.reference(p, x.astype(float), eps) for x in xs])

    def made_exact(self, operation: str, dtype, key) -> Unit:
        """The unit 2→1 with the weights of `operation`."""
        make = partial(exact, self.unit, operation, **self.kwargs, dtype=dtype, key=key)
        return _once((self.unit, operation), {"dtype": dtype, "key": key}, make)


def parameters(unit: Unit) -> dict[str, Any]:
    """The fields of a unit by name, its arrays in NumPy float64."""
    return {
        name: jax.tree.map(lambda v: np.asarray(v, np.float64) if eqx.is_array(v) else v, value)
        for name, value in vars(unit).items()
    }


def epsilon(unit: Unit, dtype: Any) -> float:
    eps = getattr(unit, "eps", None)
    return float(jnp.finfo(dtype).eps) if eps is None else eps


def central_differences(reference: Callable[..., np.ndarray], unit: Unit, x: np.ndarray) -> list:
    """The gradient of the sum of the outputs by every parameter, one after the other, and by x:
    right to step² and to rounding / step, both about 1e-10."""
    step, eps = 1e-5, epsilon(unit, np.float64)
    trained, frozen = eqx.partition(unit, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten((trained, x))
    flat = np.concatenate([np.ravel(leaf) for leaf in leaves])
    ends = np.cumsum([np.size(leaf) for leaf in leaves])[:-1]

    def total(flat):
        parts = zip(np.split(flat, ends), leaves, strict=True)
        trained, x = structure.unflatten(part.reshape(leaf.shape) for part, leaf in parts)
        return float(reference(parameters(eqx.combine(trained, frozen)), x, eps).sum())

    shifts = step * np.eye(flat.size)
    return [(total(flat + s) - total(flat - s)) / (2 * step) for s in shifts]


_MADE: dict[Any, Unit] = {}


def _once(what: tuple, kwargs: dict[str, Any], make: Callable[[], Unit]) -> Unit:
    """What many tests make is made once, as that compiles its draws; nothing changes a unit."""
    key = kwargs.get("key")
    if key is None or isinstance(key, jax.core.Tracer):
        return make()
    draws = jax.random.key_data(key).tolist()
    default = jnp.result_type(float)  # of which parameters are, in either mode
    named = (*what, *draws, default, *sorted((n, v) for n, v in kwargs.items() if n != "key"))
    if named not in _MADE:
        _MADE[named] = make()
    return _MADE[named]


# Rows for the units that are not tested by the rule alone.
_EXCEPTIONS: dict[str, dict[str, Any]] = {
    # The angle, up to 9 half turns, is rounded; the magnitude multiplies that.
    "SignNMRU": {"roundings": 100},
    "NASU": {"roundings": 100},  # the rounded angle of the sign, too
    "NRU": {"spread": 1.0},
    # Gates and imaginary exponents of which no two are alike; both start constant by default.
    "NPU": {
        "kwargs": {"w_imag_init": "glorot_uniform", "gate_init": "nmu"},
        "penalty": 4.0,  # the L1 norm of two exponents and two gates
        "spread": 1.0,
    },
    "RealNPU": {"kwargs": {"gate_init": "nmu"}, "penalty": 4.0, "spread": 1.0},
    "RealNPUModified": {"kwargs": {"gate_init": "nmu"}, "spread": 1.0},
    # Weights of which no two are alike; all start at zero by default.
    "HillSpaceSum": {"kwargs": {"w_hat_init": "glorot_uniform", "m_hat_init": "glorot_uniform"}},
    "HillSpaceProduct": {
        "kwargs": {"w_hat_init": "glorot_uniform", "m_hat_init": "glorot_uniform"}
    },
    "NSR": {"kwargs": {"redundancy": 3}},
    "MLP": {"columns": 8},
}


def _case(unit: type[Unit]) -> Case:
    name = unit.__name__
    return Case(unit, getattr(references, name.lower()), **_EXCEPTIONS.get(name, {}))


# One unit of each family, for what does not depend on the equation: sum, product, gate, clipped
# product, complex power, network, and one with noise.
FAMILIES = ("NAU", "NMU", "NALU", "iNALU", "NPU", "MLP", "sNMU")
# What an adapter does with any unit: a gate with three parameters, lists of them, and noise.
KINDS = ("NALU", "MLP", "sNMU")

UNITS = {unit.__name__: _case(unit) for unit in EXACT_PARAMETERS}
EXACT = [(name, operation) for name, case in UNITS.items() for operation in case.exact]


def differs_in_training(unit: Unit) -> bool:
    """Whether the unit uses a key; for most units it is the same program with and without."""

    def program(draw):
        return str(jax.make_jaxpr(lambda x: unit.equation(x, draw))(jnp.ones(unit.in_features)))

    return program(None) != program(jnp.ones)
