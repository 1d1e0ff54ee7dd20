"""The golden-ratio neural accumulator and NALU."""

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_one_of
from numerate.initialisers import Initialiser, constant, normal
from numerate.ops import (
    GOLDEN_SLOPE,
    Tensor,
    linear,
    log_space_product,
    magnitude,
    mix,
    nac_weight,
    sigmoid_gate,
    snapped_parameters,
)
from numerate.units._base import Draw
from numerate.units._exact import (
    EITHER,
    OPERATIONS,
    POSITIVE,
    SUMS,
    Exact,
    nac_weights,
    with_input_gate,
)
from numerate.units._nac import NACWeights
from numerate.units._nalu import NALUParameters


class GNAC(NACWeights):
    """Golden-ratio NAC: a NAC whose tanh and σ have the base φ instead of e.

    y = W x with W = tanh_φ(Ŵ) ⊙ σ_φ(M̂), where tanh_φ(v) = (φ^2v - 1)/(φ^2v + 1), σ_φ(v) = 1/(1 +
    φ^-v), φ = (1 + √5)/2 and ⊙ is the elementwise product. These are tanh and the logistic
    function σ of v ln φ, with ln φ = 0.481: the unit is a `NAC` with the parameters Ŵ ln φ and M̂
    ln φ. The smaller slope only rescales the initial parameters and the steps.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`: initialisers of Ŵ and M̂: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default normal with standard deviation 1, as in the authors' code.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any sum and difference of inputs, with zeros and negative numbers, as
    `NAC` does; weights round to ±1 at parameters about twice as large. **Cannot** represent a
    coefficient beyond ±1, a constant term, or any product.

    **Penalty:** none.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** φ, which they round to nine digits, and in computing
    with tanh and σ, which do not overflow. Their functions of base φ are in a modified copy of
    Keras, which is not published.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> saturated = {"w_hat_init": constant(100.0), "m_hat_init": constant(100.0)}
        >>> GNAC(2, 1, **saturated, key=jax.random.key(0))(jnp.array([3.0, 5.0]))
        Array([8.], dtype=float32)

    ```bibtex
    @inproceedings{rana2019calcnet,
        title={Exploring Numerical Calculations with {CalcNet}},
        author={Rana, Ashish and Malhi, Avleen and Främling, Kary},
        booktitle={IEEE 31st International Conference on Tools with Artificial Intelligence},
        year={2019},
        url={https://github.com/ashishrana160796/calcnet-experiments},
    }
    ```
    """

    represents = Exact(nac_weights(*SUMS), EITHER)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = normal(0.0, 1.0),
        m_hat_init: str | Initialiser = normal(0.0, 1.0),
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        inits = {"w_hat_init": w_hat_init, "m_hat_init": m_hat_init}
        super().__init__(in_features, out_features, **inits, dtype=dtype, key=key)

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = tanh_φ(Ŵ) ⊙ σ_φ(M̂), `(out_features, in_features)`: the coefficients of the sum."""
        return nac_weight(self.w_hat, self.m_hat, GOLDEN_SLOPE)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        parameters = snapped_parameters(self.w_hat, self.m_hat, tolerance, slope=GOLDEN_SLOPE)
        return dict(zip(("w_hat", "m_hat"), parameters, strict=True))

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return linear(self.weight, x)


class GNALU(NALUParameters):
    """Golden-ratio NALU: a NALU to the base φ, whose gate sees the magnitudes of its input.

    y = g ⊙ a + (1 - g) ⊙ m, with the sum a = W x, the product m = φ^(W log_φ(|x| + ε)), the gate
    g = σ_φ(G |x|) and W = tanh_φ(Ŵ) ⊙ σ_φ(M̂), where σ_φ(v) = 1/(1 + φ^-v),
    tanh_φ(v) = (φ^2v - 1)/(φ^2v + 1) are the logistic function and the hyperbolic tangent to the
    base φ = (1 + √5)/2, and ⊙ is the elementwise product. The base cancels in m, which is
    exp(W log(|x| + ε)), and elsewhere scales the parameters by ln φ = 0.481; see `GNAC`.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `m_hat_init`, `gate_init`: initialisers of Ŵ, M̂ and G: a name from
        `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`. By
        default as in the authors' code: normal with standard deviation 1, and 10 for all of G. With
        these the unit starts as a sum: at |x₁| + |x₂| = 10 the gate is open to 1e-21, and the
        product only learns from inputs near zero.
    - `gate_input`: the factor of G: `"magnitudes"`, |x| as in the authors' code, or `"inputs"`, x
        as in the paper and in the port in bmistry4/nalm-benchmark.
    - `eps`: ε; `None` is the machine epsilon of x. The authors' code has 1e-7.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** a sum or difference of inputs of either sign, or a product or quotient
    of positive inputs and their roots, where G |x| is so large that the gate is saturated. With
    magnitudes, unlike in `NALU`, the gate is the same for x and -x. **Cannot** represent the sign
    of a product, a zero product, or anything but the mean of sum and product at x = 0, where the
    gate is 1/2. A product that overflows makes y NaN even where the gate excludes it. Gradients are
    finite if m log(|x_i| + ε), m/(|x_i| + ε) and g (1 - g) (a - m) x_i do not overflow.

    **Penalty:** none.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size, a negative `eps`, an unknown initialiser or
    another `gate_input`.

    **Differs from the authors' code in** ε and in φ, which they round to nine digits. Code and
    paper differ too: the paper's gate is σ_φ(G x), and it removes negative products from the
    training data, which the code keeps. `numerate.recipes` has both: `rana2019` follows the code,
    and `mistry2022` the port, which initialises Ŵ, M̂ and G as in `NALU`.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> saturated = {"w_hat_init": constant(100.0), "m_hat_init": constant(100.0)}
        >>> key = jax.random.key(0)
        >>> GNALU(2, 1, **saturated, key=key)(jnp.array([3.0, -5.0]))
        Array([-2.], dtype=float32)
        >>> unit = GNALU(2, 1, **saturated, gate_init=constant(-10.0), key=key)
        >>> unit(jnp.array([3.0, 5.0])).round(4)
        Array([15.], dtype=float32)

    ```bibtex
    @inproceedings{rana2019calcnet,
        title={Exploring Numerical Calculations with {CalcNet}},
        author={Rana, Ashish and Malhi, Avleen and Främling, Kary},
        booktitle={IEEE 31st International Conference on Tools with Artificial Intelligence},
        year={2019},
        url={https://github.com/ashishrana160796/calcnet-experiments},
    }
    ```
    """

    represents = Exact(with_input_gate(nac_weights(*OPERATIONS)), POSITIVE)

    gate_weight: Float[Array, "out in"]
    gate_input: str = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = normal(0.0, 1.0),
        m_hat_init: str | Initialiser = normal(0.0, 1.0),
        gate_init: str | Initialiser = constant(10.0),
        gate_input: str = "magnitudes",
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_one_of("magnitudes", "inputs", gate_input=gate_input)
        inits = {"w_hat_init": w_hat_init, "m_hat_init": m_hat_init, "gate_init": gate_init}
        super().__init__(in_features, out_features, **inits, eps=eps, dtype=dtype, key=key)
        self.gate_input = gate_input

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = tanh_φ(Ŵ) ⊙ σ_φ(M̂), `(out_features, in_features)`, of the sum and the product."""
        return nac_weight(self.w_hat, self.m_hat, GOLDEN_SLOPE)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        parameters = snapped_parameters(self.w_hat, self.m_hat, tolerance, slope=GOLDEN_SLOPE)
        return dict(zip(("w_hat", "m_hat"), parameters, strict=True))

    def gate(self, x: Shaped[Tensor, "*batch in"]) -> Shaped[Tensor, "*batch out"]:
        """g = σ_φ(G |x|), or σ_φ(G x), `(out_features,)`: 1 where y is the sum, 0 the product."""
        seen = magnitude(x) if self.gate_input == "magnitudes" else x
        return sigmoid_gate(self.gate_weight, seen, GOLDEN_SLOPE)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight = self.weight
        a = linear(weight, x)
        m = log_space_product(weight, x, self.eps)
        return mix(self.gate(x), a, m)
