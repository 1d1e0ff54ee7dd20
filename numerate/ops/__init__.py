"""The equations of neural arithmetic: pure functions of examples, for JAX, PyTorch and SymPy.

They map the last axis and take any axes before it.
"""

from numerate.ops._backend import Tensor, namespace
from numerate.ops._gates import mix, sigmoid_gate
from numerate.ops._numerics import bounded, magnitude, reciprocal, straight_through_clip
from numerate.ops._penalties import ramp, sparsity
from numerate.ops._products import affine_product, log_space_product, retrieved_sign
from numerate.ops._random import bits, step_key, uniform
from numerate.ops._sums import linear
from numerate.ops._weights import GOLDEN_SLOPE, nac_weight

__all__ = [
    "GOLDEN_SLOPE",
    "Tensor",
    "affine_product",
    "bits",
    "bounded",
    "linear",
    "log_space_product",
    "magnitude",
    "mix",
    "nac_weight",
    "namespace",
    "ramp",
    "reciprocal",
    "retrieved_sign",
    "sigmoid_gate",
    "sparsity",
    "step_key",
    "straight_through_clip",
    "uniform",
]
