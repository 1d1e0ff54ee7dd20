"""The equations of neural arithmetic: pure functions of examples, for JAX, PyTorch and SymPy.

They map the last axis and take any axes before it.
"""

from numerate.ops._backend import Tensor, namespace
from numerate.ops._gates import constant_gate, mix, sigmoid_gate
from numerate.ops._numerics import bounded, magnitude, reciprocal, straight_through_clip
from numerate.ops._penalties import ramp, saturation, sparsity
from numerate.ops._products import (
    affine_product,
    clamped_log_space_product,
    log_space_product,
    mixed_sign,
    retrieved_sign,
    sign_product,
)
from numerate.ops._random import bits, step_key, uniform
from numerate.ops._sums import linear
from numerate.ops._weights import GOLDEN_SLOPE, nac_weight

__all__ = [
    "GOLDEN_SLOPE",
    "Tensor",
    "affine_product",
    "bits",
    "bounded",
    "clamped_log_space_product",
    "constant_gate",
    "linear",
    "log_space_product",
    "magnitude",
    "mix",
    "mixed_sign",
    "nac_weight",
    "namespace",
    "ramp",
    "reciprocal",
    "retrieved_sign",
    "saturation",
    "sigmoid_gate",
    "sign_product",
    "sparsity",
    "step_key",
    "straight_through_clip",
    "uniform",
]
