"""Gates: numbers between 0 and 1 that choose between two results."""

from jaxtyping import Shaped

from numerate.ops._backend import Tensor, namespace
from numerate.ops._sums import linear


def sigmoid_gate(
    gate_weight: Shaped[Tensor, "out in"], x: Shaped[Tensor, "*batch in"], slope: float = 1.0
) -> Shaped[Tensor, "*batch out"]:
    """g = σ(s G x), the gate of the NALU, which depends on the input and has no bias.

    **Arguments:** `gate_weight` (G), `(out, in)`; `x`, `(*batch, in)`; `slope` (s), 1 in the NALU
    paper and `GOLDEN_SLOPE` in the G-NALU paper.

    **Returns:** g, `(*batch, out)`, in [0, 1].

    **Value:** 1/2 at x = 0, and g(-x) = 1 - g(x) for every G: a gate that is open for some
    input is closed for the opposite one.

    **Gradient:** ∂g/∂(Gx) = s g (1 - g), zero where the gate is saturated.

    **Raises:** `ValueError` for an x of another width.

    !!! example
        >>> import jax.numpy as jnp
        >>> gate_weight = jnp.array([[3.0, 3.0]])
        >>> for x in ([1.0, 1.0], [0.0, 0.0], [-1.0, -1.0]):
        ...     print(sigmoid_gate(gate_weight, jnp.array(x)).round(3))
        [0.998]
        [0.5]
        [0.002]

    Trask et al. (2018), arXiv:1808.00508, section 2; the slope: Rana et al. (2019), ICTAI.
    """
    if x.shape[-1:] != gate_weight.shape[-1:]:
        width = gate_weight.shape[-1]
        raise ValueError(f"the gate takes {width} features, got an x of shape {tuple(x.shape)}")
    xp, pre = namespace(x), linear(gate_weight, x)
    return xp.sigmoid(pre if slope == 1.0 else slope * pre)


def constant_gate(
    gate_weight: Shaped[Tensor, "#out"], x: Shaped[Tensor, "*batch in"], out_features: int
) -> Shaped[Tensor, "*batch out"]:
    """g = σ(G), a gate that is the same for every input.

    **Arguments:** `gate_weight` (G), `(out,)`, or `(1,)` for one gate of all outputs; `x`,
    `(*batch, in)`, of which only the batch is used; `out_features`, the size of `out`.

    **Returns:** g, `(*batch, out)`, in [0, 1].

    **Value:** an open gate stays open outside the range of the training inputs.

    **Gradient:** ∂g/∂G = g (1 - g), zero where the gate is saturated; none with respect to x.

    !!! example
        >>> import jax.numpy as jnp
        >>> constant_gate(jnp.array([0.0, 50.0]), jnp.ones(3), 2)
        Array([0.5, 1. ], dtype=float32)
        >>> constant_gate(jnp.zeros(1), jnp.ones((4, 3)), 2).shape
        (4, 2)

    Schlör, Ring & Hotho (2020), Frontiers in Artificial Intelligence 3:71.
    """
    xp = namespace(x)
    return xp.broadcast_to(xp.sigmoid(gate_weight), (*x.shape[:-1], out_features))


def mix(
    gate: Shaped[Tensor, "*#batch #out"],
    a: Shaped[Tensor, "*batch out"],
    m: Shaped[Tensor, "*batch out"],
) -> Shaped[Tensor, "*batch out"]:
    """y = g ⊙ a + (1 - g) ⊙ m.

    **Arguments:** `gate` (g), `(out,)` or `(1,)`, with or without the batch; `a` and `m`,
    `(*batch, out)`.

    **Returns:** y, `(*batch, out)`.

    **Value:** `a` at g = 1 and `m` at g = 0 if both are finite: a closed gate does not mask a
    branch that overflows, since 0 · ∞ is NaN.

    **Gradient:** ∂y/∂g = a - m, ∂y/∂a = g, ∂y/∂m = 1 - g.

    !!! example
        >>> import jax.numpy as jnp
        >>> mix(jnp.array([1.0, 0.5]), jnp.array([2.0, 2.0]), jnp.array([6.0, 6.0]))
        Array([2., 4.], dtype=float32)
    """
    return gate * a + (1 - gate) * m
