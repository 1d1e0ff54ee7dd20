"""The parameters with which each unit computes +, −, ×, ÷ and √ exactly.

The tests check them to rounding, and the figures of the documentation and [its table of
operations](../units/choose.md) are made from them.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from numerate import units
from numerate.units import Unit

__all__ = ["EXACT", "OPERATIONS", "Exact", "exact"]

OPERATIONS: dict[str, tuple[float, float]] = {
    "+": (1, 1),
    "-": (1, -1),
    "*": (1, 1),
    "/": (1, -1),
    "sqrt": (0.5, 0),
}
"""The weights of two inputs: coefficients of a sum, or exponents of a product."""

PRODUCTS = ("*", "/", "sqrt")

SATURATED = 100.0  # tanh and the logistic function round to 1 here, also in float64
OPEN, CLOSED = 1e6, -1e6  # so large that inputs of 1e-2 open or close a gate completely
EITHER = (-1, 1)
POSITIVE = (1,)

Parameters = dict[str, Any]


class Exact(NamedTuple):
    """The operations that a unit of two inputs and one output represents exactly.

    **Fields:**

    - `parameters`: for each operation the parameters by name; missing ones may have any value.
    - `signs`: the signs of the inputs for which it holds: `(-1, 1)`, or `(1,)` for positive ones.
    """

    parameters: dict[str, Parameters]
    signs: tuple[int, ...]


def exact(unit: type[Unit], operation: str, *, key: PRNGKeyArray, **kwargs: Any) -> Unit:
    """A unit of two inputs and one output with the parameters that compute an operation.

    **Arguments:**

    - `unit`: a class of `EXACT`.
    - `operation`: `"+"`, `"-"`, `"*"`, `"/"`, or `"sqrt"` of the first input.
    - `key`: draws the parameters that may have any value.
    - `kwargs`: further arguments of the unit's constructor, such as `dtype`.

    **Raises:** `ValueError` for an operation that the unit does not represent exactly.

    !!! example
        >>> unit = exact(units.NALU, "*", key=jax.random.key(0))
        >>> float(unit(jnp.array([3.0, 4.0]))[0])
        12.0
    """
    known = EXACT[unit].parameters
    if operation not in known:
        raise ValueError(
            f"operation must be one that {unit.__name__} represents exactly, "
            f"{', '.join(known) or 'none'}; got {operation!r}"
        )
    kind: Any = unit  # the base class has no constructor to check against
    made = kind(2, 1, key=key, **kwargs)
    names = list(known[operation])

    def parameters(model: Any) -> list[Any]:
        return [getattr(model, name) for name in names]

    values = [
        jax.tree.map(lambda old, new: jnp.asarray(new, old.dtype), old, new)
        for old, new in zip(parameters(made), known[operation].values(), strict=True)
    ]
    return eqx.tree_at(parameters, made, values)


def _nac_parameters(operation: str) -> Parameters:
    """Ŵ and M̂ for which tanh(Ŵ) σ(M̂) is exactly the weights of an operation."""
    weights = OPERATIONS[operation]
    return {
        "w_hat": [[SATURATED * np.sign(w) for w in weights]],
        "m_hat": [[0.0 if w == 0.5 else SATURATED for w in weights]],
    }


def _nalu_parameters(operation: str) -> Parameters:
    gate = CLOSED if operation in PRODUCTS else OPEN
    return {**_nac_parameters(operation), "gate_weight": [[gate, gate]]}


def _untied_parameters(operation: str) -> Parameters:
    """The other branch, which the gate excludes, has the weights of another operation."""
    of_sum, of_product = ("-", operation) if operation in PRODUCTS else (operation, "sqrt")
    halves = [_nac_parameters(of_sum), _nac_parameters(of_product)]
    both = {name: [half[name] for half in halves] for name in ("w_hat", "m_hat")}
    return {**both, "gate_weight": _nalu_parameters(operation)["gate_weight"]}


def _inalu_parameters(operation: str) -> Parameters:
    """As `_untied_parameters`, but without weights of 1/2, where the penalty is not 0."""
    product = operation in PRODUCTS
    of_sum, of_product = ("-", operation) if product else (operation, "/")
    halves = [_nac_parameters(of_sum), _nac_parameters(of_product)]
    both = {name: [half[name] for half in halves] for name in ("w_hat", "m_hat")}
    return {**both, "gate_weight": [CLOSED if product else OPEN]}


def _constant_gate_parameters(operation: str) -> Parameters:
    gate = CLOSED if operation in PRODUCTS else OPEN
    return {**_nac_parameters(operation), "gate_weight": [gate]}


def _weights(*operations: str) -> dict[str, Parameters]:
    """Ŵ for the units whose weights are Ŵ itself."""
    return {o: {"w_hat": [list(map(float, OPERATIONS[o]))]} for o in operations}


def _reciprocal_weights(*operations: str) -> dict[str, Parameters]:
    """Ŵ of an NMRU: the weights of factors and of divisors."""
    exponents = {o: np.array(OPERATIONS[o], float) for o in operations}
    return {o: {"w_hat": [[np.maximum(e, 0)], [np.maximum(-e, 0)]]} for o, e in exponents.items()}


def _gated_weights(*operations: str) -> dict[str, Parameters]:
    """Ŵ of a unit with an open gate for both inputs."""
    return {o: {**w, "gate_hat": [1.0, 1.0]} for o, w in _weights(*operations).items()}


def _complex_weights(*operations: str) -> dict[str, Parameters]:
    """Real exponents of a unit with complex exponents and an open gate for both inputs."""
    names = {"w_hat": "w_real", "gate_hat": "gate_hat"}
    real = _gated_weights(*operations)
    return {
        o: {**{names[n]: v for n, v in p.items()}, "w_imag": [[0.0, 0.0]]} for o, p in real.items()
    }


def _mass_parameters(*operations: str) -> dict[str, Parameters]:
    """Logits that assign an input to the output, to the trash, or, for the root, half to each."""
    logits = {1: (SATURATED, -SATURATED), 0.5: (SATURATED, SATURATED), 0: (-SATURATED, SATURATED)}
    gate = {"gate_weight": [SATURATED], "gate_bias": [SATURATED]}
    return {
        o: {**gate, "w_hat": np.transpose([logits[w] for w in OPERATIONS[o]]).tolist()}
        for o in operations
    }


def _rectified(operation: str) -> Parameters:
    """A weighted sum as max(s, 0) - max(-s, 0), in the first two of eight hidden features."""
    row = np.array(OPERATIONS[operation], float)
    first, last = np.zeros((8, 2)), np.zeros((1, 8))
    first[:2], last[0, :2] = [row, -row], [1.0, -1.0]
    return {"weights": (first.tolist(), last.tolist())}


def _selection(operation: str) -> Parameters:
    """A unit with one branch chosen; the weights of the other are integers too."""
    a, b = OPERATIONS[operation]
    if operation in "+-":
        return {"sum_hat": [[a, b]], "product_hat": [[[1, 0]], [[0, 0]]], "choice": [0]}
    factors = [[[1, max(b, 0)]], [[0, max(-b, 0)]]]
    return {"sum_hat": [[1, 0]], "product_hat": factors, "choice": [2]}


_SUMS = {o: _nac_parameters(o) for o in OPERATIONS if o not in PRODUCTS}
_RECIPROCALS = _reciprocal_weights("*", "/")

EXACT: dict[type[Unit], Exact] = {
    units.NAC: Exact(_SUMS, EITHER),
    units.NACMul: Exact({o: _nac_parameters(o) for o in PRODUCTS}, POSITIVE),
    units.NALU: Exact({o: _nalu_parameters(o) for o in OPERATIONS}, POSITIVE),
    units.NALUScalarGate: Exact({o: _nalu_parameters(o) for o in OPERATIONS}, POSITIVE),
    units.NALUUntied: Exact({o: _untied_parameters(o) for o in OPERATIONS}, POSITIVE),
    units.NAU: Exact(_weights("+", "-"), EITHER),
    units.NMU: Exact(_weights("*"), EITHER),
    units.sNMU: Exact(_weights("*"), EITHER),
    units.NMRU: Exact(_RECIPROCALS, EITHER),
    units.SignNMRU: Exact(_RECIPROCALS, EITHER),
    units.iNALU: Exact({o: _inalu_parameters(o) for o in "+-*/"}, EITHER),
    units.iNALUShared: Exact({o: _constant_gate_parameters(o) for o in "+-*/"}, EITHER),
    units.SNALU: Exact({o: _constant_gate_parameters(o) for o in "+-*/"}, EITHER),
    units.GNAC: Exact(_SUMS, EITHER),
    units.GNALU: Exact({o: _nalu_parameters(o) for o in OPERATIONS}, POSITIVE),
    units.NASU: Exact({o: _selection(o) for o in "+-*/"}, EITHER),
    units.NRU: Exact(_weights("*", "/"), EITHER),
    units.NPU: Exact(_complex_weights("*", "/"), EITHER),
    units.RealNPU: Exact(_gated_weights("*", "/"), EITHER),
    units.RealNPUModified: Exact(_gated_weights("*", "/"), EITHER),
    units.HillSpaceSum: Exact(_SUMS, EITHER),
    units.HillSpaceProduct: Exact({o: _nac_parameters(o) for o in "*/"}, EITHER),
    units.MCFC: Exact(_mass_parameters("+"), EITHER),
    units.MulMCFC: Exact(_mass_parameters("*", "sqrt"), POSITIVE),
    units.MulMCFCSignINALU: Exact(_mass_parameters("*"), EITHER),
    units.MulMCFCSignRealNPU: Exact(
        {"*": {**_mass_parameters("*")["*"], "sign_gate": [1.0, 1.0]}}, EITHER
    ),
    # Their outputs are truth values of comparisons and logical operations.
    units.NSR: Exact({}, EITHER),
    units.NLRL: Exact({}, EITHER),
    units.Linear: Exact(_weights("+", "-"), EITHER),
    units.MLP: Exact({o: _rectified(o) for o in "+-"}, EITHER),
}
"""The exact parameters of each unit class."""
