"""The units as Keras 3 layers: the same classes, arguments, initialisers and equations.

Needs Keras, on its JAX or its PyTorch backend: `pip install "numerate[keras]"`.
"""
# Written by tests/adapters/stubs.py.

from typing import Any

from numerate.initialisers import Initialiser
from numerate.keras._base import Unit as Unit
from numerate.keras._cells import RecurrentCell as RecurrentCell
from numerate.keras._convert import from_keras as from_keras
from numerate.keras._convert import to_keras as to_keras
from numerate.keras._training import Penalties as Penalties
from numerate.keras._training import SelectBranches as SelectBranches
from numerate.keras._training import select_branches as select_branches
from numerate.keras._training import snap as snap

class GNAC(Unit):
    """Golden-ratio NAC: a NAC whose tanh and σ have the base φ instead of e.

    [numerate.units.GNAC][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class GNALU(Unit):
    """Golden-ratio NALU: a NALU to the base φ, whose gate sees the magnitudes of its input.

    [numerate.units.GNALU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        gate_input: str = "magnitudes",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def gate(self, x: Any) -> Any: ...

class HillSpaceProduct(Unit):
    """Exponential primitive of Hill Space: multiplies and divides its inputs, of either sign.

    [numerate.units.HillSpaceProduct][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "constant",
        m_hat_init: str | Initialiser = "constant",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class HillSpaceSum(Unit):
    """Additive primitive of Hill Space: adds and subtracts its inputs.

    [numerate.units.HillSpaceSum][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "constant",
        m_hat_init: str | Initialiser = "constant",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class Linear(Unit):
    """Linear layer: weighted sums with arbitrary weights, and a constant.

    [numerate.units.Linear][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        use_bias: bool = True,
        w_hat_init: str | Initialiser = "glorot_uniform",
        bias_init: str | Initialiser = "constant",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class MCFC(Unit):
    """Mass-conserving fully connected layer: distributes its inputs over its outputs.

    [numerate.units.MCFC][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def output_gate(self) -> Any: ...

class MLP(Unit):
    """Multilayer perceptron: linear layers with an activation between them.

    [numerate.units.MLP][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        hidden_size: int = 8,
        depth: int = 1,
        activation: str = "relu",
        weight_init: str | Initialiser = "glorot_uniform",
        bias_init: str | Initialiser = "constant",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def activated(self, h: Any, layer: int) -> Any: ...

class MulMCFC(Unit):
    """Multiplicative mass-conserving layer: an `MCFC` in log space.

    [numerate.units.MulMCFC][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        bias_init: str | Initialiser = "constant",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def output_gate(self) -> Any: ...

class MulMCFCSignINALU(Unit):
    """Multiplicative mass-conserving layer with the sign of the iNALU.

    [numerate.units.MulMCFCSignINALU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        bias_init: str | Initialiser = "constant",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def output_gate(self) -> Any: ...

class MulMCFCSignRealNPU(Unit):
    """Multiplicative mass-conserving layer with the sign of the RealNPU.

    [numerate.units.MulMCFCSignRealNPU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        bias_init: str | Initialiser = "constant",
        sign_gate_init: str | Initialiser = ...,
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def output_gate(self) -> Any: ...

class NAC(Unit):
    """Neural accumulator: adds and subtracts its inputs.

    [numerate.units.NAC][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class NACMul(Unit):
    """Multiplicative neural accumulator: multiplies, divides and takes roots of its inputs.

    [numerate.units.NACMul][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class NALU(Unit):
    """Neural arithmetic logic unit: a gate between a sum and a product with the same weights.

    [numerate.units.NALU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def gate(self, x: Any) -> Any: ...

class NALUScalarGate(Unit):
    """NALU whose outputs share one gate: all of them are sums, or all are products.

    [numerate.units.NALUScalarGate][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def gate(self, x: Any) -> Any: ...

class NALUUntied(Unit):
    """NALU whose sum and product have separate weights.

    [numerate.units.NALUUntied][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def gate(self, x: Any) -> Any: ...

class NASU(Unit):
    """Neural arithmetic selection unit: learns + − × ÷ without knowing the operation.

    [numerate.units.NASU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        sum_init: str | Initialiser = "nau",
        product_init: str | Initialiser = "nmu",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    @property
    def operation(self) -> tuple[str, ...]: ...

class NAU(Unit):
    """Neural addition unit: adds and subtracts its inputs.

    [numerate.units.NAU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class NLRL(Unit):
    """Neural logic rule layer: one AND or one OR of inputs and negated inputs for each output.

    [numerate.units.NLRL][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        n_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    @property
    def negation(self) -> Any: ...

class NMRU(Unit):
    """Neural multiplicative reciprocal unit: multiplies and divides its inputs.

    [numerate.units.NMRU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nmu",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class NMU(Unit):
    """Neural multiplication unit: multiplies its inputs.

    [numerate.units.NMU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nmu",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class NPU(Unit):
    """Neural power unit: multiplies and divides powers of its inputs, of either sign.

    [numerate.units.NPU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_real_init: str | Initialiser = "glorot_uniform",
        w_imag_init: str | Initialiser = "constant",
        gate_init: str | Initialiser = ...,
        gate_gradient: str = "clipped",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    @property
    def gate(self) -> Any: ...

class NRU(Unit):
    """Neural reciprocal unit: multiplies and divides its inputs.

    [numerate.units.NRU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class NSR(Unit):
    """Neural status register: the truth value of a comparison of two inputs, between 0 and 1.

    [numerate.units.NSR][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        redundancy: int = 1,
        zeta: float = 1.0,
        scale: float = 1.0,
        w_hat_init: str | Initialiser = "glorot_normal",
        sign_init: str | Initialiser = "glorot_normal",
        zero_init: str | Initialiser = "glorot_normal",
        bias_init: str | Initialiser = "constant",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def operands(self, x: Any) -> Any: ...

class RealNPU(Unit):
    """Real neural power unit: an NPU without imaginary exponents.

    [numerate.units.RealNPU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = ...,
        gate_gradient: str = "clipped",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    @property
    def gate(self) -> Any: ...

class RealNPUModified(Unit):
    """Modified real neural power unit: multiplies and divides its inputs.

    [numerate.units.RealNPUModified][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        gate_init: str | Initialiser = ...,
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    @property
    def gate(self) -> Any: ...

class SNALU(Unit):
    """Signed NALU: a product with the sign of all inputs, and a gate independent of the input.

    [numerate.units.SNALU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        m_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = "glorot_uniform",
        eps: float | None = None,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def gate(self, x: Any) -> Any: ...

class SignNMRU(Unit):
    """NMRU with sign retrieval: multiplies and divides inputs of any sign.

    [numerate.units.SignNMRU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nmu",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...

class iNALU(Unit):
    """Improved NALU: a product with signs and an upper bound, and a gate independent of the input.

    [numerate.units.iNALU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        eps: float = 1e-07,
        omega: float = 20.0,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def gate(self, x: Any) -> Any: ...

class iNALUShared(Unit):
    """Improved NALU whose sum and product have the same weights.

    [numerate.units.iNALUShared][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = ...,
        m_hat_init: str | Initialiser = ...,
        gate_init: str | Initialiser = ...,
        eps: float = 1e-07,
        omega: float = 20.0,
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
    def gate(self, x: Any) -> Any: ...

class sNMU(Unit):
    """Stochastic neural multiplication unit: an NMU with reversible noise in training.

    [numerate.units.sNMU][] as a Keras layer.
    """

    def __init__(
        self,
        out_features: int,
        *,
        noise: tuple[float, float] | None = (1.0, 5.0),
        deviation: float | None = None,
        w_hat_init: str | Initialiser = "nmu",
        in_features: int | None = None,
        seed: int | None = None,
        penalty_factor: float = 0.0,
        **kwargs: Any,
    ) -> None: ...
