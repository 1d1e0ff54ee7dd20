"""Small stacks of sum and product layers, trained as a population from many random starts.

A stack alternates the two halves of a NALU (Trask et al. 2018), each with free weights:
a sum layer S: h → C h + b, and a product layer P: h → ∏ᵢ |hᵢ|^{Wᵢ}, with a sign where the
start gave the input an odd power. `"PS"` is a sum of products, `"SP"` a product of sums.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from numerate.formula import Rows, signed_power
from numerate.regress._programs import kept_programs
from numerate.train import levenberg_marquardt

_TINY = 1e-300  # keeps the logarithm of 0 finite
_WEIGHTS = (1e-6, 1e6)  # of a row, relative to the others
_MAX_FREE = 12  # free weights of an approximation that is short enough to be useful
_POWERS = np.array([1.0, 1.0, 1.0, -1.0, -1.0, 2.0, 0.5, -2.0, -0.5])


class Layer(NamedTuple):
    """A sum (`"S"`) or product (`"P"`) layer, and where its weights are among the parameters."""

    kind: str
    fan_in: int
    fan_out: int
    weights: slice
    biases: slice  # empty for a product

    def matrix(self, parameters):
        """The layer's weights, `(fan_out, fan_in)`."""
        return parameters[self.weights].reshape(self.fan_out, self.fan_in)


@dataclass(frozen=True)
class Architecture:
    """A kind of stack: `kinds` of layers from input to output and the `sizes` between them.

    `Architecture("SP", (2, 3, 1))` is y = ∏ₖ (wₖ·x + bₖ)^{pₖ}, three factors of two features.
    """

    kinds: str
    sizes: tuple[int, ...]

    @cached_property
    def layers(self) -> list[Layer]:
        layers, at = [], 0
        for kind, fan_in, fan_out in zip(self.kinds, self.sizes, self.sizes[1:], strict=False):
            weights = slice(at, at + fan_in * fan_out)
            biases = slice(weights.stop, weights.stop + fan_out * (kind == "S"))
            layers.append(Layer(kind, fan_in, fan_out, weights, biases))
            at = biases.stop
        return layers

    @property
    def n_parameters(self) -> int:
        return self.layers[-1].biases.stop

    def residual(self, parameters, features, target, importance, odd, free):
        """`(rows,)`; `odd` marks powers that keep a sign, `free` the weights that may move."""
        parameters = jnp.where(free, parameters, jax.lax.stop_gradient(parameters))
        h = features
        for layer in self.layers:
            if layer.kind == "S":
                h = h @ layer.matrix(parameters).T + parameters[layer.biases]
            else:
                flips = (h < 0).astype(h.dtype) @ layer.matrix(odd).T
                size = jnp.exp(jnp.log(jnp.abs(h) + _TINY) @ layer.matrix(parameters).T)
                h = size * (1 - 2 * (flips % 2))
        return (h[:, 0] - target) * importance

    def starts(self, population: int, signed: np.ndarray, rng: np.random.Generator):
        """Random parameters, odd powers and free weights, each `(population, n_parameters)`.

        Half of the starts are sparse: some hidden features are off and some weights are fixed at
        zero, so that a small formula is fitted by a small stack. `signed` marks the features
        that have negative values.
        """
        drawn = [self._start(signed, rng, sparse=i % 2 == 0) for i in range(population)]
        return tuple(np.stack(part) for part in zip(*drawn, strict=True))

    def _start(self, signed, rng, sparse: bool):
        parameters, odd = np.zeros(self.n_parameters), np.zeros(self.n_parameters)
        free = np.zeros(self.n_parameters, bool)
        alive, negative = np.ones(self.sizes[0], bool), signed
        for layer in self.layers:
            on = np.ones(layer.fan_out, bool)
            if sparse and layer is not self.layers[-1]:
                on[rng.integers(1, layer.fan_out + 1) :] = False
            used = on[:, None] & alive[None, :]
            if sparse and layer.fan_in > 2:
                used &= rng.random(used.shape) < 0.7
            draw = _sum_weights if layer.kind == "S" else _powers
            weight, odd_powers = draw(used.shape, sparse, rng)
            biased = on & (rng.random(layer.fan_out) < (0.5 if sparse else 1.0))
            if layer.kind == "S":
                parameters[layer.biases] = np.where(biased, rng.normal(size=layer.fan_out), 0)
                free[layer.biases] = biased
            parameters[layer.weights] = np.where(used, weight, 0).ravel()
            odd[layer.weights] = (odd_powers & used & negative).ravel()
            free[layer.weights] = used.ravel()
            alive, negative = on, np.ones(layer.fan_out, bool)
        return parameters, odd, free

    def formula(self, parameters, odd, free, symbols) -> sympy.Expr:
        """The stack as a SymPy expression with a `Float` for each free weight."""
        constants = _constants(parameters, free)
        h = list(symbols)
        for layer in self.layers:
            matrix = layer.matrix(constants)
            if layer.kind == "S":
                biases = constants[layer.biases]
                h = [sympy.Add(b, *(row * h)) for row, b in zip(matrix, biases, strict=True)]
            else:
                rows = zip(matrix, layer.matrix(odd), strict=True)
                h = [sympy.Mul(*map(signed_power, h, row, signs)) for row, signs in rows]
        return h[0]


