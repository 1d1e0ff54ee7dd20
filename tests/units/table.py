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
    MCFC,
    MLP,
    NAC,
    NALU,
    NASU,
    NAU,
    NLRL,
    NMRU,
    NMU,
    NPU,
    NRU,
    NSR,
    SNALU,
    HillSpaceProduct,
    HillSpaceSum,
    Linear,
    MulMCFC,
    MulMCFCSignINALU,
    MulMCFCSignRealNPU,
    NACMul,
    NALUScalarGate,
    NALUUntied,
    RealNPU,
    RealNPUModified,
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
    are worse conditioned at weights in between; each with its reason. `penalty` is that at the
    exact weights. `spread` is how far from 0 parameters may lie so that the power of 1e30
    beside ordinary numbers, and its gradient, fit float32. `columns` is the second size of the
    effective weight where that is not `in_features`."""

    unit: type[Unit]
    reference: Callable[..., np.ndarray]
    exact: dict[str, dict[str, Any]]
    signs: tuple[int, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    roundings: int = 1
    penalty: float = 0.0
    spread: float = 2.0
    columns: int | None = None

    def make(self, in_features: int, out_features: int, **kwargs) -> Unit:
        return self.unit(in_features, out_features, **{**self.kwargs, **kwargs})

    def made_exact(self, operation: str, dtype, key) -> Unit:
        """The unit 2→1 with the weights of `operation`."""
        unit = self.make(2, 1, dtype=dtype, key=key)
        names, values = zip(*self.exact[operation].items(), strict=True)
        arrays = [_arrays(v, dtype) for v in values]
        return eqx.tree_at(lambda u: [getattr(u, n) for n in names], unit, arrays)


def _arrays(value: Any, dtype) -> Any:
    """An array of a list, and a tuple of arrays of a tuple of lists."""
    if isinstance(value, tuple):
        return tuple(jnp.asarray(v, dtype) for v in value)
    return jnp.asarray(value, dtype)


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


def gated_weights(*operations: str) -> dict[str, dict[str, Any]]:
    """Ŵ of a unit whose gate lets both inputs pass."""
    return {o: {**w, "gate_hat": [1.0, 1.0]} for o, w in weights(*operations).items()}


def complex_weights(*operations: str) -> dict[str, dict[str, Any]]:
    """Real exponents of a unit with complex ones, whose gate lets both inputs pass."""
    names = {"w_hat": "w_real", "gate_hat": "gate_hat"}
    real = gated_weights(*operations)
    return {
        o: {**{names[n]: v for n, v in p.items()}, "w_imag": [[0.0, 0.0]]} for o, p in real.items()
    }


def mass_parameters(*operations: str) -> dict[str, dict[str, Any]]:
    """Logits that give an input to the output, to the trash, or, for the root, half to each."""
    logits = {1: (SATURATED, -SATURATED), 0.5: (SATURATED, SATURATED), 0: (-SATURATED, SATURATED)}
    gate = {"gate_weight": [SATURATED], "gate_bias": [SATURATED]}
    return {
        o: {**gate, "w_hat": np.transpose([logits[w] for w in OPERATIONS[o][1]]).tolist()}
        for o in operations
    }


def rectified(operation: str) -> dict[str, Any]:
    """A weighted sum as max(s, 0) - max(-s, 0), in the first two of eight hidden features."""
    row = np.array(OPERATIONS[operation][1], float)
    first, last = np.zeros((8, 2)), np.zeros((1, 8))
    first[:2], last[0, :2] = [row, -row], [1.0, -1.0]
    return {"weights": (first.tolist(), last.tolist())}


def selection(operation: str) -> dict[str, dict[str, Any]]:
    """A unit that chose one branch; the weights of the other are whole, too."""
    a, b = OPERATIONS[operation][1]
    if operation in "+-":
        return {"sum_hat": [[a, b]], "product_hat": [[[1, 0]], [[0, 0]]], "choice": [0]}
    factors = [[[1, max(b, 0)]], [[0, max(-b, 0)]]]
    return {"sum_hat": [[1, 0]], "product_hat": factors, "choice": [2]}


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
    "NASU": Case(
        NASU,
        references.nasu,
        {o: selection(o) for o in ("+", "-", "*", "/")},
        EITHER,
        roundings=100.0,  # the rounded angle of the sign, as for the SignNMRU
    ),
    "NRU": Case(NRU, references.nru, weights("*", "/"), EITHER, spread=1.0),
    # Gates and imaginary exponents of which no two are alike; both start constant by default.
    "NPU": Case(
        NPU,
        references.npu,
        complex_weights("*", "/"),
        EITHER,
        kwargs={"w_imag_init": "glorot_uniform", "gate_init": "nmu"},
        penalty=4.0,  # the L1 norm of two exponents and two gates
        spread=1.0,
    ),
    "RealNPU": Case(
        RealNPU,
        references.real_npu,
        gated_weights("*", "/"),
        EITHER,
        kwargs={"gate_init": "nmu"},
        penalty=4.0,
        spread=1.0,
    ),
    "RealNPUModified": Case(
        RealNPUModified,
        references.real_npu,
        gated_weights("*", "/"),
        EITHER,
        kwargs={"gate_init": "nmu"},
        spread=1.0,
    ),
    # Weights of which no two are alike; all start at zero by default.
    "HillSpaceSum": Case(
        HillSpaceSum,
        references.nac,
        SUMS,
        EITHER,
        kwargs={"w_hat_init": "glorot_uniform", "m_hat_init": "glorot_uniform"},
    ),
    "HillSpaceProduct": Case(
        HillSpaceProduct,
        references.hill_space_product,
        {o: nac_parameters(o) for o in "*/"},
        EITHER,
        kwargs={"w_hat_init": "glorot_uniform", "m_hat_init": "glorot_uniform"},
    ),
    "MCFC": Case(MCFC, references.mcfc, mass_parameters("+"), EITHER),
    "MulMCFC": Case(MulMCFC, references.mulmcfc, mass_parameters("*", "sqrt"), POSITIVE),
    "MulMCFCSignINALU": Case(
        MulMCFCSignINALU, references.mulmcfc_sign_inalu, mass_parameters("*"), EITHER
    ),
    "MulMCFCSignRealNPU": Case(
        MulMCFCSignRealNPU,
        references.mulmcfc_sign_realnpu,
        {"*": {**mass_parameters("*")["*"], "sign_gate": [1.0, 1.0]}},
        EITHER,
    ),
    # They compare and conclude: their outputs are truth values.
    "NSR": Case(NSR, references.nsr, {}, EITHER, {"redundancy": 3}),
    "NLRL": Case(NLRL, references.nlrl, {}, EITHER),
    "Linear": Case(Linear, references.linear, weights("+", "-"), EITHER),
    "MLP": Case(MLP, references.mlp, {o: rectified(o) for o in "+-"}, EITHER, columns=8),
}
EXACT = [(name, operation) for name, case in UNITS.items() for operation in case.exact]
