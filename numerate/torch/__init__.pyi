"""The units as PyTorch modules: the same classes, arguments, initialisers and equations.

Needs PyTorch: `pip install "numerate[torch]"`.
"""
# Written by tests/adapters/stubs.py.

import torch

from numerate.initialisers import Initialiser
from numerate.torch._base import Unit as Unit
from numerate.torch._cells import Recurrent as Recurrent
from numerate.torch._cells import RecurrentCell as RecurrentCell
from numerate.torch._convert import from_torch as from_torch
from numerate.torch._convert import to_torch as to_torch
from numerate.torch._training import Penalties as Penalties
from numerate.torch._training import penalise as penalise
from numerate.torch._training import select_branches as select_branches
from numerate.torch._training import snap as snap

class GNAC(Unit):
    """Golden-ratio NAC: a NAC whose tanh and σ have the base φ instead of e.

    [numerate.units.GNAC][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class GNALU(Unit):
    """Golden-ratio NALU: a NALU to the base φ, whose gate sees the magnitudes of its input.

    [numerate.units.GNALU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        gate_input: str = "magnitudes",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def gate(self, x: torch.Tensor) -> torch.Tensor: ...

class HillSpaceProduct(Unit):
    """Exponential primitive of Hill Space: multiplies and divides its inputs, of either sign.

    [numerate.units.HillSpaceProduct][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "constant",
        m_hat_init: str | Initialiser = "constant",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class HillSpaceSum(Unit):
    """Additive primitive of Hill Space: adds and subtracts its inputs.

    [numerate.units.HillSpaceSum][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "constant",
        m_hat_init: str | Initialiser = "constant",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class Linear(Unit):
    """Linear layer: weighted sums with arbitrary weights, and a constant.

    [numerate.units.Linear][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        w_hat_init: str | Initialiser = "glorot_uniform",
        bias_init: str | Initialiser = "constant",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class MCFC(Unit):
    """Mass-conserving fully connected layer: distributes its inputs over its outputs.

    [numerate.units.MCFC][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def output_gate(self) -> torch.Tensor: ...

class MLP(Unit):
    """Multilayer perceptron: linear layers with an activation between them.

    [numerate.units.MLP][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        hidden_size: int = 8,
        depth: int = 1,
        activation: str = "relu",
        weight_init: str | Initialiser = "glorot_uniform",
        bias_init: str | Initialiser = "constant",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def activated(self, h: torch.Tensor, layer: int) -> torch.Tensor: ...

class MulMCFC(Unit):
    """Multiplicative mass-conserving layer: an `MCFC` in log space.

    [numerate.units.MulMCFC][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        bias_init: str | Initialiser = "constant",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def output_gate(self) -> torch.Tensor: ...

class MulMCFCSignINALU(Unit):
    """Multiplicative mass-conserving layer with the sign of the iNALU.

    [numerate.units.MulMCFCSignINALU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        bias_init: str | Initialiser = "constant",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def output_gate(self) -> torch.Tensor: ...

class MulMCFCSignRealNPU(Unit):
    """Multiplicative mass-conserving layer with the sign of the RealNPU.

    [numerate.units.MulMCFCSignRealNPU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        bias_init: str | Initialiser = "constant",
        sign_gate_init: str | Initialiser = ...,
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def output_gate(self) -> torch.Tensor: ...

class NAC(Unit):
    """Neural accumulator: adds and subtracts its inputs.

    [numerate.units.NAC][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class NACMul(Unit):
    """Multiplicative neural accumulator: multiplies, divides and takes roots of its inputs.

    [numerate.units.NACMul][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class NALU(Unit):
    """Neural arithmetic logic unit: a gate between a sum and a product with the same weights.

    [numerate.units.NALU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def gate(self, x: torch.Tensor) -> torch.Tensor: ...

class NALUScalarGate(Unit):
    """NALU whose outputs share one gate: all of them are sums, or all are products.

    [numerate.units.NALUScalarGate][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def gate(self, x: torch.Tensor) -> torch.Tensor: ...

class NALUUntied(Unit):
    """NALU whose sum and product have separate weights.

    [numerate.units.NALUUntied][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def gate(self, x: torch.Tensor) -> torch.Tensor: ...

class NASU(Unit):
    """Neural arithmetic selection unit: learns + − × ÷ without knowing the operation.

    [numerate.units.NASU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        sum_init: str | Initialiser = "nau",
        product_init: str | Initialiser = "nmu",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    @property
    def operation(self) -> tuple[str, ...]: ...

class NAU(Unit):
    """Neural addition unit: adds and subtracts its inputs.

    [numerate.units.NAU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class NLRL(Unit):
    """Neural logic rule layer: one AND or one OR of inputs and negated inputs for each output.

    [numerate.units.NLRL][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        n_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    @property
    def negation(self) -> torch.Tensor: ...

class NMRU(Unit):
    """Neural multiplicative reciprocal unit: multiplies and divides its inputs.

    [numerate.units.NMRU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nmu",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class NMU(Unit):
    """Neural multiplication unit: multiplies its inputs.

    [numerate.units.NMU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nmu",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class NPU(Unit):
    """Neural power unit: multiplies and divides powers of its inputs, of either sign.

    [numerate.units.NPU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_real_init: str | Initialiser = "glorot_uniform",
        w_imag_init: str | Initialiser = "constant",
        gate_init: str | Initialiser = ...,
        gate_gradient: str = "clipped",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    @property
    def gate(self) -> torch.Tensor: ...

class NRU(Unit):
    """Neural reciprocal unit: multiplies and divides its inputs.

    [numerate.units.NRU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class NSR(Unit):
    """Neural status register: the truth value of a comparison of two inputs, between 0 and 1.

    [numerate.units.NSR][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        redundancy: int = 1,
        zeta: float = 1.0,
        scale: float = 1.0,
        w_hat_init: str | Initialiser = "glorot_normal",
        sign_init: str | Initialiser = "glorot_normal",
        zero_init: str | Initialiser = "glorot_normal",
        bias_init: str | Initialiser = "constant",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def operands(self, x: torch.Tensor) -> torch.Tensor: ...

class RealNPU(Unit):
    """Real neural power unit: an NPU without imaginary exponents.

    [numerate.units.RealNPU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = ...,
        gate_gradient: str = "clipped",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    @property
    def gate(self) -> torch.Tensor: ...

class RealNPUModified(Unit):
    """Modified real neural power unit: multiplies and divides its inputs.

    [numerate.units.RealNPUModified][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        gate_init: str | Initialiser = ...,
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    @property
    def gate(self) -> torch.Tensor: ...

class SNALU(Unit):
    """Signed NALU: a product with the sign of all inputs, and a gate independent of the input.

    [numerate.units.SNALU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def gate(self, x: torch.Tensor) -> torch.Tensor: ...

class SignNMRU(Unit):
    """NMRU with sign retrieval: multiplies and divides inputs of any sign.

    [numerate.units.SignNMRU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nmu",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...

class iNALU(Unit):
    """Improved NALU: a product with signs and an upper bound, and a gate independent of the input.

    [numerate.units.iNALU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        eps: float = 1e-07,
        omega: float = 20.0,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def gate(self, x: torch.Tensor) -> torch.Tensor: ...

class iNALUShared(Unit):
    """Improved NALU whose sum and product have the same weights.

    [numerate.units.iNALUShared][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        eps: float = 1e-07,
        omega: float = 20.0,
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
    def gate(self, x: torch.Tensor) -> torch.Tensor: ...

class sNMU(Unit):
    """Stochastic neural multiplication unit: an NMU with reversible noise in training.

    [numerate.units.sNMU][] as a PyTorch module.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        noise: tuple[float, float] | None = (1.0, 5.0),
        deviation: float | None = None,
        w_hat_init: str | Initialiser = "nmu",
        dtype: torch.dtype | None = None,
        seed: int | None = None,
        device: torch.device | str | None = None,
    ) -> None: ...
