"""The update-gate recurrent network of Collins et al. (2017)."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.arguments import check_sizes, default_float
from numerate.initialisers import initialiser


class UGRNN(eqx.Module):
    """Update-gate recurrent network: a gate interpolates between the old state and a new one.

    g_t = σ(W_g [x_t, h_{t-1}] + b_g) and h_t = g_t ⊙ h_{t-1} + (1 - g_t) ⊙ tanh(W_c [x_t, h_{t-1}]
    + b_c), where x_t is the input at step t, h_t the state after it, σ the logistic function and
    ⊙ the elementwise product. W and b are free parameters.

    **Arguments:** `input_size`, of x_t; `hidden_size`, of h_t; `key`, which draws W uniform as
    Glorot & Bengio. b_g starts at 1, so that states are kept at first, and b_c at 0.

    **Shapes:** `(input_size,)` and a state `(hidden_size,)` to the next state.

    **Represents exactly** only a constant state, with a saturated gate. **Cannot** represent a sum
    or a product: new states lie in [-1, 1].

    **Penalty:** none.

    **Constraint:** none.

    **Raises:** `ValueError` for a negative size.

    **Differs from the authors' code in** nothing we know: theirs is not public. The initial b_g is
    ours.

    !!! example
        >>> cell = UGRNN(3, 4, key=jax.random.key(0))
        >>> cell(jnp.ones(3), jnp.zeros(4)).shape
        (4,)

    ```bibtex
    @inproceedings{collins2017capacity,
        title={Capacity and Trainability in Recurrent Neural Networks},
        author={Collins, Jasmine and Sohl-Dickstein, Jascha and Sussillo, David},
        booktitle={International Conference on Learning Representations},
        year={2017},
        eprint={1611.09913},
        archivePrefix={arXiv},
    }
    ```
    """

    weight: Float[Array, "gates features"]
    bias: Float[Array, "gates"]
    input_size: int = eqx.field(static=True)
    hidden_size: int = eqx.field(static=True)

    def __init__(self, input_size: int, hidden_size: int, *, key: PRNGKeyArray):
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        shape, dtype = (2 * hidden_size, input_size + hidden_size), default_float(None)
        self.weight = initialiser("glorot_uniform")(key, shape, dtype)
        self.bias = jnp.zeros(2 * hidden_size, dtype).at[:hidden_size].set(1.0)
        self.input_size = input_size
        self.hidden_size = hidden_size

    def __call__(
        self, x: Float[Array, "input"], h: Float[Array, "hidden"]
    ) -> Float[Array, "hidden"]:
        """h_t from x_t and h_{t-1}."""
        both = self.weight @ jnp.concatenate([x, h]) + self.bias
        gate, new = jax.nn.sigmoid(both[: self.hidden_size]), jnp.tanh(both[self.hidden_size :])
        return gate * h + (1 - gate) * new
