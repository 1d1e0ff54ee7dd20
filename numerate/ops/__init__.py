"""The equations of neural arithmetic: pure functions of examples, for JAX, PyTorch and SymPy.

They map the last axis and accept any leading axes. The random number functions need JAX. They are
imported on first use, so that PyTorch users do not load JAX.
"""

from typing import TYPE_CHECKING, Any

from numerate.ops._activations import ACTIVATIONS, prelu
from numerate.ops._backend import Tensor, namespace, register, symbolic
from numerate.ops._gates import constant_gate, mix, sigmoid_gate
from numerate.ops._logic import conjunction, disjunction
from numerate.ops._numerics import bounded, magnitude, odd, reciprocal, straight_through_clip
from numerate.ops._penalties import (
    absolute_sum,
    distance_from_units,
    ramp,
    saturation,
    sparsity,
    squared_saturation,
    staircase,
)
from numerate.ops._powers import complex_power_product, selected_power_product, signed_power
from numerate.ops._products import (
    affine_product,
    clamped_log_space_product,
    log_space_product,
    mixed_sign,
    noisy_product,
    retrieved_sign,
    sign_product,
)
from numerate.ops._sums import linear
from numerate.ops._weights import (
    GOLDEN_SLOPE,
    mass_shares,
    nac_weight,
    selection,
    snapped_logits,
    snapped_parameters,
    snapped_selection,
    steep_magnitude,
)

if TYPE_CHECKING:
    from numerate.ops._random import bits as bits
    from numerate.ops._random import step_key as step_key
    from numerate.ops._random import uniform as uniform

__all__ = [
    "ACTIVATIONS",
    "GOLDEN_SLOPE",
    "Tensor",
    "absolute_sum",
    "affine_product",
    "bits",
    "bounded",
    "clamped_log_space_product",
    "complex_power_product",
    "conjunction",
    "constant_gate",
    "disjunction",
    "distance_from_units",
    "linear",
    "log_space_product",
    "magnitude",
    "mass_shares",
    "mix",
    "mixed_sign",
    "nac_weight",
    "namespace",
    "noisy_product",
    "prelu",
    "odd",
    "ramp",
    "reciprocal",
    "register",
    "retrieved_sign",
    "saturation",
    "selected_power_product",
    "selection",
    "sigmoid_gate",
    "sign_product",
    "signed_power",
    "snapped_logits",
    "snapped_parameters",
    "snapped_selection",
    "sparsity",
    "squared_saturation",
    "staircase",
    "steep_magnitude",
    "step_key",
    "straight_through_clip",
    "symbolic",
    "uniform",
]


def __getattr__(name: str) -> Any:
    if name in ("bits", "step_key", "uniform"):
        from numerate.ops import _random

        return getattr(_random, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
