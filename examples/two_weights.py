"""Two weights learn to subtract: a million steps of plain gradient descent.

A neural accumulator with two weights, W = tanh(Ŵ) ⊙ σ(M̂), learns x₀ - x₁ from one example per
step. x₀ and x₁ are uniform on (0, 1), the loss is ½(Wx - (x₀ - x₁))², the learning rate is 1, and
all parameters start at zero. The two weights l₀ and l₁ are printed every 50,000 steps.

They approach +1 and -1 ever more slowly, because tanh and σ reach 1 only in the limit. With
δ = 1 - |l| and both factors close to 1, |l| ≈ 1 - 2e^(-2|Ŵ|) - e^(-M̂), and the gradients of Ŵ and
M̂ shrink with δ² and with δ. So δ decreases like one over the square root of the number of steps.
After a million steps it is still 0.0028: more steps alone do not make the weights exact.

    python examples/two_weights.py
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from numerate.tasks import step_key, uniform
from numerate.units import NAC

STEPS, PRINT_EVERY = 1_000_000, 50_000


def loss(unit: NAC, x: Float[Array, "2"]) -> Float[Array, ""]:
    return (unit(x)[0] - (x[0] - x[1])) ** 2 / 2


def step(i: Array, unit: NAC) -> NAC:
    """One step of gradient descent with learning rate 1, on a new example."""
    x = uniform(step_key(jax.random.key(0), i), (2,))
    gradient = jax.grad(loss)(unit, x)
    return jax.tree.map(lambda p, g: p - g, unit, gradient)


@jax.jit
def train(unit: NAC) -> Float[Array, "prints 2"]:
    """The weights after every `PRINT_EVERY` steps, computed in one compiled program."""

    def until_print(unit: NAC, start: Array) -> tuple[NAC, NAC]:
        unit = jax.lax.fori_loop(start, start + PRINT_EVERY, step, unit)
        return unit, unit

    _, units = jax.lax.scan(until_print, unit, jnp.arange(0, STEPS, PRINT_EVERY))
    return jax.vmap(lambda unit: unit.weight[0])(units)


def zero_unit() -> NAC:
    """`"constant"` starts every parameter at 0; the first step then changes only Ŵ."""
    return NAC(2, 1, w_hat_init="constant", m_hat_init="constant", key=jax.random.key(0))


def main() -> None:
    print(f"{'steps':>9}  {'l0':>9}  {'l1':>9}")
    for i, (first, second) in enumerate(train(zero_unit()).tolist(), start=1):
        print(f"{i * PRINT_EVERY:>9,}  {first:>9.6f}  {second:>9.6f}")


if __name__ == "__main__":
    main()
