"""The neural power units: products of powers of gated inputs."""

import abc
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_eps, check_one_of, check_sizes, default_float
from numerate.initialisers import Initialiser, constant, initialiser
from numerate.ops import (
    Tensor,
    absolute_sum,
    bounded,
    complex_power_product,
    distance_from_units,
    namespace,
    ramp,
    sparsity,
    staircase,
    straight_through_clip,
)
from numerate.units._base import Draw, Unit, nearest_whole
from numerate.units._exact import EITHER, Exact, Parameters, direct_weights

# Clips of a gate to [0, 1], by the name of their gradient.
_CLIPS = {"clipped": bounded, "straight-through": straight_through_clip}


def _gated_weights(*operations: str) -> dict[str, Parameters]:
    """The exponents, and an open gate for both inputs."""
    return {o: {**w, "gate_hat": [1.0, 1.0]} for o, w in direct_weights(*operations).items()}


def _complex_weights(*operations: str) -> dict[str, Parameters]:
    """Real exponents, and an open gate for both inputs."""
    return {
        o: {"w_real": w["w_hat"], "gate_hat": [1.0, 1.0], "w_imag": [[0.0, 0.0]]}
        for o, w in direct_weights(*operations).items()
    }


class NPU(Unit):
    """Neural power unit: multiplies and divides powers of its inputs, of either sign.

    y = exp(A log r - B k) ⊙ cos(B log r + A k), the real part of powers of x with the complex
    exponents A + iB. The gate ĝ = g clipped to [0, 1], one number for each input x_i, replaces
    irrelevant inputs by 1: r_i = ĝ_i (|x_i| + ε) + 1 - ĝ_i and k_i = π ĝ_i [x_i < 0]. ⊙ is the
    elementwise product and [·] 1 if true, else 0.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_real_init`, `w_imag_init`, `gate_init`: initialisers of A, B and g: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default as in the paper: Glorot's, zero and 1/2. The shape of g is `(1, in_features)`.
    - `gate_gradient`: the gradient of the clip of g. `"clipped"`, 0 outside [0, 1], is that of the
      code of the paper's experiments; `"straight-through"`, 1 everywhere, that of later versions.
    - `eps`: ε; `None` is the machine epsilon of x, as in the authors' code.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly**, for inputs well above ε, any product and quotient of powers of
    inputs, with the signs of integer powers; exponents are not bounded. **Cannot** represent a sum,
    a coefficient (except a negative one by the angle of a constant negative input) or a zero: the
    factor of x_i = 0 is that of ε. Nothing drives exponents to integers, and the penalty drives
    them from ±1 to 0. On negative inputs, cos(A k) has many local minima. Value and gradients are
    finite if e, e log r_i, e/r_i and e |x_i|/r_i, with e = exp(A log r - B k), do not overflow.

    **Penalty:** Σ |θ| over A, B and g, times 1e-7 at first, 1e-6 after 20 % and 1e-5 after 40 % of
    the training: the authors' schedule for sums and products, every 10,000 of 50,000 steps. For
    quotients they started at 1e-9.

    **Constraint:** none. The gate is clipped in the forward pass. With `"clipped"`, only the
    penalty moves a g outside [0, 1], back to the interval. With `"straight-through"`, g follows the
    error's gradient at the end of the interval without bound: an input that later becomes relevant
    needs as many steps back.

    **Raises:** `ValueError` for a negative size, a negative `eps`, an unknown initialiser or
    another `gate_gradient`.

    **Differs from the authors' code in** the gradient at the ends 0 and 1 of the gate, which is 1,
    as in the port to PyTorch in bmistry4/nalm-benchmark. nmheim/NeuralArithmetic.jl clipped with
    the minimum and maximum of Julia in the paper's experiments, and has a straight-through gradient
    in later versions. The paper prints k with its two cases exchanged.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> one = constant(1.0)
        >>> unit = NPU(2, 1, w_real_init=one, gate_init=one, key=jax.random.key(0))
        >>> unit(jnp.array([-3.0, 5.0])).round(4)
        Array([-15.], dtype=float32)

    ```bibtex
    @inproceedings{heim2020neural,
        title={Neural Power Units},
        author={Heim, Niklas and Pevný, Tomáš and Šmídl, Václav},
        booktitle={Advances in Neural Information Processing Systems 33},
        year={2020},
        eprint={2006.01681},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(_complex_weights("*", "/"), EITHER)

    w_real: Float[Array, "out in"]
    w_imag: Float[Array, "out in"]
    gate_hat: Float[Array, "in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    gate_gradient: str = eqx.field(static=True)
    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_real_init: str | Initialiser = "glorot_uniform",
        w_imag_init: str | Initialiser = "constant",
        gate_init: str | Initialiser = constant(0.5),
        gate_gradient: str = "clipped",
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        check_one_of(*_CLIPS, gate_gradient=gate_gradient)
        real_key, imag_key, gate_key = jax.random.split(key, 3)
        shape, dtype = (out_features, in_features), default_float(dtype)
        self.w_real = initialiser(w_real_init)(real_key, shape, dtype)
        self.w_imag = initialiser(w_imag_init)(imag_key, shape, dtype)
        self.gate_hat = initialiser(gate_init)(gate_key, (1, in_features), dtype)[0]
        self.in_features = in_features
        self.out_features = out_features
        self.gate_gradient = gate_gradient
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "2 out in"]:
        """A and B, `(2, out_features, in_features)`: real and imaginary part of the exponents."""
        return namespace(self.w_real).stack([self.w_real, self.w_imag])

    @property
    def gate(self) -> Shaped[Tensor, "in"]:
        """ĝ, g clipped to [0, 1], `(in_features,)`: 1 for inputs that matter to any output."""
        return _CLIPS[self.gate_gradient](self.gate_hat, 0.0, 1.0)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return complex_power_product(self.w_real, x, self.gate, self.w_imag, self.eps)

    def penalty(self) -> Shaped[Tensor, ""]:
        return absolute_sum(self.w_real) + absolute_sum(self.w_imag) + absolute_sum(self.gate_hat)

    def penalty_weight(self, progress: Any) -> Any:
        return staircase(progress, 1e-7, 1e-5, 0.2)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        return {
            "w_real": nearest_whole(self.w_real, tolerance),
            "w_imag": nearest_whole(self.w_imag, tolerance),
            "gate_hat": nearest_whole(self.gate, tolerance),
        }


class RealPowerUnit(Unit):
    """A power unit without imaginary exponents; its subclasses define the clip of the gate and the
    penalty."""

    w_hat: Float[Array, "out in"]
    gate_hat: Float[Array, "in"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = constant(0.5),
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, gate_key = jax.random.split(key)
        shape, dtype = (out_features, in_features), default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.gate_hat = initialiser(gate_init)(gate_key, (1, in_features), dtype)[0]
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W, `(out_features, in_features)`: the exponents of the product."""
        return self.w_hat

    @property
    @abc.abstractmethod
    def gate(self) -> Shaped[Tensor, "in"]:
        """g clipped to [0, 1], `(in_features,)`: 1 for inputs that matter to any output."""

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return complex_power_product(self.weight, x, self.gate, eps=self.eps)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        return {
            "w_hat": nearest_whole(self.w_hat, tolerance),
            "gate_hat": nearest_whole(self.gate, tolerance),
        }


