"""How a unit declares the operations that it represents exactly."""

from typing import Any, NamedTuple

import numpy as np

OPERATIONS: dict[str, tuple[float, float]] = {
    "+": (1, 1),
    "-": (1, -1),
    "*": (1, 1),
    "/": (1, -1),
    "sqrt": (0.5, 0),
}
"""The weights of two inputs: coefficients of a sum, or exponents of a product."""

SUMS, PRODUCTS = ("+", "-"), ("*", "/", "sqrt")

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


def direct_weights(*operations: str) -> dict[str, Parameters]:
    """Ŵ for the units whose weights are Ŵ itself."""
    return {o: {"w_hat": [list(map(float, OPERATIONS[o]))]} for o in operations}


def nac_weights(*operations: str) -> dict[str, Parameters]:
    """Ŵ and M̂ for which tanh(Ŵ) σ(M̂) is exactly the weights of an operation."""
    return {
        o: {
            "w_hat": [[SATURATED * np.sign(w) for w in OPERATIONS[o]]],
            "m_hat": [[0.0 if w == 0.5 else SATURATED for w in OPERATIONS[o]]],
        }
        for o in operations
    }


def separate_weights(other: str, *operations: str) -> dict[str, Parameters]:
    """Ŵ and M̂ of a sum and a product with weights of their own.

    The branch that the gate excludes has those of a difference, or of the product `other`.
    """
    found = {}
    for operation in operations:
        pair = ("-", operation) if operation in PRODUCTS else (operation, other)
        halves = [nac_weights(o)[o] for o in pair]
        found[operation] = {name: [half[name] for half in halves] for name in ("w_hat", "m_hat")}
    return found


def with_gate(weights: dict[str, Parameters]) -> dict[str, Parameters]:
    """The weights of each operation, and one gate that does not depend on the input."""
    return {o: {**p, "gate_weight": [_gate(o)]} for o, p in weights.items()}


def with_input_gate(weights: dict[str, Parameters]) -> dict[str, Parameters]:
    """The weights of each operation, and a gate that depends on both inputs."""
    return {o: {**p, "gate_weight": [[_gate(o)] * 2]} for o, p in weights.items()}


def _gate(operation: str) -> float:
    return CLOSED if operation in PRODUCTS else OPEN


def mass_weights(*operations: str) -> dict[str, Parameters]:
    """Logits that assign an input to the output, to the trash, or, for the root, half to each."""
    logits = {1: (SATURATED, -SATURATED), 0.5: (SATURATED, SATURATED), 0: (-SATURATED, SATURATED)}
    gates = {"gate_weight": [SATURATED], "gate_bias": [SATURATED]}
    return {
        o: {**gates, "w_hat": np.transpose([logits[w] for w in OPERATIONS[o]]).tolist()}
        for o in operations
    }
