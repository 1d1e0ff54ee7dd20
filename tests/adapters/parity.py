"""The differences between JAX, PyTorch and Keras for units of the table, as one JSON object.

    KERAS_BACKEND=torch python -m tests.adapters.parity "NAU NMU …" "NMU …"

The units of the second list are compared in both precisions, those of the first in float64.

A process has one Keras backend: JAX where the tests call `compare_all`, and PyTorch here. On the
JAX backend PyTorch and Keras are compared with JAX; on the PyTorch backend Keras is compared with
PyTorch. A distance is the largest difference between two values or gradients, relative to the
largest of them or to 1.
"""

import json
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import keras
import numpy as np
import torch

import numerate.keras
import numerate.torch
from tests.units.table import UNITS, differs_in_training

SIZES, BATCH = (3, 2), 4


def numbers(dtype, *shape, low=0.0, high=1.0):
    return np.random.default_rng(1).uniform(low, high, shape).astype(dtype)


def examples(dtype):
    """Inputs of both signs within a factor of four, where no unit is badly conditioned:
    exponentials and logarithms of the libraries differ by rounding errors, which |log y|
    multiplies."""
    signs = (-1.0) ** np.arange(BATCH * SIZES[0]).reshape(BATCH, -1)
    return (numbers(dtype, BATCH, SIZES[0], low=0.5, high=2.0) * signs).astype(dtype)


def draw_in(array, dtype):
    """The same draws in every library."""
    return lambda features: array(numbers(dtype, BATCH, features))


def with_gradients(function, both, cotangent):
    """The value of a function of parameters and examples, and its gradients by each."""

    def total(both):
        value = function(*both)
        return jnp.sum(value * cotangent if value.ndim else value), value

    (_, value), gradient = jax.value_and_grad(total, has_aux=True)(both)
    return [value, *jax.tree.leaves(gradient)]


def in_jax(unit, x, cotangent, dtype):
    """The outputs, the outputs in training and the penalty, each with gradients."""
    trained, frozen = eqx.partition(unit, eqx.is_inexact_array)
    functions = [
        lambda unit, x: jax.vmap(unit)(x),
        lambda unit, x: unit.equation(x, draw_in(jnp.asarray, dtype)),
        lambda unit, x: unit.penalty(),
    ]
    if not differs_in_training(unit):  # to compile the same equation again takes longer than all
        del functions[1]

    def with_unit(function):
        return lambda trained, x: function(eqx.combine(trained, frozen), x)

    both = trained, jnp.asarray(x)
    every = [with_unit(function) for function in functions]
    return jax.jit(lambda both: [with_gradients(f, both, cotangent) for f in every])(both)


def in_torch(unit, module, parameters, x, cotangent, dtype):
    x, cotangent = torch.tensor(x, requires_grad=True), torch.tensor(cotangent)

    def of(value):
        total = (value * cotangent).sum() if value.ndim else value
        wanted = [*parameters, x]
        none = [torch.zeros_like(p) for p in wanted]
        if total.requires_grad:
            got = torch.autograd.grad(total, wanted, allow_unused=True)
            none = [n if g is None else g for g, n in zip(got, none, strict=True)]
        return [a.detach().numpy() for a in (value, *none)]

    training = [module.equation(x, draw_in(torch.tensor, dtype))] * differs_in_training(unit)
    return [of(value) for value in (module(x), *training, module.penalty())]


def in_keras_on_jax(unit, layer, x, cotangent, dtype):
    functions = [
        layer,
        lambda x: layer.equation(x, draw_in(jnp.asarray, dtype)),
        lambda x: layer.penalty(),
    ]
    if not differs_in_training(unit):
        del functions[1]

    def with_values(function):
        def of(values, x):
            pairs = zip(layer.trainable_variables, values, strict=True)
            with keras.StatelessScope(state_mapping=pairs):
                return function(x)

        return of

    both = [v.value for v in layer.trainable_variables], jnp.asarray(x)
    return jax.jit(lambda b: [with_gradients(with_values(f), b, cotangent) for f in functions])(
        both
    )


def distances(got, wanted):
    return [distance(*pair) for pair in zip(got, wanted, strict=True)]


def distance(got, wanted):
    assert [g.shape for g in got] == [w.shape for w in wanted]
    assert [g.dtype for g in got] == [w.dtype for w in wanted]
    pairs = [(np.asarray(g), np.asarray(w)) for g, w in zip(got, wanted, strict=True)]
    return max(float(np.max(np.abs(g - w) / max(1, np.max(np.abs(w))))) for g, w in pairs)


def compare(name, dtype):
    """The distances: of the outputs, of the outputs in training if they differ, of the penalties.
    Keras must start as JAX does, too."""
    unit = UNITS[name].make(*SIZES, dtype=dtype, key=jax.random.key(3))
    given = examples(dtype), numbers(dtype, BATCH, SIZES[1]), dtype
    module, layer = numerate.torch.to_torch(unit).eval(), numerate.keras.to_keras(unit)
    started = getattr(numerate.keras, type(unit).__name__)(
        SIZES[1], **UNITS[name].kwargs, dtype=dtype, seed=3
    )
    started.build((None, SIZES[0]))
    assert eqx.tree_equal(numerate.keras.from_keras(started), unit), name
    parameters = list(module.parameters())
    if keras.backend.backend() == "torch":
        wanted = in_torch(unit, module, parameters, *given)
        variables = [v.value for v in layer.trainable_variables]
        return {"keras": distances(in_torch(unit, layer, variables, *given), wanted)}
    wanted = in_jax(unit, *given)
    return {
        "torch": distances(in_torch(unit, module, parameters, *given), wanted),
        "keras": distances(in_keras_on_jax(unit, layer, *given), wanted),
    }


def compare_all(names, single):
    """The distances by unit, dtype and library; of the units `single` in float32, too."""
    with jax.enable_x64(True):
        return {
            name: {d: compare(name, d) for d in ["float64"] + ["float32"] * (name in single)}
            for name in names
        }


if __name__ == "__main__":
    print(json.dumps(compare_all(*map(str.split, sys.argv[1:]))))
