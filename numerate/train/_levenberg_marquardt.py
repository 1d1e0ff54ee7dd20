"""Levenberg-Marquardt for a whole population of small models at once.

The Levenberg-Marquardt of Optimistix is built for one problem: under `vmap` it factors through
linear operators and re-solves rejected steps one by one. Here thousands of tiny dense systems share
one loop, which forms and factors the normal equations in a batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Residual = Callable[..., jax.Array]

DAMPING_START = 1e-2
DAMPING_RANGE = (1e-15, 1e12)
BEND = 0.375  # largest acceleration, relative to the step, that is still trusted

# XLA factors the matrices of a batch in parallel and waits for that in a thread of the same pool:
# two programs that do so at once wait for each other for ever on two cores (jaxlib 0.10).
_one_at_a_time = threading.Lock()


class Fitted(NamedTuple):
    """What `levenberg_marquardt` returns, as NumPy float64 arrays.

    **Fields:**

    - `parameters`: `(population, n_parameters)`.
    - `loss`: `(population,)`, the mean squared residual; `inf` if it was never finite.
    - `iterations`: `(population,)`, steps taken until the loss stopped falling.
    """

    parameters: np.ndarray
    loss: np.ndarray
    iterations: np.ndarray


def levenberg_marquardt(
    residual: Residual,
    starts: np.ndarray,
    *,
    shared: tuple = (),
    each: tuple = (),
    steps: int = 200,
    tolerance: float = 1e-30,
    enough: int | None = None,
) -> Fitted:
    """Minimise the mean of `residual(parameters, *shared, *each_i)**2` from every start.

    All starts advance together in float64, whatever JAX's default precision; a start that
    has converged is frozen, and the loop ends when all have. The compiled program is cached for the
    same `residual` object and shapes.

    **Arguments:**

    - `residual`: a pure function from a parameter vector `(n_parameters,)` and the further
      arguments to residuals `(rows,)`.
    - `starts`: `(population, n_parameters)`.
    - `shared`: arrays that all starts share, such as the table.
    - `each`: arrays with a leading population axis, one slice for each start.
    - `steps`: the maximum number of iterations.
    - `tolerance`: a start has converged when its mean squared residual is at most this.
    - `enough`: stop when this many starts have converged; `None` waits for all.

    **Returns:** a `Fitted`, in the order of `starts`.

    **Raises:** `ValueError` if `starts` is not a matrix.

    !!! example
        >>> import numpy as np
        >>> x = np.linspace(1.0, 2.0, 20)
        >>> fitted = levenberg_marquardt(lambda p, x: p[0] * x ** p[1] - 3 * x**2,
        ...                    np.array([[1.0, 1.0]]), shared=(x,))
        >>> fitted.parameters.round(9)
        array([[3., 2.]])

    Levenberg (1944), Quarterly of Applied Mathematics 2(2); Marquardt (1963), SIAM Journal
    11(2), whose scaling by the diagonal makes the steps independent of the units; the
    damping rule is Nielsen's (1999), IMM-REP-1999-05. The geodesic acceleration is that of
    Transtrum & Sethna (2012), arXiv:1201.5885: on stacks it raises the number of 64 starts that are
    solved from one to a dozen (`benchmarks/levenberg_marquardt.py`, sqrt(a² + b²)).
    """
    starts = np.asarray(starts, np.float64)
    if starts.ndim != 2:
        raise ValueError(f"starts must have shape (population, n_parameters), got {starts.shape}")
    with jax.enable_x64(True):
        tables = jax.tree.map(lambda a: jnp.asarray(a, _wide(a)), (shared, each))
        limits = (steps, tolerance, enough or len(starts))
        with _one_at_a_time:
            solved = _population(residual, jnp.asarray(starts), *tables, *limits)
            return Fitted(*(np.asarray(a) for a in solved))


def _wide(array):
    return np.float64 if np.issubdtype(np.asarray(array).dtype, np.floating) else None


class _State(NamedTuple):
    parameters: jax.Array
    loss: jax.Array
    damping: jax.Array
    growth: jax.Array
    stalled: jax.Array
    iterations: jax.Array


@partial(jax.jit, static_argnums=0)
def _population(residual, starts, shared, each, steps, tolerance, enough):
    """One `while_loop` for all starts: (parameters, loss, iterations)."""

    def loss_of(parameters, own):
        value = jnp.mean(residual(parameters, *shared, *own) ** 2)
        return jnp.where(jnp.isfinite(value), value, jnp.inf)

    def propose(parameters, damping, own):
        def along(p, direction):
            return jax.jvp(lambda q: residual(q, *shared, *own), (p,), (direction,))[1]

        def curvature(direction):
            second = jax.jvp(lambda p: along(p, direction), (parameters,), (direction,))[1]
            return jnp.where(jnp.isfinite(second), second, 0.0)

        r = residual(parameters, *shared, *own)
        jacobian = jax.jacfwd(residual)(parameters, *shared, *own)
        # A start with an overflowing row must not poison the batched factorisation.
        jacobian = jnp.where(jnp.isfinite(jacobian), jacobian, 0.0)
        r = jnp.where(jnp.isfinite(r), r, 0.0)
        scale = jnp.sqrt(jnp.sum(jacobian**2, axis=0))
        # A column of zeros is a parameter that is fixed or has no effect: it stays.
        scale = jnp.where(scale > 0, scale, 1.0)
        jacobian = jacobian / scale
        normal = jacobian.T @ jacobian + damping * jnp.eye(scale.size)
        gradient = jacobian.T @ r
        factor = (jnp.linalg.cholesky(normal), True)
        step = jax.scipy.linalg.cho_solve(factor, gradient)
        predicted = step @ (damping * step + gradient) / r.size
        bend = jax.scipy.linalg.cho_solve(factor, jacobian.T @ curvature(-step / scale)) / 2
        gentle = jnp.linalg.norm(bend) <= BEND * jnp.linalg.norm(step)
        step = step + jnp.where(gentle, bend, 0.0)
        return parameters - step / scale, predicted

    def advance(state: _State) -> _State:
        trial, predicted = jax.vmap(propose)(state.parameters, state.damping, each)
        loss = jax.vmap(loss_of)(trial, each)
        gain = (state.loss - loss) / predicted
        better = loss < state.loss
        active = ~_finished(state, tolerance)
        moved = better & active
        shrink = jnp.maximum(1 / 3, 1 - (2 * jnp.where(better, gain, 0.0) - 1) ** 3)
        damping = jnp.where(better, state.damping * shrink, state.damping * state.growth)
        improved = better & (loss < state.loss * (1 - 1e-3))
        return _State(
            parameters=jnp.where(moved[:, None], trial, state.parameters),
            loss=jnp.where(moved, loss, state.loss),
            damping=jnp.where(active, jnp.clip(damping, *DAMPING_RANGE), state.damping),
            growth=jnp.where(better, 2.0, jnp.minimum(state.growth * 2, 1e6)),
            stalled=jnp.where(improved, 0, state.stalled + 1),
            iterations=state.iterations + active.astype(int),
        )

    def go_on(carry):
        state, i = carry
        solved = jnp.sum(state.loss <= tolerance)
        return (i < steps) & (solved < enough) & ~jnp.all(_finished(state, tolerance))

    size = starts.shape[0]
    state = _State(
        parameters=starts,
        loss=jax.vmap(loss_of)(starts, each),
        damping=jnp.full(size, DAMPING_START),
        growth=jnp.full(size, 2.0),
        stalled=jnp.zeros(size, int),
        iterations=jnp.zeros(size, int),
    )
    state, _ = jax.lax.while_loop(go_on, lambda c: (advance(c[0]), c[1] + 1), (state, 0))
    return state.parameters, state.loss, state.iterations


def _finished(state: _State, tolerance) -> jax.Array:
    """Whether a start has converged, was never finite, or has long stopped improving."""
    return (state.loss <= tolerance) | ~jnp.isfinite(state.loss) | (state.stalled >= 20)
