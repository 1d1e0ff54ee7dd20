"""The multilayer perceptron, as a baseline."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from numerate.arguments import DType, check_sizes, default_float
from numerate.initialisers import Initialiser, initialiser
from numerate.ops import ACTIVATIONS, Tensor, linear, prelu
from numerate.units._base import Draw, Unit
from numerate.units._exact import EITHER, OPERATIONS, SUMS, Exact, Parameters


def _rectified(*operations: str) -> dict[str, Parameters]:
    """A weighted sum as max(s, 0) - max(-s, 0), in the first two of eight hidden features."""
    found = {}
    for operation in operations:
        row = np.array(OPERATIONS[operation], float)
        first, last = np.zeros((8, 2)), np.zeros((1, 8))
        first[:2], last[0, :2] = [row, -row], [1.0, -1.0]
        found[operation] = {"weights": (first.tolist(), last.tolist())}
    return found


class MLP(Unit):
    """Multilayer perceptron: linear layers with an activation between them.

    h_l = f(W_l h_{l-1} + c_l) for the hidden layers l, with h_0 = x, and y = W h + c with the last
    h, where x is the input, f the activation and all W and c are free parameters. It is the
    baseline of the NALU paper, with every common activation.

    **Arguments:**

    - `in_features`, `out_features`: sizes of x and y; 0 is allowed.
    - `hidden_size`: features of each hidden layer.
    - `depth`: hidden layers, at least 1.
    - `activation`: f, a name from `numerate.ops.ACTIVATIONS`. After `"crelu"` a layer has twice the
        features; `"prelu"` has a trainable slope for each hidden layer, `slopes`, initially 1/4.
    - `weight_init`, `bias_init`: initialisers of every W and of every c, drawn as a column: a name
        from `numerate.initialisers.INITIALISERS` or a function `(key, shape, dtype) -> array`.
    - `dtype`: of the parameters; JAX's default floating type if `None`.
    - `key`: draws the parameters.

    **Shapes:** `(in_features,)` to `(out_features,)`.

    **Represents exactly** weighted sums, with a piecewise linear activation: a sum is the
    difference of its positive and its negative part. **Cannot** represent a product of all numbers:
    it approximates one in the training range, and becomes linear or constant outside.

    **Penalty:** none.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size, a `depth` below 1, an unknown activation or an
    unknown initialiser.

    **Differs from the authors' code in** nothing we know: they published none. The paper gives
    neither the initialisation nor the constants of the activations; the constants are PyTorch's
    defaults, where there are any.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> unit = MLP(2, 1, hidden_size=16, activation="tanh", key=jax.random.key(0))
        >>> unit(jnp.array([3.0, 5.0])).shape, [w.shape for w in unit.weights]
        ((1,), [(16, 2), (1, 16)])

    ```bibtex
    @inproceedings{trask2018nalu,
        title={Neural Arithmetic Logic Units},
        author={Trask, Andrew and Hill, Felix and Reed, Scott and Rae, Jack and Dyer, Chris and
                Blunsom, Phil},
        booktitle={Advances in Neural Information Processing Systems 31},
        year={2018},
        eprint={1808.00508},
        archivePrefix={arXiv},
    }
    ```
    """

    represents = Exact(_rectified(*SUMS), EITHER)

    weights: tuple[Float[Array, "_ _"], ...]
    biases: tuple[Float[Array, "_"], ...]
    slopes: tuple[Float[Array, ""], ...]
    in_features: int = eqx.field(static=True)
    out_features: int = eqx.field(static=True)
    hidden_size: int = eqx.field(static=True)
    depth: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

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
        dtype: DType = None,
        key: PRNGKeyArray,
    ):
        check_sizes(in_features=in_features, out_features=out_features, hidden_size=hidden_size)
        _check_layers(depth, activation)
        draw_weight, draw_bias = initialiser(weight_init), initialiser(bias_init)
        keys, dtype = jax.random.split(key, (depth + 1, 2)), default_float(dtype)
        seen = 2 * hidden_size if activation == "crelu" else hidden_size
        rows, columns = [hidden_size] * depth + [out_features], [in_features] + [seen] * depth
        shapes = zip(keys, rows, columns, strict=True)
        self.weights = tuple(draw_weight(k[0], (row, column), dtype) for k, row, column in shapes)
        self.biases = tuple(
            draw_bias(k[1], (row, 1), dtype)[:, 0] for k, row in zip(keys, rows, strict=True)
        )
        self.slopes = tuple([jnp.array(0.25, dtype)] * depth) if activation == "prelu" else ()
        self.in_features = in_features
        self.out_features = out_features
        self.hidden_size = hidden_size
        self.depth = depth
        self.activation = activation

    @property
    def weight(self) -> Shaped[Tensor, "out hidden"]:
        """W of the last layer, `(out_features, hidden_size)`."""
        return self.weights[-1]

    def activated(
        self, h: Shaped[Tensor, "*batch hidden"], layer: int
    ) -> Shaped[Tensor, "*batch seen"]:
        """f of a hidden layer, counted from 0."""
        if self.activation == "prelu":
            return prelu(h, self.slopes[layer])
        return ACTIVATIONS[self.activation](h)

    def equation(
        self, x: Shaped[Tensor, "*batch in"], draw: Draw | None = None
    ) -> Shaped[Tensor, "*batch out"]:
        for layer in range(self.depth):
            x = self.activated(linear(self.weights[layer], x) + self.biases[layer], layer)
        return linear(self.weights[-1], x) + self.biases[-1]


def _check_layers(depth: int, activation: str) -> None:
    check_sizes(least=1, depth=depth)
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        known = ", ".join(repr(name) for name in ACTIVATIONS)
        raise ValueError(f"activation must be one of {known}; got {activation!r}")