def _sum_weights(shape, sparse, rng):
    # Sums with weights of one sign rarely cross zero, where a power has a pole or a kink.
    weights = rng.normal(size=shape)
    return (np.abs(weights) if rng.random() < 0.5 else weights), np.zeros(shape, bool)


def _powers(shape, sparse, rng):
    chosen = rng.choice(_POWERS, shape) * (rng.random(shape) < (1.0 if sparse else 0.5))
    return chosen + rng.normal(scale=0.1, size=shape), chosen % 2 == 1


def _constants(values, free) -> np.ndarray:
    exact = [sympy.Float(v) if f else sympy.Integer(0) for v, f in zip(values, free, strict=True)]
    return np.array(exact, object)


@cache
def stack(kinds: str, n_features: int) -> Architecture:
    """The stack that the search uses for these kinds of layers. It is the same object each time,
    so that its compiled training program is reused.

    !!! example
        >>> stack("PSP", 2).sizes
        (2, 4, 2, 1)
    """
    widths = {"PS": (4,), "SP": (3,), "PSP": (4, 2), "SPS": (4, 3)}
    widths |= {"PSPS": (4, 3, 2), "SPSP": (3, 3, 2)}
    return Architecture(kinds, (n_features, *widths[kinds], 1))


@cache
def _residual(architecture: Architecture):
    """One function object for each stack: `levenberg_marquardt` compiles once for each."""
    return architecture.residual


def train_population(
    architecture: Architecture,
    rows: Rows,
    population: int,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-9,
    weight_cost: float = 0.2,
    steps: int = 150,
) -> Iterator[sympy.Expr]:
    """Fit a population to a table and read out its formulas, the best first.

    Features and target are scaled to a magnitude of one for training; the formulas are scaled
    back. They are ranked by the logarithm of the relative error plus `weight_cost` for each
    free weight; errors below `tolerance` count as equal. Large stacks with larger errors are
    left out.
    """
    size = _sizes(rows.features)
    (spread,) = _sizes(rows.target[:, None])
    parameters, odd, free = architecture.starts(population, rows.features.min(axis=0) < 0, rng)
    with kept_programs():
        fitted = levenberg_marquardt(
            _residual(architecture),
            parameters,
            shared=_padded(rows.features / size, rows.target / spread, rows.scale),
            each=(odd, free),
            steps=steps,
            enough=max(1, population // 8),
        )
    scaled = [s / sympy.Rational(z) for s, z in zip(rows.symbols, size, strict=True)]
    target, weight = rows.target / spread, np.clip(np.median(rows.scale) / rows.scale, *_WEIGHTS)
    mean = np.average(target, weights=weight**2)
    errors = np.sqrt(fitted.loss / (np.mean((weight * (target - mean)) ** 2) or 1.0))
    price = np.log(np.maximum(errors, tolerance)) + weight_cost * free.sum(axis=1)
    for i in np.argsort(price, kind="stable"):
        if np.isfinite(errors[i]) and (errors[i] < tolerance or free[i].sum() <= _MAX_FREE):
            read = architecture.formula(fitted.parameters[i], odd[i], free[i], scaled)
            yield sympy.Rational(spread) * read


def _padded(features: np.ndarray, target: np.ndarray, scale: np.ndarray):
    """Features, target and weights, padded to a power of two with rows of weight zero.

    Tables of similar length then share one compiled program.
    """
    count = len(target)
    rows = max(16, 1 << (count - 1).bit_length())
    weight = np.zeros(rows)
    weight[:count] = np.sqrt(rows / count) * np.clip(np.median(scale) / scale, *_WEIGHTS)
    extra = [(0, rows - count)]
    features = np.pad(features, [*extra, (0, 0)], constant_values=1.0)
    return features, np.pad(target, extra), weight


def _sizes(features: np.ndarray) -> np.ndarray:
    """A power of two near each feature's typical magnitude: dividing by it is exact."""
    magnitude = np.abs(np.where(features == 0, np.nan, features))
    with np.errstate(all="ignore"):
        exponent = np.nanmean(np.log2(magnitude), axis=0)
    return 2.0 ** np.round(np.nan_to_num(exponent))
