"""The equations of neural arithmetic: pure functions of one example."""

from numerate.ops._gates import mix, sigmoid_gate
from numerate.ops._numerics import magnitude
from numerate.ops._products import log_space_product
from numerate.ops._sums import linear
from numerate.ops._weights import nac_weight

__all__ = ["linear", "log_space_product", "magnitude", "mix", "nac_weight", "sigmoid_gate"]
