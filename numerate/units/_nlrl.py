"""The neural logic rule layer: AND, OR and NOT of truth values."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_eps, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser, symmetric
from numerate.ops import (
    Tensor,
    bounded,
    conjunction,
    disjunction,
    mix,
    namespace,
    snapped_logits,
)
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, Exact


class NLRL(Unit):
    """Neural logic rule layer: one AND or one OR of inputs and negated inputs for each output.

    y = (1 - g) ⊙ AND + g ⊙ OR, with AND_o = Π_i (n_oi + ε)^W_oi,
    OR_o = 1 - Π_i (1 - n_oi + ε)^W_oi and n_oi = (1 - N_oi) x_i + N_oi (1 - x_i), where x is the
    input, truth values clipped to [0, 1], N = σ(N̂) negates inputs, W = σ(Ŵ) selects them, g = σ(ĝ)
    chooses the operation, N̂, Ŵ and ĝ are free parameters, σ is the logistic function, ⊙ the
    elementwise product and ε a small constant.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `w_hat_init`, `n_hat_init`, `gate_init`: initialisers of Ŵ, N̂ and ĝ, drawn as
        `(out_features, 1)`: a name from `numerate.initialisers.INITIALISERS` or a function
        `(key, shape, dtype) -> array`; by default U(-1/2, 1/2).
    - `eps`: ε; `None` is the machine epsilon of x.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** any conjunction or disjunction of truth values and their negations, up
    to ε, and in two layers, by the disjunctive normal form, every logical function. For numbers
    between 0 and 1, it represents x y and x + y - x y. **Cannot** represent XOR in one layer, an
    implication and a conjunction in one output, or any function of numbers outside [0, 1].

    **Penalty:** none.

    **Constraint:** none: N, W and g lie in [0, 1] for all N̂, Ŵ and ĝ.

    **Raises:** `ValueError` for a negative size, a negative `eps` or an unknown initialiser.

    **Differs from the authors' code in** nothing we know: we found no code of theirs. We could read
    the abstract of the paper, but not its equations. They follow two public reproductions by
    alexjackson1 (neural-logic-rule-layer and logax), which agree in the three gates, in the product
    as AND, in De Morgan's OR and in the initialisation. We could not verify the paper's behaviour
    at 0, where the reproductions take the logarithm of at least 1e-10, and its training. Versions
    of the first with a negation for each output (such as 17da0ef) take the product over inputs as
    here, but sum over the negations of all outputs, which is only right for a single output.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> from numerate.initialisers import constant
        >>> inits = {"w_hat_init": constant(50.0), "n_hat_init": constant(-50.0)}
        >>> both = NLRL(2, 1, **inits, gate_init=constant(-50.0), key=jax.random.key(0))
        >>> xs = jnp.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> jax.vmap(both)(xs)[:, 0].round(5)
        Array([0., 0., 0., 1.], dtype=float32)

    ```bibtex
    @article{reimann2022neural,
        title={Neural Logic Rule Layers},
        author={Reimann, Jan Niclas and Schwung, Andreas and Ding, Steven X.},
        journal={Information Sciences},
        volume={596},
        pages={185--201},
        year={2022},
        eprint={1907.00878},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact({}, EITHER)  # its outputs are truth values

    w_hat: Float[Array, "out in"]
    n_hat: Float[Array, "out in"]
    gate_weight: Float[Array, "out"]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    eps: float | None = eqx.field(static=True)

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        w_hat_init: str | Initialiser = symmetric(0.5),
        n_hat_init: str | Initialiser = symmetric(0.5),
        gate_init: str | Initialiser = symmetric(0.5),
        eps: float | None = None,
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features)
        w_key, n_key, gate_key = jax.random.split(key, 3)
        shape, dtype = (out_features, in_features), default_float(dtype)
        self.w_hat = initialiser(w_hat_init)(w_key, shape, dtype)
        self.n_hat = initialiser(n_hat_init)(n_key, shape, dtype)
        self.gate_weight = initialiser(gate_init)(gate_key, (out_features, 1), dtype)[:, 0]
        self.in_features = in_features
        self.out_features = out_features
        self.eps = check_eps(eps)

    @property
    def weight(self) -> Shaped[Tensor, "out in"]:
        """W = σ(Ŵ), `(out_features, in_features)`: 1 where an input counts, 0 where not."""
        return namespace(self.w_hat).sigmoid(self.w_hat)

    @property
    def negation(self) -> Shaped[Tensor, "out in"]:
        """N = σ(N̂), `(out_features, in_features)`: 1 where an input is negated, 0 where not."""
        return namespace(self.n_hat).sigmoid(self.n_hat)

    def whole_parameters(self, tolerance: float) -> dict[str, Array]:
        names = ("w_hat", "n_hat", "gate_weight")
        return {name: snapped_logits(getattr(self, name), tolerance) for name in names}

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        weight, negation, truth = self.weight, self.negation, bounded(x, 0.0, 1.0)
        every = conjunction(weight, negation, truth, self.eps)
        some = disjunction(weight, negation, truth, self.eps)
        return mix(namespace(x).sigmoid(self.gate_weight), some, every)