class RealNPU(RealPowerUnit):
    """Real neural power unit: an NPU without imaginary exponents.

    y = exp(W log r) ⊙ cos(W k), the real part of powers of x with the exponents W. The gate ĝ = g
    clipped to [0, 1], one number for each input x_i, replaces irrelevant inputs by 1: r_i = ĝ_i
    (|x_i| + ε) + 1 - ĝ_i and k_i = π ĝ_i [x_i < 0]. ⊙ is the elementwise product and [·] 1 if true,
    else 0.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `gate_init`: initialisers of W and g: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default as in the paper: Glorot's and 1/2. The shape of g is `(1, in_features)`.
    - `gate_gradient`: the gradient of the clip of g. `"clipped"`, 0 outside [0, 1], is that of the
      code of the paper's experiments; `"straight-through"`, 1 everywhere, that of later versions.
    - `eps`: ε; `None` is the machine epsilon of x, as in the authors' code.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly**, for inputs well above ε, any product and quotient of powers of
    inputs, with the signs of integer powers; exponents are not bounded, so √x is possible for
    positive x. **Cannot** represent a sum, a coefficient or a zero: the factor of x_i = 0 is that
    of ε. Nothing drives exponents to integers, and the penalty drives them from ±1 to 0;
    `RealNPUModified` fixes both. Value and gradients are finite if e, e log r_i, e/r_i and e
    |x_i|/r_i, with e = exp(W log r), do not overflow.

    **Penalty:** Σ |θ| over W and g, times 1e-7 at first, 1e-6 after 20 % and 1e-5 after 40 % of the
    training: the authors' schedule for sums and products, every 10,000 of 50,000 steps. For
    quotients they started at 1e-9.

    **Constraint:** none. The gate is clipped in the forward pass. With `"clipped"`, only the
    penalty moves a g outside [0, 1], back to the interval. With `"straight-through"`, g follows the
    error's gradient at the end of the interval without bound: an input that later becomes relevant
    needs as many steps back.

    **Raises:** `ValueError` for a negative size, a negative `eps`, an unknown initialiser or
    another `gate_gradient`.

    **Differs from the authors' code in** the gradient at the ends 0 and 1 of the gate, which is 1,
    as in the port to PyTorch in bmistry4/nalm-benchmark. nmheim/NeuralArithmetic.jl clipped with
    the minimum and maximum of Julia in the paper's experiments, and has a straight-through gradient
    in later versions. The paper prints k with its two cases exchanged.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> one = constant(1.0)
        >>> unit = RealNPU(2, 1, w_hat_init=one, gate_init=one, key=jax.random.key(0))
        >>> unit(jnp.array([-3.0, 5.0])).round(4)
        Array([-15.], dtype=float32)

    ```bibtex
    @inproceedings{heim2020neural,
        title={Neural Power Units},
        author={Heim, Niklas and Pevný, Tomáš and Šmídl, Václav},
        booktitle={Advances in Neural Information Processing Systems 33},
        year={2020},
        eprint={2006.01681},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(_gated_weights("*", "/"), EITHER)

    gate_gradient: str = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "glorot_uniform",
        gate_init: str | Initialiser = constant(0.5),
        gate_gradient: str = "clipped",
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_one_of(*_CLIPS, gate_gradient=gate_gradient)
        inits = {"w_hat_init": w_hat_init, "gate_init": gate_init}
        super().__init__(in_features, out_features, **inits, eps=eps, dtype=dtype, key=key)
        self.gate_gradient = gate_gradient

    @property
    def gate(self) -> Shaped[Tensor, "in"]:
        """ĝ, g clipped to [0, 1], `(in_features,)`: 1 for inputs that matter to any output."""
        return _CLIPS[self.gate_gradient](self.gate_hat, 0.0, 1.0)

    def penalty(self) -> Shaped[Tensor, ""]:
        return absolute_sum(self.w_hat) + absolute_sum(self.gate_hat)

    def penalty_weight(self, progress: Any) -> Any:
        return staircase(progress, 1e-7, 1e-5, 0.2)


class RealNPUModified(RealPowerUnit):
    """Modified real neural power unit: multiplies and divides its inputs.

    y = exp(W log r) ⊙ cos(W k) with W in [-1, 1], the real part of powers of x, as in `RealNPU`.
    The gate g in [0, 1], one number for each input x_i, replaces irrelevant inputs by 1: r_i = g_i
    (|x_i| + ε) + 1 - g_i and k_i = π g_i [x_i < 0]. ⊙ is the elementwise product and [·] 1 if true,
    else 0. The modifications are the bounds, the initialisation of W and the penalty.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `gate_init`: initialisers of W and g: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default that of the NAU, as in the paper, and 1/2. The shape of g is
        `(1, in_features)`.
    - `eps`: ε; `None` is the machine epsilon of x.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly**, for inputs well above ε, any product and quotient of distinct
    inputs, with negative numbers, at parameters that training can reach: the bounds are ends of
    closed intervals, not limits. **Cannot** represent a power of an input that occurs once beyond
    ±1, a sum, a coefficient or a zero: the factor of x_i = 0 is that of ε. One gate serves all
    outputs. If outputs use different inputs, some weights must be 0, which the penalty discourages.
    Published success with 10 inputs, of which two matter, is 85.3 % on quotients, against 70.2 % of
    `RealNPU` and 91.6 % of `NMRU`. Value and gradients are finite where those of `RealNPU` are.

    **Penalty:** mean |1 - |W|| + mean min(g, 1 - g), times 1, growing from 80 % to 100 % of the
    training: from 40,000 to 50,000 of 50,000 steps, as the authors train it on two inputs.
    `scheduled_penalty` adds Σ |θ| over W and g, times 1e-9 at first, 1e-8 after 20 % and 1e-7 after
    40 %. For ten inputs see `numerate.recipes.mistry2023`.

    **Constraint:** W is clipped to [-1, 1] and g to [0, 1] after every step, g in the forward
    pass as well.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** ε, which is the machine epsilon of the input's dtype;
    theirs is always that of float32.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> one = constant(1.0)
        >>> unit = RealNPUModified(2, 1, w_hat_init=one, gate_init=one, key=jax.random.key(0))
        >>> unit(jnp.array([-3.0, 5.0])).round(4), unit.penalty()
        (Array([-15.], dtype=float32), Array(0., dtype=float32))

    ```bibtex
    @article{mistry2022exploring,
        title={Exploring the Learning Mechanisms of Neural Division Modules},
        author={Mistry, Bhumika and Farrahi, Katayoun and Hare, Jonathon},
        journal={Transactions on Machine Learning Research},
        year={2022},
        eprint={2110.05177},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(_gated_weights("*", "/"), EITHER)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "nau",
        gate_init: str | Initialiser = constant(0.5),
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        inits = {"w_hat_init": w_hat_init, "gate_init": gate_init}
        super().__init__(in_features, out_features, **inits, eps=eps, dtype=dtype, key=key)

    @property
    def gate(self) -> Shaped[Tensor, "in"]:
        """g clipped to [0, 1], `(in_features,)`: 1 for inputs that matter to any output."""
        return bounded(self.gate_hat, 0.0, 1.0)

    def penalty(self) -> Shaped[Tensor, ""]:
        return distance_from_units(self.weight) + sparsity(self.gate)

    def penalty_weight(self, progress: Any) -> Any:
        return ramp(progress, 0.8, 1.0)

    def scheduled_penalty(self, progress: Any) -> Shaped[Tensor, ""]:
        l1 = absolute_sum(self.w_hat) + absolute_sum(self.gate_hat)
        # Not `super()`, which fails in a method that an adapter copied to another class.
        drawn = self.penalty() * self.penalty_weight(progress)
        return drawn + l1 * staircase(progress, 1e-9, 1e-7, 0.2)

    def bounds(self) -> dict[str, tuple[float, float]]:
        return {"w_hat": (-1.0, 1.0), "gate_hat": (0.0, 1.0)}
