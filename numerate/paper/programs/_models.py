"""Models that execute a program: from its tokens, one at a time, to a number."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from numerate.arguments import check_sizes
from numerate.units import Unit

from ._dnc import DNC

VIEWS = ("kinds", "signs", "registers", "numbers")
# The scale of A relative to Glorot's initialisation: a unit starts nearly equal at every token, as
# without an LSTM.
_SPREAD = 0.1
# The divisors of registers as inputs of an LSTM.
_SCALES = (1.0, 10.0, 100.0)


class ConfiguredUnit(eqx.Module):
    """A recurrent unit that an LSTM configures at every step.

    r_t = unit_t([x_t, r_{t-1}]) with the parameters Θ_t = γ (A h_t + b) of unit_t, where x_t is the
    number in the t-th token, or 0, r_t the registers after it and h_t the LSTM's output; r_0 = 0. A
    and b are free parameters. A starts at a tenth of Glorot's scale, and γ b with the unit's own
    initialisation. Bounded parameters of a unit are clipped, and gradients that drive them further
    outside are 0. The answer is the first register after the last token.

    The inputs of the LSTM are the one-hot kind k_t of the token and, by `sees`,

    - `"kinds"`: nothing else, so that its output does not depend on the numbers;
    - `"signs"`: 1, 0 or -1 for each of r_{t-1}, with 0 from -1/2 to 1/2, so that it can branch
      without depending on magnitudes. Gradients are those of softsign(r/10), since a sign has none;
    - `"registers"`: tanh(r_{t-1}), tanh(r_{t-1}/10) and tanh(r_{t-1}/100), so that it can branch;
      registers beyond the training range give inputs that were not trained on;
    - `"numbers"`: x_t/`scale`, a literal reading of the paper, which gives no details.

    **Arguments:**

    - `unit`: a unit's class, or any function of `(in_features, out_features, *, key)`; the LSTM
      computes all its arrays.
    - `kinds`: number of kinds of tokens.
    - `registers`: features of r_t.
    - `hidden_size`: features of h_t.
    - `sees`: the further inputs of the LSTM, as above.
    - `gain`: γ. Weights that are -1, 0 or 1 for all values of the registers need large, saturated
      parameters, which a larger gain reaches in fewer steps.
    - `scale`: the divisor of numbers as inputs of the LSTM.
    - `key`: draws the parameters.

    **Shapes:** `(time, 1 + kinds)`, rows [x_t, k_t], to `(1,)`. A row with k_t = 0 is padding and
    changes nothing.

    **Represents exactly** with a `NAU`, sums and differences of as many intermediate results as
    there are registers, and with `"registers"` also branches on comparisons. **Cannot** represent
    deeper nesting than it has registers.

    **Raises:** `ValueError` for another `sees`, a negative size, no registers, or a `gain` that is
    not positive.

    !!! example
        >>> from numerate.paper.programs import Programs
        >>> from numerate.units import NAU
        >>> model = ConfiguredUnit(NAU, 9, 2, 16, key=jax.random.key(0))
        >>> model(Programs("add").validation()[0][0]).shape
        (1,)

    Trask et al. (2018), §4.4. The paper gives neither the unit's input nor its state; here they are
    those of `numerate.cells.Recurrent`.
    """

    controller: eqx.nn.LSTMCell
    produce: eqx.nn.Linear
    unit: Callable[..., Unit] = eqx.field(static=True)
    registers: int = eqx.field(static=True)
    sees: str = eqx.field(static=True)
    gain: float = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    def __init__(
        self,
        unit: Callable[..., Unit],
        kinds: int,
        registers: int,
        hidden_size: int,
        *,
        sees: str = "kinds",
        gain: float = 1.0,
        scale: float = 100.0,
        key: PRNGKeyArray,
    ):
        check_sizes(kinds=kinds, hidden_size=hidden_size)
        if registers < 1:
            raise ValueError(f"registers must be at least 1, got {registers}")
        if not gain > 0:
            raise ValueError(f"gain must be above 0, got {gain}")
        if sees not in VIEWS:
            raise ValueError(f"sees must be one of {', '.join(VIEWS)}; got {sees!r}")
        keys = jax.random.split(key, 4)
        more = {"kinds": 0, "signs": registers, "registers": len(_SCALES) * registers, "numbers": 1}
        seen = kinds + more[sees]
        self.controller = eqx.nn.LSTMCell(seen, hidden_size, key=keys[0])
        start = _flat(unit(1 + registers, registers, key=keys[1]))
        range_ = _SPREAD * math.sqrt(6 / (hidden_size + len(start)))
        weight = jax.random.uniform(
            keys[2], (len(start), hidden_size), minval=-range_, maxval=range_
        )
        linear = eqx.nn.Linear(hidden_size, len(start), key=keys[3])
        self.produce = eqx.tree_at(
            lambda one: (one.weight, one.bias), linear, (weight, start / gain)
        )
        self.unit = unit
        self.registers = registers
        self.sees = sees
        self.gain = gain
        self.scale = scale

    def configured(self, h: Float[Array, "hidden"]) -> Unit:
        """The unit configured by the LSTM's output h."""
        return _bounded(_unflattened(self.gain * self.produce(h), self._shapes()))

    def sharpened(self, factor: Any) -> "ConfiguredUnit":
        """The model with a gain larger by `factor`, so that weights of tanh and σ are closer to
        saturation."""
        produce = jax.tree.map(lambda leaf: factor * leaf, self.produce)
        return eqx.tree_at(lambda model: model.produce, self, produce)

    def _shapes(self) -> Unit:
        sizes = 1 + self.registers, self.registers
        return eqx.filter_eval_shape(self.unit, *sizes, key=jax.random.key(0))

    def run(
        self, tokens: Float[Array, "time features"]
    ) -> tuple[Float[Array, "time registers"], Float[Array, ""]]:
        """The registers after every token, and the mean penalty of the configured units."""

        def step(state: Any, token: Float[Array, "features"]) -> Any:
            h, c, r = state
            x, kind = token[:1], token[1:]
            h, c = self.controller(self._seen(x, kind, r), (h, c))
            unit = self.configured(h)
            there = kind.any()
            new = jax.tree.map(
                lambda new, old: jnp.where(there, new, old),
                (h, c, unit(jnp.concatenate([x, r]))),
                state,
            )
            return new, (new[2], jnp.where(there, unit.penalty(), 0.0))

        zeros = jnp.zeros(self.controller.hidden_size)
        start = zeros, zeros, jnp.zeros(self.registers)
        _, (registers, penalties) = jax.lax.scan(step, start, tokens)
        return registers, jnp.sum(penalties) / jnp.maximum(tokens[:, 1:].sum(), 1)

    def __call__(
        self, tokens: Float[Array, "time features"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "1"]:
        return self.run(tokens)[0][-1, :1]

    def penalty_weight(self, progress: Any) -> Any:
        """The factor of the penalty, by the schedule of the unit's paper."""
        return self._shapes().penalty_weight(progress)

    def _seen(self, x: Array, kind: Array, r: Array) -> Array:
        if self.sees == "signs":
            return jnp.concatenate([kind, _sign(r)])
        if self.sees == "registers":
            return jnp.concatenate([kind, *(jnp.tanh(r / scale) for scale in _SCALES)])
        return jnp.concatenate([kind, x / self.scale]) if self.sees == "numbers" else kind


def _sign(r: Array) -> Array:
    """The sign of the nearest integer, with the gradient of a smooth sign."""
    smooth = jax.nn.soft_sign(r / 10)
    return smooth + jax.lax.stop_gradient(jnp.sign(jnp.round(r)) - smooth)


def _flat(unit: Unit) -> Float[Array, "parameters"]:
    arrays = jax.tree.leaves(eqx.filter(unit, eqx.is_array))
    return jnp.concatenate([leaf.ravel() for leaf in arrays])


def _unflattened(parameters: Float[Array, "parameters"], shapes: Any) -> Any:
    """The unit whose arrays are parts of `parameters`, in the order of its fields."""
    leaves, structure = jax.tree.flatten(shapes)
    parts, start = [], 0
    for leaf in leaves:
        if isinstance(leaf, jax.ShapeDtypeStruct):
            parts.append(parameters[start : start + leaf.size].reshape(leaf.shape))
            start += leaf.size
        else:
            parts.append(leaf)
    return jax.tree.unflatten(structure, parts)


def _bounded(unit: Unit) -> Unit:
    for name, (low, high) in unit.bounds().items():
        kept = _projected(getattr(unit, name), low, high)
        unit = eqx.tree_at(lambda u, name=name: getattr(u, name), unit, kept)
    return unit


@partial(jax.custom_vjp, nondiff_argnums=(1, 2))
def _projected(x: Array, low: float, high: float) -> Array:
    """x clipped to an interval. The gradient is that of the identity, except that it is 0 where it
    would drive x further outside. It acts like a projection after every step, for an x that is
    computed."""
    return jnp.clip(x, low, high)


def _projected_forward(x: Array, low: float, high: float) -> tuple[Array, Array]:
    return jnp.clip(x, low, high), x


def _projected_backward(low: float, high: float, x: Array, gradient: Array) -> tuple[Array]:
    out = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
    return (jnp.where(out, 0, gradient),)


_projected.defvjp(_projected_forward, _projected_backward)


class CellProgramModel(eqx.Module):
    """A recurrent cell on a program's tokens, and a linear layer for the answer.

    **Arguments:**

    - `cell`: a function of `(input_size, hidden_size, *, key)` that makes a cell, such as
        `equinox.nn.LSTMCell`, `UGRNN` or `DNC`: `cell(x, state)` is
        the next state, of which the first array, if there are several, is the output.
    - `kinds`: number of kinds of tokens.
    - `hidden_size`: of the cell.
    - `scale`: the divisor of input numbers and the factor of the output.
    - `key`: draws the parameters.

    **Shapes:** `(time, 1 + kinds)` to `(1,)`; rows without a kind are padding.

    !!! example
        >>> model = CellProgramModel(eqx.nn.LSTMCell, 9, 16, key=jax.random.key(0))
        >>> model(jnp.ones((5, 10))).shape
        (1,)
    """

    cell: Any
    readout: eqx.nn.Linear
    pair: bool = eqx.field(static=True)
    scale: float = eqx.field(static=True)

    def __init__(
        self,
        cell: Callable[..., Any],
        kinds: int,
        hidden_size: int,
        *,
        scale: float = 100.0,
        key: PRNGKeyArray,
    ):
        check_sizes(kinds=kinds, hidden_size=hidden_size)
        keys = jax.random.split(key)
        self.cell = cell(1 + kinds, hidden_size, key=keys[0])
        features = self.cell.output_size if isinstance(self.cell, DNC) else hidden_size
        self.readout = eqx.nn.Linear(features, 1, key=keys[1])
        self.pair = isinstance(self.cell, eqx.nn.LSTMCell)
        self.scale = scale

    def __call__(
        self, tokens: Float[Array, "time features"], *, key: PRNGKeyArray | None = None
    ) -> Float[Array, "1"]:
        def step(state: Any, token: Array) -> Any:
            x = token.at[0].divide(self.scale)
            new = self.cell(x, state)
            there = token[1:].any()
            return jax.tree.map(lambda a, b: jnp.where(there, a, b), new, state), None

        zeros = jnp.zeros(self.cell.hidden_size)
        start = (zeros, zeros) if self.pair else zeros
        if isinstance(self.cell, DNC):
            start = self.cell.start()
        # A DNC has so many intermediate results that storing them for the gradient takes longer
        # than recomputing them.
        again = jax.checkpoint(step, prevent_cse=False)
        state, _ = jax.lax.scan(again, start, tokens)
        return self.scale * self.readout(jax.tree.leaves(state)[0])
