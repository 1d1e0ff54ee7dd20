"""The one table that every common test of the units runs over. A new unit costs one row."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import sympy

from numerate.units import (
    GNAC,
    GNALU,
    NAC,
    NALU,
    NAU,
    NMRU,
    NMU,
    SNALU,
    NACMul,
    NALUScalarGate,
    NALUUntied,
    SignNMRU,
    Unit,
    iNALU,
    iNALUShared,
    sNMU,
)
from tests.units import references

A, B = sympy.symbols("a b", positive=True)

# What two inputs are to become, and the weights of a sum or product that does it.
OPERATIONS = {
    "+": (A + B, (1, 1)),
    "-": (A - B, (1, -1)),
    "*": (A * B, (1, 1)),
    "/": (A / B, (1, -1)),
    "sqrt": (sympy.sqrt(A), (0.5, 0)),
}
PRODUCTS = ("*", "/", "sqrt")

SATURATED = 100.0  # tanh and the logistic function round to 1 here, also in float64
OPEN, CLOSED = 1e6, -1e6  # so large that inputs of 1e-2 open or close a gate completely


@dataclass(frozen=True)
class Case:
    """One row: a class, the arguments beyond the sizes, its NumPy reference, the parameters
    with which it is exact for each operation, and the signs of inputs for which it is.

    `roundings` multiplies the tolerance of float32, which is 8 roundings, for equations that
    are worse conditioned at weights in between; each with its reason."""

    unit: type[Unit]
    reference: Callable[..., np.ndarray]
    exact: dict[str, dict[str, Any]]
    signs: tuple[int, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    roundings: int = 1

    def make(self, in_features: int, out_features: int, **kwargs) -> Unit:
        return self.unit(in_features, out_features, **self.kwargs, **kwargs)

    def made_exact(self, operation: str, dtype, key) -> Unit:
        """The unit 2→1 with the weights of `operation`."""
        unit = self.make(2, 1, dtype=dtype, key=key)
        names, values = zip(*self.exact[operation].items(), strict=True)
        arrays = [jnp.asarray(v, dtype) for v in values]
        return eqx.tree_at(lambda u: [getattr(u, n) for n in names], unit, arrays)


def nac_parameters(operation: str) -> dict[str, Any]:
    """Ŵ and M̂ for which tanh(Ŵ) σ(M̂) is exactly the weights of an operation."""
    weights = OPERATIONS[operation][1]
    return {
        "w_hat": [[SATURATED * np.sign(w) for w in weights]],
        "m_hat": [[0.0 if w == 0.5 else SATURATED for w in weights]],
    }


def nalu_parameters(operation: str) -> dict[str, Any]:
    gate = CLOSED if operation in PRODUCTS else OPEN
    return {**nac_parameters(operation), "gate_weight": [[gate, gate]]}


def untied_parameters(operation: str) -> dict[str, Any]:
    """The other half, which the gate leaves out, has the weights of another operation."""
    of_sum, of_product = ("-", operation) if operation in PRODUCTS else (operation, "sqrt")
    halves = [nac_parameters(of_sum), nac_parameters(of_product)]
    both = {name: [half[name] for half in halves] for name in ("w_hat", "m_hat")}
    return {**both, "gate_weight": nalu_parameters(operation)["gate_weight"]}


def inalu_parameters(operation: str) -> dict[str, Any]:
    """As `untied_parameters`, but with no weight of 1/2, where its penalty is not 0."""
    product = operation in PRODUCTS
    of_sum, of_product = ("-", operation) if product else (operation, "/")
    halves = [nac_parameters(of_sum), nac_parameters(of_product)]
    both = {name: [half[name] for half in halves] for name in ("w_hat", "m_hat")}
    return {**both, "gate_weight": [CLOSED if product else OPEN]}


def constant_gate_parameters(operation: str) -> dict[str, Any]:
    gate = CLOSED if operation in PRODUCTS else OPEN
    return {**nac_parameters(operation), "gate_weight": [gate]}


def weights(*operations: str) -> dict[str, dict[str, Any]]:
    """Ŵ for the units whose Ŵ is W itself."""
    return {o: {"w_hat": [list(map(float, OPERATIONS[o][1]))]} for o in operations}


def reciprocal_weights(*operations: str) -> dict[str, dict[str, Any]]:
    """Ŵ of an NMRU: which inputs are factors, and which are divisors."""
    exponents = {o: np.array(OPERATIONS[o][1], float) for o in operations}
    return {o: {"w_hat": [[np.maximum(e, 0)], [np.maximum(-e, 0)]]} for o, e in exponents.items()}


SUMS = {o: nac_parameters(o) for o in OPERATIONS if o not in PRODUCTS}
EITHER = (-1, 1)
POSITIVE = (1,)

UNITS = {
    "NAC": Case(NAC, references.nac, SUMS, EITHER),
    "NACMul": Case(NACMul, references.nac_mul, {o: nac_parameters(o) for o in PRODUCTS}, POSITIVE),
    "NALU": Case(NALU, references.nalu, {o: nalu_parameters(o) for o in OPERATIONS}, POSITIVE),
    "NALUScalarGate": Case(
        NALUScalarGate,
        references.nalu_scalar_gate,
        {o: nalu_parameters(o) for o in OPERATIONS},
        POSITIVE,
    ),
    "NALUUntied": Case(
        NALUUntied,
        references.nalu_untied,
        {o: untied_parameters(o) for o in OPERATIONS},
        POSITIVE,
    ),
    "NAU": Case(NAU, references.nau, weights("+", "-"), EITHER),
    "NMU": Case(NMU, references.nmu, weights("*"), EITHER),
    "sNMU": Case(sNMU, references.nmu, weights("*"), EITHER),
    "NMRU": Case(NMRU, references.nmru, reciprocal_weights("*", "/"), EITHER),
    "SignNMRU": Case(
        SignNMRU,
        references.sign_nmru,
        reciprocal_weights("*", "/"),
        EITHER,
        roundings=100,  # the angle, up to 9 half turns, is rounded; the magnitude multiplies that
    ),
    "iNALU": Case(iNALU, references.inalu, {o: inalu_parameters(o) for o in "+-*/"}, EITHER),
    "iNALUShared": Case(
        iNALUShared,
        references.inalu_shared,
        {o: constant_gate_parameters(o) for o in "+-*/"},
        EITHER,
    ),
    "SNALU": Case(
        SNALU, references.snalu, {o: constant_gate_parameters(o) for o in "+-*/"}, EITHER
    ),
    "GNAC": Case(GNAC, references.gnac, SUMS, EITHER),
    "GNALU": Case(GNALU, references.gnalu, {o: nalu_parameters(o) for o in OPERATIONS}, POSITIVE),
}
EXACT = [(name, operation) for name, case in UNITS.items() for operation in case.exact]
