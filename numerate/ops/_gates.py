"""Gates: numbers between 0 and 1 that choose between two results."""

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace
from numerate.ops._sums import linear


def sigmoid_gate(
    gate_weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"]
) -> Shaped[Tensor, "*batch out"]:
    """g = σ(G x), the gate of the NALU, which depends on the input and has no bias.

    **Arguments:** `gate_weight` (G), `(out, in)`; `x`, `(*batch, in)`.

    **Returns:** g, `(*batch, out)`, in [0, 1].

    **Value:** 1/2 at x = 0, and g(-x) = 1 - g(x) for every G: a gate that is open for some
    input is closed for the opposite one.

    **Gradient:** ∂g/∂(Gx) = g (1 - g), zero where the gate is saturated.

    !!! example
        >>> import jax.numpy as jnp
        >>> gate_weight = jnp.array([[3.0, 3.0]])
        >>> for x in ([1.0, 1.0], [0.0, 0.0], [-1.0, -1.0]):
        ...     print(sigmoid_gate(gate_weight, jnp.array(x)).round(3))
        [0.998]
        [0.5]
        [0.002]

    Trask et al. (2018), arXiv:1808.00508, section 2.
    """
    return namespace(x).sigmoid(linear(gate_weight, x))


def mix(
    gate: Shaped[Tensor, "*#batch #out"],
    a: Shaped[Tensor, "*batch out"],
    m: Shaped[Tensor, "*batch out"],
) -> Shaped[Tensor, "*batch out"]:
    """y = g ⊙ a + (1 - g) ⊙ m.

    **Arguments:** `gate` (g), `(out,)` or `(1,)`, with or without the batch; `a` and `m`,
    `(*batch, out)`.

    **Returns:** y, `(*batch, out)`.

    **Value:** `a` at g = 1 and `m` at g = 0, but only of finite numbers: a closed gate does
    not shield from an overflowing branch, since 0 · ∞ is NaN.

    **Gradient:** ∂y/∂g = a - m, ∂y/∂a = g, ∂y/∂m = 1 - g.

    !!! example
        >>> import jax.numpy as jnp
        >>> mix(jnp.array([1.0, 0.5]), jnp.array([2.0, 2.0]), jnp.array([6.0, 6.0]))
        Array([2., 4.], dtype=float32)
    """
    return gate * a + (1 - gate) * m
