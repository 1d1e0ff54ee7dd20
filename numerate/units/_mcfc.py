"""The mass-conserving fully connected layer: a sum to which each input contributes at most once."""

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import (
    Tensor,
    linear,
    mass_shares,
    namespace,
    ramp,
    snapped_logits,
    snapped_selection,
    squared_saturation,
)
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, Exact, mass_weights


class MassConserving(Unit):
    """Base class of units with the weights W = o ⊙ J of `MCFC`, and their penalty."""

    w_hat: Float[Array, "outs in"]
    gate_weight: Float[Array, "out"]
    gate_bias: Float[Array, "out"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)

    # The number of keys that a constructor needs: one for each parameter of the class.
    _draws = 3

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = "orthogonal",
        gate_init: str | Initialiser = "orthogonal",
        gate_bias_init: str | Initialiser = "constant",
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, gate_key, bias_key = jax.random.split(key, self._draws)[:3]
        # The gate of the trash is drawn with the others and dropped, because the trash has no
        # output.
        outs, dtype = out_features + 1, default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, (outs, in_features), dtype)
        self.gate_weight = initialiser(gate_init)(gate_key, (outs, 1), dtype)[:-1, 0]
        self.gate_bias = initialiser(gate_bias_init)(bias_key, (outs, 1), dtype)[:-1, 0]
        self.in_features = in_features
        self.out_features = out_features

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = o ⊙ J, `(out_features, in_features)`: shares of a sum, exponents of a product."""
        return self.output_gate()[:, None] * mass_shares(self.w_hat)

    def output_gate(self) -> Shaped[Tensor, "out"]:
        """o = σ(w + b), `(out_features,)`."""
        return namespace(self.gate_weight).sigmoid(self.gate_weight + self.gate_bias)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        gate = snapped_logits(self.gate_weight + self.gate_bias, tolerance)
        return {
            **super().whole_parameters(tolerance),
            "w_hat": snapped_selection(self.w_hat, 0, tolerance),
            "gate_weight": gate - self.gate_bias,
        }

    def penalty(self) -> Shaped[Tensor, ""]:
        parameters = (self.w_hat, self.gate_weight, self.gate_bias)
        return sum(squared_saturation(p) for p in parameters)

    def penalty_weight(self, progress: Any) -> Any:
        return 10.0 * ramp(progress, 0.4, 0.7)


class MCFC(MassConserving, init=False):
    """Mass-conserving fully connected layer: distributes its inputs over its outputs.

    y = o ⊙ (J x) with J = softmax(R) over the outputs and a further one, the trash, which is
    discarded, and the output gate o = σ(w + b). x is the input, R, w and b are free parameters, σ
    is the logistic function and ⊙ the elementwise product. Each column of J distributes one input
    over the outputs, and o is the fraction of its mass that an output returns.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `gate_init`, `gate_bias_init`: initialisers of R,
      `(out_features + 1, in_features)`, w and b: a name from `numerate.initialisers.INITIALISERS`
      or a function `(key, shape, dtype) -> array`. w and b are drawn as `(out_features + 1, 1)`,
      and the entry of the trash is dropped. By default those of the authors' code, where w is part
      of a unit vector; without the trash it would be -1 or 1 for a single output.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** sums of inputs, each in at most one output, also with coefficients
    between 0 and 1, zeros and negative inputs. **Cannot** represent a difference, a coefficient
    beyond 1, one input in two outputs, a constant or a product.

    **Penalty:** mean max(S² - v², 0), summed over R, w and b (v), where S is 15.9 in float32 and
    36.0 in float64, times 10, from 40 % of the training on and fully from 70 %, as the benchmark
    of Mistry et al. (2022) ran it. The published penalty is -mean v²: it has no lower bound, so
    that parameters grow throughout training. Ours has the same gradient up to S, where softmax and
    gate equal their limits to rounding, and is 0 from there on. Like the published penalty it acts
    on each parameter and not on J or o: w and b of opposite signs are driven apart and leave o
    undecided, and two large logits of one input share it.

    **Constraint:** none: J and o lie in [0, 1] for all R, w and b.

    **Raises:** `ValueError` for a negative size or an unknown initialiser.

    **Differs from the authors' code in** having the trash here, where theirs adds it only to the
    multiplicative layer: without it a single output receives all inputs completely, and only the
    gate learns. A square R starts as the identity in their code. Mistry et al. (2022) use it
    without trash.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = MCFC(2, 1, key=jax.random.key(0))
        >>> unit = eqx.tree_at(lambda u: u.w_hat, unit, jnp.array([[50.0, 50.0], [-50.0, -50.0]]))
        >>> unit = eqx.tree_at(lambda u: u.gate_bias, unit, jnp.array([50.0]))
        >>> unit(jnp.array([3.0, -5.0]))
        Array([-2.], dtype=float32)

    ```bibtex
    @inproceedings{hoedt2021mclstm,
        title={{MC-LSTM}: Mass-Conserving {LSTM}},
        author={Hoedt, Pieter-Jan and Kratzert, Frederik and Klotz, Daniel and Halmich, Christina
                and Holzleitner, Markus and Nearing, Grey and Hochreiter, Sepp and
                Klambauer, Günter},
        booktitle={Proceedings of the 38th International Conference on Machine Learning},
        year={2021},
        eprint={2101.05186},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(mass_weights("+"), EITHER)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        return linear(self.weight, x)
